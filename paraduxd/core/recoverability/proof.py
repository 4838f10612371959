"""What is proven: exactly what the last drill saw, as long as nothing later speaks against it.

* A dataset is proven when the drill restored a part of it from a destination that is still the same place, as it was then (`uid` and
  `since`), has not been found damaged, and did not fail a later rehearsal.
* The config is proven when the drill opened the one in force, from a kit, or from a metadata stash of which the same holds.
* A drill of another epoch proves nothing: its kits are of no use any more.
* The last drill replaces the one before, also when it failed.

That nobody answers a rehearsal says nothing about what is there. A drill of version 0.1.0 has left nothing but its time and epoch: it
proves nothing, because nobody knows what it saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime

from paraduxd.api.frozen import dataclass
from paraduxd.core.plan.model import Plan
from paraduxd.core.primitives import timestamps
from paraduxd.core.recoverability.copies import contradicted
from paraduxd.core.runs.conditions import Condition, DatasetCondition
from paraduxd.core.runs.facts import Drills, Facts, Latest


@dataclass(frozen=True)
class Proof:
    """`ended`: when the last drill of this epoch did, `config`: whether what it opened can still be relied on, `datasets`: the version that
    it restored, by dataset (its time, as the drill saw it); `of`: so many datasets there are; `missing`: those of them that are not proven,
    though some destination of theirs counts."""

    ended: datetime | None = None
    config: bool = False
    datasets: Mapping[str, str | None] = field(default_factory=dict)
    of: int = 0
    lacking: str = ""
    missing: tuple[str, ...] = ()

    @property
    def whole(self) -> datetime | None:
        """Since when everything is proven; `None`: it is not."""
        return self.ended if self.config and len(self.datasets) == self.of else None

    @property
    def partly(self) -> datetime | None:
        """Since when the config and at least one dataset are proven."""
        return self.ended if self.config and self.datasets else None

    def of_dataset(self, name: str) -> datetime | None:
        """Since when this dataset is proven: without the config it is not."""
        return self.ended if self.config and name in self.datasets else None


NOTHING_PROVEN = Proof()


def prove(plan: Plan, facts: Facts, datasets: Sequence[DatasetCondition]) -> Proof:
    """What is proven as of now."""
    drills, ended = facts.drills, timestamps.parse(facts.drills.ended)
    if ended is None or drills.epoch != plan.epoch:
        return Proof(of=len(datasets))
    seen = {(each.dataset, each.uid): each.time for each in drills.proven}
    found = {each.plan.id: time for each in datasets for time in list(_still(each, drills, seen, ended))[:1]}
    missing = (
        each for each in datasets if each.plan.id not in found and any(part.counts for part in each.destinations)
    )
    names = tuple(each.plan.id for each in missing)
    return Proof(ended, _opens(plan, facts, ended), found, len(datasets), drills.lacking, names)


def _still(
    condition: DatasetCondition, drills: Drills, seen: Mapping[tuple[str, str], str | None], ended: datetime
) -> Iterator[str | None]:
    """For each destination of which the drill is still true, the time of the version that it saw."""
    for destination, state in zip(condition.plan.destinations, condition.destinations, strict=True):
        key = (condition.plan.id, destination.uid)
        if key in seen and destination.since <= drills.serial and _stands(state, ended):
            yield seen[key]


def _stands(state: Condition, ended: datetime) -> bool:
    emptied = state.emptied is not None and state.emptied > ended
    return not emptied and not state.damaged and not contradicted(state.rehearsed, ended)


def _opens(plan: Plan, facts: Facts, ended: datetime) -> bool:
    opened = {each.uid for each in facts.drills.opened}
    stashes = [each for each in plan.metadata_stashes if each.uid in opened and each.since <= facts.drills.serial]
    rehearsed = [facts.latest.get(("", "rehearse", stash.id), Latest()) for stash in stashes]
    return facts.drills.kit_opened or any(not contradicted(latest, ended) for latest in rehearsed)
