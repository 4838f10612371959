"""Pulling with rsync, under the guard: shared by the sources `disk` and `rsync`.

The first run transfers but may remove nothing (`--max-delete=0`), and says how many removals it would make. When the guard
agrees, a second run makes them, never many more than were announced: a source that is unmounted between the two runs is
found out too.

What cannot be read or stored does not stop the rest, and an earlier copy of it stays. A directory whose entries cannot be read looks
empty to rsync: a run that removes leaves such directories alone, transfers nothing, and removes nothing more once it meets another.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.core.runs.orders import Held
from paraduxd.effects.files.walk import walk
from paraduxd.effects.process import kernel
from paraduxd.effects.tools import rsync
from paraduxd.effects.tools.rsync_complaints import Kind
from paraduxd.protocols.base import Context, HeldError, PullRequest, PullResult
from paraduxd.protocols.pulling.gaps import HARMLESS, Gaps, regular_files
from paraduxd.protocols.pulling.verdict import as_error, verdict

_ROUNDS = 8
"""So many runs at most; what is left to be removed then waits for the next pull."""

_REMOVE_ONLY = ("--existing", "--ignore-existing")
"""Options of a run that transfers nothing."""

_LARGE_FILES, _FILE_ERROR = 20, 11
"""So many files that are too large for staging are passed over, and with which code rsync ends at each."""


@dataclass
class _Totals:
    """What the runs of one pull did together."""

    files: int = 0
    bytes: int = 0
    transferred: int = 0
    transferred_bytes: int = 0
    removed: int = 0
    changed: int = 0

    def add(self, ran: rsync.Ran, never_copied: int) -> None:
        """What one more run did, but for what failed: rsync counts attempts."""
        copied = ran.stats.transferred - ran.said.discarded
        self.transferred += copied
        self.transferred_bytes += ran.stats.transferred_bytes
        self.removed += ran.stats.deleted
        self.changed += max(0, copied - max(0, ran.stats.created - never_copied))


@dataclass
class _Pull:
    """One pull."""

    source: rsync.Place
    staging: Path
    exclude: Sequence[str]
    request: PullRequest
    context: Context
    gaps: Gaps
    before_removals: Callable[[], None]
    totals: _Totals = field(default_factory=_Totals)
    started: float = field(default_factory=time.time)

    def all(self) -> PullResult:
        """Transfer, ask the guard, remove; as often as more turns out to be gone."""
        pending = self._run("--max-delete=0", "--ignore-errors")  # these only so that what is gone is counted
        if pending and self.gaps.closed:
            pending = self._run("--max-delete=0")
        if pending:
            self.before_removals()
        for _ in range(_ROUNDS):
            pending = 0 if self.gaps.unplaced else pending
            self._agree(pending)
            if not pending:
                break
            allowed = 2 * pending + 100  # the count leaves out directories that are not empty yet
            pending = self._run(f"--max-delete={allowed}")
        return self._result()

    def _run(self, *options: str) -> int:
        """One run that copies, and removes what it may; how many entries are still to be removed."""
        partial = bool(self.gaps)
        ran = self._rsync("--delete", *options, *_readable())
        if not partial:
            self.totals.files, self.totals.bytes = ran.stats.files, ran.stats.bytes
        self.totals.add(ran, 0 if partial else self.gaps.never_copied())
        self.totals.changed = max(self.totals.changed, changed_before(self.staging, self._files(), self.request))
        return ran.skipped

    def _rsync(self, *options: str) -> rsync.Ran:
        """One run; more than one when staging cannot hold files that large, each of which ends a run."""
        for _ in range(_LARGE_FILES):
            ran = self._one_run(options)
            if ran.code != _FILE_ERROR or not ran.said.count(Kind.TOO_LARGE) or not ran.said.only(*HARMLESS):
                break
            self.gaps.take(ran.said)
            self.request = replace(self.request, since=self.request.since or self.started)  # its counts are lost
        _check(ran, self.source.name, self.request)
        self.gaps.take(ran.said)
        return ran

    def _one_run(self, options: Sequence[str]) -> rsync.Ran:
        """Of what is missing already, it knows nothing, unless that is too much: then it copies nothing."""
        target = rsync.Place(str(self.staging), str(self.staging))
        few = self.gaps.are_few
        untouched = self.gaps.closed.union(self.gaps.missing() if few else ())
        more = () if few else _REMOVE_ONLY
        with rsync.exclusions(self.exclude, sorted(untouched)) as rules:
            return rsync.run(self.source, target, (*options, *more), given=rules, on_progress=self.context.progress)

    def _agree(self, pending: int) -> None:
        """Raises `HeldError` when the guard does not agree to the removal of so many entries."""
        if self._verdict(self.totals.removed + pending):
            held = self._verdict(self.totals.removed + self._exactly(pending))
            if held:
                raise as_error(held)

    def _exactly(self, at_most: int) -> int:
        """How many regular files a removal would remove; the announced count has links and empty directories in it."""
        ran = self._rsync("--dry-run", "--delete", "--ignore-errors")
        return min(ran.stats.deleted, at_most)

    def _files(self) -> int:
        """Regular files that the source has, as far as is known."""
        return self.totals.files + sum(regular_files(self.staging, each)[0] for each in self.gaps.closed)

    def _verdict(self, removed: int) -> Held | None:
        return verdict(self.request, removed=removed, changed=self.totals.changed, files=self._files())

    def _result(self) -> PullResult:
        totals = self.totals
        files, size = regular_files(self.staging) if self.gaps else (totals.files, totals.bytes)
        return self.gaps.told_in(
            PullResult(
                files=files,
                bytes=size,
                transferred_files=totals.transferred,
                transferred_bytes=totals.transferred_bytes,
                removed=totals.removed,
                changed=totals.changed,
            )
        )


def pull(
    source: rsync.Place,
    staging: Path,
    exclude: Sequence[str],
    request: PullRequest,
    context: Context,
    *,
    before_removals: Callable[[], None] = lambda: None,
) -> PullResult:
    """Make `staging` equal to `source`; the obligations are those of `Source.pull`.

    `before_removals` may raise `HeldError`, when something is gone from the source and the guard has not been asked yet.
    """
    return _Pull(source, staging, exclude, request, context, Gaps(source, staging), before_removals).all()


def look(source: rsync.Place) -> None:
    """Raises unless the source is there and its entries can be read."""
    with tempfile.TemporaryDirectory(prefix="paradux-look-") as nothing:
        ran = rsync.run_once(source, rsync.Place(nothing, nothing), ("--dry-run", "--dirs", "--exclude=*"))
    if ran.missing():
        raise missing(source.name, None)
    rsync.check(ran, source.name)


def _readable() -> tuple[str, ...]:
    """What lets a daemon without the rights of root read again what it has written.

    Without root's number, rsync makes directories writable for as long as it writes into them.
    """
    if kernel.reads_everything():
        return ()
    return ("--chmod=u+r,Du+rwx",) if os.geteuid() == 0 else ("--chmod=u+r,Du+rx",)


def changed_before(staging: Path, files: int, request: PullRequest) -> int:
    """How many files changed since the last good pull, when a later one was cut off and its own count is lost.

    Whatever was written to staging since then has a newer change time; at least so many of these files are new as there are more.
    """
    if request.since is None or not request.known_files:
        return 0
    written = sum(_written_since(folder, request.since) for folder, _, _ in walk(staging))
    return max(0, written - max(0, files - request.known_files))


def _written_since(folder: str, moment: float) -> int:
    with os.scandir(folder) as entries:
        return sum(entry.is_file(follow_symlinks=False) and _change_time(entry) > moment for entry in entries)


def _change_time(entry: os.DirEntry[str]) -> float:
    return entry.stat(follow_symlinks=False).st_ctime


def _check(ran: rsync.Ran, where: str, request: PullRequest) -> None:
    """Raises when more went wrong than that some things could not be read, stored or removed."""
    if ran.missing():
        raise missing(where, request.known_files)
    partly = ran.code in {23, 25} and (ran.skipped or ran.complaints()) and not ran.said.count(Kind.OTHER)
    if not partly and ran.code != 25:
        rsync.check(ran, where)


def missing(where: str, known_files: int | None) -> Exception:
    """A source directory that is not there: held when it was there before, else a failure of the first pull."""
    text = f"the source {where} does not exist"
    if known_files is not None:
        return HeldError("source-missing", f"{text}; it had {known_files} files", removed=known_files)
    return ParaduxError("source-missing", text, "check the address, and that its disk is mounted")
