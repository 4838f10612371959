"""Text that fits a terminal and steers none: control characters made visible, widths counted, lines broken between words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator


def one_line(text: str) -> str:
    """The text without line feeds: what a server said must not look like a line of ours."""
    return " ".join(text.splitlines())


def printable(text: str) -> str:
    """The text with control characters (which could steer a terminal) made visible."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def columns(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    return len(text) + wide - sum(unicodedata.combining(each) > 0 for each in text)


def clipped(text: str, width: int) -> str:
    """The text, cut with "..." so that it takes at most `width` columns."""
    if columns(text) <= width:
        return text
    while text and columns(text) > max(width - 3, 0):
        text = text[:-1]
    return f"{text}..."


def wrapped(text: str, width: int) -> str:
    """The text with lines of at most `width` columns, broken between words; what follows is indented by two more. A word stays whole.

    A command at the end of a line is broken between its arguments, as a shell reads it back.
    """
    return "\n".join(part for line in text.split("\n") for part in _broken(line, width))


def _broken(line: str, width: int) -> Iterator[str]:
    if columns(line) <= width:
        yield line
        return
    indent = line[: len(line) - len(line.lstrip())] + "  "
    command = len(line[: found.start(1)].rstrip()) if (found := _COMMAND.search(line)) else len(line)
    words = [(each, False) for each in _WORD.findall(line[:command])]
    arguments = [(each, True) for each in _ARGUMENT.findall(line[command:])]
    now = ""
    for (blank, word), is_argument in [*words, *arguments]:
        end = " \\" if is_argument and not word.startswith("paraductl") else ""
        if now.strip() and columns(now + blank + word) + len(end) > width:
            yield now + end
            now = indent + word
        else:
            now += blank + word
    yield now


_COMMAND = re.compile(r"(?:^\s*|: )(paraductl [^;,]+)$")
_WORD = re.compile(r"(\s*)((?:\d{4}-\d\d-\d\d \d\d:\d\d|\d[\d.,]* (?:bytes?|[KMGTPE]iB)\b|\S)+)")
"""A time, which can be given to `--at`, and a size with its unit stay together."""
_ARGUMENT = re.compile(r"(\s*)((?:\$'(?:\\.|[^'])*'|'[^']*'|\\.|\S)+)")
"""What stands between two blanks that no quotes are around."""
