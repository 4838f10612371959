"""How much of a long repetition one run of the tests does: a part that changes with the day, or all of it with `contrib/test --all`."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

FULL = bool(os.environ.get("PARADUX_FULL_WIDTH"))


def times(full: int, usual: int) -> int:
    """So many repetitions at random moments."""
    return full if FULL else usual


def today(values: Sequence[T], usual: int) -> list[T]:
    """So many of the values, others every day, until all have had their turn; all of them at full width."""
    if FULL:
        return list(values)
    first = datetime.datetime.now(datetime.UTC).toordinal() * usual
    return [values[(first + index) % len(values)] for index in range(usual)]


def steps(every: int) -> range:
    """The first numbers of a series from 1 on, one of `every`: others each day, all of them at full width."""
    if FULL:
        return range(1, 1 << 30)
    return range(1 + datetime.datetime.now(datetime.UTC).toordinal() % every, 1 << 30, every)
