"""Runs that wait and runs that go on, as the engine holds them."""

from __future__ import annotations

from dataclasses import dataclass, field

from paraduxd.api.calls import JsonObject
from paraduxd.core.plan.model import DatasetPlan, Plan
from paraduxd.core.runs.orders import Failed, Order, Progress, Step
from paraduxd.core.runs.queue import STAGING, Request

BY_CLOCK = frozenset({"schedule", "catch-up", "retry"})
"""What asks for a run that nobody waits for: it starts only while its window is open."""

READING = frozenset({Step.RESTORE, Step.VERSIONS, Step.LIST, Step.HOSTKEYS})
"""Steps that change nothing anywhere: they run also when nothing can be recorded."""

AGAIN = (Step.PULL, Step.PUSH, Step.PUBLISH)
"""Steps that are run again by themselves after an interruption."""

CANCELLED = Failed("cancelled", "it was cancelled")
REMOVED = Failed("cancelled", "it is no longer in the config")
REPLACED = Failed("cancelled", "its source or staging was changed in the config")


@dataclass(frozen=True)
class Waiting:
    """A run that is queued."""

    request: Request
    trigger: str
    arguments: JsonObject


@dataclass
class Running:
    """A run that a worker carries out; `stopped`: why it was asked to end."""

    request: Request
    trigger: str
    order: Order
    started: str
    progress: Progress = field(default_factory=Progress)
    stopped: Failed | None = None


def needs_no_credentials(request: Request) -> bool:
    """Whether it opens no stash."""
    return request.step in (Step.HOSTKEYS, Step.KIT_CHECK) or request.location == STAGING


def pulls_differently(before: Plan, now: Plan, name: str) -> bool:
    """Whether a running pull fills the wrong staging, or from the wrong source."""
    return _pulling(before.dataset(name)) != _pulling(now.dataset(name))


def _pulling(dataset: DatasetPlan | None) -> tuple[object, ...]:
    if dataset is None:
        return ()
    source = dataset.source
    return (source.protocol, source.place, source.transport, source.in_place, dataset.staging)
