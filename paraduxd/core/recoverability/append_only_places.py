"""Places of which it is said that the credentials of this machine can remove nothing there: what a rehearsal has found of that."""

from __future__ import annotations

from paraduxd.api.replies.results import Rehearsal, Verified
from paraduxd.core.plan.model import DestinationPlan
from paraduxd.core.plan.terms import UNPROTECTED
from paraduxd.core.runs.facts import Facts, Latest

_STEPS = ("verify", "rehearse")
"""What tries it."""


def protection(facts: Facts, dataset: str, plan: DestinationPlan) -> bool | None:
    """Whether the last trial to remove something there was refused; `None`: nobody has tried, or nothing is claimed."""
    if plan.protects == UNPROTECTED:
        return None
    known = [facts.latest.get((dataset, step, plan.id), Latest()) for step in _STEPS]
    tried = [(each.last_success or "", found) for each in known if (found := _found(each)) is not None]
    return max(tried, key=lambda each: each[0], default=("", None))[1]


def _found(latest: Latest) -> bool | None:
    return latest.result.protected if isinstance(latest.result, Verified | Rehearsal) else None
