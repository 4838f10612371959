"""JSON text to a value, and where everything stands in it, so that a problem can name line and column.

Stricter than `json.loads`: RFC 8259 without NaN and Infinity, no duplicate keys, no lone surrogates, bounded in size and depth.
"""

from __future__ import annotations

import bisect
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cached_property

from paraduxd.api.frozen import dataclass
from paraduxd.core.config.diagnostics import Path, quoted

MAX_SIZE = 8 * 1024 * 1024
"""Bytes of UTF-8."""

MAX_DEPTH = 100

_SPACE = re.compile(r"[ \t\r\n]*+")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][+-]?[0-9]++)?")
_WORD = re.compile(r"-?[A-Za-z]+")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS = {"true": True, "false": False, "null": None}
_LONGEST_NUMBER = 40
_BYTE_ORDER_MARK = "\ufeff"
_DECODER = json.JSONDecoder()

Entries = Mapping[str | int, tuple[int, int]]
"""Key or index -> the offsets of key and value (equal in a list)."""


class DocumentError(ValueError):
    """The text is no acceptable JSON; line and column count from 1. The message repeats no value."""

    def __init__(self, line: int, column: int, path: Path, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.path = path
        self.message = message


Value = object
"""Of JSON: text, number, list and so on."""


@dataclass(frozen=True)
class Document:
    """A JSON value, and where its parts stand in the text, which is looked for when somebody asks: most texts have few problems."""

    text: str = field(repr=False)
    value: object = field(repr=False)
    _entries_at: dict[int, Entries] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def _lines(self) -> list[int]:
        return _line_starts(self.text)

    def position(self, path: Path, at_key: bool = False) -> tuple[int, int]:
        """Line and column of a value (or of its key); of the nearest thing around it when the document has no such path."""
        key_at = at = _space(self.text, 0)
        for part in path:
            entries = self._entries(at)
            if part not in entries:
                return _position(self._lines, at)
            key_at, at = entries[part]
        return _position(self._lines, key_at if at_key else at)

    def _entries(self, at: int) -> Entries:
        if at not in self._entries_at:
            self._entries_at[at] = dict(_entries(self.text, at))
        return self._entries_at[at]


def parse(text: str) -> Document:
    """Read a JSON document; raises `DocumentError`."""
    scanner = _Scanner(text)
    scanner.refuse_oversize()
    try:
        return Document(text, _quickly(text))
    except (ValueError, RecursionError):
        return Document(text, scanner.document())


def _quickly(text: str) -> object:
    """The value of a text that is beyond doubt; raises `ValueError` or `RecursionError` for any other, which `_Scanner` judges."""
    if _ESCAPED_SURROGATE.search(text):
        raise ValueError
    value: object = json.loads(
        text, object_pairs_hook=_once, parse_int=_whole, parse_float=_finite, parse_constant=_finite
    )
    if _is_deep(value):
        raise ValueError
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _whole(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if len(text) > _LONGEST_NUMBER or not math.isfinite(number):
        raise ValueError
    return number


def _is_deep(value: object) -> bool:
    """Whether objects and lists may be nested deeper than they should."""
    level = [value]
    for _ in range(MAX_DEPTH):
        inner = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = [entry for each in inner for entry in each if isinstance(entry, dict | list)]
        if not level:
            return False
    return True


def _entries(text: str, at: int) -> Iterator[tuple[str | int, tuple[int, int]]]:
    """Key or index of each entry of an object or a list in a text that was accepted, with the offsets of key and value."""
    is_object = text.startswith("{", at)
    if not is_object and not text.startswith("[", at):
        return
    close, index = "}" if is_object else "]", 0
    at = _space(text, at + 1)
    while not text.startswith(close, at):
        key: str | int = index
        key_at = at
        if is_object:
            key, at = _DECODER.raw_decode(text, at)
            at = _space(text, _space(text, at) + 1)
        yield key, (key_at, at)
        _, at = _DECODER.raw_decode(text, at)
        at = _space(text, at)
        at = _space(text, at + 1) if text.startswith(",", at) else at
        index += 1


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer("\n", text))]


def _position(lines: list[int], offset: int) -> tuple[int, int]:
    line = bisect.bisect_right(lines, offset)
    return line, offset - lines[line - 1] + 1


