"""The one door for JSON that comes from outside: a place, a tool, a kit, another process, a file that somebody may have changed.

What passes has a size, a depth and a number of entries that were set before, every key once, whole numbers within 64 bits, finite other
numbers, and texts that can be written again. All of it is checked before or while the text is parsed, so that nothing hostile is built in
memory first. `core/config/validation/json_positions.py` is the door for the config, which must tell line and column besides.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from paraduxd.api.frozen import dataclass

LARGEST = (1 << 63) - 1
"""Of whole numbers, without their sign."""

_LONGEST_NUMBER = 40
"""Characters; of a number with more digits Python would make one of unbounded size."""

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*"|[\[\]{},]', re.DOTALL)
_HALVES = re.compile(r"[\ud800-\udfff]|\\u[dD][89a-fA-F]")
_BROKEN = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")
"""Half characters that stand for nothing. U+DC80 to U+DCFF are bytes of a file's name that are no UTF-8, as Python keeps them."""


class UnfitError(ValueError):
    """The text is none that may pass; the message names what it is and never repeats any of it."""


@dataclass(frozen=True)
class Bound:
    """`size`: bytes; `depth`: of objects and lists in each other; `entries`: of all objects and lists together."""

    size: int = 1 << 20
    depth: int = 32
    entries: int = 50_000


SMALL = Bound()
"""A message, a line of a tool, a manifest of one version."""

MEDIUM = Bound(16 << 20, 32, 400_000)
"""A plan, a result with many names."""

CONFIG = Bound(16 << 20, 110, 400_000)
"""A config, as deep as `core/config/validation/json_positions.py` lets one be, and whatever carries one."""

LARGE = Bound(40 << 20, 32, 1_200_000)
"""What is signed by ourselves: the manifest of an archive of eight terabytes."""


def parse(text: bytes | str, what: str, bound: Bound = SMALL) -> Any:
    """The value of a JSON text; `what` names it in sentences. Raises `UnfitError`."""
    if len(text) > bound.size:
        raise UnfitError(f"{what} is longer than {bound.size} bytes")
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError:
        raise UnfitError(f"{what} is not UTF-8") from None
    _check_shape(decoded, what, bound)
    try:
        value = json.loads(
            decoded, object_pairs_hook=_once, parse_int=_whole, parse_float=_finite, parse_constant=_no_number
        )
    except UnfitError as problem:
        raise UnfitError(f"{what} holds {problem}") from None
    except (ValueError, RecursionError):
        raise UnfitError(f"{what} is not JSON") from None
    if _HALVES.search(decoded) and any(_BROKEN.search(each) for each in _texts(value)):
        raise UnfitError(f"{what} holds half a character")
    return value


def parse_object(text: bytes | str, what: str, bound: Bound = SMALL) -> dict[str, Any]:
    """Likewise, for a text that must be an object."""
    value = parse(text, what, bound)
    if not isinstance(value, dict):
        raise UnfitError(f"{what} is not a JSON object")
    return value


def _check_shape(text: str, what: str, bound: Bound) -> None:
    """Depth and entries, before anything is built: a list in a list costs thirty times its text in memory."""
    if text.count("[") + text.count("{") <= bound.depth and text.count(",") < bound.entries:
        return
    depth = entries = 0
    for match in _TOKEN.finditer(text):
        sign = match[0]
        if sign in ("[", "{"):
            depth, entries = depth + 1, entries + 1
            if depth > bound.depth:
                raise UnfitError(f"{what} is nested deeper than {bound.depth} levels")
        elif sign in ("]", "}"):
            depth -= 1
        elif sign == ",":
            entries += 1
        if entries > bound.entries:
            raise UnfitError(f"{what} has more than {bound.entries} entries")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnfitError("the same key twice")
    return found


def _whole(text: str) -> int:
    if len(text) > _LONGEST_NUMBER or abs(number := int(text)) > LARGEST:
        raise UnfitError("a number beyond 64 bits")
    return number


def _finite(text: str) -> float:
    if len(text) > _LONGEST_NUMBER or not math.isfinite(number := float(text)):
        raise UnfitError("a number that is not finite")
    return number


def _no_number(_: str) -> float:
    raise UnfitError("a number that is not finite")


def _texts(value: object) -> Iterator[str]:
    """All texts in a value, keys included."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            waiting += [*each, *each.values()]
        elif isinstance(each, list):
            waiting += each
