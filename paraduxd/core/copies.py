"""Where every copy lies, as a `fates.Model`: the plan says where copies belong, the facts say which are really there.

When in doubt a copy does not count:

* a destination counts once it holds a whole version, unless its last check failed, or it is overdue and cannot be reached;
* staging counts after the first pull; while the guard holds a push, neither staging nor the source counts;
* a source counts unless it is overdue and cannot be reached; one on this machine dies with the machine;
* a copy in clear on a disk (place "local") is of use to whoever holds the disk. Every other destination needs the config, for its
  password or key, or for the credentials without which nobody gets at it;
* a place without fates dies with this machine when it is local, else alone ("host:NAME");
* a steward without fates can still be lost ("person:ID"), and counts with a kit of this epoch only;
* a metadata stash counts when it holds a config of this epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from paraduxd.core.conditions import DatasetCondition, whole
from paraduxd.core.facts import Facts, Latest
from paraduxd.core.fates import Access, Copy, Fates, Model
from paraduxd.core.plan import DestinationPlan, Plan

MACHINE = "device:this-machine"
"""The machine that Paradux runs on, when its owner gave it no fate."""

SEALED_PROTOCOLS = frozenset({"restic"})
"""Protocols that encrypt by themselves, whatever `encryption` says."""


def model(plan: Plan, facts: Facts, datasets: Sequence[DatasetCondition]) -> Model:
    """What is where today."""
    machine = frozenset(plan.owner_fates) or frozenset((MACHINE,))
    copies = {condition.plan.id: _copies(condition, machine) for condition in datasets}
    return Model(copies, _access(plan, facts, machine))


def published(facts: Facts, stash: str) -> tuple[int | None, int | None]:
    """Serial and epoch of the newest config that was published to this metadata stash and read back."""
    result = facts.latest.get(("", "publish", stash), Latest()).result
    result = result if isinstance(result, Mapping) else {}
    return whole(result.get("serial")), whole(result.get("epoch"))


def holds_config(facts: Facts, stash: str, epoch: int) -> bool:
    """Whether a config that this epoch opens was published to this metadata stash and read back."""
    result = facts.latest.get(("", "publish", stash), Latest()).result
    epochs = result.get("epochs") if isinstance(result, Mapping) else None
    return published(facts, stash)[1] == epoch or (isinstance(epochs, list) and epoch in epochs)


def has_kit(plan: Plan, facts: Facts, steward: str) -> bool:
    """Whether the steward holds a whole kit of this epoch."""
    kit = facts.kits.get(steward)
    return kit is not None and kit.epoch == plan.epoch and kit.counts


def _access(plan: Plan, facts: Facts, machine: Fates) -> Access:
    return Access(
        machine=machine,
        stashes=tuple(
            _place(stash, machine) for stash in plan.metadata_stashes if holds_config(facts, stash.id, plan.epoch)
        ),
        stewards=tuple(
            frozenset(steward.fates) or frozenset((f"person:{steward.id}",))
            for steward in plan.stewards
            if has_kit(plan, facts, steward.id)
        ),
        required=plan.shares_required,
    )


def _copies(condition: DatasetCondition, machine: Fates) -> tuple[Copy, ...]:
    return (*_near(condition, machine), *_far(condition, machine))


def _near(condition: DatasetCondition, machine: Fates) -> list[Copy]:
    """The source and staging."""
    if condition.hold is not None:
        return []
    plan, source = condition.plan.source, condition.source
    fates = _place(plan, machine) | (machine if plan.in_place else frozenset())
    copies = []
    if not (source.failing and (source.late or not source.completed)):
        copies.append(Copy("source", fates))
    if source.completed and not plan.in_place:
        copies.append(Copy("staging", machine))
    return copies


def _far(condition: DatasetCondition, machine: Fates) -> list[Copy]:
    """The destinations."""
    return [
        Copy(destination.id, _place(destination, machine), _needs_config(destination))
        for destination, state in zip(condition.plan.destinations, condition.destinations, strict=True)
        if state.counts
    ]


def _needs_config(destination: DestinationPlan) -> bool:
    clear = destination.encryption == "none" and destination.protocol not in SEALED_PROTOCOLS
    return not (clear and destination.place == "local")


def _place(stash: Any, machine: Fates) -> Fates:
    if stash.fates:
        return frozenset(stash.fates)
    return machine if stash.place == "local" else frozenset((f"host:{stash.place}",))