class _Scanner:
    """One pass over the text; every method takes an offset and returns the one behind what it has read."""

    def __init__(self, text: str) -> None:
        self.text = text

    def refuse_oversize(self) -> None:
        if found := _SURROGATE.search(self.text):
            raise self.error(found.start(), (), "expected UTF-8 text: this is half a character")
        if len(self.text) > MAX_SIZE or len(self.text.encode()) > MAX_SIZE:
            raise self.error(0, (), f"expected at most {MAX_SIZE // 1024 // 1024} MiB")

    def document(self) -> object:
        if self.text.startswith(_BYTE_ORDER_MARK):
            raise self.error(0, (), "expected UTF-8 without a byte order mark")
        value, end = self.value(self.space(0), ())
        end = self.space(end)
        if end != len(self.text):
            raise self.error(end, (), "expected nothing more after the end of the document")
        return value

    def space(self, at: int) -> int:
        return _space(self.text, at)

    def value(self, at: int, path: Path) -> tuple[object, int]:
        if len(path) > MAX_DEPTH:
            raise self.error(at, path, f"expected at most {MAX_DEPTH} levels of objects and lists")
        first = self.text[at : at + 1]
        if first == '"':
            return self.string(at, path)
        if first == "{":
            return self.object(at, path)
        if first == "[":
            return self.list(at, path)
        if match := _NUMBER.match(self.text, at):
            return self.number(match, path), match.end()
        return self.word(at, path)

    def string(self, at: int, path: Path) -> tuple[str, int]:
        end = self.end_of_string(at)
        if self.text[end : end + 1] != '"':
            raise self.bad_string(at, end, path)
        literal = self.text[at : end + 1]
        if "\\" not in literal:
            return literal[1:-1], end + 1
        text: str = json.loads(literal)
        if _SURROGATE.search(text):
            raise self.error(at, path, "expected whole characters: an escape \\ud800 to \\udfff stands alone")
        return text, end + 1

    def end_of_string(self, at: int) -> int:
        """Where its closing quote is, or what cannot stand in it. Not one expression with a possessive group: Python 3.11 goes on from a
        wrong place, now and then, after a group that did not match (cpython issue 106052).
        """
        end = at + 1
        while plain := _PLAIN.match(self.text, end):
            escape = _ESCAPE.match(self.text, plain.end())
            if escape is None:
                return plain.end()
            end = escape.end()
        return end

    def bad_string(self, at: int, end: int, path: Path) -> DocumentError:
        rest = self.text[end : end + 1]
        if rest == "\\":
            return self.error(
                end, path, 'expected one of the escapes \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000 after a backslash'
            )
        if rest:
            return self.error(
                end, path, "expected a closing quote before the line ends; write a line feed as \\n, a tab as \\t"
            )
        return self.error(at, path, "expected a closing quote for this text")

    def object(self, at: int, path: Path) -> tuple[dict[str, object], int]:
        result: dict[str, object] = {}
        at = self.space(at + 1)
        if self.text.startswith("}", at):
            return result, at + 1
        while True:
            key_at = at
            if not self.text.startswith('"', at):
                raise self.unexpected(at, path, "a key in double quotes", "}")
            key, at = self.string(at, path)
            if key in result:
                raise self.error(key_at, (*path, key), f"expected every key once: {quoted(key)} was given before")
            at = self.space(at)
            if not self.text.startswith(":", at):
                raise self.error(at, (*path, key), "expected a colon after the key")
            at = self.space(at + 1)
            result[key], at = self.value(at, (*path, key))
            at, more = self.separator(at, path, "}")
            if not more:
                return result, at

    def list(self, at: int, path: Path) -> tuple[list[Value], int]:
        result: list[Value] = []
        at = self.space(at + 1)
        if self.text.startswith("]", at):
            return result, at + 1
        while True:
            inner = (*path, len(result))
            if self.text.startswith("]", at):
                raise self.unexpected(at, path, "another entry", "]")
            entry, at = self.value(at, inner)
            result.append(entry)
            at, more = self.separator(at, path, "]")
            if not more:
                return result, at

    def separator(self, at: int, path: Path, close: str) -> tuple[int, bool]:
        """Behind a comma (and whether there was one), or behind the closing bracket."""
        at = self.space(at)
        if self.text.startswith(",", at):
            return self.space(at + 1), True
        if self.text.startswith(close, at):
            return at + 1, False
        raise self.unexpected(at, path, f'"," or "{close}"')

    def number(self, match: re.Match[str], path: Path) -> int | float:
        if len(match[0]) > _LONGEST_NUMBER:
            raise self.error(match.start(), path, f"expected a number of at most {_LONGEST_NUMBER} characters")
        if match[1] is None and match[2] is None:
            return int(match[0])
        number = float(match[0])
        if not math.isfinite(number):
            raise self.error(match.start(), path, "expected a smaller number")
        return number

    def word(self, at: int, path: Path) -> tuple[bool | None, int]:
        match = _WORD.match(self.text, at)
        if match and match[0] in _WORDS:
            return _WORDS[match[0]], match.end()
        if match and match[0].lstrip("-") in ("NaN", "Infinity"):
            raise self.error(at, path, "expected a number; NaN and Infinity are none")
        raise self.unexpected(at, path, "a value: text in double quotes, a number, true, false, null, { or [")

    def unexpected(self, at: int, path: Path, expected: str, close: str = "") -> DocumentError:
        rest = self.text[at : at + 2]
        if close and rest.startswith(close):
            return self.error(at, path, f"expected {expected}: no comma may stand before {close}")
        if rest.startswith(("//", "/*", "#")):
            return self.error(at, path, f"expected {expected}: JSON has no comments")
        if rest.startswith("'"):
            return self.error(at, path, f"expected {expected}: JSON has no single quotes")
        if not rest:
            return self.error(at, path, f"expected {expected}, but the text ends here")
        return self.error(at, path, f"expected {expected}")

    def error(self, at: int, path: Path, message: str) -> DocumentError:
        return DocumentError(*_position(_line_starts(self.text), at), path, message)
