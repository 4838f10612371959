"""The comparison itself: when status is told something else than is so, it finds out, and makes it small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests import status_json as status
from tests.oracle import translate
from tests.oracle.compare import Disagreement, compare
from tests.oracle.explain import explain
from tests.oracle.family import MACHINE, Dataset, Destination, Family, Kit, Source, Stash, Steward, Tries, draw
from tests.oracle.shrinking import smallest
from tests.oracle.truth import truth

Lie = Callable[[Family], Family]


def told(family: Family, lie: Lie) -> tuple[Disagreement, ...]:
    """What status says wrongly when it was told a lie."""
    other = lie(family)
    document = status.build(translate.plan(other), translate.facts(other), translate.NOW)
    return compare(truth(family), document, {each.name for each in family.datasets})


def of_destinations(change: Callable[[Destination], Destination]) -> Lie:
    def lie(dataset: Dataset) -> Dataset:
        return replace(dataset, destinations=tuple(map(change, dataset.destinations)))

    return lambda family: replace(family, datasets=tuple(map(lie, family.datasets)))


def of_sources(change: Callable[[Source], Source]) -> Lie:
    def lie(dataset: Dataset) -> Dataset:
        return replace(dataset, source=change(dataset.source))

    return lambda family: replace(family, datasets=tuple(map(lie, family.datasets)))


def of_stashes(change: Callable[[Stash], Stash]) -> Lie:
    return lambda family: replace(family, stashes=tuple(map(change, family.stashes)))


def of_kits(change: Callable[[Kit], Kit]) -> Lie:
    def lie(steward: Steward) -> Steward:
        return replace(steward, kit=change(steward.kit)) if steward.kit else steward

    return lambda family: replace(family, stewards=tuple(map(lie, family.stewards)))


LIES: dict[str, Lie] = {
    "no place was ever changed": of_destinations(lambda each: replace(each, since=1)),
    "no stash was ever changed": of_stashes(lambda each: replace(each, since=1)),
    "all kits are void": of_kits(lambda each: replace(each, void=True)),
    "no kit is void": of_kits(lambda each: replace(each, void=False)),
    "no kit is damaged": of_kits(lambda each: replace(each, damaged=False)),
    "kits hold the first config": of_kits(lambda each: replace(each, serial=1)),
    "all stashes hold nothing": of_stashes(lambda each: replace(each, published=None, read=None)),
    "no rehearsal of a stash failed": of_stashes(lambda each: replace(each, unread=Tries())),
    "nothing is damaged": of_destinations(lambda each: replace(each, verified=Tries(), rehearsed=Tries())),
    "everything was pushed": of_destinations(lambda each: replace(each, pushed=Tries(1.0, 1.0))),
    "nothing was listed": of_destinations(lambda each: replace(each, seen=Tries())),
    "all places are on the machine": of_destinations(lambda each: replace(each, address=MACHINE)),
    "no source is in place": of_sources(lambda each: replace(each, in_place=False)),
    "nothing is held": lambda family: replace(family, datasets=tuple(replace(d, held=False) for d in family.datasets)),
    "the machine has no fates": lambda family: replace(family, machine=()),
    "it has no other names": lambda family: replace(family, names=()),
    "no epoch is prepared": lambda family: replace(family, rotating=False),
    "another share is needed": lambda family: replace(family, required=family.required + 1),
    "no drill was run": lambda family: replace(family, drill=None),
    "it has not taken over": lambda family: replace(family, recovered=False),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_lie_is_found_out(lie: Lie) -> None:
    assert any(told(draw(seed), lie) for seed in range(2000))


def test_what_is_found_is_made_small() -> None:
    lie = LIES["no place was ever changed"]
    seed = next(seed for seed in range(2000) if told(draw(seed), lie))
    least = smallest(draw(seed), lambda family: bool(told(family, lie)))
    assert len(least.datasets) == 1 and len(least.stashes) == 1
    text = explain(seed, least, told(least, lie))
    assert f"seed {seed}" in text and "claims too" in text and "as it is since serial" in text
