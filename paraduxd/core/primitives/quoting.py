"""What the other side said, as part of a sentence of ours: one line, nothing that a terminal would obey, not endless."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LOGIN = re.compile(r"//[^/\s\"]*@")

LONGEST = 240
"""Characters."""


def one_line(text: str, longest: int = LONGEST) -> str:
    """The lines of a text in one, without control characters, logins in addresses and a full stop at the end."""
    lines = (" ".join(_LOGIN.sub("//", _printable(line)).split()) for line in text.splitlines())
    joined = "; ".join(line for line in lines if line).rstrip(". ")
    return joined if len(joined) <= longest else f"{joined[:longest]}…"


def says(lines: Iterable[str]) -> str:
    """The end of a sentence: ", it says: Permission denied (publickey)"; "" where nothing was said."""
    told = one_line("\n".join(lines))
    return f", it says: {told}" if told else ""


def _printable(line: str) -> str:
    return "".join(character if character.isprintable() else " " for character in line)
