"""What is missing in a pull and in the versions made from it, because it could not be read or stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NAMES_SHOWN = 100
"""So many names are passed on; the rest is counted."""

_LONGEST = 300

ATTRIBUTES = "attributes of "
"""How the name of a file begins of which only the attributes are missing."""


def shown(names: Sequence[bytes]) -> tuple[str, ...]:
    """The first names as text that can be printed anywhere; of a very long one its end."""
    return tuple(_short(printable(name)) for name in names[:NAMES_SHOWN])


def printable(name: bytes) -> str:
    r"""A file name as text; what is no text, and control characters, as \\x..."""
    text = name.decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"...{name[-_LONGEST:]}"


def of_pull(result: Mapping[str, Any]) -> dict[str, Any]:
    """What a push from this pull is told (`core/runs/orders.py`: push), attributes that could not be stored included."""
    unread, unstored = names_in(result, "unread"), names_in(result, "unstored")
    names = (*unread, *(ATTRIBUTES + name for name in unstored))
    return {
        "unread": list(names[:NAMES_SHOWN]),
        "unread_count": count_in(result, "unread") + count_in(result, "unstored"),
    }


def names_in(result: Mapping[str, Any], what: str) -> tuple[str, ...]:
    """The names under "unread" or "unstored" of a result; none for anything that is no such list."""
    names = result.get(what)
    return tuple(str(name) for name in names) if isinstance(names, (list, tuple)) else ()


def count_in(result: Mapping[str, Any], what: str) -> int:
    """How many there are."""
    count = result.get(f"{what}_count")
    known = isinstance(count, int) and not isinstance(count, bool) and count > 0
    return max(int(count) if known and count is not None else 0, len(names_in(result, what)))


def missing_in(result: Mapping[str, Any]) -> int:
    """How many things the version lacks that a push has made; 0 as well when nothing is told of it."""
    versions = result.get("versions")
    entries = versions if isinstance(versions, (list, tuple)) else ()
    found = [
        each.get("missing") for each in entries if isinstance(each, Mapping) and each.get("id") == result.get("version")
    ]
    return max((count for count in found if isinstance(count, int) and count > 0), default=0)
