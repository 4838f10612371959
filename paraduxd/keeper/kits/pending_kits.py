"""What the keeper remembers of kits while it lives: those a client is writing into a folder, and what waits for sticks."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Protocol

from paraduxd.core.devices.stick_rules import PluggedIn
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.keeper.kits.arming import ArmedStewards, Tools


class Sticks(Protocol):
    """Takes the sticks that are plugged in, one after the other."""

    tools: Tools

    def plugged_in(self, event: PluggedIn) -> None:
        """A stick was plugged in, or named; returns at once."""


@dataclass(frozen=True)
class HandedOut:
    """A kit that a client was given to write. `epoch` is the one it was made for, `sha256` that of its kit.json."""

    sha256: str
    epoch: int
    records: tuple[KitRecord, ...]


@dataclass
class KitState:
    """Shared by all connections; `lock` guards changes of what waits. `sticks` takes the sticks that are plugged in."""

    handed_out: dict[str, HandedOut] = field(default_factory=dict)
    arming: ArmedStewards | None = None
    sticks: Sticks | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
