"""Families that have a little less to them, to find what a disagreement is about."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, replace
from typing import Any

from tests.oracle.family import Family, Tries

_KEPT = {"name", "form", "every", "age", "required", "epoch", "epochs"}
"""Fields of which no value is simpler than another."""

_TRIES = (Tries(), Tries(1.0, 1.0))
"""The plainest histories first."""


def smallest(family: Family, wrong: Callable[[Family], bool]) -> Family:
    """The family with everything left out without which it is still wrong."""
    while True:
        found = next((each for each in smaller(family) if wrong(each)), None)
        if found is None:
            return family
        family = found


def smaller(family: Family) -> Iterator[Family]:
    """Families with one thing less, or with one thing plainer."""
    return (each for each in _smaller(family) if _sensible(each))


def _smaller(thing: Any) -> Iterator[Any]:
    for field in fields(thing):
        if field.name not in _KEPT:
            yield from (replace(thing, **{field.name: less}) for less in _less(getattr(thing, field.name), field))


def _less(value: Any, field: dataclasses.Field[Any]) -> Iterator[Any]:
    if isinstance(value, tuple):
        yield from _shorter(value)
    elif isinstance(value, Tries):
        yield from _TRIES[: _TRIES.index(value)] if value in _TRIES else _TRIES
    elif dataclasses.is_dataclass(value):
        if field.default is None:
            yield None
        yield from _smaller(value)
    elif field.default is not MISSING and value != field.default:
        yield field.default
    elif field.name == "serial" and value != 1:
        yield 1


def _shorter(value: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    for index in range(len(value)):
        yield value[:index] + value[index + 1 :]
    for index, each in enumerate(value):
        if dataclasses.is_dataclass(each):
            yield from ((*value[:index], less, *value[index + 1 :]) for less in _smaller(each))


def _sensible(family: Family) -> bool:
    """Whether Paradux would take such a config."""
    return (
        2 <= family.required <= len(family.stewards)
        and bool(family.stashes)
        and bool(family.datasets)
        and all(each.destinations for each in family.datasets)
        and all(serial is None or serial <= family.serial for serial in _serials(family))
    )


def _serials(family: Family) -> Iterator[int | None]:
    for steward in family.stewards:
        yield steward.kit.serial if steward.kit else None
    for stash in family.stashes:
        yield stash.since
        yield from (held.serial for held in (stash.published, stash.read) if held)
    for dataset in family.datasets:
        yield dataset.source.since
        yield from (each.since for each in dataset.destinations)
    yield family.drill.serial if family.drill else None
