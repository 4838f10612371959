"""Disks that are plugged in now and then: how they are named, which one is meant, what is pushed when one comes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from paraduxd.core.devices.stick_rules import Stick
from paraduxd.core.plan.model import DatasetPlan, DestinationPlan, Plan
from paraduxd.core.runs.facts import Key
from paraduxd.core.runs.orders import Step

PROTOCOL = "removable"

POSIX = frozenset({"ext4"})
"""File systems that keep owners, permissions and links."""

MOUNTED = frozenset({"vfat", "exfat", *POSIX})
"""File systems of such disks; no other is ever mounted."""

_PLACE = "removable:"
_UUID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{3,63}")


def checked_uuid(text: str) -> str:
    """The UUID itself; raises `ValueError` for what is none. It becomes a part of a path."""
    if not _UUID.fullmatch(text):
        raise ValueError("expected the UUID of a file system, like 1234-ABCD")
    return text


def place_of(uuid: str) -> str:
    """What the limit of transfers per place counts, and where the plan tells the UUID."""
    return _PLACE + uuid


def uuid_of(place: str) -> str:
    """The UUID of the disk that is this place; "" for another place."""
    return place.removeprefix(_PLACE) if place.startswith(_PLACE) else ""


def destinations(plan: Plan) -> Iterator[tuple[DatasetPlan, DestinationPlan]]:
    """All destinations on such disks."""
    for dataset in plan.datasets:
        yield from ((dataset, each) for each in dataset.destinations if each.protocol == PROTOCOL)


def meant(plan: Plan, stick: Stick) -> tuple[Key, ...]:
    """What is done when this disk is plugged in: pushes to it, and publishing; a folder that stands for one is told by its name."""
    uuid = PurePath(stick.directory).name if stick.directory else stick.uuid
    if not uuid:
        return ()
    place = place_of(uuid)
    pushes = tuple((dataset.id, Step.PUSH, each.id) for dataset, each in destinations(plan) if each.place == place)
    return pushes + tuple(("", Step.PUBLISH, stash.id) for stash in plan.metadata_stashes if stash.place == place)
