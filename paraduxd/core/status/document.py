"""The status document ("paradux.status/1", `schema/status.schema.json`) from the plan, the facts and the clock."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import datetime

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies import state
from paraduxd.api.replies.results import Pulled
from paraduxd.api.suggestions import did_you_mean
from paraduxd.core.plan.model import MetadataPlan, Plan, StewardPlan
from paraduxd.core.primitives import timestamps
from paraduxd.core.recoverability import copies
from paraduxd.core.recoverability.proof import Proof
from paraduxd.core.recovery import confirmation
from paraduxd.core.runs.conditions import Condition, DatasetCondition, error_of, whole
from paraduxd.core.runs.facts import Facts, Latest
from paraduxd.core.runs.orders import Step
from paraduxd.core.runs.requests import SOURCE
from paraduxd.core.status.assessment import Verdict, judge

WEAKEST = 10
"""So many of the weakest sets of losses are named."""


def status(
    plan: Plan | None, facts: Facts, now: datetime, dataset: str | None = None, verdict: Verdict | None = None
) -> state.Status:
    """The status document; of one dataset only, when it is named.

    `now` has an offset. `plan` is `None` before the first setup. `verdict`: on the whole, if it is known already. Raises `ParaduxError`
    "no-such-dataset".
    """
    if plan is not None and dataset is not None:
        _check_name(plan, dataset)
        running = tuple(run for run in facts.running if run.dataset == dataset)
        facts = dataclasses.replace(facts, running=running)
    if verdict is None or dataset is not None:
        verdict = judge(plan, facts, now, dataset)
    return state.Status(
        schema=state.SCHEMA,
        level=verdict.level,
        headline=verdict.headline,
        daemon=_daemon(facts),
        config=state.ConfigState(plan.serial, _clean(plan.saved), plan.epoch) if plan else state.ConfigState(),
        recoverable=_recoverable(verdict),
        datasets=tuple(_dataset(condition, facts, verdict.proof) for condition in verdict.conditions),
        metadata_stashes=tuple(_stash(stash, plan, facts) for stash in plan.metadata_stashes) if plan else (),
        stewards=tuple(_steward(steward, plan, facts) for steward in plan.stewards) if plan else (),
        running=facts.running,
        problems=tuple(
            state.ProblemState(each.level, each.code, each.subject, each.text, each.hint) for each in verdict.problems
        ),
    )


def brief(verdict: Verdict, most: int) -> Verdict:
    """The verdict with few conditions: where there are more datasets than `most`, so many of those that are not well."""
    if len(verdict.conditions) <= most:
        return verdict
    unwell = (each for each in verdict.conditions if each.state != "ok")
    return dataclasses.replace(verdict, conditions=tuple(itertools.islice(unwell, most)))


def _check_name(plan: Plan, name: str) -> None:
    if plan.dataset(name) is None:
        known = (each.id for each in plan.datasets)
        hint = did_you_mean(name, known, "see which there are: paraductl status")
        raise ParaduxError("no-such-dataset", "there is no dataset of this name", hint)


def _recoverable(verdict: Verdict) -> state.Recoverable:
    lost_already = verdict.survived == 0 and (not verdict.losses or len(verdict.losses[0].fates) > 1)
    return state.Recoverable(
        today=verdict.today,
        proven=timestamps.stamp(verdict.proof.whole),
        survives_any=verdict.survived,
        weakest=() if lost_already else tuple(tuple(loss.fates) for loss in verdict.losses[:WEAKEST]),
        assumed=tuple(state.AssumedFates(each.place, tuple(each.fates)) for each in verdict.assumed),
    )


def _daemon(facts: Facts) -> state.DaemonState:
    daemon = facts.daemon
    return state.DaemonState(
        version=daemon.version,
        pid=daemon.pid,
        started=_clean(daemon.started),
        vault=daemon.vault,
        locked=daemon.locked,
        unlocked_until=_clean(daemon.unlocked_until),
        memory_locked=daemon.memory_locked,
        init_on_free=daemon.init_on_free,
        guess=daemon.guess,
    )


def _dataset(condition: DatasetCondition, facts: Facts, proof: Proof) -> state.DatasetState:
    pulled = condition.source.latest.told(Pulled)
    files, size = whole(pulled.files), whole(pulled.bytes)
    return state.DatasetState(
        id=condition.plan.id,
        state=condition.state,
        proven=timestamps.stamp(proof.of_dataset(condition.plan.id)),
        source=state.SourceState(
            last_success=timestamps.stamp(condition.source.success),
            last_attempt=_clean(condition.source.latest.last_attempt),
            next=condition.source.next,
            error=error_of(condition.source.latest),
            days=facts.days.get((condition.plan.id, Step.PULL, SOURCE), ()),
        ),
        staging=state.StagingState(condition.plan.staging, files, size),
        destinations=tuple(_destination(part, facts) for part in condition.destinations),
    )


def _destination(part: Condition, facts: Facts) -> state.DestinationState:
    due = timestamps.stamp(part.due)
    return state.DestinationState(
        id=part.location,
        state=part.state,
        last_success=timestamps.stamp(part.success),
        last_verified=_clean(part.checked.last_success),
        last_restored=_clean(facts.drills.restored.get((part.dataset, part.location))),
        next=part.next,
        due=due,
        overdue_since=due if part.late else None,
        disk=part.disk or None,
        plugged_in=part.disk in facts.plugged_in if part.disk else None,
        versions=part.versions,
        bytes=part.bytes,
        error=error_of(part.latest) or (error_of(part.damage) if part.damaged else None),
        days=facts.days.get((part.dataset, Step.PUSH, part.location), ()),
    )


def _stash(stash: MetadataPlan, plan: Plan, facts: Facts) -> state.StashState:
    latest = facts.latest.get(("", "publish", stash.id), Latest())
    held = copies.holding(plan, facts, stash)
    return state.StashState(
        id=stash.id,
        serial=held.serial if held else None,
        current=held is not None and held.serial == plan.serial,
        last_success=_clean(latest.last_success),
        error=error_of(latest),
    )


def _steward(steward: StewardPlan, plan: Plan, facts: Facts) -> state.StewardState:
    kit = facts.kits.get(steward.id)
    return state.StewardState(
        id=steward.id,
        epoch=kit.epoch if kit else None,
        written=_clean(kit.written) if kit else None,
        last_seen=_clean(kit.last_seen) if kit else None,
        current=copies.has_kit(plan, facts, steward.id),
        device_serial=kit.device_serial if kit else None,
        seen_by_code=confirmation.shown(facts.seen_by_code.get(steward.id)),
    )


def _clean(time: str | None) -> str | None:
    """A time of the journal in the one form that the document has, or `None` when it is none."""
    return timestamps.stamp(timestamps.parse(time))
