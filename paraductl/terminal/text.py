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
    """The text with lines of at most `width` columns, broken between words; what follows is indented by two more. A word stays whole."""
    return "\n".join(part for line in text.split("\n") for part in _broken(line, width))


def _broken(line: str, width: int) -> Iterator[str]:
    if columns(line) <= width:
        yield line
        return
    indent = line[: len(line) - len(line.lstrip())]
    now, first = "", True
    for blank, word in re.findall(r"(\s*)(\S+)", line):
        if now and columns(now) + columns(blank) + columns(word) > width:
            yield now
            now, first = f"{indent}  {word}", False
        else:
            now += (blank if now or first else indent) + word
    yield now
