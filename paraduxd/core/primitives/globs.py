"""Patterns for paths, as a shell has them: `*` and `?` stay within one name, `**` crosses directories, `[a-z]` is one of these."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence

LONGEST = 4096
"""Characters of a pattern."""

_SPECIAL = re.compile(r"[*?\[]")
_PIECE = re.compile(r"\*\*/|\*+|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
_STARS = {"*": "[^/]*", "**": ".*"}
_NEAREST = 20_000
"""Among at most so many names the nearest one is looked for."""


def has_wildcard(text: str) -> bool:
    """Whether the text is a pattern and not just a path."""
    return bool(_SPECIAL.search(text))


def compiled(pattern: str, *, fold: bool = False) -> re.Pattern[str]:
    """The expression that whole paths of this pattern match; `fold`: in any case and normal form, for texts that were `folded`."""
    text = (folded(pattern) if fold else pattern)[:LONGEST]
    return re.compile("".join(_expressions(_PIECE.findall(text))), re.DOTALL)


def _expressions(pieces: Sequence[str]) -> Iterator[str]:
    """One after the other. What stands between two stars is taken where it comes first, for good: to try it elsewhere could not help,
    and with many stars would take for ever."""
    start = 0
    while start < len(pieces):
        star, end = pieces[start], start + 1
        while star in _STARS and end < len(pieces) and _is_fixed(pieces[end], star):
            end += 1
        if star in _STARS and end < len(pieces) and pieces[end] == star:
            yield f"(?>{_STARS[star]}?{''.join(map(_translated, pieces[start + 1 : end]))})"
            start = end
        else:
            yield _translated(star)
            start += 1


def _is_fixed(piece: str, star: str) -> bool:
    return not piece.startswith("*") and (star != "*" or piece != "/")


def _translated(piece: str) -> str:
    if piece == "**/":
        return r"(?:[^/]*+/)*"
    if piece.startswith("*"):
        return _STARS["*" if piece == "*" else "**"]
    if piece == "?":
        return "[^/]"
    return _class(piece) if len(piece) > 1 else re.escape(piece)


def _class(piece: str) -> str:
    inner = piece[1:-1]
    sign, inner = ("^/", inner[1:]) if inner.startswith("!") else ("", inner)
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", inner)
    expression = f"[{sign}{escaped}]"
    try:
        re.compile(expression)
    except re.error:
        return re.escape(piece)
    return expression


def folded(text: str) -> str:
    """The text without its case and normal form."""
    return unicodedata.normalize("NFC", text).casefold()


def nearest(path: str, paths: Iterable[str]) -> str | None:
    """Which of the paths was meant by one that is none of them: the same in another case or normal form, or one with few other letters."""
    wanted, close = folded(path), list[str]()
    for each in paths:
        if folded(each) == wanted:
            return each
        if len(close) < _NEAREST and abs(len(each) - len(path)) <= len(path) // 3 + 1:
            close.append(each)
    return next(iter(difflib.get_close_matches(path, close, 1, 0.75)), None)


def contained(pattern: str) -> str:
    """A text that every path of ASCII letters has in it which `finder` means, but for upper case; "" where there is none."""
    pieces = _PIECE.findall(folded(pattern.strip("/") or pattern)[:LONGEST])
    runs = "".join(piece if len(piece) == 1 and piece not in "*?[" and piece.isascii() else "\0" for piece in pieces)
    return max(runs.split("\0"), key=len)


def finder(pattern: str) -> Callable[[str], bool]:
    """Tells of a path whether `find` means it: with a wildcard if it matches or is the text itself, else if the text is in its name, in
    any case.

    A pattern without a slash is for the last name of a path, one with a slash for all of it.
    """
    wanted = folded(pattern.strip("/") if pattern.strip("/") else pattern)
    whole = "/" in wanted
    expression = compiled(wanted) if has_wildcard(wanted) else None

    def is_meant(path: str) -> bool:
        text = folded(path if whole else path.rpartition("/")[2])
        return (bool(expression.fullmatch(text)) or text == wanted) if expression else wanted in text

    return is_meant
