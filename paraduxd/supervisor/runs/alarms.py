"""Removing is slow: until when no version may be removed anywhere, and whether this machine may write at all.

After an alarm (a hold that the owner approved, a recovery, a machine that was found replaced) nothing is removed for a while: what went
wrong may not be known yet. A machine that another one has replaced sends and removes nothing, wherever it has learned of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.frozen import dataclass
from paraduxd.core.plan.model import Plan
from paraduxd.core.primitives import timestamps
from paraduxd.core.runs.facts import Key
from paraduxd.core.runs.orders import Failed
from paraduxd.core.status import succession
from paraduxd.effects.journal.database import ALARM
from paraduxd.effects.journal.journal import Journal

INSTANCE = "instance"
"""The fact with the instance whose plan was run by last."""


@dataclass(frozen=True)
class Alarm:
    """When something was seen after which nothing is removed for a while, and what."""

    at: str | None = None
    why: str = ""


def raise_alarm(journal: Journal, now: str, why: str) -> None:
    """From now on nothing is removed for `policy.grace_after_alarm`."""
    journal.set_fact(ALARM, to_json_value(Alarm(now, why)))


def protected_until(journal: Journal, plan: Plan, now: datetime) -> str | None:
    """Until when no version may be removed, or `None`. An alarm dated in the future counts from now: the clock was wrong."""
    alarm = journal.fact_as(Alarm, ALARM)
    at = timestamps.parse(alarm.at) if alarm else None
    if at is None:
        return None
    until = min(at, now) + timedelta(seconds=plan.grace_after_alarm)
    return timestamps.stamp(until) if until > now else None


def note_instance(journal: Journal, plan: Plan, now: str) -> None:
    """A plan of another instance than before, later than an owner's first one, is that of a machine that was just recovered."""
    if journal.fact(INSTANCE) == plan.instance:
        return
    if plan.generation > 1:
        raise_alarm(journal, now, "this machine was recovered")
    journal.set_fact(INSTANCE, plan.instance)


def superseded(journal: Journal, plan: Plan, key: Key) -> Failed | None:
    """Why nothing is sent to a place, if another place has shown that this machine is no longer the owner's.

    Each place that has shown it is asked again, so that it ends when it is no longer so.
    """
    shown = dict(succession.shown(journal.latest_by_target(), plan))
    if (key[0], key[2]) in shown:
        return None
    found = next(iter(shown.values()), None)
    return None if found is None else Failed(found.code, found.message, found.hint)
