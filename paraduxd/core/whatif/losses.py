"""What is left when these labels are lost: of each dataset, of the config, of the inventory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import cached_property

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.what_if import ConfigLeft, CopyLeft, DatasetLeft
from paraduxd.core.primitives import timestamps
from paraduxd.core.recoverability import copies
from paraduxd.core.recoverability.access import Access
from paraduxd.core.recoverability.families import Fates
from paraduxd.core.recoverability.fates import CONFIG, KEY, is_of_use
from paraduxd.core.whatif import inventory, timing
from paraduxd.core.whatif.timing import AT_ONCE, Span
from paraduxd.core.whatif.world import Detail, World

NOBODY = ""


@dataclass(frozen=True)
class Taken:
    """What somebody else may have removed: copies as (dataset, location), kits by steward, metadata stashes, and the machine."""

    copies: frozenset[tuple[str, str]] = frozenset()
    kits: frozenset[str] = frozenset()
    stashes: frozenset[str] = frozenset()
    machine: bool = False


NOTHING_TAKEN = Taken()


@dataclass(frozen=True)
class Aftermath:
    """The world after a loss of labels (`gone`), and after somebody else has `taken` what he could."""

    world: World
    gone: Fates = frozenset()
    taken: Taken = NOTHING_TAKEN

    @cached_property
    def access(self) -> Access:
        """What opens the config then."""
        world, taken = self.world, self.taken
        if not taken.kits and not taken.stashes:
            return world.model.access
        return copies.access(world.plan, world.facts, world.labels, taken.kits, taken.stashes)

    @cached_property
    def machine(self) -> bool:
        """Whether the owner has the machine."""
        return not self.taken.machine and self.access.machine.isdisjoint(self.gone)

    @cached_property
    def newest(self) -> int | None:
        """The serial of the newest config that opens."""
        return self.access.by_stewards(self.gone) if self.taken.machine else self.access.newest(self.gone)

    @cached_property
    def by(self) -> str:
        """Who opens it."""
        if self.newest is None:
            return NOBODY
        return "owner" if self.machine and self.access.memory.isdisjoint(self.gone) else "stewards"

    @cached_property
    def kits(self) -> dict[str, int | None]:
        """Whose kits are left, and seconds until they are at hand."""
        labels, facts, plan = self.world.labels, self.world.facts, self.world.plan
        found: dict[str, int | None] = {}
        for steward in plan.stewards:
            if steward.id in self.taken.kits or not copies.has_kit(plan, facts, steward.id):
                continue
            if labels.of_steward(steward, copies.kit_written(facts, steward.id)).isdisjoint(self.gone):
                found[steward.id] = steward.fetch
        return found

    def opening(self, since: int) -> Span:
        """Until a config of this serial or a later one is open: some kits lead to it, and others may be there sooner."""
        if self.by == "owner":
            return AT_ONCE
        if since not in self._openings:
            self._openings[since] = self._until_opened(since)
        return self._openings[since]

    @cached_property
    def _openings(self) -> dict[int, Span]:
        return {}

    def _until_opened(self, since: int) -> Span:
        """When the first so many kits are there that give it; a kit of which nobody said how soon it comes is never waited for."""
        for seconds in sorted({each for each in self.kits.values() if each is not None}):
            later = [name for name in self.kits if (fetch := self.kits[name]) is None or fetch > seconds]
            if self._gives(since, without=later):
                return Span(seconds)
        return Span(None, tuple(f"fetch of {name}" for name, seconds in self.kits.items() if seconds is None))

    def _gives(self, since: int, without: Sequence[str]) -> bool:
        world, taken = self.world, self.taken
        none_of = taken.kits | set(without)
        access = copies.access(world.plan, world.facts, world.labels, none_of, taken.stashes)
        serial = access.by_stewards(self.gone) if taken.machine else access.newest(self.gone)
        return serial is not None and serial >= since

    def is_left(self, dataset: str, detail: Detail) -> bool:
        """Whether this copy is there, and can be read."""
        copy = detail.copy
        if (dataset, copy.location) in self.taken.copies or not copy.fates.isdisjoint(self.gone):
            return False
        return is_of_use(copy, self.newest, self.machine)

    def back_in(self, detail: Detail) -> Span:
        """Until the dataset is back from this copy."""
        since = detail.copy.since
        if since is None or (detail.copy.transport and self.machine):
            return detail.restore
        return timing.one_after_the_other(self.opening(since), detail.restore)

    def lost(self) -> tuple[str, ...]:
        """Datasets without a copy that is left, then the config, if nobody opens one."""
        found = [name for name, details in self.world.details.items() if not any(self._left(name, details))]
        return (*sorted(found), *(() if self.newest is not None else (self._what_of_config(),)))

    def _left(self, name: str, details: Sequence[Detail]) -> Iterable[bool]:
        return (self.is_left(name, each) for each in details)

    def _what_of_config(self) -> str:
        stashes, kits = (each.fates for each in self.access.stashes), (each.fates for each in self.access.kits)
        there = self.machine or any(fates.isdisjoint(self.gone) for fates in (*stashes, *kits))
        return KEY if there else CONFIG


def config_left(after: Aftermath) -> ConfigLeft:
    """Who opens which config, from where."""
    plan, facts, labels = after.world.plan, after.world.facts, after.world.labels
    kits = tuple(after.kits)
    places = ["machine"] if after.machine else []
    for stash in plan.metadata_stashes:
        held = copies.holding(plan, facts, stash)
        if held is None or stash.id in after.taken.stashes or not labels.of(stash).isdisjoint(after.gone):
            continue
        if after.newest is not None and stash.since <= after.newest == held.serial:
            places.append(stash.id)
    places += [f"kit:{name}" for name in kits if copies.kit_serial(facts, name) == after.newest]
    return ConfigLeft(
        opens=after.newest is not None,
        by=after.by,
        spare=max(len(kits) - after.access.required, 0),
        required=after.access.required,
        kits=kits,
        newest_serial=after.newest,
        serial=plan.serial,
        places=tuple(places),
        opens_in=after.opening(after.newest).seconds if after.newest is not None else None,
    )


def dataset_left(after: Aftermath, name: str) -> DatasetLeft:
    """What is left of one dataset."""
    details = after.world.details[name]
    shown = tuple(_copy_left(after, name, detail) for detail in details)
    left = [(copy, detail) for copy, detail in zip(shown, details, strict=True) if copy.left]
    ages = [copy.age for copy, _ in left if copy.age is not None]
    worst = [copy.worst for copy, _ in left if copy.worst is not None]
    back = timing.fastest([after.back_in(detail) for _, detail in left]) if left else Span(None)
    by = after.world.now + timedelta(seconds=back.seconds) if back.seconds is not None else None
    return DatasetLeft(
        id=name,
        lost=not left,
        left=len(left),
        of=len(details),
        loss_of_work=min(ages, default=None),
        worst=min(worst, default=None),
        back_in=back.seconds,
        back_by=timestamps.stamp(by),
        no_figure=back.lacking,
        copies=shown,
    )


def _copy_left(after: Aftermath, name: str, detail: Detail) -> CopyLeft:
    copy, plan = detail.copy, detail.plan
    left = after.is_left(name, detail)
    back = after.back_in(detail) if left else Span(None)
    return CopyLeft(
        id=copy.location,
        left=left,
        age=detail.age,
        worst=detail.worst,
        needs=_needs(after, detail),
        because=() if left else _because(after, name, detail),
        back_in=back.seconds,
        no_figure=back.lacking,
        encryption=plan.encryption if plan else "none",
        protects=plan.protects if plan else "none",
        tried=detail.tried,
    )


def _needs(after: Aftermath, detail: Detail) -> tuple[str, ...]:
    copy = detail.copy
    if copy.since is None:
        return ()
    return ("machine",) if copy.transport and after.machine else ("config",)


def _because(after: Aftermath, name: str, detail: Detail) -> tuple[str, ...]:
    """What took a copy: labels, somebody else, or that no config leads to it."""
    hit = sorted(detail.copy.fates & after.gone)
    if hit:
        return tuple(hit)
    return ("taken",) if (name, detail.copy.location) in after.taken.copies else ("config",)


def out_of_reach(after: Aftermath) -> tuple[str, ...]:
    """The entries of the inventory into which somebody gets now, and nobody would then; in the order of the inventory."""
    entries = after.world.plan.inventory
    opens = after.newest is not None or after.world.model.access.newest() is None
    if opens and after.gone.isdisjoint(after.world.entries_fates):
        return ()
    then = inventory.had(entries, after.gone, config=after.newest is not None)
    return tuple(entry.id for entry in entries if entry.id in after.world.entered - then)


def unreachable(world: World) -> tuple[str, ...]:
    """The entries into which nobody gets even now."""
    return tuple(entry.id for entry in world.plan.inventory if entry.id not in world.entered)
