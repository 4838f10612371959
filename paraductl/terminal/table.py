"""Text for a terminal: cells in columns, colours, and nothing in it that a terminal would obey."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar, cast

from paraductl.terminal.text import clipped, columns, printable
from paraduxd.api.frozen import dataclass

T = TypeVar("T")

GAP = "  "

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
"""ECMA-48, "select graphic rendition"."""


@dataclass(frozen=True)
class TableCell:
    """One cell of a table. A row of one cell alone spans all columns."""

    text: str
    styles: tuple[str, ...] = ()


def safe(value: T) -> T:
    """A reply without anything that a terminal obeys: escapes are shown as text, line ends and tabs are spaces."""
    return cast(T, _safe(value))


def _safe(value: object) -> object:
    if isinstance(value, str):
        return value if value.isprintable() else printable(re.sub(r"\s", " ", value))
    if isinstance(value, tuple):
        return tuple(map(_safe, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _safe(getattr(value, each.name)) for each in fields(value)})
    return value


def painted(text: str, styles: Sequence[str], colour: bool) -> str:
    """The text in these styles, or as it is."""
    if not colour or not styles or not text.strip():
        return text
    return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


def table(
    rows: Sequence[Sequence[TableCell]],
    width: int,
    colour: bool,
    right: Collection[int] = (),
    droppable: Sequence[int] = (),
) -> Iterator[str]:
    """The rows in columns. Too wide, the `droppable` columns go, in this order; then the first column is clipped.

    Columns in `right` are aligned to the right. Whatever a cell holds, it steers no terminal.
    """
    rows = [[replace(cell, text=safe(cell.text)) for cell in row] for row in rows]
    whole = [row for row in rows if len(row) > 1]
    widths = {index: max(columns(row[index].text) for row in whole) for index in range(len(whole[0]))} if whole else {}
    widths = {index: wide for index, wide in widths.items() if wide}
    for index in droppable:
        if _total(widths) > width:
            widths.pop(index, None)
    if widths:
        widths[0] = min(widths[0], max(12, width - _total(widths) + widths[0]))
    for row in rows:
        yield _line(row, widths, colour, right) if len(row) > 1 else _spanning(row[0], width, colour)


def _total(widths: dict[int, int]) -> int:
    return sum(widths.values()) + len(GAP) * (len(widths) - 1)


def _spanning(cell: TableCell, width: int, colour: bool) -> str:
    return painted(clipped(cell.text, width), cell.styles, colour)


def _line(row: Sequence[TableCell], widths: dict[int, int], colour: bool, right: Collection[int]) -> str:
    line, pending = "", ""
    for index, wide in widths.items():
        text = clipped(row[index].text, wide)
        space = " " * (wide - columns(text))
        before, after = (space, "") if index in right else ("", space)
        if text:
            line += pending + before + painted(text, row[index].styles, colour)
            pending = after + GAP
        else:
            pending += before + after + GAP
    return line
