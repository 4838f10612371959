"""Disks that are mounted inside a source on a server, and are away, as far as rsync can tell.

A server tells rsync nothing of its mounts; but with `-xx` rsync leaves out mount points of other devices. So once a day a rehearsal with
this option tells which directories of staging lie on other devices there; those with files are remembered. When a later pull finds
that something is gone, each of them is looked at before anything is removed. A directory bound from the same device cannot be known.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from paraduxd.effects.files import bounded
from paraduxd.effects.process import memory_limits
from paraduxd.effects.tools import rsync
from paraduxd.effects.tools.rsync_complaints import Kind, unescaped
from paraduxd.protocols.base import PullRequest, PullResult
from paraduxd.protocols.pulling.gaps import places_of, regular_files
from paraduxd.protocols.pulling.mounted_disks import has_files, held

LOOK_EVERY = 86_400
"""Seconds between two looks at the mounts of a server: it reads the whole source once more."""

_LONGEST_LINE = 64 * 1024
_LINE = re.compile(rb"\*deleting +(.+)/")


@dataclass(frozen=True)
class RemoteMounts:
    """The mounts inside one source on a server."""

    source: rsync.Place
    staging: Path
    exclude: Sequence[str]
    request: PullRequest

    def check(self) -> None:
        """Raises `HeldError` when a known mount is away and its files in staging are more than the owner has approved."""
        away = self._away()
        count = sum(regular_files(self.staging / each)[0] for each in away)
        if count > self.request.allowed_removed:
            raise held(away, count)

    def remember(self, result: PullResult) -> PullResult:
        """The result of a good pull with the mount points that the next one has to know."""
        last = self.request.mounts_looked
        if last is not None and 0 <= time.time() - last < LOOK_EVERY:
            kept = self.request.known_mounts
            if result.removed:
                kept = tuple(each for each in kept if has_files(self.staging / each))
            return replace(result, mounts=kept, mounts_looked=last)
        found = tuple(each for each in self._elsewhere() if self._has_files(each))
        return replace(result, mounts=found, mounts_looked=time.time())

    def _away(self) -> tuple[Path, ...]:
        return tuple(Path(each) for each in self.request.known_mounts if not self._has_files(each))

    def _has_files(self, point: str) -> bool:
        """Whether there is a regular file at the server; "yes" where it cannot be known."""
        with tempfile.TemporaryDirectory() as empty:
            ran = rsync.run_once(
                self.source.below(point), rsync.Place(empty, empty), (*rsync.FAITHFUL, "--dry-run", "--ignore-errors")
            )
        return not ran.missing() and (ran.stats.files > 0 or ran.code not in {0, 24})

    def _elsewhere(self) -> tuple[str, ...]:
        """Directories of staging that lie on other devices at the server."""
        seen = _Deleted()
        target = rsync.Place(str(self.staging), str(self.staging))
        options = (
            *rsync.FAITHFUL,
            "-xx",
            "--dry-run",
            "--delete",
            "--ignore-errors",
            "--existing",
            "--ignore-existing",
        )
        with rsync.exclusions(self.exclude) as rules:
            ran = rsync.run_once(self.source, target, (*options, "-i"), given=rules, on_output=seen.add)
        if ran.code not in {0, 23, 24} or ran.said.count(Kind.OTHER) or ran.said.overflow:
            return ()
        closed = {place for name in ran.said.of(Kind.CLOSED) for place in places_of(name, self.source.path)}
        return tuple(each.decode("utf-8", "surrogateescape") for each in seen.topmost(closed))


@dataclass
class _Deleted:
    """The directories that a rehearsal would remove."""

    names: set[bytes] = field(default_factory=set)
    _rest: bytes = b""

    def add(self, piece: bytes) -> None:
        """The next piece of rsync's output."""
        *lines, rest = (self._rest + piece).split(b"\n")
        self._rest = rest[:_LONGEST_LINE]
        if len(self.names) > memory_limits.most_names():
            raise bounded.too_large("the list of what rsync would remove")
        self.names.update(unescaped(match[1]) for line in lines if (match := _LINE.fullmatch(line)))

    def topmost(self, closed: set[bytes]) -> list[bytes]:
        """Those that lie in no other of them, nor in a directory that could not be read."""
        known = self.names | closed
        return sorted(name for name in self.names - closed if not any(above in known for above in _above(name)))


def _above(name: bytes) -> list[bytes]:
    parts = name.split(b"/")
    return [b"/".join(parts[:count]) for count in range(1, len(parts))]
