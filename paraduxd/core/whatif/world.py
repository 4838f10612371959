"""Everything that the questions are asked about, gathered once: the plan, what was seen, and how each copy lies at its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property

from paraduxd.api.frozen import dataclass
from paraduxd.core.plan.model import DestinationPlan, Plan
from paraduxd.core.recoverability import copies
from paraduxd.core.recoverability.access import OWNER_MIND
from paraduxd.core.recoverability.append_only_places import protection
from paraduxd.core.recoverability.families import Fates
from paraduxd.core.recoverability.fates import Copy, Model
from paraduxd.core.recoverability.labels import OWNER, Labels
from paraduxd.core.runs.conditions import DatasetCondition, survey
from paraduxd.core.runs.facts import Facts
from paraduxd.core.whatif import inventory, timing
from paraduxd.core.whatif.timing import AT_ONCE, Span


@dataclass(frozen=True)
class Detail:
    """What else is known of a copy: seconds of age, now and at worst; how long reading it back takes; its plan, of a destination."""

    copy: Copy
    age: int | None
    worst: int | None
    restore: Span
    plan: DestinationPlan | None = None
    tried: bool | None = None


@dataclass(frozen=True)
class World:
    """The family as it is now."""

    plan: Plan
    facts: Facts
    now: datetime

    @cached_property
    def labels(self) -> Labels:
        """Which labels take what along."""
        return Labels(self.plan, self.facts.own_names)

    @cached_property
    def conditions(self) -> tuple[DatasetCondition, ...]:
        """How each place is doing."""
        return survey(self.plan, self.facts, self.now)

    @cached_property
    def model(self) -> Model:
        """The copies that count, and what opens the config: the same as for status."""
        return copies.model(self.plan, self.facts, self.conditions, self.labels)

    @cached_property
    def entries_fates(self) -> Fates:
        """What takes entries of the inventory along."""
        return frozenset().union(*(entry.fates for entry in self.plan.inventory))

    @cached_property
    def entered(self) -> frozenset[str]:
        """The entries of the inventory into which somebody gets now."""
        return inventory.had(self.plan.inventory, frozenset(), config=self.model.access.newest() is not None)

    @cached_property
    def details(self) -> dict[str, tuple[Detail, ...]]:
        """Of each dataset the copies that count."""
        return {each.plan.id: tuple(self._details(each)) for each in self.conditions}

    @cached_property
    def every_label(self) -> Fates:
        """All that can be lost."""
        return self.model.fates.union(self.entries_fates, self.labels.given)

    def _details(self, condition: DatasetCondition) -> Iterable[Detail]:
        by_id = {each.id: each for each in condition.plan.destinations}
        states = {part.location: part for part in condition.destinations}
        for copy in self.model.datasets[condition.plan.id]:
            plan = by_id.get(copy.location)
            if plan is None:
                age = 0 if copy.location == "source" else timing.age(condition.source, self.now)
                worst = 0 if copy.location == "source" else timing.worst_age(condition.source)
                yield Detail(copy, age, worst, AT_ONCE)
                continue
            state = states[plan.id]
            name = f"{condition.plan.id}/{plan.id}"
            restore = timing.restore_time(name, plan, state, self.facts)
            staged = None if condition.plan.source.in_place else condition.source
            age, worst = timing.age(state, self.now, staged), timing.worst_age(state, staged)
            yield Detail(copy, age, worst, restore, plan, self._tried(name, plan))

    def _tried(self, name: str, plan: DestinationPlan) -> bool | None:
        """Whether the last rehearsal found the place protected as it is said to be; `None`: nobody has tried."""
        return protection(self.facts, name.partition("/")[0], plan)


def with_implied(lose: Sequence[str]) -> Fates:
    """A death takes the memory along."""
    return frozenset(lose) | ({OWNER_MIND} if OWNER in lose else set())
