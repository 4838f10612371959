"""The whole answer to one question (`paraduxd/api/replies/what_if.py`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.what_if import Advice, Assumed, CopyLeft, DatasetLeft, Unknown, WhatIf
from paraduxd.api.suggestions import did_you_mean, nearest
from paraduxd.core.plan.model import Plan
from paraduxd.core.plan.terms import UNPROTECTED
from paraduxd.core.primitives import timestamps
from paraduxd.core.recoverability import copies, fates
from paraduxd.core.recoverability.access import OWNER_MIND
from paraduxd.core.recoverability.labels import OWNER, is_waiting
from paraduxd.core.runs.facts import Facts
from paraduxd.core.whatif import losses
from paraduxd.core.whatif.advice import Advisor
from paraduxd.core.whatif.compromise import MACHINE, NOTE_MACHINE, TRANSPORT, Intruder
from paraduxd.core.whatif.losses import Aftermath
from paraduxd.core.whatif.survey import Survey
from paraduxd.core.whatif.world import World, with_implied

MANY_PATTERNS = 200
"""With more kinds of datasets than this, advice is worked out only when asked for."""

NOTE_THREE = "Losses of more than three labels at once are not searched: three means three or more."


@dataclass(frozen=True)
class WhatIfQuestion:
    """What is asked. `advice`: "all", or any other word for the best; without it the best change is told where it costs little."""

    lose: tuple[str, ...] = ()
    compromise: tuple[str, ...] = ()
    scenario: str = ""
    advice: str = ""


def answer(plan: Plan, facts: Facts, now: datetime, question: WhatIfQuestion) -> WhatIf:
    """The answer; raises `ParaduxError` "no-such-scenario"."""
    world = World(plan, facts, now)
    question = _expanded(plan, question)
    if question.lose or question.compromise:
        return _of_loss(world, question)
    return _of_everything(world, question)


def _expanded(plan: Plan, question: WhatIfQuestion) -> WhatIfQuestion:
    """With the labels of scenarios in place of their names."""
    named = {each.name: each for each in plan.scenarios}
    if question.scenario and question.scenario not in named:
        raise _no_scenario(question.scenario, named)
    lose, compromise = list(question.lose), list(question.compromise)
    for name in (question.scenario, *question.lose, *question.compromise):
        if name in named:
            lose += named[name].lose
            compromise += named[name].compromise
    return replace(
        question,
        lose=tuple(dict.fromkeys(each for each in lose if each not in named)),
        compromise=tuple(dict.fromkeys(each for each in compromise if each not in named)),
    )


def _no_scenario(name: str, named: Iterable[str]) -> ParaduxError:
    known = sorted(named)
    listed = f"there are: {', '.join(known)}" if known else 'add one to "scenarios": paraductl edit'
    return ParaduxError(
        "no-such-scenario",
        "there is no scenario of this name",
        did_you_mean(name, known, listed),
        ExitCode.USAGE,
    )


def _of_loss(world: World, question: WhatIfQuestion) -> WhatIf:
    things = _things(world)
    labels = world.every_label | {OWNER, OWNER_MIND}
    unknown = (*_unknown(question.lose, labels), *_unknown(question.compromise, things))
    intruder = Intruder(world, frozenset(question.compromise)) if question.compromise else None
    gone = with_implied(question.lose)
    after = Aftermath(world, gone, intruder.taken) if intruder else Aftermath(world, gone)
    datasets = tuple(_dataset(after, each.id, intruder) for each in world.plan.datasets)
    config = losses.config_left(after)
    if intruder:
        config = replace(config, he_opens=intruder.opens, he_deletes=intruder.stashes)
    lost = after.lost()
    notes = tuple(_notes(intruder, datasets)) if intruder else ()
    return replace(
        _base(world),
        lose=question.lose,
        compromise=question.compromise,
        scenario=question.scenario,
        unknown=unknown,
        lost=lost,
        survived=tuple(each.id for each in datasets if not each.lost),
        one_copy_left=tuple(each.id for each in datasets if each.left == 1),
        config=config,
        datasets=datasets,
        out_of_reach=losses.out_of_reach(after),
        he_reaches=intruder.entries if intruder else (),
        notes=notes,
    )


def _notes(intruder: Intruder, datasets: Iterable[DatasetLeft]) -> Iterator[str]:
    if intruder.has_machine and not intruder.opens:
        yield NOTE_MACHINE
    untried = [f"{each.id}/{copy.id}" for each in datasets for copy in each.copies if copy.left and _is_untried(copy)]
    if untried:
        named = ", ".join(untried[:3]) + (f" and {len(untried) - 3} more" if untried[3:] else "")
        yield f"Only because the config says so, nothing can be removed from {named}: paraductl verify tries it."


def _is_untried(copy: CopyLeft) -> bool:
    return copy.protects != UNPROTECTED and copy.tried is None


def _dataset(after: Aftermath, name: str, intruder: Intruder | None) -> DatasetLeft:
    left = losses.dataset_left(after, name)
    if intruder is None:
        return left
    return replace(left, he_reads=intruder.may("read", name), he_deletes=intruder.may("delete", name))


def _of_everything(world: World, question: WhatIfQuestion) -> WhatIf:
    survey = Survey(world)
    after = Aftermath(world)
    datasets = tuple(losses.dataset_left(after, each.id) for each in world.plan.datasets)
    return replace(
        _base(world),
        lost=after.lost(),
        survived=tuple(each.id for each in datasets if not each.lost),
        one_copy_left=tuple(each.id for each in datasets if each.left == 1),
        config=losses.config_left(after),
        datasets=datasets,
        survives_any=survey.survived,
        singles=survey.singles(),
        pairs=survey.minimal(2),
        minimal=survey.minimal(),
        accounts=survey.accounts(),
        advice=_advice(survey, question.advice),
        notes=() if survey.losses else (NOTE_THREE,),
    )


def _advice(survey: Survey, wanted: str) -> tuple[Advice, ...]:
    if not wanted and len(survey.world.model.patterns) > MANY_PATTERNS:
        return ()
    found = Advisor(survey).best()
    return found if wanted == "all" else found[:1]


def _base(world: World) -> WhatIf:
    now = Aftermath(world)
    return WhatIf(
        lose=(),
        compromise=(),
        scenario="",
        unknown=(),
        assumed=tuple(_assumed(world)),
        lost=(),
        survived=(),
        one_copy_left=(),
        config=losses.config_left(now),
        datasets=(),
        out_of_reach=(),
        he_reaches=(),
        unreachable=losses.unreachable(world),
        survives_any=0,
        labels=tuple(sorted(world.every_label, key=fates.by_kind)),
        scenarios=tuple(each.name for each in world.plan.scenarios),
        now=timestamps.stamp(world.now) or "",
    )


def _assumed(world: World) -> Iterator[Assumed]:
    for each in world.labels.assumed:
        yield Assumed(each.place, each.fates, "no fate is given: it is taken to die with this machine")
    for steward in world.plan.stewards:
        if is_waiting(steward, copies.kit_written(world.facts, steward.id)):
            why = "written after the last one was handed over: it is assumed to lie with this machine"
            yield Assumed(f"kit:{steward.id}", tuple(sorted(world.labels.machine)), why)


def _things(world: World) -> frozenset[str]:
    """What can be in somebody else's hands."""
    plan = world.plan
    names = (*(each.id for each in plan.stewards), *(each.id for each in plan.inventory))
    people = (f"person:{each.id}" for each in plan.stewards)
    return world.every_label.union(names, people, {OWNER, OWNER_MIND, MACHINE, TRANSPORT})


def _unknown(given: Sequence[str], known: frozenset[str]) -> Iterator[Unknown]:
    for name in given:
        if name not in known:
            yield Unknown(name, nearest(name, known) or "")
