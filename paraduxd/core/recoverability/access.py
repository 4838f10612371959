"""Who can open which config: a set of ways, each with the serial of the config that it gives.

* the machine and the owner's memory, or the machine (keyslot 1 of its vault) and enough stewards: the present serial;
* enough stewards and the config on one of their kits: the serial of that kit;
* enough stewards and a metadata stash that a config names which is had already, with its present address: the serial that the stash
  was last seen to hold. What it holds may name further stashes.

A stash that was added or changed at serial 40 is named by configs of serial 40 and later.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from paraduxd.api.frozen import dataclass
from paraduxd.core.recoverability.families import ALWAYS as LOST
from paraduxd.core.recoverability.families import UP_TO, Family, Fates, all_of, any_of, both, either, fewer_than

OWNER_MIND = "mind:owner"
"""The operational passphrase is in the owner's head only."""


@dataclass(frozen=True)
class Kit:
    """A kit that counts, with a share and the config of `serial`."""

    fates: Fates
    serial: int = 1


@dataclass(frozen=True)
class Stash:
    """A metadata stash that holds the config of `serial` and is as it is since `since`."""

    fates: Fates
    since: int = 1
    serial: int = 1


@dataclass(frozen=True)
class Access:
    """All that opens the config. `serial`: the present one, in the vault of the machine; `required`: so many kits give the secret."""

    machine: Fates
    serial: int = 1
    stashes: tuple[Stash, ...] = ()
    kits: tuple[Kit, ...] = ()
    required: int = 2
    memory: Fates = frozenset((OWNER_MIND,))

    @property
    def fates(self) -> Fates:
        """Every fate that something here depends on."""
        stashes, kits = (each.fates for each in self.stashes), (each.fates for each in self.kits)
        return self.machine.union(self.memory, *stashes, *kits)

    def newest(self, gone: Fates = frozenset()) -> int | None:
        """The serial of the newest config that somebody can open when these fates are lost; `None`: nobody opens any."""
        machine = self.machine.isdisjoint(gone)
        if machine and self.memory.isdisjoint(gone):
            return self.serial
        by_stewards = self.by_stewards(gone)
        return self.serial if machine and by_stewards is not None else by_stewards

    def by_stewards(self, gone: Fates = frozenset()) -> int | None:
        """The same for the stewards alone, on a blank machine."""
        kits = [kit for kit in self.kits if kit.fates.isdisjoint(gone)]
        if len(kits) < self.required or not kits:
            return None
        newest = max(kit.serial for kit in kits)
        left = [stash for stash in self.stashes if stash.fates.isdisjoint(gone)]
        while more := [stash.serial for stash in left if stash.since <= newest < stash.serial]:
            newest = max(more)
        return newest

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """The serials that kits and stashes give: only these make a difference."""
        return tuple(sorted({kit.serial for kit in self.kits} | {stash.serial for stash in self.stashes}))

    def level(self, since: int) -> int | None:
        """The smallest of them that is `since` or later; `None`: there is none."""
        return next((level for level in self.levels if level >= since), None)

    def lost(self, since: int = 0, up_to: int = UP_TO) -> Family:
        """The smallest losses after which nobody can open a config of serial `since` or later."""
        level = self.level(since)
        few = fewer_than(max(self.required, 1), [kit.fates for kit in self.kits], up_to)
        machine = either(any_of(self.machine), both(any_of(self.memory), few, up_to))
        elsewhere = LOST if level is None else self._lost_elsewhere(up_to)[level]
        return both(machine, either(few, elsewhere), up_to)

    def _lost_elsewhere(self, up_to: int) -> dict[int, Family]:
        """For each level the smallest losses after which no kit or stash gives it: the greatest fixed point, from all is lost."""
        lost: dict[int | None, Family] = {None: LOST} | dict.fromkeys(self.levels, LOST)
        while True:
            again = {level: all_of(self._ways(level, lost), up_to) for level in self.levels}
            if all(again[level] == lost[level] for level in self.levels):
                return again
            lost = {None: LOST} | again

    def _ways(self, level: int, lost: dict[int | None, Family]) -> Iterable[Family]:
        """For each place that gives this level, what takes it away; `lost`: what makes configs of a level unknown."""
        yield from (any_of(kit.fates) for kit in self.kits if kit.serial >= level)
        for stash in self.stashes:
            if stash.serial >= level:
                yield either(any_of(stash.fates), lost[self.level(stash.since)])
