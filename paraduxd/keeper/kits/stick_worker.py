"""What the keeper does with sticks, by workers of its own: shares must not pass the supervisor (`arming.Tools`)."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Mapping

from paraduxd.api.calls import JsonObject
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.results import KitChecked, read_as
from paraduxd.core.config.managed import Managed
from paraduxd.core.devices.stick_arguments import KitCheckArguments, KitWriteArguments, StickArguments
from paraduxd.core.devices.stick_results import LookedAt, WrittenToStick
from paraduxd.core.devices.stick_rules import Armed, PluggedIn, Seen, Stick
from paraduxd.core.plan.terms import RecoveryKey
from paraduxd.core.recovery import kit_records
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.core.runs.orders import Order, Step
from paraduxd.keeper.config.generate import now
from paraduxd.keeper.kits.arming import Target
from paraduxd.keeper.runtime import workers

LOOKING = 120.0
"""Seconds for a look at a stick; a rotten one answers slowly."""

WORKING = 900.0
"""Seconds for formatting, writing and reading back, or for a check-up."""

RunOrder = Callable[..., JsonObject]


class StickTools:
    """`Tools` on real sticks, and on folders that stand for them. One thread uses it."""

    def __init__(self, run: RunOrder = workers.run_order) -> None:
        self._run = run
        self._numbers = itertools.count(1)

    def look(self, event: PluggedIn) -> tuple[Stick, Seen]:
        """What it is, and what is on it as far as the rules ask; read-only."""
        found = from_json_value(LookedAt, self._order(Step.KIT_LOOK, event, event.serial, LOOKING))
        return found.stick, found.seen

    def write(self, event: PluggedIn, stick: Stick, files: Mapping[str, bytes], armed: Armed) -> Target:
        """Write and read back; "refused" and "stick-full" leave what was on it."""
        encoded = {name: base64.b64encode(data).decode() for name, data in files.items()}
        told = KitWriteArguments(encoded, armed)
        done = from_json_value(WrittenToStick, self._order(Step.KIT_WRITE, event, stick.serial, WORKING, told))
        return Target(done.device_serial, done.uuid)

    def check(self, event: PluggedIn, stick: Stick, managed: Managed) -> KitRecord | None:
        """What a check-up finds on a stick, every byte read; `None` when that is no kit of this owner."""
        parts = (part.recovery for part in managed.parts)
        keys = tuple(RecoveryKey(part.epoch, part.fingerprint, part.public_key) for part in parts)
        found = self._order(Step.KIT_CHECK, event, stick.serial, WORKING, KitCheckArguments(keys))
        return kit_records.of_check(read_as(KitChecked, found), managed.owner_id, now(), None)

    def _order(
        self, step: Step, event: PluggedIn, serial: str | None, timeout: float, told: object = None
    ) -> JsonObject:
        if not event.device and not event.directory:
            raise ParaduxError("bad-request", "a stick needs a device")
        where = StickArguments(event.device, event.directory, serial)
        arguments = {**to_json_value(where), **(to_json_value(told) or {})}
        order = Order(next(self._numbers), step, "", "stick", arguments=arguments, disk=bool(event.device))
        return self._run(order, timeout=timeout)
