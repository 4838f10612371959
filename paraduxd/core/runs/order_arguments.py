"""What an order tells its step besides what every order tells: made by supervisor or keeper, read by a worker (`Order.read`).

A step reads those that concern it. Values that are not told have defaults. What steps at sticks and rehearsals are told needs more to be
loaded than a transfer does: `core/devices/stick_arguments.py`, `core/recovery/rehearsal_arguments.py`.
"""

from __future__ import annotations

from dataclasses import field

from paraduxd.api.calls import JsonObject
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.results import Version
from paraduxd.core.plan.terms import UNPROTECTED, EndedEpoch, Guard, Keep
from paraduxd.core.runs.guard.holds import Approval


@dataclass(frozen=True)
class PlaceIdentity:
    """Whose place is read or written: as `Identity` of `protocols/base.py`, with the `outbox` in place of what lies there."""

    owner: str
    place: str
    instance: str
    generation: int = 1
    outbox: str = ""
    marked: bool = False
    formerly: str = ""
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reach:
    """Of every step at a place. `cache`: a directory for engines; `counted`: files of the dataset, as far as that is known; `index`: what a
    destination or the guard remembers; `key`: path of a file in memory or a pipe with what opens encrypted archives; `mounted`: where the
    worker has opened the place's disk, which holds owners and modes if it is `posix`."""

    cache: str | None = None
    counted: int | None = None
    index: str | None = None
    identity: PlaceIdentity | None = None
    key: str | None = None
    mounted: str | None = None
    posix: bool = True
    stick_folders: str | None = None


@dataclass(frozen=True)
class Paths:
    """Everything on this machine that an order may name besides, for the fence around the worker."""

    scratch: str | None = None
    directory: str | None = None
    outbox: str | None = None
    to: str | None = None


@dataclass(frozen=True)
class PullArguments:
    """`known_files`: at the last good pull; `allowed`: what the owner approved; `since`: end of the last good pull, if a later one was cut
    off; `staged_as`: name of the fact that remembers it; `mounts` and `mounts_looked` as the last good pull reported them."""

    guard: Guard = field(default_factory=Guard)
    known_files: int | None = None
    allowed: Approval | None = None
    since: str | None = None
    staged_as: str | None = None
    mounts: tuple[str, ...] | None = None
    mounts_looked: float | None = None


@dataclass(frozen=True)
class PushArguments:
    """Also of removing versions. `grace`: seconds; `known_versions` as last reported; `held`: keep all; `pushed_before`: a push of this
    machine to this place has succeeded; `prune`: space may be reclaimed now; `unread`: what the last pull could not read or store;
    `suspect`: damage was found there since the last push; `pulled`: when staging was filled (RFC 3339), `None` without staging."""

    keep: Keep = field(default_factory=Keep)
    known_versions: tuple[Version, ...] | None = None
    held: bool = False
    pushed_before: bool = False
    prune: bool = False
    grace: int = 0
    guard: Guard = field(default_factory=Guard)
    protected_until: str | None = None
    read_back: bool = True
    unread: tuple[str, ...] | None = None
    unread_count: int = 0
    suspect: bool = False
    pulled: str | None = None


@dataclass(frozen=True)
class VerifyArguments:
    """`deep`: all data; or one `part` (from 0) of so many `parts`; `protects`: what the config says of the place."""

    deep: bool = False
    part: int = 0
    parts: int = 0
    known_versions: tuple[Version, ...] | None = None
    protects: str = UNPROTECTED


@dataclass(frozen=True)
class VersionsArguments:
    """`all`: also what was not pushed there."""

    all: bool = False


@dataclass(frozen=True)
class ReadArguments:
    """Of whoever reads versions: `mounts` of the source at the last good pull, and the versions that the journal has."""

    mounts: tuple[str, ...] | None = None
    known_versions: tuple[Version, ...] | None = None


@dataclass(frozen=True)
class PublishArguments:
    """`epochs`: the one in force, in a rotation the next one too; `known_serial`: what was published there last."""

    outbox: str
    serial: int
    epochs: tuple[int, ...]
    ended: tuple[EndedEpoch, ...] = ()
    known_serial: int | None = None


@dataclass(frozen=True)
class HostKeysArguments:
    """Of SSH: host and port; of TLS, with how: "tls" or "ftp"."""

    hosts: tuple[tuple[object, ...], ...]


@dataclass(frozen=True)
class FetchArguments:
    """The epochs that are wanted first."""

    epochs: tuple[int, ...]


@dataclass(frozen=True)
class TrialArguments:
    """`role`: "source", "destination", "metadata stash" or "kit" (reads only); `archive`: as a store of encrypted archives."""

    role: str = ""
    archive: bool = False


@dataclass(frozen=True)
class NotifyArguments:
    """`told`: what the journal remembers when it was sent (`Told` of `core/status/notifications.py`)."""

    title: str = ""
    body: str = ""
    told: JsonObject | None = None


@dataclass(frozen=True)
class HeartbeatArguments:
    """`well`: everything could be recovered."""

    well: bool = False


@dataclass(frozen=True)
class NoArguments:
    """The step is told nothing, or by whoever asks for it."""
