"""What is really so: each loss is tried, and the recovery that would follow is walked through step by step.

Slow and plain on purpose. The rules, with their numbers, are in README.md.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.oracle.family import (
    OFFLINE,
    Dataset,
    Destination,
    Drill,
    Family,
    Form,
    Holding,
    Kit,
    Source,
    Stash,
    Steward,
    Tries,
)
from tests.oracle.places import Fates

MOST = 3
"""More losses at once than this are not told apart."""

NEVER = float("inf")

Loss = frozenset[str]


@dataclass(frozen=True)
class Truth:
    """What status should say of the `world`. `lost_by`: what each of the weakest losses takes; "" stands for the config.

    `unreachable`: datasets that the stewards alone could not bring back today, `opens`: whether they get any config.
    `named`: those of them that a critical problem has to name. `old`: copies that count
    although they are old, as "DATASET/PLACE". `proven`: how many hours ago a drill has proven a dataset.
    """

    world: World
    survives: int
    weakest: frozenset[Loss]
    lost_by: dict[Loss, frozenset[str]]
    opens: bool
    unreachable: frozenset[str]
    named: frozenset[str]
    old: frozenset[str]
    proven: dict[str, float]

    @property
    def today(self) -> bool:
        """Whether all could be recovered from what the stewards have."""
        return self.opens and not self.unreachable


def truth(family: Family, only: str | None = None) -> Truth:
    """Everything about one family; `only`: about this dataset, though its places may share a host with those of others."""
    world = World(family, only)
    losses = _weakest(world)
    size = 1 if world.gone else min(map(len, losses), default=MOST + 1)
    configs = world.configs(frozenset(), machine=False)
    unreachable = frozenset(each.name for each in world.datasets if not world.brought_back(each, configs))
    unseen = {each.name for each in world.datasets if family.recovered and any(map(unknown, each.destinations))}
    bare = {each.name for each in world.datasets if not any(counting(each))}
    return Truth(
        world,
        survives=size - 1,
        weakest=frozenset(loss for loss in losses if len(loss) == size),
        lost_by=losses,
        opens=bool(configs),
        unreachable=unreachable,
        named=(unreachable if configs else unreachable & bare) - unseen,
        old=frozenset(each for dataset in world.datasets for each in old_copies(dataset)),
        proven=proven(family, world.datasets),
    )


def _weakest(world: World) -> dict[Loss, frozenset[str]]:
    """The smallest losses that take something, with what they take."""
    for size in range(1, MOST + 1):
        tried = map(frozenset, itertools.combinations(world.labels, size))
        if found := {loss: taken for loss in tried if (taken := world.takes(loss))}:
            return found
    return {}


class World:
    """One family, its places, and what a loss leaves of them."""

    def __init__(self, family: Family, only: str | None = None) -> None:
        self.family = family
        self.datasets = tuple(each for each in family.datasets if only in (None, each.name))
        self.fates = Fates(family)
        self.labels = self.fates.every_label(family)
        self.gone = self.taken(frozenset())

    def taken(self, loss: Loss) -> frozenset[str]:
        """The datasets that are gone after this loss; "" when no config can be opened any more."""
        configs = self.configs(loss)
        gone = {each.name for each in self.datasets if not self._left(each, loss, configs)}
        return frozenset(gone | ({""} if not configs else set()))

    def takes(self, loss: Loss) -> frozenset[str]:
        """What is gone after this loss, and is not gone anyway."""
        return self.taken(loss) - self.gone

    def is_minimal(self, loss: Loss) -> bool:
        """Whether this loss takes something, and would not if one label less were lost."""
        return bool(self.takes(loss)) and not any(self.takes(loss - {label}) for label in loss)

    def configs(self, loss: Loss, machine: bool = True) -> frozenset[int]:
        """The serials of the configs that can be opened; without the `machine`: on a blank one, with what is elsewhere."""
        alive = machine and not self.fates.machine & loss
        kits = [each.kit for each in self.family.stewards if self._has_kit(each, loss)]
        secret = len(kits) >= self.family.required
        found: set[int] = set()
        if alive and (secret or not self.fates.memory & loss):
            found.add(self.family.serial)
        if secret:
            found.update(1 if kit.serial is None else kit.serial for kit in kits if kit is not None)
            self._follow(found, loss)
        return frozenset(found)

    def _follow(self, found: set[int], loss: Loss) -> None:
        """Ask every stash that a config names for what it holds, which may name more stashes, until nothing is new."""
        before = -1
        while len(found) != before:
            before = len(found)
            for stash in self.family.stashes:
                held = held_by(stash)
                if held is None or self.family.epoch not in held.epochs or self.fates.place(stash) & loss:
                    continue
                if any(serial >= stash.since for serial in found):
                    found.add(held.serial)

    def _has_kit(self, steward: Steward, loss: Loss) -> bool:
        kit = steward.kit
        return kit is not None and self._counts(kit) and not self.fates.kit(steward) & loss

    def _counts(self, kit: Kit) -> bool:
        usable = {self.family.epoch, self.family.epoch + 1} if self.family.rotating else {self.family.epoch}
        return kit.epoch in usable and not kit.void and not kit.damaged

    def _left(self, dataset: Dataset, loss: Loss, configs: frozenset[int]) -> bool:
        alive = not self.fates.machine & loss
        if alive and not dataset.source.in_place and self._staged(dataset):
            return True
        credentials = alive and self.family.unattended and self.family.credentials_there
        return any(
            not self.fates.place(copy) & loss and readable(copy, configs, credentials) for copy in self._copies(dataset)
        )

    def _copies(self, dataset: Dataset) -> Iterator[Source | Destination]:
        """The copies that count, staging apart."""
        if self._staged(dataset) and not late_and_failing(dataset.source, dataset):
            yield dataset.source
        yield from counting(dataset)

    def _staged(self, dataset: Dataset) -> bool:
        return not dataset.held and dataset.source.pulled.well is not None

    def brought_back(self, dataset: Dataset, configs: frozenset[int]) -> bool:
        """Whether a destination gives the dataset back with these configs and nothing else."""
        return any(readable(each, configs, False) for each in counting(dataset))


def readable(copy: Source | Destination, configs: Iterable[int], credentials: bool) -> bool:
    """Whether a copy whose place is there can be read."""
    if copy.form is Form.IN_HAND:
        return True
    if copy.form is not Form.SEALED and credentials:
        return True
    return any(serial >= copy.since for serial in configs)


def held_by(stash: Stash) -> Holding | None:
    """What the stash was last seen to hold."""
    seen = [each for each in (stash.published, stash.read) if each is not None]
    newest = min(seen, key=lambda each: each.age, default=None)
    return None if newest is not None and _failed_since(stash.unread, newest.age) else newest


def counting(dataset: Dataset) -> Iterator[Destination]:
    """The destinations that have a version which can be relied on."""
    for each in dataset.destinations:
        if there(each) and not late_and_failing(each, dataset):
            yield each


def old_copies(dataset: Dataset) -> Iterator[str]:
    """The destinations that count although nothing was heard of them for long."""
    for each in counting(dataset):
        if answered(each) > limit(each, dataset):
            yield f"{dataset.name}/{each.name}"


def unknown(destination: Destination) -> bool:
    """Whether nothing at all is known of it."""
    steps = (destination.pushed, destination.verified, destination.rehearsed, destination.seen)
    return all(tries.tried is None for tries in steps)


def there(destination: Destination) -> bool:
    """Whether a version is known that no check has found damaged or gone."""
    return _has_version(destination) and not _damaged(destination)


def _has_version(destination: Destination) -> bool:
    if _is_gone(destination):
        return False
    return min(map(_age, (destination.pushed, destination.seen, destination.rehearsed))) < NEVER


def _is_gone(destination: Destination) -> bool:
    """Whether a listing showed that nothing is there any more."""
    return destination.empty and _age(destination.seen) < _age(destination.pushed)


def _damaged(destination: Destination) -> bool:
    """Whether a check found damage that no later check has disproven, or nothing at all where nothing was pushed since."""
    pushed, verified = _age(destination.pushed), _age(destination.verified)
    checks = ((destination.verified, verified), (destination.rehearsed, min(verified, _age(destination.rehearsed))))
    return any(_found(check, good, pushed) for check, good in checks)


def _found(check: Tries, good: float, pushed: float) -> bool:
    found = _age_of_failure(check)
    if check.code == "damaged":
        return found < good
    return check.code in ("no-version", "not-found") and found < good and found <= pushed


def late_and_failing(copy: Source | Destination, dataset: Dataset) -> bool:
    """Whether nothing was heard from the place for two periods, and the transfers fail."""
    transfers = copy.pulled if isinstance(copy, Source) else copy.pushed
    if not transfers.failing or transfers.code == "not-inserted":
        return False
    return answered(copy) > limit(copy, dataset)


def limit(copy: Source | Destination, dataset: Dataset) -> float:
    """How many hours may go by without a sign of the place: two periods, its own, or those of what it hangs on."""
    others = [each.every for each in dataset.destinations] if isinstance(copy, Source) else [dataset.source.every]
    period = copy.every or min((each for each in others if each is not None), default=None)
    return NEVER if period is None else max(2 * period, period + 1)


def answered(copy: Source | Destination) -> float:
    """How many hours ago the place last did what it was asked."""
    if isinstance(copy, Source):
        return _age(copy.pulled)
    return min(map(_age, (copy.pushed, copy.verified, copy.rehearsed, copy.seen)))


def proven(family: Family, datasets: Iterable[Dataset]) -> dict[str, float]:
    """For each dataset that the last drill has proven, and that nothing has disproven since: how many hours ago that was."""
    drill = family.drill
    if drill is None or drill.epoch != family.epoch:
        return {}
    stashes = {each.name: each for each in family.stashes}
    opened = (stashes[each.place] for each in drill.opened if each.same and each.place in stashes)
    if not drill.by_kit and not any(
        each.since <= drill.serial and not _failed_since(_last_read(each), drill.age) for each in opened
    ):
        return {}
    return {each.name: drill.age for each in datasets if any(_proves(drill, each))}


def _proves(drill: Drill, dataset: Dataset) -> Iterator[bool]:
    used = {each.place for each in drill.restored if each.same and each.dataset == dataset.name}
    for each in dataset.destinations:
        unchanged = each.name in used and each.since <= drill.serial
        gone = _is_gone(each) and _age(each.seen) < drill.age
        whole = not gone and not _damaged(each)
        yield unchanged and whole and not _failed_since(each.rehearsed, drill.age)


def _last_read(stash: Stash) -> Tries:
    """The last rehearsal there, if it failed."""
    disproven = stash.read is not None and stash.read.age < (stash.unread.tried or 0.0)
    return Tries() if disproven else stash.unread


def _failed_since(check: Tries, age: float) -> bool:
    """Whether it failed later than that, and not for want of an answer."""
    return check.code not in OFFLINE and _age_of_failure(check) < age


def _age_of_failure(check: Tries) -> float:
    return NEVER if not check.failing or check.tried is None else check.tried


def _age(tries: Tries) -> float:
    return NEVER if tries.well is None else tries.well
