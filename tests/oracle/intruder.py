"""What somebody can do who has got hold of something: walked through door by door until no door opens any more.

Written from the rules in README.md (26 to 33), not from the code under test.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.oracle.family import DISK, MACHINE, Dataset, Destination, Family, Form, Source, Stash
from tests.oracle.places import DEATH, MEMORY, Fates, _is_machine, _same
from tests.oracle.truth import held_by

Right = tuple[str, str, str]
"""("read" or "delete", dataset, place); the dataset of a metadata stash is ""."""


@dataclass(frozen=True)
class Account:
    """An entry of the inventory. `written`: its password stands in the config; `needs`, `resets`: alternatives."""

    name: str
    labels: tuple[str, ...] = ()
    written: bool = False
    needs: tuple[tuple[str, ...], ...] = ()
    resets: tuple[tuple[str, ...], ...] = ()


def draw_accounts(seed: int, labels: tuple[str, ...], most: int = 7) -> tuple[Account, ...]:
    """Accounts that need each other at random, circles included."""
    chance = random.Random(seed)
    names = [f"e{number}" for number in range(chance.randint(1, most))]

    def ways(likely: float) -> tuple[tuple[str, ...], ...]:
        count = chance.choice((1, 1, 2)) if chance.random() < likely else 0
        return tuple(tuple(chance.choices(names, k=chance.randint(1, 2))) for _ in range(count))

    def account(name: str) -> Account:
        own = tuple(chance.sample(labels, 1)) if labels and chance.random() < 0.5 else ()
        return Account(name, own, chance.random() < 0.5, ways(0.5), ways(0.3))

    return tuple(map(account, names))


@dataclass
class Walk:
    """Somebody on his way. `protected`: places at which the machine's credentials remove nothing."""

    family: Family
    accounts: tuple[Account, ...]
    seeds: frozenset[str]
    protected: frozenset[tuple[str, str]] = frozenset()
    plugged_in: frozenset[str] = frozenset()
    names: set[str] = field(default_factory=set)
    serials: set[int] = field(default_factory=set)
    rights: set[Right] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.fates = Fates(self.family)
        self.names |= self.seeds | ({MEMORY} if DEATH in self.seeds else set())
        before = None
        while before != (len(self.names), len(self.serials), len(self.rights)):
            before = (len(self.names), len(self.serials), len(self.rights))
            self._machine()
            self._configs()
            self._accounts()
            self.rights.update(self._found())

    def _machine(self) -> None:
        if self.fates.machine & self.names:
            self.names.add("machine")
        if "machine" in self.names and self.family.unattended:
            self.names.add("credentials")
        for steward in self.family.stewards:
            if self.fates.kit(steward) & self.names or {steward.name, f"person:{steward.name}"} & self.names:
                self.names.add(f"kit of {steward.name}")

    def _configs(self) -> None:
        kits = [
            each.kit for each in self.family.stewards if self._counts(each.kit) and f"kit of {each.name}" in self.names
        ]
        secret = len(kits) >= self.family.required
        memory = self.fates.memory & self.names
        if "machine" in self.names and (secret or memory):
            self.serials.add(self.family.serial)
        if not secret:
            return
        self.serials.update(kit.serial or 1 for kit in kits if kit)
        for stash in self.family.stashes:
            held = held_by(stash)
            if held is None or self.family.epoch not in held.epochs:
                continue
            if self._in_hand(stash) or any(serial >= stash.since for serial in self.serials):
                self.serials.add(held.serial)

    def _counts(self, kit: object) -> bool:
        epochs = (self.family.epoch, self.family.epoch + 1) if self.family.rotating else (self.family.epoch,)
        return kit is not None and kit.epoch in epochs and not kit.void and not kit.damaged  # type: ignore[attr-defined]

    def _accounts(self) -> None:
        for each in self.accounts:
            ways = [*each.needs] or ([()] if each.written else [])
            inside = (not each.written or self.serials) and any(set(way) <= self.names for way in ways)
            if inside or any(set(way) <= self.names for way in each.resets) or self.names & set(each.labels):
                self.names.add(each.name)
            if each.name in self.names:
                self.names.update(label for label in each.labels if label.startswith("account:"))

    def _found(self) -> Iterator[Right]:
        for stash in self.family.stashes:
            if self._in_hand(stash) or self._logs_in(stash):
                yield "delete", "", stash.name
        for dataset in self.family.datasets:
            yield from self._of_dataset(dataset)

    def _of_dataset(self, dataset: Dataset) -> Iterator[Right]:
        source = dataset.source
        if self._in_hand(source) or self._logs_in(source):
            yield from (("read", dataset.name, "source"), ("delete", dataset.name, "source"))
        if self.fates.machine & self.names or "machine" in self.names:
            yield from (("read", dataset.name, "staging"), ("delete", dataset.name, "staging"))
        for each in dataset.destinations:
            logs_in = self._logs_in(each)
            refused = (dataset.name, each.name) in self.protected and not each.address.startswith(DISK)
            if self._in_hand(each) or (logs_in and not refused):
                yield "delete", dataset.name, each.name
            if (self._in_hand(each) or logs_in) and self._reads(each):
                yield "read", dataset.name, each.name

    def _reads(self, each: Destination) -> bool:
        knows = any(serial >= each.since for serial in self.serials)
        if each.form is Form.KEYED:
            return knows or "credentials" in self.names
        return knows or each.form is not Form.SEALED

    def _in_hand(self, place: Source | Destination | Stash) -> bool:
        here = (
            place.address == MACHINE
            or _is_machine(place.address)
            or _same(place.address) in set(map(_same, self.family.names))
        )
        return bool(self.fates.place(place) & self.names) or (here and "machine" in self.names)

    def _logs_in(self, place: Source | Destination | Stash) -> bool:
        if place.address == MACHINE:
            return False
        if place.address.startswith(DISK):
            return place.address.removeprefix(DISK) in self.plugged_in and "machine" in self.names
        return "credentials" in self.names or any(serial >= place.since for serial in self.serials)


def reached_after(accounts: tuple[Account, ...], loss: frozenset[str], *, config: bool) -> frozenset[str]:
    """The accounts that the family gets into after a loss."""
    found: set[str] = set()
    before = -1
    while before != len(found):
        before = len(found)
        for each in accounts:
            if loss & set(each.labels):
                continue
            bare = not each.needs and not each.written and not each.resets
            own = [*each.needs] or ([()] if each.written else [])
            inside = (config or not each.written) and any(set(way) <= found for way in own)
            if bare or inside or any(set(way) <= found for way in each.resets):
                found.add(each.name)
    return frozenset(found)
