"""A stick that is plugged in during a recovery: read by a worker, and what is on it is added to what was brought."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Mapping
from itertools import count
from typing import TYPE_CHECKING

from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.core.devices.stick_arguments import StickArguments
from paraduxd.core.devices.stick_results import ReadFromStick
from paraduxd.core.devices.stick_rules import PluggedIn
from paraduxd.core.runs.orders import Order, Step
from paraduxd.keeper.recovery.collected import STAYS, Collecting
from paraduxd.keeper.runtime import workers
from paraduxd.keeper.runtime.session import Session

if TYPE_CHECKING:
    from paraduxd.shares.collection import Material

log = logging.getLogger("paradux.keeper")

PATIENCE = 300.0
"""Seconds for one stick; a rotten one reads slowly."""

Read = Callable[[PluggedIn], Mapping[str, bytes]]
"""The files of a kit by their names below `PARADUX/`; raises `ParaduxError`."""

_numbers = count(1)


def read_kit(stick: PluggedIn) -> dict[str, bytes]:
    """The kit on a stick, read by a worker of the keeper's own: shares must not pass the supervisor."""
    where = to_json_value(StickArguments(stick.device, stick.directory, stick.serial))
    order = Order(next(_numbers), Step.KIT_READ, "", "stick", arguments=where, disk=bool(stick.device))
    result = workers.run_order(order, timeout=PATIENCE)
    try:
        return {
            name: base64.b64decode(content) for name, content in from_json_value(ReadFromStick, result).files.items()
        }
    except ValueError:
        raise ParaduxError("bad-kit", "what was read from the stick is not understood") from None


def take(session: Session, stick: PluggedIn, read: Read = read_kit) -> bool:
    """Add a stick to the recovery that is under way; false when there is none. A stick that cannot be read becomes a finding."""
    recovery = session.kept.of(Collecting).recovery
    if recovery is None:
        return False
    session.keep(STAYS)
    label = f"the stick {stick.device or stick.directory}".strip()
    try:
        recovery.add(materials_of(read(stick), label))
    except ParaduxError as problem:
        log.warning("%s could not be used for the recovery: %s", label, problem.message)
        recovery.add(materials_of({}, f"{label} ({problem.message})"))
    return True


def materials_of(files: Mapping[str, bytes], label: str) -> list[Material]:
    """What the files of a kit bring: one material, and one more for the epoch before and for each other share that lies there."""
    from paraduxd.shares import kit_folder

    return list(kit_folder.materials_of(files, label))
