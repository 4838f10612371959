"""What an order tells steps at a steward's stick, besides what every order tells (`core/runs/order_arguments.py`)."""

from __future__ import annotations

from collections.abc import Mapping

from paraduxd.api.frozen import dataclass
from paraduxd.core.devices.stick_rules import Armed
from paraduxd.core.plan.terms import RecoveryKey


@dataclass(frozen=True)
class StickArguments:
    """Node of the device, or the directory that stands for it; `device_serial` and `uuid` as they were when it was chosen."""

    device: str = ""
    directory: str = ""
    device_serial: str | None = None
    uuid: str | None = None


@dataclass(frozen=True)
class KitWriteArguments:
    """`files`: in base64, by name."""

    files: Mapping[str, str]
    armed: Armed


@dataclass(frozen=True)
class KitCheckArguments:
    """The keys that can have signed it; `owner`: of the supervisor's plan."""

    keys: tuple[RecoveryKey, ...] = ()
    owner: str = ""
