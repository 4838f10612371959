"""What status complains about the kits that stewards hold.

Critical: kits-missing (too few stewards hold a whole kit of this epoch). Warning: kits-incomplete, kit-void (half-written), kit-damaged (by
its last check-up), kit-unseen (not seen for a year).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from paraduxd.core import moments
from paraduxd.core.copies import has_kit
from paraduxd.core.facts import Facts, Kit
from paraduxd.core.kits import is_overdue
from paraduxd.core.plan import Plan, StewardPlan
from paraduxd.core.troubles import Trouble

COMMAND = "paraductl create-steward-device"

NAMED = 3
"""So many stewards are named in a hint; more are "--all"."""


def of_stewards(plan: Plan, facts: Facts) -> Iterator[Trouble]:
    """Whether enough stewards could open the published config."""
    names = [steward.id for steward in plan.stewards]
    without = [name for name in names if not has_kit(plan, facts, name)]
    holding, need = len(names) - len(without), plan.shares_required
    if holding < need or not names:
        claim, then = _too_few(plan, facts, holding), "if this machine is lost, nobody can open the published config"
        if plan.kits_written and not facts.kits:  # another machine's, before a recovery
            claim, then = "this machine has seen no kit", "whether enough stewards still hold one it cannot tell"
        text = f"{claim}: {then}"
        yield Trouble("critical", "kits-missing", "stewards", text, _write(without), claim)
    elif without:
        more = f" and {len(without) - NAMED} more" if without[NAMED:] else ""
        text = f"{holding} of {len(names)} stewards hold a current kit; without: {', '.join(without[:NAMED])}{more}"
        yield Trouble("warning", "kits-incomplete", "stewards", text, _write(without))


def _too_few(plan: Plan, facts: Facts, holding: int) -> str:
    if holding:
        return f"only {holding} of the {plan.shares_required} stewards needed hold a current kit"
    return f"no steward holds a {'current kit' if facts.kits else 'kit yet'}"


def of_kits(plan: Plan, facts: Facts, now: datetime) -> Iterator[Trouble]:
    """What is wrong with the kit of one steward."""
    for steward in plan.stewards:
        if (kit := facts.kits.get(steward.id)) is not None:
            yield from _of_kit(steward, kit, now)


def _of_kit(steward: StewardPlan, kit: Kit, now: datetime) -> Iterator[Trouble]:
    if kit.void:
        text = f"the kit of {steward.id} is void: its writing did not come to an end"
        yield Trouble("warning", "kit-void", steward.id, text, _write([steward.id]))
    elif kit.problems:
        text = f"the last check-up of {steward.id}'s kit found: {kit.problems[0]}"
        yield Trouble("warning", "kit-damaged", steward.id, text, _write([steward.id]))
    elif is_overdue(kit, now):
        seen = moments.parse(kit.last_seen) or moments.parse(kit.written)
        since = f"for {moments.duration((now - seen).total_seconds())}" if seen else "ever"
        hint = "ask for it and plug it into this machine: it is checked by itself"
        yield Trouble("warning", "kit-unseen", steward.id, f"the kit of {steward.id} was not seen {since}", hint)


def _write(stewards: Sequence[str]) -> str:
    names = " ".join(stewards) if 0 < len(stewards) <= NAMED else "--all"
    return f"write what is missing: {COMMAND} {names}" if stewards else "add stewards: paraductl edit"
