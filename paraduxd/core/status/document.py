"""The status document ("paradux.status/1", `schema/status.schema.json`) from the plan, the facts and the clock."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.core.plan.model import MetadataPlan, Plan, StewardPlan
from paraduxd.core.primitives import timestamps
from paraduxd.core.recoverability import copies
from paraduxd.core.recoverability.proof import Proof
from paraduxd.core.runs.conditions import Condition, DatasetCondition, error_of, whole
from paraduxd.core.runs.facts import Facts, Latest
from paraduxd.core.status.assessment import Verdict, judge
from paraduxd.core.status.problems import Problem

SCHEMA = "paradux.status/1"

WEAKEST = 10
"""So many of the weakest sets of losses are named."""

_EXIT = {"ok": ExitCode.DONE, "warning": ExitCode.WARNING, "critical": ExitCode.CRITICAL}


def build(
    plan: Plan | None, facts: Facts, now: datetime, dataset: str | None = None, verdict: Verdict | None = None
) -> dict[str, Any]:
    """The status document; of one dataset only, when it is named.

    `now` has an offset. `plan` is `None` before the first setup. `verdict`: on the whole, if it is known already. Raises `ParaduxError`
    "no-such-dataset".
    """
    if plan is not None and dataset is not None:
        _check_name(plan, dataset)
        running = tuple(run for run in facts.running if run.get("dataset") == dataset)
        facts = dataclasses.replace(facts, running=running)
    if verdict is None or dataset is not None:
        verdict = judge(plan, facts, now, dataset)
    return {
        "schema": SCHEMA,
        "level": verdict.level,
        "headline": verdict.headline,
        "daemon": _daemon(facts),
        "config": _config(plan),
        "recoverable": _recoverable(verdict),
        "datasets": [_dataset(condition, facts, verdict.proof) for condition in verdict.conditions],
        "metadata_stashes": [_stash(stash, plan, facts) for stash in plan.metadata_stashes] if plan else [],
        "stewards": [_steward(steward, plan, facts) for steward in plan.stewards] if plan else [],
        "running": [_run(run) for run in facts.running],
        "problems": [_problem(problem) for problem in verdict.problems],
    }


def exit_code(document: Mapping[str, Any]) -> int:
    """What `paraductl status` returns: 0 ok, 10 warning, 20 critical or not understood."""
    return int(_EXIT.get(str(document.get("level")), ExitCode.CRITICAL))


def _check_name(plan: Plan, name: str) -> None:
    if plan.dataset(name) is None:
        near = difflib.get_close_matches(name, [each.id for each in plan.datasets], 1)
        hint = f"did you mean {near[0]}?" if near else "see which there are: paraductl status"
        raise ParaduxError("no-such-dataset", "there is no dataset of this name", hint)


def _config(plan: Plan | None) -> dict[str, Any]:
    return {
        "serial": plan.serial if plan else None,
        "saved": _clean(plan.saved) if plan else None,
        "epoch": plan.epoch if plan else None,
    }


def _recoverable(verdict: Verdict) -> dict[str, Any]:
    lost_already = verdict.survived == 0 and (not verdict.losses or len(verdict.losses[0].fates) > 1)
    return {
        "today": verdict.today,
        "proven": timestamps.stamp(verdict.proof.whole),
        "survives_any": verdict.survived,
        "weakest": [] if lost_already else [list(loss.fates) for loss in verdict.losses[:WEAKEST]],
        "assumed": [{"place": each.place, "fates": list(each.fates)} for each in verdict.assumed],
    }


def _daemon(facts: Facts) -> dict[str, Any]:
    daemon = facts.daemon
    return {
        "version": daemon.version,
        "pid": daemon.pid,
        "started": _clean(daemon.started),
        "vault": daemon.vault,
        "locked": daemon.locked,
        "unlocked_until": _clean(daemon.unlocked_until),
        "memory_locked": daemon.memory_locked,
        "init_on_free": daemon.init_on_free,
        "guess": {"memory": daemon.guess.memory, "passes": daemon.guess.passes} if daemon.guess else None,
    }


def _dataset(condition: DatasetCondition, facts: Facts, proof: Proof) -> dict[str, Any]:
    pulled = condition.source.latest.result
    pulled = pulled if isinstance(pulled, Mapping) else {}
    return {
        "id": condition.plan.id,
        "state": condition.state,
        "proven": timestamps.stamp(proof.of_dataset(condition.plan.id)),
        "source": {
            "last_success": timestamps.stamp(condition.source.success),
            "last_attempt": _clean(condition.source.latest.last_attempt),
            "next": condition.source.next,
            "error": error_of(condition.source.latest),
        },
        "staging": {
            "path": condition.plan.staging,
            "files": whole(pulled.get("files")),
            "bytes": whole(pulled.get("bytes")),
        },
        "destinations": [_destination(part, facts) for part in condition.destinations],
    }


def _destination(part: Condition, facts: Facts) -> dict[str, Any]:
    due = timestamps.stamp(part.due)
    return {
        "id": part.location,
        "state": part.state,
        "last_success": timestamps.stamp(part.success),
        "last_verified": _clean(part.checked.last_success),
        "last_restored": _clean(facts.drills.restored.get((part.dataset, part.location))),
        "next": part.next,
        "due": due,
        "overdue_since": due if part.late else None,
        "disk": part.disk or None,
        "plugged_in": part.disk in facts.plugged_in if part.disk else None,
        "versions": part.versions,
        "bytes": part.bytes,
        "error": error_of(part.latest) or (error_of(part.damage) if part.damaged else None),
    }


def _stash(stash: MetadataPlan, plan: Plan, facts: Facts) -> dict[str, Any]:
    latest = facts.latest.get(("", "publish", stash.id), Latest())
    held = copies.holding(plan, facts, stash)
    return {
        "id": stash.id,
        "serial": held.serial if held else None,
        "current": held is not None and held.serial == plan.serial,
        "last_success": _clean(latest.last_success),
        "error": error_of(latest),
    }


def _steward(steward: StewardPlan, plan: Plan, facts: Facts) -> dict[str, Any]:
    kit = facts.kits.get(steward.id)
    return {
        "id": steward.id,
        "epoch": kit.epoch if kit else None,
        "written": _clean(kit.written) if kit else None,
        "last_seen": _clean(kit.last_seen) if kit else None,
        "current": copies.has_kit(plan, facts, steward.id),
        "device_serial": kit.device_serial if kit else None,
    }


def _run(run: Mapping[str, Any]) -> dict[str, Any]:
    percent = run.get("percent")
    known = isinstance(percent, (int, float)) and not isinstance(percent, bool) and 0 <= percent <= 100
    return {
        "run": whole(run.get("run")) or 0,
        "dataset": str(run.get("dataset") or ""),
        "step": str(run.get("step") or ""),
        "location": str(run.get("location") or ""),
        "percent": float(percent) if known and percent is not None else None,
        "bytes": whole(run.get("bytes")) or 0,
        "eta": whole(run.get("eta")),
    }


def _problem(problem: Problem) -> dict[str, str]:
    return {
        "level": problem.level,
        "code": problem.code,
        "subject": problem.subject,
        "text": problem.text,
        "hint": problem.hint,
    }


def _clean(time: str | None) -> str | None:
    """A time of the journal in the one form that the document has, or `None` when it is none."""
    return timestamps.stamp(timestamps.parse(time))
