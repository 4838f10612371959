"""What the journal keeps of damage: under "damage/" and the uid of the place, until a check that looks there finds it whole."""

from __future__ import annotations

from collections.abc import Mapping

from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.replies.results import Verified, read_as
from paraduxd.core.plan.model import Plan
from paraduxd.core.runs import damage
from paraduxd.core.runs.damage import Damage
from paraduxd.core.runs.order_arguments import Reach, VerifyArguments
from paraduxd.core.runs.orders import Done, Failed, Held, Order, Step
from paraduxd.effects.journal.journal import Journal

_NAME = "damage/"

CODE = "damaged"
"""Of the error with which checks and rehearsals tell it."""


def remember(journal: Journal, order: Order, final: Done | Failed | Held, now: str) -> None:
    """Keep what a check or a rehearsal has found, or that it was found whole."""
    identity, how = order.read(Reach).identity, order.read(VerifyArguments)
    place = identity.place if identity else ""
    if not place or order.step not in (Step.VERIFY, Step.REHEARSE) or not order.dataset:
        return
    if isinstance(final, Failed) and final.code == CODE:
        deep = how.deep or order.step == Step.REHEARSE
        keep(journal, place, damage.found(final, now, deep=deep, part=how.part, parts=how.parts))
    elif isinstance(final, Done) and order.step == Step.VERIFY:
        known = journal.fact_as(Damage, _NAME + place)
        if known is not None and damage.is_disproved(known, read_as(Verified, final.result)):
            journal.set_fact(_NAME + place, None)


def keep(journal: Journal, place: str, news: Damage) -> None:
    """Keep what was found at the place with this uid, unless something is known that takes a deeper look to disprove."""
    known = journal.fact_as(Damage, _NAME + place)
    if known is None or news.deep or not known.deep:
        journal.set_fact(_NAME + place, to_json_value(news))


def of_plan(journal: Journal, plan: Plan | None) -> Mapping[tuple[str, str], Damage]:
    """What is known of the destinations of the plan, by their names of now."""
    kept = journal.facts(_NAME)
    names = {uid: name for name, uid in plan.uids.items()} if plan and kept else {}
    found = {names[uid]: _known(value) for uid, value in kept.items() if uid in names}
    return {name: each for name, each in found.items() if each is not None}


def _known(kept: object) -> Damage | None:
    try:
        return from_json_value(Damage, kept) if kept is not None else None
    except ValueError:
        return None
