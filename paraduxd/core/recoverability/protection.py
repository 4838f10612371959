"""Places of which it is said that the credentials of this machine can remove nothing there: what a rehearsal has found of that."""

from __future__ import annotations

from paraduxd.core.plan.model import UNPROTECTED, DestinationPlan
from paraduxd.core.runs.facts import Facts

_STEPS = ("verify", "rehearse")
"""What tries it."""


def protection(facts: Facts, dataset: str, plan: DestinationPlan) -> bool | None:
    """Whether the last trial to remove something there was refused; `None`: nobody has tried, or nothing is claimed."""
    if plan.protects == UNPROTECTED:
        return None
    known = (facts.latest.get((dataset, step, plan.id)) for step in _STEPS)
    tried = [each for each in known if each is not None and isinstance((each.result or {}).get("protected"), bool)]
    newest = max(tried, key=lambda each: each.last_success or "", default=None)
    return None if newest is None else bool((newest.result or {})["protected"])
