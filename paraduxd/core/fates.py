"""Which losses lose what: a small algebra of fates.

A fate is a label for something that is lost as a whole ("place:house", "account:aws", "mind:owner"). A copy is gone when one
of its fates is lost. A dataset survives when one of its copies is left and, where that copy is of no use without the config
(it is encrypted, or lies where credentials are needed), somebody can still open the config: the owner at the machine, or
enough stewards with a copy of the config from a metadata stash.

"Lost" is monotone in the lost fates, so it is described exactly by the smallest sets that cause it: a `Family`. Families are
cut at `up_to` fates, which keeps them small; datasets whose copies share the same fates are computed once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

Fates = frozenset[str]
Family = frozenset[Fates]

UP_TO = 3
"""Losses of more than three things at once are not searched."""

ALWAYS: Family = frozenset({frozenset()})
"""Lost already, with nothing lost."""

OWNER_MIND = "mind:owner"
"""The operational passphrase is in the owner's head only."""

CONFIG = "(config)"
KEY = "(key)"
"""Among lost datasets, what else is lost; no id of a dataset looks like these."""


@dataclass(frozen=True)
class Copy:
    """One copy of a dataset. `needs_config`: of no use to somebody who cannot open the config."""

    location: str
    fates: Fates
    needs_config: bool = False


@dataclass(frozen=True)
class Access:
    """What opens the config: the owner at the machine, or `required` stewards and one metadata stash."""

    machine: Fates
    stashes: tuple[Fates, ...] = ()
    stewards: tuple[Fates, ...] = ()
    required: int = 2


_KINDS = ("place", "device", "account", "person", "mind")
"""The order in which the fates of one loss are named."""

Pattern = frozenset[tuple[Fates, bool]]


@dataclass(frozen=True)
class Model:
    """Where everything is. A dataset without any copy is lost already."""

    datasets: Mapping[str, tuple[Copy, ...]]
    access: Access

    @cached_property
    def patterns(self) -> dict[Pattern, tuple[str, ...]]:
        """The datasets by what their copies depend on."""
        groups: dict[Pattern, list[str]] = defaultdict(list)
        for name, copies in self.datasets.items():
            groups[frozenset((copy.fates, copy.needs_config) for copy in copies)].append(name)
        return {pattern: tuple(names) for pattern, names in groups.items()}

    @cached_property
    def fates(self) -> Fates:
        """Every fate that something here depends on."""
        access = (self.access.machine, {OWNER_MIND}, *self.access.stashes, *self.access.stewards)
        return frozenset().union(*access, *(fates for pattern in self.patterns for fates, _ in pattern))


@dataclass(frozen=True)
class Loss:
    """A smallest set of fates that loses something, and what it loses."""

    fates: tuple[str, ...]
    lost: tuple[str, ...]


def loses(model: Model, lost: Iterable[str]) -> tuple[str, ...]:
    """What is gone when these fates are lost together: dataset ids, then `CONFIG` (no copy is left) or `KEY` (none opens)."""
    gone = frozenset(lost)
    access = _access_left(model.access, gone)
    names = [
        name
        for pattern, names in model.patterns.items()
        if not any(_copy_left(fates, needs_config, gone, access) for fates, needs_config in pattern)
        for name in names
    ]
    return (*sorted(names), *(() if access else (_what_of_config(model.access, gone),)))


def minimal_losses(model: Model, up_to: int = UP_TO) -> tuple[Loss, ...]:
    """The smallest sets of at most `up_to` fates that lose something: fewest fates first, then those that lose most.

    What has no copy even now is left out: no further loss is needed for that.
    """
    causes: dict[Fates, set[str]] = defaultdict(set)
    access = _access_lost(model.access, up_to)
    for fates in access:
        causes[fates].add(_what_of_config(model.access, fates))
    opened: dict[Pattern, Family] = {}
    for pattern, names in model.patterns.items():
        family = _dataset_lost(pattern, access, opened, up_to)
        for fates in family - ALWAYS:
            causes[fates].update(names)
    losses = (Loss(tuple(sorted(fates, key=_by_kind)), _in_order(causes[fates])) for fates in _smallest(causes))
    return tuple(sorted(losses, key=lambda loss: (len(loss.fates), -len(loss.lost), loss.fates)))


def survives_any(model: Model, up_to: int = UP_TO) -> int:
    """How many losses, whichever they are, are survived; `up_to` means "that many or more"."""
    return survived(model, minimal_losses(model, up_to), up_to)


def survived(model: Model, losses: Sequence[Loss], up_to: int = UP_TO) -> int:
    """`survives_any` from minimal losses that are computed already."""
    if loses(model, ()):
        return 0
    return len(losses[0].fates) - 1 if losses else up_to


