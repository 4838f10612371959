"""The stewards and what each of them holds, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from paraduxd.core.plan.model import Plan, StewardPlan
from paraduxd.core.recovery.kit_records import Kit, KitRecord, is_overdue, of_epoch
from paraduxd.core.runs.facts import Facts


def table(plan: Plan | None, facts: Facts, records: Iterable[KitRecord], now: datetime) -> dict[str, Any]:
    """What the call `stewards` answers."""
    if plan is None:
        return {"epoch": None, "rotation": None, "shares_required": None, "serial": None, "stewards": []}
    rotation = plan.rotation.epoch if plan.rotation else None
    next_kits = of_epoch(records, rotation) if rotation is not None else set()
    return {
        "epoch": plan.epoch,
        "rotation": rotation,
        "shares_required": plan.shares_required,
        "serial": plan.serial,
        "stewards": [_row(steward, plan, facts.kits, now, next_kits) for steward in plan.stewards],
    }


def _row(
    steward: StewardPlan, plan: Plan, kits: Mapping[str, Kit], now: datetime, next_kits: set[str]
) -> dict[str, Any]:
    kit = kits.get(steward.id)
    return {
        "id": steward.id,
        "name": steward.name,
        "accepted_on": steward.accepted_on,
        "epoch": kit.epoch if kit else None,
        "serial": kit.serial if kit else None,
        "written": kit.written if kit else None,
        "last_seen": kit.last_seen if kit else None,
        "device_serial": kit.device_serial if kit else None,
        "current": kit is not None and kit.counts and kit.epoch == plan.epoch,
        "void": kit is not None and kit.void,
        "problems": list(kit.problems) if kit else [],
        "overdue": kit is not None and kit.counts and is_overdue(kit, now),
        "next": steward.id in next_kits if plan.rotation else None,
    }
