"""What a pull, a push, a restore and a check are told, and what they give; plugins import it from `base.py`."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.results import Removed, Version
from paraduxd.core.plan.terms import Guard, Keep


@dataclass(frozen=True)
class PullRequest:
    """What a source may do to staging.

    `known_files` is the number of regular files after the last good pull (`None`: there was none); `allowed_removed` and
    `allowed_changed` are counts that the owner has approved. `index` is a file in which a source that is pushed in place
    remembers its last scan. `since` is when the last good pull ended (seconds since the epoch) if one that came after it did not end
    well: what that one has written counts as well. `known_mounts` and `mounts_looked` are those of the last good `PullResult`.
    """

    guard: Guard
    known_files: int | None = None
    allowed_removed: int = 0
    allowed_changed: int = 0
    in_place: bool = False
    index: Path | None = None
    since: float | None = None
    known_mounts: tuple[str, ...] = ()
    mounts_looked: float | None = None


@dataclass(frozen=True)
class PullResult:
    """Counts are regular files, sizes bytes; `removed` and `changed` are against what staging held before.

    `unread`: what could not be read, or what staging cannot hold; an earlier copy of it stays, and counts among `files`. `unstored`: of
    what the attributes could not be read or held, and the rest could. Of each at most 100 names, and how many there are. `mounts`: mount
    points inside the source that have files; `mounts_looked`: when they were looked for (seconds since the epoch), if not at every pull.
    """

    files: int
    bytes: int
    transferred_files: int = 0
    transferred_bytes: int = 0
    removed: int = 0
    changed: int = 0
    unread: tuple[str, ...] = ()
    unread_count: int = 0
    unstored: tuple[str, ...] = ()
    unstored_count: int = 0
    mounts: tuple[str, ...] = ()
    mounts_looked: float | None = None


@dataclass(frozen=True)
class Omitted:
    """What is left out of a source that is pushed as it lies: its uppermost `paths`, relative, and the same as `rules` of rsync.

    What `rules` fit and `paths` lack has come since they were looked for.
    """

    rules: tuple[str, ...] = ()
    paths: frozenset[bytes] = frozenset()

    def has(self, path: bytes) -> bool:
        """Whether the path, or one above it, is left out."""
        while path and path not in self.paths:
            path = path.rpartition(b"/")[0]
        return bool(path)


@dataclass(frozen=True)
class PushRequest:
    """What a destination is asked to do.

    A version is removed only when `keep` does not want it, it is older than `grace` seconds, the newest version was read back whole
    after it was written, no alarm is fresh (`protected_until`, RFC 3339: nothing is removed before), and it is not `held`. `read_back`:
    the newest version may be read back now, which can mean to transfer all of it. `prune`: space may be reclaimed now.
    `unread`: what the last pull could not read, so that it is missing in this version, and `unread_count` of it in all.
    `staging`: what the directory that is pushed is called from one push to the next ("": as its path).
    `suspect`: a check or rehearsal after the last push found damage, so that the new version must not build on what is there.
    `omitted`: what of the directory does not belong into the version, for a destination that `leaves_out`.
    """

    keep: Keep
    now: str
    known_versions: tuple[Version, ...] = ()
    held: bool = False
    prune: bool = False
    grace: int = 0
    protected_until: str | None = None
    read_back: bool = True
    unread: tuple[str, ...] = ()
    unread_count: int = 0
    suspect: bool = False
    staging: str = ""
    omitted: Omitted = field(default_factory=Omitted)

    @property
    def may_remove(self) -> bool:
        """Whether any version may be removed now, if `keep` and `grace` allow it."""
        return not self.held and (self.protected_until is None or self.protected_until <= self.now)


@dataclass(frozen=True)
class PushResult:
    """The new version and all that are there now, oldest first; `pruned`: earlier ones were removed.

    `kept_because`: why versions that should have gone cannot be removed, as a sentence; "" also when the next push may succeed.
    `removed`: which versions went, and why. `unread`: at most 100 of the names that are missing in the new version (`Version.missing`
    counts all of them). `marked`: the place carries the marker now. `protected_until`: versions that `keep` does not want stay
    until then (RFC 3339).
    """

    version: Version
    versions: tuple[Version, ...]
    added_bytes: int = 0
    pruned: bool = False
    kept_because: str = ""
    removed: tuple[Removed, ...] = ()
    unread: tuple[str, ...] = ()
    marked: bool = False
    protected_until: str | None = None


@dataclass(frozen=True)
class RestoreResult:
    """What was restored: counts of regular files and bytes."""

    version: Version
    files: int
    bytes: int


@dataclass(frozen=True)
class VerifyResult:
    """How many objects (files, packs, versions) were checked, and bytes read or compared.

    `damaged`: at most 100 names of what is damaged in versions older than the newest, which is whole, as "VERSION: PATH"; `note`: a
    sentence about that ("": nothing to say).
    """

    checked: int
    bytes: int
    damaged: tuple[str, ...] = ()
    note: str = ""
