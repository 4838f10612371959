"""What is done with disks that are plugged in now and then: which places are on them, what is pushed when one comes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from paraduxd.core.devices.stick_rules import Stick
from paraduxd.core.plan.model import DatasetPlan, DestinationPlan, Plan
from paraduxd.core.primitives.disks import place_of, uuid_of
from paraduxd.core.runs.facts import Key
from paraduxd.core.runs.orders import Step


def destinations(plan: Plan) -> Iterator[tuple[DatasetPlan, DestinationPlan]]:
    """All destinations on such disks."""
    for dataset in plan.datasets:
        yield from ((dataset, each) for each in dataset.destinations if uuid_of(each.place))


def meant(plan: Plan, stick: Stick) -> tuple[Key, ...]:
    """What is done when this disk is plugged in: pushes to it, and publishing; a folder that stands for one is told by its name."""
    uuid = PurePath(stick.directory).name if stick.directory else stick.uuid
    if not uuid:
        return ()
    place = place_of(uuid)
    pushes = tuple((dataset.id, Step.PUSH, each.id) for dataset, each in destinations(plan) if each.place == place)
    return pushes + tuple(("", Step.PUBLISH, stash.id) for stash in plan.metadata_stashes if stash.place == place)
