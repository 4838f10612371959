"""Keeps the last verdict until something changes, or a minute has passed: status is asked for more often than anything happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.state import RunningState
from paraduxd.core.plan.model import Plan
from paraduxd.core.runs.facts import Facts
from paraduxd.core.status.assessment import Verdict, judge

KEPT_FOR = timedelta(minutes=1)
"""Ages grow by themselves."""


@dataclass(frozen=True)
class _Judged:
    plan: Plan | None
    facts: Facts
    at: datetime
    verdict: Verdict


class VerdictCache:
    """object thread may ask."""

    def __init__(self) -> None:
        self._last: _Judged | None = None

    def verdict(self, plan: Plan | None, facts: Facts, now: datetime) -> Verdict:
        """What everything comes to (`core/status/assessment.py`)."""
        facts = without_progress(facts)
        last = self._last
        if last is not None and last.plan is plan and timedelta() <= now - last.at < KEPT_FOR and last.facts == facts:
            return last.verdict
        self._last = judged = _Judged(plan, facts, now, judge(plan, facts, now))
        return judged.verdict


def without_progress(facts: Facts) -> Facts:
    """What the verdict depends on: which runs there are, not how far they are."""
    running = (RunningState(run.run, run.dataset, run.step, run.location) for run in facts.running)
    return replace(facts, running=tuple(running))
