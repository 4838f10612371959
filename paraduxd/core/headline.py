"""The one line that says whether everything could be recovered today. Its rules, in this order:

1. Something could not be recovered: "Recoverable: no: ..." with the reasons, and nothing about what else would survive.
2. No drill of this epoch: "Recoverable: not proven: no drill has been run."
3. Else "Recoverable: yes, proven 3 days ago." (or "today", within 24 hours), and whether a new drill is due.

In the second and third case a sentence follows about how many losses are survived, and the weakest set of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from paraduxd.core import fates, moments
from paraduxd.core.fates import Loss
from paraduxd.core.troubles import Trouble

REASONS = 2
"""So many reasons stand in the headline; the others are counted."""

_NUMBERS = ("no loss", "any one loss", "any two losses", "any three losses")
_GROUPS = ("", "loss", "pair", "three", "four")


def headline(
    troubles: Sequence[Trouble], proven: datetime | None, now: datetime, survived: int, losses: Sequence[Loss]
) -> str:
    """The headline; of `troubles` the critical ones count."""
    critical = [trouble for trouble in troubles if trouble.level == "critical"]
    if any(trouble.code == "not-set-up" for trouble in critical):
        return "Not set up"
    if critical:
        return f"Recoverable: no: {_reasons(critical)}."
    return f"Recoverable: {_proof(proven, now, troubles)}. {survival(survived, losses)}"


def survival(survived: int, losses: Sequence[Loss]) -> str:
    """How many losses are survived, whichever they are, and what the weakest smallest set of losses would take."""
    if not losses:
        return f"Survives {_NUMBERS[survived]}."
    weakest = losses[0]
    who, what = " + ".join(spoken(fate) for fate in weakest.fates), _lost(weakest.lost)
    if survived == 0:
        return f"Does not survive the loss of {who}, which would lose {what}."
    return (
        f"Survives {_NUMBERS[survived]}; the weakest {_GROUPS[len(weakest.fates)]} is {who}, which would lose {what}."
    )


def spoken(fate: str) -> str:
    """A fate as people say it: "place:house" -> "house"."""
    if fate == fates.OWNER_MIND:
        return "the owner's memory"
    return fate.partition(":")[2].replace("this-machine", "this machine") or fate


def _reasons(critical: Sequence[Trouble]) -> str:
    claims: dict[str, list[str]] = {}
    for trouble in critical:
        claims.setdefault(trouble.claim, []).append(f"`{trouble.subject}`")
    reasons = [claim.replace("{names}", _and(names)) for claim, names in claims.items()]
    more = len(reasons) - REASONS
    return "; ".join(reasons[:REASONS]) + (f"; and {more} more" if more > 0 else "")


def _proof(proven: datetime | None, now: datetime, troubles: Sequence[Trouble]) -> str:
    if proven is None:
        return "not proven: no drill has been run"
    due = ", a new drill is due" if any(trouble.code == "drill-overdue" for trouble in troubles) else ""
    return f"yes, proven {_when(proven, now)}{due}"


def _when(proven: datetime, now: datetime) -> str:
    seconds = (now - proven).total_seconds()
    return "today" if seconds < moments.DAY else f"{moments.duration(seconds)} ago"


def _lost(names: Sequence[str]) -> str:
    words = {fates.CONFIG: "the config", fates.KEY: "the key to the config"}
    return _and([words.get(name, f"`{name}`") for name in names])


def _and(names: Sequence[str], at_most: int = 3) -> str:
    """ "a", "a and b", "a, b and 4 more"."""
    if len(names) > at_most:
        return f"{', '.join(names[: at_most - 1])} and {len(names) - at_most + 1} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
