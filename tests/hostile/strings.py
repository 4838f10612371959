"""Strings that look like commands, options, patterns, paths, control sequences."""

from __future__ import annotations

MARK = "pwned-by-a-string"
"""The file that each of the commands would make."""

NAMES = (
    f"$(touch {MARK})",
    f"`touch {MARK}`",
    f"; touch {MARK} #",
    f"' && touch {MARK} '",
    f'" | touch {MARK} "',
    "-rf",
    "--rsync-path=sh",
    "%41%n%s%25",
    "\\back\\slash\\",
    "* ? [a-z] {b,c} ~ !",
    "ünïcödé \u202e rtl",
    "@host:x",
)
"""Names of files and directories that every place must take."""

BYTES = "not-utf-8-\udcff\udcfe"
"""A name that is not UTF-8: a place may refuse it, as one sentence."""

LONG = "x" * 4000

TEXTS = (*NAMES, BYTES, LONG, f"\ntouch {MARK}\n", "\0", "\x1b[2J", "../../../../etc", "", f"a\r\ntouch {MARK}")
"""What may stand in any string of a config."""
