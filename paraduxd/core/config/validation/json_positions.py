"""JSON text to a value and a map of where everything stands, so that a problem can name line and column.

Stricter than `json.loads`: RFC 8259 without NaN and Infinity, no duplicate keys, no lone surrogates, bounded in size and depth.
"""

from __future__ import annotations

import bisect
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from paraduxd.core.config.diagnostics import Path, quoted

MAX_SIZE = 8 * 1024 * 1024
"""Bytes of UTF-8."""

MAX_DEPTH = 100

_SPACE = re.compile(r"[ \t\r\n]*+")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][+-]?[0-9]++)?")
_WORD = re.compile(r"-?[A-Za-z]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS = {"true": True, "false": False, "null": None}
_LONGEST_NUMBER = 40
_BYTE_ORDER_MARK = "\ufeff"


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
    """A JSON value with, for every path, the offsets of key and value (equal for entries of a list)."""

    text: str
    value: object
    offsets: Mapping[Path, tuple[int, int]]

    @cached_property
    def _lines(self) -> list[int]:
        return _line_starts(self.text)

    def position(self, path: Path, at_key: bool = False) -> tuple[int, int]:
        """Line and column of a value (or of its key); of the nearest thing around it when the document has no such path."""
        while path not in self.offsets:
            path, at_key = path[:-1], False
        return _position(self._lines, self.offsets[path][0 if at_key else 1])


def parse(text: str) -> Document:
    """Read a JSON document; raises `DocumentError`."""
    scanner = _Scanner(text)
    scanner.refuse_oversize()
    value = scanner.document()
    return Document(text, value, scanner.offsets)


def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer("\n", text))]


def _position(lines: list[int], offset: int) -> tuple[int, int]:
    line = bisect.bisect_right(lines, offset)
    return line, offset - lines[line - 1] + 1


class _Scanner:
    """One pass over the text; every method takes an offset and returns the one behind what it has read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.offsets: dict[Path, tuple[int, int]] = {}

    def refuse_oversize(self) -> None:
        if found := _SURROGATE.search(self.text):
            raise self.error(found.start(), (), "expected UTF-8 text: this is half a character")
        if len(self.text) > MAX_SIZE or len(self.text.encode()) > MAX_SIZE:
            raise self.error(0, (), f"expected at most {MAX_SIZE // 1024 // 1024} MiB")

    def document(self) -> object:
        if self.text.startswith(_BYTE_ORDER_MARK):
            raise self.error(0, (), "expected UTF-8 without a byte order mark")
        start = self.space(0)
        self.offsets[()] = (start, start)
        value, end = self.value(start, ())
        end = self.space(end)
        if end != len(self.text):
            raise self.error(end, (), "expected nothing more after the end of the document")
        return value

    def space(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        return match.end() if match else at

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
            self.offsets[*path, key] = (key_at, at)
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
            self.offsets[inner] = (at, at)
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
