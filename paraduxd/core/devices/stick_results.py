"""What a worker at a steward's stick gives to the keeper that started it, and to nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from paraduxd.api.frozen import dataclass
from paraduxd.core.devices.stick_rules import Seen, Stick


@dataclass(frozen=True)
class LookedAt:
    """What a stick is and what is on it, as far as that decides whether a kit may be written there."""

    stick: Stick
    seen: Seen


@dataclass(frozen=True)
class WrittenToStick:
    """A kit on a stick, read back."""

    files: int
    bytes: int
    device_serial: str | None = None
    fs: str | None = None
    uuid: str | None = None


@dataclass(frozen=True)
class ReadFromStick:
    """The files of a kit in base64, by name; `troubles`: sentences about those that cannot be read."""

    files: Mapping[str, str] = field(repr=False)
    troubles: tuple[str, ...] = ()


StickResult = LookedAt | WrittenToStick | ReadFromStick
