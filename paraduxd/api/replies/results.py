"""What a run has come to, by step: `Run.result` of a run that is done.

A count that is unknown is `None`: earlier versions told less, and so do some tools. What workers report besides: `core/runs/orders.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from typing import TypeVar

from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.frozen import dataclass


@dataclasses.dataclass(frozen=True, slots=True)
class Version:
    """One restorable state of a dataset at a destination. `time` is RFC 3339 in UTC.

    `number` increases by one with each push to this place; a version from before numbering has none. `missing`: so many files could
    not be read or stored when it was made. Counts may be unknown (restic 0.14 tells them only once), so that they do not make
    two versions different.
    """

    id: str
    time: str
    files: int | None = field(default=None, compare=False)
    bytes: int | None = field(default=None, compare=False)
    number: int | None = field(default=None, compare=False)
    missing: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Other:
    """A state at the same place that no Paradux of this place has made. `origin`: whose it is, as far as that is known, for people."""

    id: str
    time: str
    files: int | None = None
    bytes: int | None = None
    origin: str = ""


@dataclass(frozen=True)
class Removed:
    """A version that was removed, and why, as a sentence."""

    id: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Pulled:
    """Of a pull; `staging`: where it went; `after`: why the hook after it has failed ("": it has not).

    The rest as in `PullResult` (`protocols/base.py`)."""

    files: int | None = None
    bytes: int | None = None
    transferred_files: int | None = None
    transferred_bytes: int | None = None
    removed: int | None = None
    changed: int | None = None
    unread: tuple[str, ...] = ()
    unread_count: int = 0
    unstored: tuple[str, ...] = ()
    unstored_count: int = 0
    mounts: tuple[str, ...] = ()
    mounts_looked: float | None = None
    staging: str = ""
    after: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Pushed:
    """Of a push, or of a removal of old versions; `version` is the id of the newest one, `pulled`: when staging was filled (RFC 3339).

    The rest as in `PushResult`.
    """

    version: str = ""
    versions: tuple[Version, ...] | None = None
    added_bytes: int | None = None
    pruned: bool = False
    kept_because: str = ""
    removed: tuple[Removed, ...] = ()
    unread: tuple[str, ...] = ()
    marked: bool = False
    protected_until: str | None = None
    pulled: str | None = None
    files: int | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class Verified:
    """Of a check: `checked` objects, `bytes` read, all data if it was `deep`, else one `part` of so many `parts`.

    `protected`: whether the place refused to remove an object, where that was tried.
    """

    checked: int | None = None
    bytes: int | None = None
    damaged: tuple[str, ...] = ()
    note: str = ""
    deep: bool = False
    part: int = 0
    parts: int = 0
    protected: bool | None = None


@dataclass(frozen=True)
class Listed:
    """What a destination can restore, oldest first; `others`: what lies there besides, where that was asked for."""

    versions: tuple[Version, ...] = ()
    others: tuple[Other, ...] = ()


@dataclass(frozen=True)
class RestoredVersion:
    """Of a restore: id, number and time of the version, and what was written.

    `in_place`: it was written into the source, where `kept` entries stayed as they were; `dry_run`: nothing was written, the counts are
    of what would be.
    """

    version: str = ""
    time: str = ""
    files: int | None = None
    bytes: int | None = None
    number: int | None = None
    kept: int = 0
    in_place: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class OldShares:
    """A machine that was recovered with shares of an ended epoch, and says that it has taken over."""

    generation: int
    date: str


@dataclass(frozen=True)
class Published:
    """Of publishing: `epoch` is in force, `objects` are names. `highest_serial`: of that epoch at the stash."""

    serial: int | None = None
    epoch: int | None = None
    epochs: tuple[int, ...] = ()
    objects: tuple[str, ...] = ()
    marked: bool = False
    highest_serial: int | None = None
    old_shares: OldShares | None = None


@dataclass(frozen=True)
class Rehearsal:
    """Of a rehearsal. Of a destination: the version, what was restored, how much of it was compared with staging or checked by itself.

    Of a metadata stash: epoch and serial of the config there, and the objects that are as they were sent. `protected` as in `Verified`.
    """

    version: str = ""
    time: str = ""
    files: int | None = None
    bytes: int | None = None
    compared: int | None = None
    by_itself: int | None = None
    epoch: int | None = None
    serial: int | None = None
    objects: tuple[str, ...] = ()
    old_shares: OldShares | None = None
    protected: bool | None = None


@dataclass(frozen=True)
class KitChecked:
    """Of a check-up of a kit; `None` is what is not known.

    `signed`: `None` without a key of its epoch; `copies`: of the share, those that are good; `reads`: the formats that its tools know.
    """

    owner: str | None = None
    steward: str | None = None
    name: str | None = None
    epoch: int | None = None
    serial: int | None = None
    written: str | None = None
    kit_sha256: str | None = None
    signed: bool | None = None
    problems: tuple[str, ...] = ()
    copies: int = 0
    files: int | None = None
    bytes: int | None = None
    device_serial: str | None = None
    uuid: str | None = None
    reads: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Called:
    """Of a watchdog: what it was told, and whether it was called at all, which it is not where it cannot be told."""

    well: bool | None = None
    called: bool = False


@dataclass(frozen=True)
class Unknown:
    """Of another step, or nothing that can be understood."""


Result = Pulled | Pushed | Verified | Listed | RestoredVersion | Published | Rehearsal | KitChecked | Called | Unknown

R = TypeVar("R", bound=Result)

_KINDS: Mapping[str, type[Result]] = {
    "pull": Pulled,
    "push": Pushed,
    "prune": Pushed,
    "verify": Verified,
    "versions": Listed,
    "restore": RestoredVersion,
    "publish": Published,
    "rehearse": Rehearsal,
    "kit-check": KitChecked,
    "heartbeat": Called,
}


def read_as(kind: type[R], untrusted_result: Mapping[str, object] | None) -> R:
    """The result of a step that gives this kind; one that tells nothing where it cannot be understood."""
    try:
        return from_json_value(kind, untrusted_result or {})
    except ValueError:
        return kind()


def files_of(result: Result) -> int | None:
    """How many files it is about, if it tells."""
    return None if isinstance(result, Verified | Listed | Published | Called | Unknown) else result.files


def read(step: str, untrusted_result: Mapping[str, object] | None) -> Result:
    """The result of a run of this step."""
    kind = _KINDS.get(step)
    if kind is None or untrusted_result is None:
        return Unknown()
    try:
        return from_json_value(kind, untrusted_result)
    except ValueError:
        return Unknown()
