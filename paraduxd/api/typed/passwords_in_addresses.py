"""Passwords that somebody has written into an address: `sftp://fred:pw@host/x`, or `sftp:fred:pw@host:/x` as restic and scp write it.

No address may hold one, because addresses are shown and logged. Whatever takes, shows or passes on an address asks here.
"""

from __future__ import annotations

import re

_PASSWORD = re.compile(
    r"""
    ://[^/@:\s\[]*?(?::|%3[Aa])(?!\d+/)(?P<url>\S{0,512})@                # a URL, also in a sentence; a slash follows a port
    | ^[A-Za-z][A-Za-z0-9+.-]*:(?!//)[^/@:\s]*:(?!/)(?P<scp>.+)@[^/@:\s]+:   # SCHEME:USER:PASSWORD@HOST:PATH
    """,
    re.VERBOSE,
)
"""The user name may be empty, and so may the password of a URL: somebody has meant one."""

REFUSAL = "a password does not belong into an address, which is shown and logged"


def passwords_in(text: str) -> tuple[str, ...]:
    """The passwords in a text that is an address, or in which addresses stand."""
    return tuple(found[str(found.lastgroup)] for found in _PASSWORD.finditer(text))


def covered(text: str, cover: str) -> str:
    """The text with `cover` in the place of each of them."""
    return _PASSWORD.sub(lambda found: _put(found, cover), text)


def _put(found: re.Match[str], cover: str) -> str:
    begin, end = (place - found.start() for place in found.span(str(found.lastgroup)))
    return found[0][:begin] + cover + found[0][end:]
