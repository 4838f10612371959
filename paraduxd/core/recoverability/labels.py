"""The fates of every place of the plan: those that the owner gave it, and those that follow from where it is.

* Places of one host die together: each has the fates of all of them.
* Loopback addresses and the machine's own names are the machine.
* A place without any fate shares those of the Paradux machine: the worst case, which status tells as "assumed". A host is a label of its
  own then ("host:NAME").
* Places on one removable disk are one disk.
* A steward without fates is a person ("person:ID").
"""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Protocol

from paraduxd.core.plan.model import Plan, StewardPlan
from paraduxd.core.recoverability.access import OWNER_MIND
from paraduxd.core.recoverability.families import Fates
from paraduxd.core.runs.removable_disks import uuid_of

MACHINE = "device:this-machine"
"""The machine that Paradux runs on, when its owner gave it no fate."""

OWNER = "person:owner"
"""The owner's death, which takes the owner's memory along."""

LOCAL = "local"

_LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})
_LOOPBACK = re.compile(r"127(\.[0-9]+){0,3}")

SHORT = 4
"""Names of fewer letters are alike all too often."""


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
    def memory(self) -> Fates:
        """What takes the operational passphrase, which is in the owner's head only."""
        return frozenset((OWNER_MIND, OWNER) if OWNER in self.given else (OWNER_MIND,))

    @cached_property
    def given(self) -> Fates:
        """Every label that the owner has used."""
        places = (part.fates for _, part in _placed(self.plan))
        return frozenset(self.plan.owner_fates).union(*places, *(each.fates for each in self.plan.stewards))

    def of(self, part: Placed) -> Fates:
        """The fates of a place."""
        shared = self._shared.get(_group(part.place), frozenset()) or frozenset(part.fates)
        if self._is_machine(part.place):
            return frozenset(part.fates) | self.machine
        if shared:
            return shared
        return self.machine if _is_here(part.place) else self.machine | {f"host:{host_of(part.place)}"}

    def of_steward(self, steward: StewardPlan) -> Fates:
        """The fates of a steward's kit."""
        return frozenset(steward.fates) or frozenset((f"person:{steward.id}",))

    @cached_property
    def assumed(self) -> tuple[Assumed, ...]:
        """The places for which the worst is assumed, in the order of the plan. That a source here dies with the machine is none."""
        found: dict[str, Assumed] = {}
        for name, part in _placed(self.plan):
            fates = self._shared.get(_group(part.place)) or part.fates
            here = self._is_machine(part.place) or (part.place == LOCAL and name.endswith("/source"))
            if not fates and not here:
                called = name if _is_here(part.place) else f"host:{host_of(part.place)}"
                found.setdefault(called, Assumed(called, tuple(sorted(self.machine))))
        return tuple(found.values())

    def _is_machine(self, place: str) -> bool:
        return not _is_here(place) and is_loopback(host_of(place), self.own_names)

    @cached_property
    def _shared(self) -> dict[str, Fates]:
        """Host or disk -> the fates of all that is there."""
        found: dict[str, set[str]] = defaultdict(set)
        for _, part in _placed(self.plan):
            if group := _group(part.place):
                found[group].update(part.fates)
        return {group: frozenset(fates) for group, fates in found.items()}


def _placed(plan: Plan) -> Iterator[tuple[str, Placed]]:
    for dataset in plan.datasets:
        yield f"{dataset.id}/source", dataset.source
        for destination in dataset.destinations:
            yield f"{dataset.id}/{destination.id}", destination
    for stash in plan.metadata_stashes:
        yield stash.id, stash


def _is_here(place: str) -> bool:
    """Whether it is a disk, and no host."""
    return place == LOCAL or uuid_of(place) != ""


def _group(place: str) -> str:
    """What places have in common that die together; "" for a folder of this machine, which may be on any disk."""
    return "" if place == LOCAL else place if uuid_of(place) else host_of(place)


@lru_cache(maxsize=4096)
def host_of(place: str) -> str:
    """The host of a place, in the form in which two of them are compared."""
    return place.lower().strip("[]").rstrip(".")


@lru_cache(maxsize=4096)
def is_loopback(host: str, own_names: frozenset[str] = frozenset()) -> bool:
    """Whether the host, as `host_of` gives it, is this machine."""
    if host in own_names or host in _LOOPBACK_NAMES or host.endswith(".localhost") or _LOOPBACK.fullmatch(host):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_loopback or mapped.is_unspecified or str(mapped) in own_names


@lru_cache(maxsize=8)
def look_alikes(labels: Fates) -> tuple[tuple[str, str], ...]:
    """Pairs of labels that were probably meant to be one: they differ in one letter, in case, in a dash or in a plural."""
    near: dict[str, list[str]] = defaultdict(list)
    for label in sorted(labels):
        for variant in _variants(label):
            near[variant].append(label)
    pairs = {pair for together in near.values() for pair in combinations(together, 2)}
    return tuple(sorted(pair for pair in pairs if _alike(*pair)))


def _variants(label: str) -> set[str]:
    """What a label shares with those that differ from it in one letter."""
    low = label.lower()
    return {_bare(label), low, *(low[:at] + low[at + 1 :] for at in range(len(low)))}


def _alike(one: str, other: str) -> bool:
    if _bare(one) == _bare(other):
        return True
    short = min(len(label.partition(":")[2] or label) for label in (one, other)) < SHORT
    numbers = re.sub(r"\D", "", one) != re.sub(r"\D", "", other)
    return not short and not numbers and _one_letter_apart(one.lower(), other.lower())


def _bare(label: str) -> str:
    return re.sub(r"[-_. ]", "", label.lower()).rstrip("s")


def _one_letter_apart(one: str, other: str) -> bool:
    """Whether one letter was changed, left out, or exchanged with its neighbour."""
    if len(one) > len(other):
        one, other = other, one
    start = next((at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), len(one))
    if len(one) < len(other):
        return len(other) - len(one) == 1 and one[start:] == other[start + 1 :]
    swapped = one[start : start + 2] == other[start : start + 2][::-1] and one[start + 2 :] == other[start + 2 :]
    return one[start + 1 :] == other[start + 1 :] or swapped
