"""A folder that stands for a stick, and the steps of a worker on it: in this process, or by the real program."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.core.devices.stick_rules import Armed
from paraduxd.core.runs.orders import Order, Step
from paraduxd.keeper.runtime import workers
from paraduxd.worker.run_order import perform
from tests.kits.kit_rig import Family

_numbers = count(1)


@dataclass(frozen=True)
class Folder:
    """`path` is the top of the stick; the kits are those of `family`."""

    path: Path
    family: Family

    @property
    def kit(self) -> Path:
        return self.path / "PARADUX"

    def armed(self, steward: str = "alice", **more: Any) -> dict[str, Any]:
        owner = self.family.document["managed"]["owner_id"]
        return to_json_value(Armed(owner, steward, steward.title(), needed=1_000_000, **more))  # type: ignore[no-any-return]

    def order(self, step: Step, **arguments: Any) -> Order:
        return Order(next(_numbers), step, "", "stick", arguments={"directory": str(self.path), **arguments})

    def look(self) -> dict[str, Any]:
        return self._do(self.order(Step.KIT_LOOK))

    def writing(self, files: Mapping[str, bytes], steward: str = "alice", **armed: Any) -> Order:
        encoded = {name: base64.b64encode(data).decode() for name, data in files.items()}
        return self.order(Step.KIT_WRITE, files=encoded, armed=self.armed(steward, **armed))

    def write(self, files: Mapping[str, bytes], steward: str = "alice", **armed: Any) -> dict[str, Any]:
        return self._do(self.writing(files, steward, **armed))

    def read(self) -> dict[str, bytes]:
        found = self._do(self.order(Step.KIT_READ))["files"]
        return {name: base64.b64decode(data) for name, data in found.items()}

    def checking(self) -> Order:
        recovery = self.family.document["managed"]["recovery"]
        key = {name: recovery[name] for name in ("epoch", "fingerprint", "public_key")}
        return self.order(Step.KIT_CHECK, owner=self.family.document["managed"]["owner_id"], keys=[key])

    def check(self) -> dict[str, Any]:
        return self._do(self.checking())

    def contents(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.path)): path.read_bytes() for path in self.path.rglob("*") if path.is_file()}

    def _do(self, order: Order) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(json.dumps(to_json_value(perform(order, lambda _: None))))
        return result


def by_the_program(order: Order) -> dict[str, Any]:
    """What the real worker program answers; it may take a minute at most."""
    return workers.run_order(order, timeout=60.0)
