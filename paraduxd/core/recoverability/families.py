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
    """The smallest sets that cause the one and the other.

    A set of the one that contains a set of the other causes both by itself, and needs no partner.
    """
    alone, beside = _containing(one, other), _containing(other, one)
    pairs = (first | second for first in one - alone for second in other - beside)
    return smallest([*alone, *beside, *(together for together in pairs if len(together) <= up_to)])


def _containing(sets: Family, parts: Family) -> Family:
    """Those of the sets that contain one of the parts."""
    sizes = {len(part) for part in parts}
    return frozenset(fates for fates in sets if any(_has_part(fates, size, parts) for size in sizes))


def _has_part(fates: Fates, size: int, parts: Family | set[Fates]) -> bool:
    if size >= len(fates):
        return size == len(fates) and fates in parts
    return not parts.isdisjoint(map(frozenset, combinations(fates, size)))


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
    return any(smaller and _has_part(fates, size, smaller) for size, smaller in kept.items())
