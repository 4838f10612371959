"""Private keys that a text names as files, read into it before it is sent: once, as the user, who may read them.

The lines of the text stay as they are, so that problems are told where they stand.
"""

from __future__ import annotations

import json
import re

from paraductl.terminal.input_files import read_text
from paraduxd.api import bounded_json
from paraduxd.api.errors import ParaduxError

_NAMED = re.compile(r'"private_key_file"(\s*:\s*)("(?:[^"\\\n]|\\.)*")')


def with_keys(text: str) -> str:
    """The text with "private_key" in place of each "private_key_file"; raises `ParaduxError` "unreadable"."""
    return _NAMED.sub(lambda found: f'"private_key"{found[1]}{json.dumps(_key(found[2]))}', text)


def _key(quoted: str) -> str:
    from paraductl.setup.place_questions import expanded

    try:
        name = str(bounded_json.parse(quoted, "the name of a file", bounded_json.CONFIG))
    except bounded_json.UnfitError:
        raise ParaduxError("unreadable", "private_key_file names no file", "write its path") from None
    key = read_text(expanded(name))
    if not key.lstrip().startswith("-----BEGIN"):
        raise ParaduxError("unreadable", f"{name} holds no private key", "name the file without .pub")
    return key
