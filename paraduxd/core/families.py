"""Families of losses: what is lost, said by the smallest sets of fates that lose it.

"Lost" is monotone: who loses more never has more. So the smallest sets say all of it. Families are cut at `up_to` fates, which keeps
them small.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

Fates = frozenset[str]
Family = frozenset[Fates]

UP_TO = 3
"""Losses of more than three things at once are not searched."""

ALWAYS: Family = frozenset({frozenset()})
"""Lost already, with nothing lost."""


def any_of(fates: Iterable[str]) -> Family:
    """Lost when any of these fates is."""
    return frozenset(frozenset((fate,)) for fate in fates)


def all_of(families: Iterable[Family], up_to: int) -> Family:
    """Lost when all of these are."""
    result = ALWAYS
    for family in families:
        result = both(result, family, up_to)
    return result


def both(one: Family, other: Family, up_to: int) -> Family:
    """The smallest sets that cause the one and the other."""
    return smallest(
        first | second
        for first in one
        for second in other
        if len(first) + len(second) <= up_to or len(first | second) <= up_to
    )


def either(one: Family, other: Family) -> Family:
    """The smallest sets that cause the one or the other."""
    return smallest(one | other)


def fewer_than(required: int, holders: Sequence[Fates], up_to: int) -> Family:
    """The smallest sets after which fewer than `required` of the holders are left."""
    spare = len(holders) - required
    if spare < 0:
        return ALWAYS
    hit: dict[str, int] = defaultdict(int)
    for index, fates in enumerate(holders):
        for fate in fates:
            hit[fate] |= 1 << index
    found: set[Fates] = set()
    for count in range(1, up_to + 1):
        for together in combinations(sorted(hit), count):
            if _hit_by(together, hit) > spare:
                found.add(frozenset(together))
    return smallest(found)


def _hit_by(together: Iterable[str], hit: Mapping[str, int]) -> int:
    """How many holders (bits) these fates hit."""
    holders = 0
    for fate in together:
        holders |= hit[fate]
    return holders.bit_count()


def smallest(sets: Iterable[Fates]) -> Family:
    """The sets that contain no other one."""
    by_size: dict[int, set[Fates]] = defaultdict(set)
    for fates in sets:
        by_size[len(fates)].add(fates)
    kept: dict[int, set[Fates]] = {}
    for size in sorted(by_size):
        kept[size] = {fates for fates in by_size[size] if not _contains_one(fates, kept)}
    return frozenset().union(*kept.values())


def _contains_one(fates: Fates, kept: Mapping[int, set[Fates]]) -> bool:
    """Whether one of the sets (by their size, all smaller) is a part of `fates`."""
    return any(
        smaller and not smaller.isdisjoint(map(frozenset, combinations(fates, size))) for size, smaller in kept.items()
    )
