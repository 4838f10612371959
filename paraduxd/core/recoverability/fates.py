"""Which losses lose what: a small algebra of fates.

A fate is a label for something that is lost as a whole ("place:house", "account:aws", "mind:owner"). A copy is gone when one
of its fates is lost. A dataset survives when one of its copies is left that is of use: it lies in clear in somebody's hand, or a
config that knows its place as it is now can be opened (`core/recoverability/access.py`), or the machine is left, which has the credentials.

"Lost" is monotone in the lost fates, so it is described exactly by the smallest sets that cause it (`families.py`). Datasets
whose copies share the same fates are computed once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from paraduxd.core.recoverability.access import Access
from paraduxd.core.recoverability.families import ALWAYS, UP_TO, Family, Fates, all_of, any_of, both, either, smallest

CONFIG = "(config)"
KEY = "(key)"
"""Among lost datasets, what else is lost; no id of a dataset looks like these."""

_KINDS = ("place", "device", "account", "person", "mind", "host")
"""The order in which the fates of one loss are named."""


@dataclass(frozen=True)
class Copy:
    """One copy of a dataset.

    `since`: only a config of this serial or later leads to it and opens it; `None`: it lies in clear in somebody's hand. `transport`: the
    machine alone can read it, too, with the credentials that it has.
    """

    location: str
    fates: Fates
    since: int | None = None
    transport: bool = False


Need = tuple[int | None, bool] | None
"""What a copy needs: (level of the config, or the machine?); the level `None`: a config that nobody has. `None`: nothing."""

Pattern = frozenset[tuple[Fates, Need]]


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
            groups[frozenset((copy.fates, self._need(copy)) for copy in copies)].append(name)
        return {pattern: tuple(names) for pattern, names in groups.items()}

    @cached_property
    def fates(self) -> Fates:
        """Every fate that something here depends on."""
        return self.access.fates.union(*(fates for pattern in self.patterns for fates, _ in pattern))

    def _need(self, copy: Copy) -> Need:
        return None if copy.since is None else (self.access.level(copy.since), copy.transport)


@dataclass(frozen=True)
class Loss:
    """A smallest set of fates that loses something, and what it loses."""

    fates: tuple[str, ...]
    lost: tuple[str, ...]


def loses(model: Model, lost: Iterable[str]) -> tuple[str, ...]:
    """What is gone when these fates are lost together: dataset ids, then `CONFIG` (no copy is left) or `KEY` (none opens)."""
    gone = frozenset(lost)
    newest = model.access.newest(gone)
    machine = model.access.machine.isdisjoint(gone)
    names = [
        name
        for name, copies in model.datasets.items()
        if not any(copy.fates.isdisjoint(gone) and is_of_use(copy, newest, machine) for copy in copies)
    ]
    return (*sorted(names), *(() if newest is not None else (what_of_config(model.access, gone),)))


def is_of_use(copy: Copy, newest: int | None, machine: bool) -> bool:
    """Whether somebody who has a copy can read it: with the newest config that opens, or on the machine."""
    return copy.since is None or (copy.transport and machine) or (newest is not None and newest >= copy.since)


def minimal_losses(model: Model, up_to: int = UP_TO) -> tuple[Loss, ...]:
    """The smallest sets of at most `up_to` fates that lose something: fewest fates first, then those that lose most.

    What has no copy even now is left out: no further loss is needed for that.
    """
    causes: dict[Fates, set[str]] = defaultdict(set)
    for fates in model.access.lost(0, up_to) - ALWAYS:
        causes[fates].add(what_of_config(model.access, fates))
    search = Search(model.access, up_to)
    for pattern, names in model.patterns.items():
        for fates in search.lost(pattern) - ALWAYS:
            causes[fates].update(names)
    losses = (Loss(tuple(sorted(fates, key=by_kind)), _in_order(causes[fates])) for fates in smallest(causes))
    return tuple(sorted(losses, key=lambda loss: (len(loss.fates), -len(loss.lost), loss.fates)))


def survives_any(model: Model, up_to: int = UP_TO) -> int:
    """How many losses, whichever they are, are survived; `up_to` means "that many or more"."""
    return survived(model, minimal_losses(model, up_to), up_to)


def survived(model: Model, losses: Sequence[Loss], up_to: int = UP_TO) -> int:
    """`survives_any` from minimal losses that are computed already."""
    if loses(model, ()):
        return 0
    return len(losses[0].fates) - 1 if losses else up_to


@dataclass
class Search:
    """The losses of patterns; what many of them have in common is computed once."""

    access: Access
    up_to: int
    _needs: dict[Need, Family] = field(default_factory=dict)
    _groups: dict[tuple[frozenset[Fates], Need], Family] = field(default_factory=dict)

    def lost(self, pattern: Pattern) -> Family:
        """Every copy is gone, or of no use any more: (A or N) and (B or N) is (A and B) or N."""
        groups: dict[Need, set[Fates]] = defaultdict(set)
        for fates, need in pattern:
            groups[need].add(fates)
        families = [self._group(frozenset(together), need) for need, together in groups.items()]
        return all_of(sorted(families, key=len), self.up_to)

    def _group(self, together: frozenset[Fates], need: Need) -> Family:
        """All copies with one need."""
        if (together, need) not in self._groups:
            gone = all_of((any_of(fates) for fates in together), self.up_to)
            self._groups[together, need] = either(gone, self._need(need))
        return self._groups[together, need]

    def _need(self, need: Need) -> Family:
        if need is None:
            return frozenset()
        if need not in self._needs:
            level, transport = need
            serial = self.access.serial if level is None else level
            config = self.access.lost(serial, self.up_to)
            machine = any_of(self.access.machine) if transport else ALWAYS
            self._needs[need] = both(config, machine, self.up_to)
        return self._needs[need]


def what_of_config(access: Access, gone: Fates) -> str:
    """What is said to be lost of the config. Access is lost: because no copy of the config is left, or because nobody can open one."""
    stashes, kits = (each.fates for each in access.stashes), (each.fates for each in access.kits)
    return KEY if any(fates.isdisjoint(gone) for fates in (access.machine, *stashes, *kits)) else CONFIG


def by_kind(fate: str) -> tuple[int, str]:
    """The order in which labels are named."""
    kind = fate.partition(":")[0]
    return (_KINDS.index(kind) if kind in _KINDS else len(_KINDS), fate)


def _in_order(names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: (name in (CONFIG, KEY), name)))
