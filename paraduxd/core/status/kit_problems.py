"""What status complains about the kits that stewards hold.

Critical: kits-missing (too few stewards hold a whole kit of this epoch). Warning: kits-incomplete, kits-outdated (the config on a kit
names no metadata stash that is left, or no kit names a stash), kits-old (the page on a kit cannot, or may not, read what the places
hold), kits-lead-nowhere (no kit tells how to read one), kit-void (half-written), kit-damaged (by its last check-up), kit-unseen (not
seen for a year).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from paraduxd.api import phrases
from paraduxd.core.plan.model import Plan, StewardPlan
from paraduxd.core.primitives import timestamps
from paraduxd.core.recoverability.copies import has_kit, holding, kit_serial
from paraduxd.core.recovery import kit_tools
from paraduxd.core.recovery.confirmation import CodeRecord
from paraduxd.core.recovery.kit_records import Kit, broken_by_code, is_overdue
from paraduxd.core.runs.facts import Facts
from paraduxd.core.status.problems import Problem

COMMAND = "paraductl create-steward-device"

NAMED = 3
"""So many stewards are named in a hint; more are "--all"."""


def of_stewards(plan: Plan, facts: Facts) -> Iterator[Problem]:
    """Whether enough stewards could open the published config."""
    names = [steward.id for steward in plan.stewards]
    without = [name for name in names if not has_kit(plan, facts, name)]
    holding, need = len(names) - len(without), plan.shares_required
    if holding < need or not names:
        claim, then = _too_few(plan, facts, holding), "if this machine is lost, nobody can open the published config"
        if plan.kits_written and not facts.kits:  # another machine's, before a recovery
            claim, then = "this machine has seen no kit", "whether enough stewards still hold one it cannot tell"
        text = f"{claim}: {then}"
        yield Problem("critical", "kits-missing", "stewards", text, _write(without), claim)
    elif without:
        more = f" and {len(without) - NAMED} more" if without[NAMED:] else ""
        text = f"{holding} of {len(names)} stewards hold a current kit; without: {', '.join(without[:NAMED])}{more}"
        yield Problem("warning", "kits-incomplete", "stewards", text, _write(without))


def of_outdated(plan: Plan, facts: Facts) -> Iterator[Problem]:
    """Whether the configs on the kits still lead to the metadata stashes: one that was added or changed is named by newer configs only."""
    live = [stash for stash in plan.metadata_stashes if holding(plan, facts, stash) is not None]
    kits = {each.id: kit_serial(facts, each.id) for each in plan.stewards if has_kit(plan, facts, each.id)}
    if not live or not kits:
        return
    lost = [name for name, serial in kits.items() if all(stash.since > serial for stash in live)]
    unknown = [stash.id for stash in live if all(stash.since > serial for serial in kits.values())]
    if not any(stash.kit_access for stash in plan.metadata_stashes):
        text = (
            "no kit names a published copy of the config: stewards have only the one that was written onto their kits"
        )
        hint = "add kit_access to a metadata stash: paraductl edit; then write new kits"
        yield Problem("warning", "kits-lead-nowhere", "stewards", text, hint)
    if lost:
        text = f"the config on the {_kits_of(lost)} names no metadata stash as it is now, so it leads to nothing newer"
        yield Problem("warning", "kits-outdated", "stewards", text, _write(lost, "write new kits"))
    elif unknown:
        text = f"no kit knows the metadata stash {_and(unknown)}, which was added or changed later: without the others nobody looks there"
        yield Problem("warning", "kits-outdated", "stewards", text, _write([*kits], "write new kits"))


def of_tools(plan: Plan, facts: Facts) -> Iterator[Problem]:
    """Whether the pages on the kits can read what the places hold: an upgrade of Paradux does not reach kits."""
    needed = kit_tools.needed(plan)
    held = {each.id: facts.kits[each.id].reads for each in plan.stewards if has_kit(plan, facts, each.id)}
    old = [name for name, reads in held.items() if reads is not None and not needed <= set(reads)]
    unknown = [name for name, reads in held.items() if reads is None and needed]
    why = "cannot read the encrypted archives that this version of Paradux writes"
    if old:
        text = f"the page on the {_kits_of(old)} {why}: it was written by an older one"
        yield Problem(
            "warning", "kits-old", "stewards", text, _write(old, "plug it in while unlocked, or write it anew")
        )
    if unknown:
        text = f"an older Paradux may have written the page on the {_kits_of(unknown)}, which then {why}"
        yield Problem("warning", "kits-old", "stewards", text, _write(unknown, "plug it in, or write it anew"))


def _kits_of(names: Sequence[str]) -> str:
    return f"{'kit' if len(names) == 1 else 'kits'} of {_and(names)}"


def _and(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if names[NAMED:] else ""
    return ", ".join(names[:NAMED]) + more


def _too_few(plan: Plan, facts: Facts, holding: int) -> str:
    if holding:
        return f"only {holding} of the {plan.shares_required} stewards needed hold a current kit"
    return f"no steward holds a {'current kit' if facts.kits else 'kit yet'}"


def of_kits(plan: Plan, facts: Facts, now: datetime) -> Iterator[Problem]:
    """What is wrong with the kit of one steward."""
    for steward in plan.stewards:
        if (kit := facts.kits.get(steward.id)) is not None:
            yield from _of_kit(steward, kit, now, facts.seen_by_code.get(steward.id))


def _of_kit(steward: StewardPlan, kit: Kit, now: datetime, by_code: CodeRecord | None) -> Iterator[Problem]:
    if kit.void:
        text = f"{steward.id}'s kit is void: writing it was interrupted"
        yield Problem("warning", "kit-void", steward.id, text, _write([steward.id]))
    elif kit.problems:
        text = f"the last check-up of {steward.id}'s kit found: {kit.problems[0]}"
        yield Problem("warning", "kit-damaged", steward.id, text, _write([steward.id]))
    elif broken_by_code(kit, by_code):
        text = f"the code that {steward.id} read out says that the share on the kit is good and something else on it is damaged"
        yield Problem("warning", "kit-damaged", steward.id, text, _write([steward.id], "write it anew"))
    elif is_overdue(kit, now, by_code):
        seen = timestamps.parse(kit.last_seen) or timestamps.parse(kit.written)
        since = f"for {phrases.duration((now - seen).total_seconds())}" if seen else "ever"
        hint = f"ask for it and plug it into this machine, or ask for a code: paraductl stewards --ask {steward.id}"
        yield Problem("warning", "kit-unseen", steward.id, f"the kit of {steward.id} was not seen {since}", hint)


def _write(stewards: Sequence[str], what: str = "write what is missing") -> str:
    names = " ".join(stewards) if 0 < len(stewards) <= NAMED else "--all"
    return f"{what}: {COMMAND} {names}" if stewards else "add stewards: paraductl edit"
