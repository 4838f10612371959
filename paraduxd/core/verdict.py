"""What everything comes to: the condition of each dataset, what survives which losses, what is proven, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from paraduxd.core import copies, drill_troubles, fates, kit_troubles, moments, troubles
from paraduxd.core.conditions import DatasetCondition, survey
from paraduxd.core.facts import Facts
from paraduxd.core.fates import Loss
from paraduxd.core.headline import headline
from paraduxd.core.plan import Plan
from paraduxd.core.troubles import Trouble


@dataclass(frozen=True)
class Verdict:
    """`survived`: so many losses are survived, whichever they are. `losses`: the smallest ones that are not, weakest first."""

    headline: str
    troubles: tuple[Trouble, ...]
    conditions: tuple[DatasetCondition, ...] = ()
    proven: datetime | None = None
    survived: int = 0
    losses: tuple[Loss, ...] = ()

    @property
    def level(self) -> str:
        """ "ok", "warning" or "critical"."""
        return worst_level(self.troubles)


def worst_level(found: Sequence[Trouble]) -> str:
    """The level of the worst trouble; "ok" without any."""
    return min((trouble.level for trouble in found), default="ok")


def judge(plan: Plan | None, facts: Facts, now: datetime) -> Verdict:
    """The verdict; troubles come critical first."""
    if plan is None:
        found = (troubles.not_set_up(), *troubles.of_daemon(facts))
        return Verdict(headline(found, None, now, 0, ()), found)
    conditions = survey(plan, facts, now)
    model = copies.model(plan, facts, conditions)
    losses = fates.minimal_losses(model)
    survived = fates.survived(model, losses)
    # A drill of another epoch proves nothing about the kits of this one.
    proven = moments.parse(facts.drills.last) if facts.drills.epoch == plan.epoch else None
    found = (*_of_the_whole(plan, facts, now, conditions, proven), *_of_the_parts(conditions, model, now))
    if worst_level(found) != "critical":
        found += tuple(troubles.of_losses(losses))
    found = tuple(sorted(found, key=lambda trouble: trouble.level))
    return Verdict(headline(found, proven, now, survived, losses), found, conditions, proven, survived, losses)


def _of_the_whole(
    plan: Plan, facts: Facts, now: datetime, conditions: Sequence[DatasetCondition], proven: datetime | None
) -> Iterator[Trouble]:
    yield from troubles.of_daemon(facts)
    yield from troubles.of_transport(plan, facts)
    yield from troubles.of_clock(conditions)
    yield from troubles.of_config(plan, facts)
    yield from kit_troubles.of_stewards(plan, facts)
    yield from kit_troubles.of_kits(plan, facts, now)
    yield from troubles.of_rotation(plan)
    yield from troubles.of_notices(plan, facts)
    yield from drill_troubles.of_drills(plan, facts, proven, now)


def _of_the_parts(conditions: Sequence[DatasetCondition], model: fates.Model, now: datetime) -> Iterator[Trouble]:
    gone = frozenset(fates.loses(model, ()))
    for condition in conditions:
        yield from troubles.of_dataset(condition, condition.plan.id in gone, now)
