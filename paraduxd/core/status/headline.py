"""The one line that says whether everything could be recovered today. Its rules, in this order:

1. Something could not be recovered: "Recoverable: no: ..." with the reasons, and nothing about what else would survive.
2. Nobody has looked since this machine was recovered: "Recoverable: not known yet: ...".
3. No drill of this epoch, or one that proves nothing any more: "Recoverable: not proven: ...".
4. A drill that proves a part: "Recoverable: proven today for 3 of 4 datasets, not for `docs`."
5. Else "Recoverable: yes, proven 3 days ago." (or "today", within 24 hours), and whether a new drill is due.

From the third case on a sentence follows about how many losses are survived, and the weakest set of them; then what was counted though
it is older than two periods, with its age.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from paraduxd.api import phrases
from paraduxd.api.frozen import dataclass
from paraduxd.core.primitives import timestamps
from paraduxd.core.recoverability import fates
from paraduxd.core.recoverability.access import OWNER_MIND
from paraduxd.core.recoverability.fates import Loss
from paraduxd.core.recoverability.proof import NOTHING_PROVEN, Proof
from paraduxd.core.status.problems import Problem

REASONS = 2
"""So many reasons stand in the headline; the others are counted."""

AGED = 5
"""So many old places are named."""

_NUMBERS = ("no loss", "any one loss", "any two losses", "any three losses")
_GROUPS = ("", "loss", "pair", "three", "four")


@dataclass(frozen=True)
class Claims:
    """What the headline is made from. Of `problems` the critical ones count. `unknown`: datasets that nobody has looked for yet; `aged`:
    places that count although they are old, and since when they are."""

    problems: Sequence[Problem]
    proof: Proof = NOTHING_PROVEN
    survived: int = 0
    losses: Sequence[Loss] = ()
    datasets: Sequence[str] = ()
    unknown: Sequence[str] = ()
    aged: Sequence[tuple[str, datetime]] = ()


def headline(claims: Claims, now: datetime) -> str:
    """The headline."""
    critical = [problem for problem in claims.problems if problem.level == "critical"]
    if any(problem.code == "not-set-up" for problem in critical):
        return "Not set up"
    if critical:
        return f"Recoverable: no: {_reasons(critical)}."
    if claims.unknown:
        names = _and([f"`{name}`" for name in claims.unknown])
        return f"Recoverable: not known yet: nobody has looked at the destinations of {names} since this machine was recovered."
    sentences = [
        f"Recoverable: {_proof(claims, now)}.",
        survival(claims.survived, claims.losses),
        *_aged(claims.aged, now),
    ]
    return " ".join(sentences)


def _aged(aged: Sequence[tuple[str, datetime]], now: datetime) -> list[str]:
    """What counts though it is old, the oldest first."""
    oldest = sorted(aged, key=lambda each: each[1])
    told = [f"{name} ({phrases.duration((now - seen).total_seconds())})" for name, seen in oldest[:AGED]]
    more = [f"{len(oldest) - AGED} more"] if oldest[AGED:] else []
    return [f"Counted although old: {', '.join([*told, *more])}."] if told else []


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
    if fate == OWNER_MIND:
        return "the owner's memory"
    return fate.partition(":")[2].replace("this-machine", "this machine") or fate


def _reasons(critical: Sequence[Problem]) -> str:
    claims: dict[str, list[str]] = {}
    for problem in critical:
        claims.setdefault(problem.claim, []).append(f"`{problem.subject}`")
    reasons = [claim.replace("{names}", _and(names)) for claim, names in claims.items()]
    more = len(reasons) - REASONS
    return "; ".join(reasons[:REASONS]) + (f"; and {more} more" if more > 0 else "")


def _proof(claims: Claims, now: datetime) -> str:
    proof = claims.proof
    if proof.ended is None:
        return "not proven: no drill has been run"
    if proof.partly is None:
        return f"not proven: {_why_not(proof, now)}"
    due = ", a new drill is due" if any(problem.code == "drill-overdue" for problem in claims.problems) else ""
    if proof.whole is not None:
        return f"yes, proven {_when(proof.ended, now)}{due}"
    missing = [f"`{name}`" for name in claims.datasets if name not in proof.datasets]
    return f"proven {_when(proof.ended, now)} for {len(proof.datasets)} of {proof.of} datasets, not for {_and(missing)}{due}"


def _why_not(proof: Proof, now: datetime) -> str:
    """Why nothing of the last drill stands."""
    when = _when(proof.ended, now)
    drill = "the drill of today" if when == "today" else f"the drill {when}"
    if proof.lacking:
        return f"{drill} failed"
    return f"nothing is left as {drill} saw it"


def _when(ended: datetime | None, now: datetime) -> str:
    seconds = (now - ended).total_seconds() if ended else 0.0
    return "today" if seconds < timestamps.DAY else f"{phrases.duration(seconds)} ago"


def _lost(names: Sequence[str]) -> str:
    words = {fates.CONFIG: "the config", fates.KEY: "the key to the config"}
    return _and([words.get(name, f"`{name}`") for name in names])


def _and(names: Sequence[str], at_most: int = 3) -> str:
    """ "a", "a and b", "a, b and 4 more"."""
    if len(names) > at_most:
        return f"{', '.join(names[: at_most - 1])} and {len(names) - at_most + 1} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
