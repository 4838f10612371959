"""The stewards and what each of them holds, as a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from paraduxd.api.replies.kits import StewardKit, Stewards
from paraduxd.core.plan.model import Plan, StewardPlan
from paraduxd.core.recovery import confirmation
from paraduxd.core.recovery.kit_records import KitRecord, is_overdue, of_epoch
from paraduxd.core.runs.facts import Facts


def table(plan: Plan | None, facts: Facts, records: Iterable[KitRecord], now: datetime) -> Stewards:
    """What the call `stewards` answers."""
    if plan is None:
        return Stewards()
    rotation = plan.rotation.epoch if plan.rotation else None
    next_kits = of_epoch(records, rotation) if rotation is not None else set()
    rows = tuple(_row(steward, plan, facts, now, next_kits) for steward in plan.stewards)
    return Stewards(plan.epoch, rotation, plan.shares_required, plan.serial, rows)


def _row(steward: StewardPlan, plan: Plan, facts: Facts, now: datetime, next_kits: set[str]) -> StewardKit:
    kit, seen = facts.kits.get(steward.id), facts.seen_by_code.get(steward.id)
    row = StewardKit(
        steward.id,
        steward.name,
        steward.accepted_on,
        next=steward.id in next_kits if plan.rotation else None,
        seen_by_code=confirmation.shown(seen),
    )
    if kit is None:
        return row
    return replace(
        row,
        epoch=kit.epoch,
        serial=kit.serial,
        written=kit.written,
        last_seen=kit.last_seen,
        device_serial=kit.device_serial,
        current=kit.counts and kit.epoch == plan.epoch,
        void=kit.void,
        problems=tuple(kit.problems),
        overdue=kit.counts and is_overdue(kit, now, seen),
    )
