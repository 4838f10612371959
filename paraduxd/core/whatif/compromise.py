"""What somebody can do who has got hold of something: which copies he reads, changes or removes, which accounts he gets into.

The rules say where each thing leads, and what is reached from the seeds is his. He may change what he may remove and the other way round;
both are "delete" here. When in doubt he can: a password of ours that may write may also remove, unless the place is said to be protected
and no rehearsal has found otherwise. The owner's passphrase is not his: if he waits on the machine until it is typed, it is
(`NOTE_MACHINE`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from paraduxd.api.frozen import dataclass
from paraduxd.core.plan.model import DatasetPlan, DestinationPlan
from paraduxd.core.primitives import disks
from paraduxd.core.primitives.access_rules import Way, reached
from paraduxd.core.primitives.hosts import host_of, is_loopback
from paraduxd.core.recoverability import copies
from paraduxd.core.recoverability.append_only_places import protection
from paraduxd.core.recoverability.copies import BY_CONFIG_ONLY
from paraduxd.core.recoverability.families import Fates
from paraduxd.core.recoverability.labels import Placed
from paraduxd.core.whatif import inventory
from paraduxd.core.whatif.losses import Taken
from paraduxd.core.whatif.world import World, with_implied

MACHINE, TRANSPORT = "machine", "credentials"
"""The machine, whatever its labels; the credentials alone with which it reaches its places. Both can be asked for."""

_MEMORY, _SECRET = "(memory)", "(secret)"

NOTE_MACHINE = (
    "Who controls the machine and waits until the passphrase is typed there opens the config, too,"
    " with all that it leads to."
)

Ways = dict[str, list[Way]]


@dataclass(frozen=True)
class Intruder:
    """What somebody has who begins with these labels, stewards or entries."""

    world: World
    seeds: Fates

    @cached_property
    def has(self) -> frozenset[str]:
        """Everything that he gets to."""
        return reached(_Rules(self.world).all(), with_implied(sorted(self.seeds)))

    @cached_property
    def opens(self) -> bool:
        """Whether he opens some config."""
        return inventory.CONFIG in self.has

    @cached_property
    def has_machine(self) -> bool:
        """Whether the machine is his."""
        return MACHINE in self.has

    def may(self, right: str, dataset: str) -> tuple[str, ...]:
        """The copies of a dataset with which he may do this."""
        locations = [each.copy.location for each in self.world.details[dataset]]
        return tuple(each for each in locations if _right(right, dataset, each) in self.has)

    @cached_property
    def stashes(self) -> tuple[str, ...]:
        """The metadata stashes whose configs he may remove."""
        names = (stash.id for stash in self.world.plan.metadata_stashes)
        return tuple(name for name in names if _right("delete", "", name) in self.has)

    @cached_property
    def entries(self) -> tuple[str, ...]:
        """The entries of the inventory into which he gets."""
        return tuple(entry.id for entry in self.world.plan.inventory if entry.id in self.has)

    @cached_property
    def taken(self) -> Taken:
        """All that he may remove or keep from the owner."""
        plan = self.world.plan
        gone = {(each.id, location) for each in plan.datasets for location in self.may("delete", each.id)}
        kits = (each.id for each in plan.stewards if _kit(each.id) in self.has)
        return Taken(frozenset(gone), frozenset(kits), frozenset(self.stashes), self.has_machine)


def _has_kit(world: World, steward: str) -> bool:
    return copies.has_kit(world.plan, world.facts, steward)


def _right(right: str, dataset: str, location: str) -> str:
    return f"{right} {dataset}/{location}"


def _kit(steward: str) -> str:
    return f"kit {steward}"


def _config(serial: int) -> str:
    return f"config {serial}"


class _Rules:
    """Where each thing leads. Labels and ids of entries stand for themselves; everything else has a space or a bracket in its name."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.plan, self.facts, self.labels = world.plan, world.facts, world.labels
        self.access = world.model.access
        self.ways: Ways = {}

    def all(self) -> Ways:
        """All ways."""
        self._machine()
        self._kits()
        self._configs()
        self._inventory()
        for dataset in self.plan.datasets:
            self._near(dataset)
            for destination in dataset.destinations:
                self._destination(dataset.id, destination)
        for stash in self.plan.metadata_stashes:
            self._stash(stash.id, stash, stash.since)
        return self.ways

    def _add(self, thing: str, *ways: Iterable[str]) -> None:
        self.ways.setdefault(thing, []).extend(Way(tuple(way)) for way in ways)

    def _machine(self) -> None:
        self._add(MACHINE, *_each(self.labels.machine))
        self._add(_MEMORY, *_each(self.labels.memory))
        if self.plan.unattended or not self.facts.daemon.locked:
            self._add(TRANSPORT, [MACHINE])

    def _kits(self) -> None:
        names = [steward.id for steward in self.plan.stewards if _has_kit(self.world, steward.id)]
        for steward in self.plan.stewards:
            fates = self.labels.of_steward(steward, copies.kit_written(self.facts, steward.id))
            self._add(_kit(steward.id), *_each(fates), [steward.id], [f"person:{steward.id}"])
        kits = tuple(map(_kit, names))
        self.ways[_SECRET] = [Way(kits, max(self.access.required, 1))] if kits else []

    def _configs(self) -> None:
        """Configs by serial; with any of them comes the inventory."""
        serials = {self.plan.serial}
        self._add(_config(self.plan.serial), [MACHINE, _MEMORY], [MACHINE, _SECRET])
        for steward in self.plan.stewards:
            if _has_kit(self.world, steward.id):
                serial = copies.kit_serial(self.facts, steward.id)
                serials.add(serial)
                self._add(_config(serial), [_SECRET, _kit(steward.id)])
        held = [(each, copies.holding(self.plan, self.facts, each)) for each in self.plan.metadata_stashes]
        serials.update(holding.serial for _, holding in held if holding is not None)
        for stash, holding in held:
            if holding is None:
                continue
            known = (each for each in sorted(serials) if each >= stash.since)
            ways = [*_each(self._hands_on(stash)), *([_config(each)] for each in known)]
            self._add(_config(holding.serial), *((_SECRET, *way) for way in ways))
        self._add(inventory.CONFIG, *([_config(serial)] for serial in sorted(serials)))
        self.serials = sorted(serials)

    def _inventory(self) -> None:
        for name, ways in inventory.rules(self.plan.inventory, lent=False).items():
            self.ways.setdefault(name, []).extend(ways)
        for entry in self.plan.inventory:
            self._add(entry.id, *_each(entry.fates))
            for label in entry.fates:
                if label.startswith("account:"):  # who gets into an account has all that it holds
                    self._add(label, [entry.id])

    def _near(self, dataset: DatasetPlan) -> None:
        """The source, and staging."""
        source = dataset.source
        hands = [*_each(self._hands_on(source)), *self._logins(source.place, source.since)]
        for right in ("read", "delete"):
            self._add(_right(right, dataset.id, "source"), *hands)
            lies = [[MACHINE], *_each(self.labels.staging)]
            self._add(_right(right, dataset.id, "staging"), *lies)

    def _destination(self, dataset: str, plan: DestinationPlan) -> None:
        hands = self._hands_on(plan)
        logins = list(self._logins(plan.place, plan.since))
        protected = plan.protects != "none" and protection(self.facts, dataset, plan) is not False
        removing = [] if protected and not disks.is_here(plan.place) else logins
        delete, read = _right("delete", dataset, plan.id), _right("read", dataset, plan.id)
        self._add(delete, *_each(hands), *removing)
        opening = [[_config(each)] for each in self.serials if each >= plan.since]
        if plan.encryption == "none":
            self._add(read, *_each(hands), *logins)
        elif plan.encryption == BY_CONFIG_ONLY:
            self._add(read, *((*way, *key) for way in (*_each(hands), *logins) for key in opening))
        else:
            keys = [*opening, [TRANSPORT]]
            self._add(read, *((*way, *key) for way in (*_each(hands), *logins) for key in keys))

    def _stash(self, name: str, plan: Placed, since: int) -> None:
        logins = self._logins(plan.place, since)
        self._add(_right("delete", "", name), *_each(self._hands_on(plan)), *logins)

    def _hands_on(self, place: Placed) -> Fates:
        """What has a place in hand: its labels, and the machine for what lies on it."""
        here = place.place == disks.LOCAL or (
            not disks.uuid_of(place.place) and is_loopback(host_of(place.place), self.facts.own_names)
        )
        return self.labels.of(place) | ({MACHINE} if here else set())

    def _logins(self, place: str, since: int) -> Iterator[list[str]]:
        """Ways with the credentials of this machine; a disk in its drawer has none."""
        uuid = disks.uuid_of(place)
        if uuid:
            if uuid in self.facts.plugged_in:
                yield [MACHINE]
        elif place != disks.LOCAL:
            yield [TRANSPORT]
            yield from ([_config(each)] for each in self.serials if each >= since)


def _each(things: Iterable[str]) -> list[list[str]]:
    return [[each] for each in sorted(things)]
