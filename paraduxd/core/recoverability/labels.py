"""The fates of every place of the plan: those that the owner gave it, and those that follow from where it is.

* Places of one host die together: each has the fates of all of them.
* Loopback addresses and the machine's own names are the machine.
* A place without any fate shares those of the Paradux machine: the worst case, which status tells as "assumed". A host is a label of its
  own then ("host:NAME").
* Places on one removable disk are one disk.
* A steward without fates is a person ("person:ID").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import Protocol

from paraduxd.api.frozen import dataclass
from paraduxd.core.plan.model import Plan, StewardPlan
from paraduxd.core.primitives.disks import LOCAL, is_here, uuid_of
from paraduxd.core.primitives.hosts import host_of, is_loopback
from paraduxd.core.recoverability.access import OWNER_MIND
from paraduxd.core.recoverability.families import Fates

MACHINE = "device:this-machine"
"""The machine that Paradux runs on, when its owner gave it no fate."""

OWNER = "person:owner"
"""The owner's death, which takes the owner's memory along."""


class Placed(Protocol):
    """A source, destination or metadata stash of the plan."""

    @property
    def place(self) -> str: ...
    @property
    def fates(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Assumed:
    """A place that its owner gave no fate, and the fates that it is taken to share."""

    place: str
    fates: tuple[str, ...]


@dataclass(frozen=True)
class Labels:
    """What dies together by this plan. `own_names`: names and addresses of the machine, in lower case."""

    plan: Plan
    own_names: frozenset[str] = frozenset()

    @cached_property
    def machine(self) -> Fates:
        """The fates of the machine."""
        return frozenset(self.plan.owner_fates) or frozenset((MACHINE,))

    @cached_property
    def staging(self) -> Fates:
        """The fates of staging copies: those of the machine, unless they lie elsewhere."""
        return frozenset(self.plan.staging_fates) or self.machine

    @cached_property
    def memory(self) -> Fates:
        """What takes the operational passphrase, which is in the owner's head only."""
        return frozenset((OWNER_MIND, OWNER) if OWNER in self.given else (OWNER_MIND,))

    @cached_property
    def given(self) -> Fates:
        """Every label that the owner has used."""
        places = (part.fates for _, part in _placed(self.plan))
        own = (*self.plan.owner_fates, *self.plan.staging_fates)
        stewards = (each.fates for each in self.plan.stewards)
        return frozenset(own).union(*places, *stewards, *(each.fates for each in self.plan.inventory))

    def of(self, part: Placed) -> Fates:
        """The fates of a place."""
        shared = self._shared.get(_group(part.place), frozenset()) or frozenset(part.fates)
        if self._is_machine(part.place):
            return frozenset(part.fates) | self.machine
        if shared:
            return shared
        return self.machine if is_here(part.place) else self.machine | {f"host:{host_of(part.place)}"}

    def of_steward(self, steward: StewardPlan, written: datetime | None = None) -> Fates:
        """The fates of a steward's kit; one that was `written` after the last was handed over still lies with the machine, too."""
        own = frozenset(steward.fates) or frozenset((f"person:{steward.id}",))
        return own | self.machine if is_waiting(steward, written) else own

    @cached_property
    def assumed(self) -> tuple[Assumed, ...]:
        """The places for which the worst is assumed, in the order of the plan. That a source here dies with the machine is none."""
        found: dict[str, Assumed] = {}
        for name, part in _placed(self.plan):
            fates = self._shared.get(_group(part.place)) or part.fates
            here = self._is_machine(part.place) or (part.place == LOCAL and name.endswith("/source"))
            if not fates and not here:
                called = name if is_here(part.place) else f"host:{host_of(part.place)}"
                found.setdefault(called, Assumed(called, tuple(sorted(self.machine))))
        return tuple(found.values())

    def _is_machine(self, place: str) -> bool:
        return not is_here(place) and is_loopback(host_of(place), self.own_names)

    @cached_property
    def _shared(self) -> dict[str, Fates]:
        """Host or disk -> the fates of all that is there."""
        found: dict[str, set[str]] = defaultdict(set)
        for _, part in _placed(self.plan):
            if group := _group(part.place):
                found[group].update(part.fates)
        return {group: frozenset(fates) for group, fates in found.items()}


def is_waiting(steward: StewardPlan, written: datetime | None) -> bool:
    """Whether a kit was written on a later day than the one on which its steward took one home."""
    if steward.handed_over is None or written is None:
        return False
    return written.date().isoformat() > steward.handed_over


def _placed(plan: Plan) -> Iterator[tuple[str, Placed]]:
    for dataset in plan.datasets:
        yield f"{dataset.id}/source", dataset.source
        for destination in dataset.destinations:
            yield f"{dataset.id}/{destination.id}", destination
    for stash in plan.metadata_stashes:
        yield stash.id, stash


def _group(place: str) -> str:
    """What places have in common that die together; "" for a folder of this machine, which may be on any disk."""
    return "" if place == LOCAL else place if uuid_of(place) else host_of(place)
