"""Pulling with rsync, under the guard: shared by the sources `disk` and `rsync`.

The first run transfers but may remove nothing (`--max-delete=0`), and says how many removals it would make. When the guard
agrees, a second run makes them, never many more than were announced: a source that is unmounted between the two runs is
found out too.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.core import guard
from paraduxd.core.orders import Held
from paraduxd.effects import rsync
from paraduxd.protocols.base import Context, HeldError, PullRequest, PullResult


@dataclass
class _Totals:
    """What the runs of one pull did together."""

    files: int = 0
    bytes: int = 0
    transferred: int = 0
    transferred_bytes: int = 0
    removed: int = 0
    changed: int = 0

    def add(self, stats: rsync.Stats) -> None:
        self.files, self.bytes = stats.files, stats.bytes
        self.transferred += stats.transferred
        self.transferred_bytes += stats.transferred_bytes
        self.removed += stats.deleted
        self.changed += max(0, stats.transferred - stats.created)


def pull(
    source: rsync.Place, staging: Path, exclude: Sequence[str], request: PullRequest, context: Context
) -> PullResult:
    """Make `staging` equal to `source`; the obligations are those of `Source.pull`."""
    target = rsync.Place(str(staging), str(staging))
    totals, allowed_entries = _Totals(), 0
    with rsync.exclusions(exclude) as rules:
        while True:
            options = ("--delete", f"--max-delete={allowed_entries}")
            ran = rsync.run(source, target, options, given=rules, on_progress=context.progress)
            _check(ran, source.name, request)
            totals.add(ran.stats)
            totals.changed = max(totals.changed, changed_before(staging, totals.files, request))
            gone = totals.removed + ran.skipped
            if _verdict(request, totals, gone):
                gone = totals.removed + _exactly(source, target, rules, ran.skipped)
            if held := _verdict(request, totals, gone):
                raise as_error(held)
            if not ran.skipped:
                return _result(totals)
            allowed_entries = 2 * ran.skipped + 100  # the count leaves out directories that are not empty yet


def changed_before(staging: Path, files: int, request: PullRequest) -> int:
    """How many files changed since the last good pull, when a later one was cut off and its own count is lost.

    Whatever was written to staging since then has a newer change time; at least so many of these files are new as there are more.
    """
    if request.since is None or not request.known_files:
        return 0
    written = sum(_written_since(folder, request.since) for folder, _, _ in os.walk(staging))
    return max(0, written - max(0, files - request.known_files))


def _written_since(folder: str, moment: float) -> int:
    with os.scandir(folder) as entries:
        return sum(entry.is_file(follow_symlinks=False) and _change_time(entry) > moment for entry in entries)


def _change_time(entry: os.DirEntry[str]) -> float:
    return entry.stat(follow_symlinks=False).st_ctime


def _check(ran: rsync.Ran, where: str, request: PullRequest) -> None:
    if ran.missing():
        raise missing(where, request.known_files)
    if not ran.only_stopped_deletions() and ran.code != 25:
        rsync.check(ran, where)


def missing(where: str, known_files: int | None) -> Exception:
    """A source directory that is not there: held when it was there before, else a failure of the first pull."""
    text = f"the source {where} does not exist"
    if known_files is not None:
        return HeldError("source-missing", f"{text}; it had {known_files} files", removed=known_files)
    return ParaduxError("source-missing", text, "check the address, and that its disk is mounted")


def _exactly(source: rsync.Place, target: rsync.Place, rules: rsync.Listed, at_most: int) -> int:
    """How many regular files a removal would remove; the announced count has links and empty directories in it."""
    ran = rsync.run(source, target, ("--dry-run", "--delete"), given=rules)
    return min(ran.stats.deleted, at_most) if ran.code == 0 else at_most


def _verdict(request: PullRequest, totals: _Totals, removed: int) -> Held | None:
    return guard.decide(
        request.known_files,
        removed=removed,
        changed=totals.changed,
        files=totals.files,
        guard=request.guard,
        allowed_removed=request.allowed_removed,
        allowed_changed=request.allowed_changed,
    )


def as_error(held: Held) -> HeldError:
    """The guard's verdict as the exception that sources raise."""
    return HeldError(held.reason, held.text, held.removed, held.changed, held.files)


def _result(totals: _Totals) -> PullResult:
    return PullResult(
        files=totals.files,
        bytes=totals.bytes,
        transferred_files=totals.transferred,
        transferred_bytes=totals.transferred_bytes,
        removed=totals.removed,
        changed=totals.changed,
    )