def whatif(model: Model, lose: Iterable[str] = ()) -> dict[str, Any]:
    """What survives when these fates are lost; without any: every single loss, every pair that loses more than its parts, and all
    smallest sets.

    "one_copy_left" names the datasets that the next loss may take, "unknown" the fates that nothing here depends on.
    """
    gone = frozenset(lose)
    lost = loses(model, gone)
    access = _access_left(model.access, gone)
    left = {name: _locations_left(copies, gone, access) for name, copies in model.datasets.items()}
    answer: dict[str, Any] = {
        "schema": "paradux.whatif/1",
        "lose": sorted(gone),
        "unknown": sorted(gone - model.fates),
        "lost": list(lost),
        "survives": {name: locations for name, locations in left.items() if locations},
        "one_copy_left": sorted(name for name, locations in left.items() if len(locations) == 1),
        "config": {"opens": access, "by_owner": _owner_left(model.access, gone)},
    }
    if not gone:
        answer["singles"] = [{"lose": [fate], "lost": list(loses(model, (fate,)))} for fate in sorted(model.fates)]
        smallest = minimal_losses(model)
        answer["pairs"] = [_plain(loss) for loss in smallest if len(loss.fates) == 2]
        answer["minimal"] = [_plain(loss) for loss in smallest]
    return answer


def _plain(loss: Loss) -> dict[str, Any]:
    return {"lose": list(loss.fates), "lost": list(loss.lost)}


def _copy_left(fates: Fates, needs_config: bool, gone: Fates, access: bool) -> bool:
    return fates.isdisjoint(gone) and (access or not needs_config)


def _locations_left(copies: Iterable[Copy], gone: Fates, access: bool) -> list[str]:
    return [copy.location for copy in copies if _copy_left(copy.fates, copy.needs_config, gone, access)]


def _owner_left(access: Access, gone: Fates) -> bool:
    return OWNER_MIND not in gone and access.machine.isdisjoint(gone)


def _access_left(access: Access, gone: Fates) -> bool:
    stewards = sum(fates.isdisjoint(gone) for fates in access.stewards)
    stash = any(fates.isdisjoint(gone) for fates in access.stashes)
    return _owner_left(access, gone) or (stash and stewards >= access.required)


def _what_of_config(access: Access, gone: Fates) -> str:
    """Access is lost: because no copy of the config is left, or because nobody can open one."""
    return KEY if any(fates.isdisjoint(gone) for fates in (access.machine, *access.stashes)) else CONFIG


def _by_kind(fate: str) -> tuple[int, str]:
    kind = fate.partition(":")[0]
    return (_KINDS.index(kind) if kind in _KINDS else len(_KINDS), fate)


def _in_order(names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: (name in (CONFIG, KEY), name)))


def _access_lost(access: Access, up_to: int) -> Family:
    owner = _any_of(access.machine | {OWNER_MIND})
    stashes = _all_of((_any_of(fates) for fates in access.stashes), up_to)
    return _both(owner, _smallest(stashes | _too_few(access, up_to)), up_to)


def _too_few(access: Access, up_to: int) -> Family:
    """The smallest sets after which fewer stewards are left than are required."""
    spare = len(access.stewards) - access.required
    if spare < 0:
        return ALWAYS
    hit: dict[str, int] = defaultdict(int)
    for index, fates in enumerate(access.stewards):
        for fate in fates:
            hit[fate] |= 1 << index
    found: set[Fates] = set()
    for count in range(1, up_to + 1):
        for together in combinations(sorted(hit), count):
            if _hit_by(together, hit) > spare:
                found.add(frozenset(together))
    return _smallest(found)


def _hit_by(together: Iterable[str], hit: Mapping[str, int]) -> int:
    """How many stewards (bits) these fates hit."""
    stewards = 0
    for fate in together:
        stewards |= hit[fate]
    return stewards.bit_count()


def _dataset_lost(pattern: Pattern, access: Family, opened: dict[Pattern, Family], up_to: int) -> Family:
    """Every copy is hit; or the config cannot be opened and every copy that does without it is hit.

    `opened` remembers the second part, which few patterns differ in.
    """
    plain = frozenset(part for part in pattern if not part[1])
    if plain not in opened:
        opened[plain] = _both(access, _all_of((_any_of(fates) for fates, _ in plain), up_to), up_to)
    return _smallest(_all_of((_any_of(fates) for fates, _ in pattern), up_to) | opened[plain])


def _any_of(fates: Iterable[str]) -> Family:
    return frozenset(frozenset((fate,)) for fate in fates)


def _all_of(families: Iterable[Family], up_to: int) -> Family:
    result = ALWAYS
    for family in families:
        result = _both(result, family, up_to)
    return result


def _both(one: Family, other: Family, up_to: int) -> Family:
    """The smallest sets that cause the one and the other."""
    return _smallest(
        first | second
        for first in one
        for second in other
        if len(first) + len(second) <= up_to or len(first | second) <= up_to
    )


def _smallest(sets: Iterable[Fates]) -> Family:
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
