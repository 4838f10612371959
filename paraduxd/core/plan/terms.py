"""Parts of the plan that an order tells as they are: what a worker needs to know of it. Loaded without the rest of the plan."""

from __future__ import annotations

import dataclasses

from paraduxd.api.frozen import dataclass

UNPROTECTED, LOCKED = "none", "object-lock"
"""What `protects` of a destination says where nothing is claimed; and where what is removed is kept, out of everybody's sight."""


@dataclasses.dataclass(frozen=True, slots=True)
class Keep:
    """Which versions of a destination stay: the newest `last`, and one per period for so many periods.

    All `None` keeps everything.
    """

    last: int | None = None
    hourly: int | None = None
    daily: int | None = None
    weekly: int | None = None
    monthly: int | None = None
    yearly: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Guard:
    """What fraction of the files (0..1) may vanish, or of the old files may change, in one pull."""

    max_removed: float = 0.25
    max_changed: float = 0.60


@dataclass(frozen=True)
class RecoveryKey:
    """The public half of an epoch's recovery key, armored: what the manifests of its kits are signed with."""

    epoch: int
    fingerprint: str
    public_key: str


@dataclass(frozen=True)
class EndedEpoch:
    """An epoch whose published objects go, if the key that lies there is the one with this hash (`published.key_hash`)."""

    epoch: int
    key_sha256: str
