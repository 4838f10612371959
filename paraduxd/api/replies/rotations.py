"""What `rotate` and `rotate_cancel` answer."""

from __future__ import annotations

from paraduxd.api.frozen import dataclass


@dataclass(frozen=True)
class ExposedEpoch:
    """Shares of one epoch that are out. `holders` have one, `former` had one and may still.

    `up_to_serial` and `before`: what the epoch opens of the published configs; `None`: the newest one too.
    """

    epoch: int
    threshold: int
    holders: tuple[str, ...] = ()
    former: tuple[str, ...] = ()
    up_to_serial: int | None = None
    before: str | None = None


@dataclass(frozen=True)
class Exposure:
    """Which shares are out, oldest epoch first, and the paths of the credentials that whoever has enough of them could read."""

    epochs: tuple[ExposedEpoch, ...] = ()
    credentials: tuple[str, ...] = ()


@dataclass(frozen=True)
class Standing:
    """How far a rotation is. `state`: begun, under-way or completed; `epoch`: in force."""

    state: str
    serial: int
    epoch: int
    next_epoch: int | None
    started: str | None
    confirmed: tuple[str, ...]
    missing: tuple[str, ...]
    shares_required: int
    exposure: Exposure
    runs: tuple[int, ...] = ()


@dataclass(frozen=True)
class RotationCancelled:
    """The present epoch stays; `kits_again`: stewards whose kits are useless now."""

    epoch: int
    cancelled: int
    kits_again: tuple[str, ...]
    serial: int
    runs: tuple[int, ...] = ()
