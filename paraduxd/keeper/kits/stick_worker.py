"""What the keeper does with sticks, by workers of its own: shares must not pass the supervisor (`kit_arming.Tools`)."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.results import KitChecked, read_as
from paraduxd.core.config.managed import Managed
from paraduxd.core.devices.stick_rules import Armed, Seen, Stick
from paraduxd.core.recovery import kit_records
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.core.runs.orders import Order, Step
from paraduxd.keeper.config.generate import now
from paraduxd.keeper.kits.arming import Event, Target
from paraduxd.keeper.runtime import workers

LOOKING = 120.0
"""Seconds for a look at a stick; a rotten one answers slowly."""

WORKING = 900.0
"""Seconds for formatting, writing and reading back, or for a check-up."""

RunOrder = Callable[..., dict[str, Any]]


class StickTools:
    """`Tools` on real sticks, and on folders that stand for them. One thread uses it."""

    def __init__(self, run: RunOrder = workers.run_order) -> None:
        self._run = run
        self._numbers = itertools.count(1)

    def look(self, event: Event) -> tuple[Stick, Seen]:
        """What it is, and what is on it as far as the rules ask; read-only."""
        found = self._order(Step.KIT_LOOK, event, event.get("serial"), LOOKING)
        return from_json_value(Stick, found["stick"]), from_json_value(Seen, found["seen"])

    def write(self, event: Event, stick: Stick, files: Mapping[str, bytes], armed: Armed) -> Target:
        """Write and read back; "refused" and "stick-full" leave what was on it."""
        encoded = {name: base64.b64encode(data).decode() for name, data in files.items()}
        done = self._order(Step.KIT_WRITE, event, stick.serial, WORKING, files=encoded, armed=to_json_value(armed))
        return Target(done["device_serial"], done["uuid"])

    def check(self, event: Event, stick: Stick, managed: Managed) -> KitRecord | None:
        """What a check-up finds on a stick, every byte read; `None` when that is no kit of this owner."""
        shown = {"epoch", "fingerprint", "public_key"}
        keys = [part.recovery.model_dump(include=shown) for part in managed.parts]
        found = self._order(Step.KIT_CHECK, event, stick.serial, WORKING, keys=keys)
        return kit_records.of_check(read_as(KitChecked, found), managed.owner_id, now(), None)

    def _order(self, step: Step, event: Event, serial: object, timeout: float, **more: Any) -> dict[str, Any]:
        where = {name: event[name] for name in ("device", "directory") if event.get(name)}
        if not where:
            raise ParaduxError("bad-request", "a stick needs a device")
        arguments = {**where, "device_serial": serial, **more}
        order = Order(next(self._numbers), step, "", "stick", arguments=arguments, disk="device" in where)
        return self._run(order, timeout=timeout)
