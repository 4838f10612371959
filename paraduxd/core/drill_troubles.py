"""What status complains about when a recovery was not rehearsed, or did not go well: the part of `troubles.py` that is about drills."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from paraduxd.core import durations, moments
from paraduxd.core.conditions import error_of, failed
from paraduxd.core.facts import Facts, Latest
from paraduxd.core.plan import Plan
from paraduxd.core.troubles import Trouble

HINT = "run: paraductl drill"


def of_drills(plan: Plan, facts: Facts, proven: datetime | None, now: datetime) -> Iterator[Trouble]:
    """Whether a recovery has been rehearsed, lately and well."""
    if proven is None:
        yield _warning("no-drill", "recovery", "no drill has been run, so that a recovery is not proven to work", HINT)
    elif plan.drill_every and (now - proven).total_seconds() > plan.drill_every:
        every = durations.describe(plan.drill_every).removeprefix("1 ")
        text = f"the last drill was {_age(proven, now)} ago; one is due every {every}"
        yield _warning("drill-overdue", "recovery", text, HINT)
    ended = moments.parse(facts.drills.failed)
    if ended is not None and (proven is None or ended > proven):
        text = (
            f"the last drill, {_age(ended, now)} ago, did not prove that all could be recovered: {facts.drills.failure}"
        )
        yield _warning("drill-failed", "recovery", text, f"mend that, then {HINT}")
    yield from _of_published(plan, facts)


def _of_published(plan: Plan, facts: Facts) -> Iterator[Trouble]:
    """Whether what each metadata stash holds could be used in the last rehearsal, unless it was published there since."""
    for stash in plan.metadata_stashes:
        rehearsed = facts.latest.get(("", "rehearse", stash.id), Latest())
        sent = moments.parse(facts.latest.get(("", "publish", stash.id), Latest()).last_success)
        tried = moments.parse(rehearsed.last_attempt)
        error = error_of(rehearsed)
        if error and failed(rehearsed) and not (sent and tried and sent > tried):
            text = f"the config at {stash.id} could not be used in the last rehearsal: {error['message']}"
            yield _warning("metadata-unproven", stash.id, text, error["hint"] or "send it again: paraductl publish")


def _age(moment: datetime, now: datetime) -> str:
    return moments.duration((now - moment).total_seconds())


def _warning(code: str, subject: str, text: str, hint: str) -> Trouble:
    return Trouble("warning", code, subject, text, hint)
