"""What status complains about when a recovery was not rehearsed, or did not go well: the part of `problems.py` that is about drills."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from paraduxd.api import phrases
from paraduxd.core.plan.model import Plan
from paraduxd.core.primitives import durations, timestamps
from paraduxd.core.recoverability.proof import Proof
from paraduxd.core.runs.conditions import error_of, failed
from paraduxd.core.runs.facts import Facts, Latest
from paraduxd.core.status.problems import Problem

HINT = "run: paraductl drill"


def of_drills(plan: Plan, facts: Facts, proof: Proof, now: datetime) -> Iterator[Problem]:
    """Whether a recovery has been rehearsed, lately and well."""
    if proof.ended is None:
        yield _warning("no-drill", "recovery", "no drill has been run, so that a recovery is not proven to work", HINT)
    else:
        yield from _of_last(plan, proof, proof.ended, now)
    yield from _of_published(plan, facts)


def _of_last(plan: Plan, proof: Proof, ended: datetime, now: datetime) -> Iterator[Problem]:
    if plan.drill_every and (now - ended).total_seconds() > plan.drill_every:
        every = durations.describe(plan.drill_every).removeprefix("1 ")
        text = f"the last drill was {_age(ended, now)} ago; one is due every {every}"
        yield _warning("drill-overdue", "recovery", text, HINT)
    if proof.lacking:
        text = f"the last drill, {_age(ended, now)} ago, did not prove that all could be recovered: {proof.lacking}"
        yield _warning("drill-failed", "recovery", text, f"correct that, then {HINT}")
    elif not proof.config:
        text = "no place from which the last drill opened the config is still as it was then, or has passed a rehearsal since"
        yield _warning("drill-incomplete", "recovery", text, HINT)
    elif proof.missing:
        are = "is" if len(proof.missing) == 1 else "are"
        text = (
            f"{phrases.some(proof.missing)} {are} not proven: not seen by the last drill, moved since,"
            " or found wanting in a later rehearsal"
        )
        yield _warning("drill-incomplete", "recovery", text, HINT)


def _of_published(plan: Plan, facts: Facts) -> Iterator[Problem]:
    """Whether what each metadata stash holds could be used in the last rehearsal, unless it was published there since."""
    for stash in plan.metadata_stashes:
        rehearsed = facts.latest.get(("", "rehearse", stash.id), Latest())
        sent = timestamps.parse(facts.latest.get(("", "publish", stash.id), Latest()).last_success)
        tried = timestamps.parse(rehearsed.last_attempt)
        error = error_of(rehearsed)
        if error and failed(rehearsed) and not (sent and tried and sent > tried):
            text = f"the config at {stash.id} could not be used in the last rehearsal: {error.message}"
            yield _warning("metadata-unproven", stash.id, text, error.hint or "send it again: paraductl publish")


def _age(moment: datetime, now: datetime) -> str:
    return phrases.duration((now - moment).total_seconds())


def _warning(code: str, subject: str, text: str, hint: str) -> Problem:
    return Problem("warning", code, subject, text, hint)
