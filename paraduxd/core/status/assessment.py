"""What everything comes to: the condition of each dataset, what survives which losses, what is proven, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from paraduxd.api.frozen import dataclass
from paraduxd.core.plan.model import Plan
from paraduxd.core.recoverability import copies, fates
from paraduxd.core.recoverability.fates import Loss
from paraduxd.core.recoverability.labels import Assumed, Labels
from paraduxd.core.recoverability.proof import NOTHING_PROVEN, Proof, prove
from paraduxd.core.runs.conditions import DatasetCondition, survey
from paraduxd.core.runs.facts import Facts
from paraduxd.core.status import dataset_problems, drill_problems, installation_problems, kit_problems, problems
from paraduxd.core.status.headline import Claims, headline
from paraduxd.core.status.problems import Problem


@dataclass(frozen=True)
class Verdict:
    """`survived`: so many losses are survived, whichever they are. `losses`: the smallest ones that are not, weakest first. `assumed`: the
    places for which the worst is assumed. `unknown`: the datasets for which nobody has looked yet."""

    headline: str
    problems: tuple[Problem, ...]
    conditions: tuple[DatasetCondition, ...] = ()
    proof: Proof = NOTHING_PROVEN
    survived: int = 0
    losses: tuple[Loss, ...] = ()
    assumed: tuple[Assumed, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def level(self) -> str:
        """ "ok", "warning" or "critical"."""
        return worst_level(self.problems)

    @property
    def today(self) -> bool:
        """Whether everything is known to be recoverable today."""
        return self.level != "critical" and not self.unknown


def worst_level(found: Sequence[Problem]) -> str:
    """The level of the worst problem; "ok" without any."""
    return min((problem.level for problem in found), default="ok")


def judge(plan: Plan | None, facts: Facts, now: datetime, dataset: str | None = None) -> Verdict:
    """The verdict; problems come critical first. If a dataset is named, of that only; what dies together is told by the whole plan."""
    if plan is None:
        first = () if facts.health.was_set_up else (problems.not_set_up(),)
        found = (*first, *installation_problems.of_ground(facts), *problems.of_daemon(facts))
        return Verdict(headline(Claims(found), now), found)
    conditions = survey(plan, facts, now, dataset)
    where = Labels(plan, facts.own_names)
    model = copies.model(plan, facts, conditions, where)
    proof = prove(plan, facts, conditions)
    losses = fates.minimal_losses(model)
    survived = fates.survived(model, losses)
    serial = model.access.by_stewards()
    found = (
        *_of_the_whole(plan, facts, now, conditions, serial),
        *drill_problems.of_drills(plan, facts, proof, now),
        *dataset_problems.of_datasets(plan, conditions, serial),
        *dataset_problems.of_protection(facts, conditions),
        *(problem for condition in conditions for problem in problems.of_dataset(condition, now)),
    )
    if worst_level(found) != "critical":
        found += tuple(problems.of_losses(losses))
    found = tuple(sorted(found, key=lambda problem: problem.level))
    unknown = tuple(problem.subject for problem in found if problem.code == dataset_problems.UNKNOWN)
    claims = Claims(
        found, proof, survived, losses, tuple(each.plan.id for each in conditions), unknown, tuple(_aged(conditions))
    )
    return Verdict(headline(claims, now), found, conditions, proof, survived, losses, where.assumed, unknown)


def _of_the_whole(
    plan: Plan,
    facts: Facts,
    now: datetime,
    conditions: Sequence[DatasetCondition],
    serial: int | None,
) -> Iterator[Problem]:
    yield from installation_problems.of_ground(facts)
    yield from problems.of_daemon(facts)
    yield from problems.of_transport(plan, facts)
    yield from problems.of_clock(conditions)
    yield from problems.of_config(plan, facts, serial is not None)
    yield from problems.of_old_shares(plan, facts)
    yield from kit_problems.of_stewards(plan, facts)
    yield from kit_problems.of_outdated(plan, facts)
    yield from kit_problems.of_tools(plan, facts)
    yield from kit_problems.of_kits(plan, facts, now)
    yield from problems.of_rotation(plan)
    yield from problems.of_labels(Labels(plan).given)
    yield from problems.of_notices(plan, facts)


def _aged(conditions: Sequence[DatasetCondition]) -> Iterator[tuple[str, datetime]]:
    """The destinations that count although they are old."""
    for condition in conditions:
        for part in condition.destinations:
            seen = part.success or part.answer
            if part.counts and part.old and seen is not None:
                yield f"{part.dataset}/{part.location}", seen
