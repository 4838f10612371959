"""Which labels take a place along (rules L1 to L6 of README.md)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from tests.oracle.family import DISK, MACHINE, Dataset, Destination, Family, Labels, Source, Stash, Steward

UNNAMED_MACHINE = "device:this-machine"
MEMORY = "mind:owner"
DEATH = "person:owner"

Place = Source | Destination | Stash


class Fates:
    """The labels of every place of one family."""

    def __init__(self, family: Family) -> None:
        self._machine = frozenset(family.machine or (UNNAMED_MACHINE,))
        self._names = {_same(name) for name in family.names}
        self._shared: dict[str, set[str]] = {}
        places = list(_places(family))
        for place in places:
            self._shared.setdefault(_same(place.address), set()).update(place.labels)
        named = {label for place in places for label in place.labels} | self._machine
        named.update(label for steward in family.stewards for label in steward.labels)
        self.memory = frozenset({MEMORY, DEATH} if DEATH in named else {MEMORY})

    @property
    def machine(self) -> frozenset[str]:
        """What takes the machine that runs Paradux."""
        return self._machine

    def place(self, place: Place) -> frozenset[str]:
        """What takes this place."""
        if place.address == MACHINE:
            return frozenset(place.labels) or self._machine
        if _is_machine(place.address) or _same(place.address) in self._names:
            return frozenset(place.labels) | self._machine
        shared = frozenset(self._shared[_same(place.address)])
        if shared:
            return shared
        assumed = () if place.address.startswith(DISK) else (f"host:{_same(place.address)}",)
        return self._machine.union(assumed)

    def kit(self, steward: Steward) -> frozenset[str]:
        """What takes the kit of this steward."""
        return frozenset(steward.labels or (f"person:{steward.name}",))

    def every_label(self, family: Family) -> Labels:
        """All that can be lost."""
        found = set(self._machine | self.memory)
        for place in _places(family):
            found |= self.place(place)
        for steward in family.stewards:
            found |= self.kit(steward)
        return tuple(sorted(found))


def _places(family: Family) -> Iterator[Place]:
    yield from family.stashes
    for dataset in family.datasets:
        yield from _places_of(dataset)


def _places_of(dataset: Dataset) -> Iterator[Place]:
    yield dataset.source
    yield from dataset.destinations


def _same(address: str) -> str:
    """Equal for the addresses of one host, and of one disk."""
    return address if address.startswith(DISK) else address.lower().rstrip(".")


def _is_machine(address: str) -> bool:
    host = _same(address).strip("[]")
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return host in ("localhost", "localhost.localdomain") or host.endswith(".localhost")
    return number.is_loopback or number.is_unspecified
