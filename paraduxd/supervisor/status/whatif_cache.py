"""Keeps the last answers to "what if?" until something changes, or a minute has passed."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime, timedelta
from threading import Lock

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.what_if import WhatIf
from paraduxd.core.plan.model import Plan
from paraduxd.core.runs.facts import Facts
from paraduxd.core.whatif.answer import WhatIfQuestion, answer
from paraduxd.supervisor.status.verdict_cache import KEPT_FOR, without_progress

MOST = 8
"""So many answers are kept."""


@dataclass(frozen=True)
class _Known:
    plan: Plan
    facts: Facts
    at: datetime
    answers: dict[WhatIfQuestion, WhatIf] = field(default_factory=dict)

    def holds(self, plan: Plan, facts: Facts, now: datetime) -> bool:
        """Whether answers are still true; ages grow by themselves."""
        return self.plan is plan and timedelta() <= now - self.at < KEPT_FOR and self.facts == facts


class WhatIfCache:
    """Any thread may ask; one answer is worked out at a time."""

    def __init__(self) -> None:
        self._known: _Known | None = None
        self._lock = Lock()

    def answer(self, plan: Plan, facts: Facts, now: datetime, question: WhatIfQuestion) -> WhatIf:
        """The answer; raises `ParaduxError`."""
        facts = without_progress(facts)
        with self._lock:
            known = self._known
            if known is None or not known.holds(plan, facts, now) or len(known.answers) >= MOST:
                known = self._known = _Known(plan, facts, now)
            if question not in known.answers:
                known.answers[question] = answer(plan, facts, now, question)
            return known.answers[question]
