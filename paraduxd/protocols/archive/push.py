"""One push to encrypted archives: decide on what to build, send a run, declare it complete, remove what nothing needs any more."""

from __future__ import annotations

import contextlib
import io
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.core.runs import retention
from paraduxd.core.runs.orders import Progress
from paraduxd.effects.crypto import archive_crypto
from paraduxd.effects.tools import tar
from paraduxd.protocols.archive import chain, complete_run, file_list, remove
from paraduxd.protocols.archive.chain import Manifest, Run
from paraduxd.protocols.archive.file_list import Collecting
from paraduxd.protocols.archive.local_state import Index, State, Upload
from paraduxd.protocols.archive.manifests import Keys, StoredRuns
from paraduxd.protocols.archive.remove import version_of, versions_of
from paraduxd.protocols.archive.send import Cut, Sender
from paraduxd.protocols.base import BlobStore, Context, PushRequest, PushResult, TransientError
from paraduxd.protocols.marking.marked_store import MarkedStore

README = "paradux-README-archives.txt"

EARLIER_README = "README-archives.txt"
"""As version 0.1.0 called it."""

MOST_TOLD = 100
"""Names of what is missing that are in the result of a push."""

_README = """\
This directory holds encrypted archives of Paradux: one set of files, at several points in time.

<run>.manifest       what belongs to a run, signed: one line of JSON, one line with the signature
<run>.runs           which runs there are, signed likewise; nothing is restored from it
<run>.00001.gpg ...  the run itself, in volumes: tar, zstd, gpg
<run>.names.gpg      the names of all files at that time
paradux-place.json   whose place this is

To restore without Paradux (the private key is in the owner's Paradux config, under managed.data_keys):

    gpg --import private-key.asc
    mkdir restored
    # Every manifest names the "parent" of its run, the one to unpack before it; that of a full run is null.
    for run in FULL FIRST-INCREMENT ... ; do       # the full run, then every run up to the wanted one
        for volume in "$run".[0-9]*.gpg; do gpg --decrypt "$volume"; done | zstd -dc |
            tar -x --listed-incremental=/dev/null --acls --xattrs --xattrs-include='*' -p -C restored
    done
"""

_PER_FILE = 1536
"""Bytes that tar adds to a file, about: for how far it is."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PushTask:
    """What is to be pushed, and where to; `volume` is the size of a volume in bytes before encryption."""

    store: BlobStore
    place: MarkedStore
    keys: Keys
    context: Context
    volume: int
    staging: Path
    request: PushRequest

    @property
    def staged_as(self) -> str:
        """What the directory is called from one push to the next."""
        return self.request.staging or str(self.staging)


@dataclass(frozen=True)
class _Base:
    """What a new run stands on: all runs that there are, and the parent (`None`: the run will be a full one)."""

    runs: tuple[Run, ...] = ()
    parent: str | None = None


@dataclass(frozen=True)
class _Made:
    """A run that was sent, and what is missing in it."""

    manifest: Manifest
    unread: tar.Unread


class Pusher:
    """Carries out one push; `look` lists what is at the destination now."""

    def __init__(
        self, task: PushTask, look: Callable[[], StoredRuns], index: Index, sealer: archive_crypto.Sealer
    ) -> None:
        self._task = task
        self._look = look
        self._index = index
        self._sealer = sealer

    def push(self) -> PushResult:
        """See `Destination.push`."""
        task = self._task
        highest = task.place.check()
        stored = self._look()
        base = self._base(stored, highest)
        task.place.claim()
        self._sweep()
        upload = self._upload(stored, base, highest)
        sender = Sender(task.store, self._sealer, self._index, upload, stored.sizes)
        try:
            if not {README, EARLIER_README} & stored.others:
                task.store.put(README, io.BytesIO(_README.encode()))
            made = self._send(base, sender)
            stored, published = self._publish(made)
        except TransientError as problem:
            raise self._with_protection(problem, base) from None
        made = replace(made, manifest=published.manifest)
        return self._removed(made, base, stored, sender.added_bytes + published.size)

    def _removed(self, made: _Made, base: _Base, stored: StoredRuns, added: int) -> PushResult:
        """The result, once what may go is gone."""
        task, request = self._task, self._task.request
        marked = task.place.renew(made.manifest.run.number)
        where = remove.RemoveTask(task.store, task.keys, task.context, stored, self._index)
        removal = remove.after_push(where, made.manifest, request, [run.id for run in base.runs])
        versions = versions_of(removal.manifest)
        return PushResult(
            version_of(made.manifest.run),
            versions,
            added,
            pruned=removal.pruned,
            kept_because=removal.kept_because,
            removed=removal.removed,
            protected_until=retention.protected_until(
                versions, request.keep, request.now, request.grace, request.protected_until
            ),
            unread=(*request.unread, *map(os.fsdecode, made.unread.names))[:MOST_TOLD],
            marked=marked,
        )

    def _with_protection(self, problem: TransientError, base: _Base) -> TransientError:
        """Where the place is full: how many versions `keep` does not want, and until when they stay."""
        request = self._task.request
        versions = [version_of(run) for run in base.runs if run.listed]
        until = retention.protected_until(versions, request.keep, request.now, request.grace, request.protected_until)
        if problem.code != "disk-full" or until is None:
            return problem
        waiting = len(retention.to_remove(versions, request.keep, request.now))
        dataset, location = self._task.context.dataset, self._task.context.location
        return TransientError(
            "disk-full",
            f"{problem.message}; {waiting} versions there that keep does not want are protected until {until}",
            f"make room there, or remove them now: paraductl prune {dataset} --destination {location}",
        )

    def _base(self, stored: StoredRuns, highest: int) -> _Base:
        newest, known = stored.newest(), self._task.request.known_versions
        if newest is None and (known or (highest and not chain.manifested(stored.sizes))):
            raise TransientError(
                "not-mounted",
                f"there is no archive there, but there were {len(known) or highest} versions: it seems not to be mounted, or was emptied",
                'mount it; if it was emptied on purpose, say "was": "-" on it with paraductl edit, and it begins anew',
            )
        if newest is None:
            return _Base()
        runs = (*newest.runs, newest.run)
        self._tell_if_older(newest)
        reason = self._why_full(runs, stored)
        if reason:
            _log.info("A full run, because %s", reason)
        return _Base(runs, None if reason else self._index.state.run)

    def _tell_if_older(self, newest: Manifest) -> None:
        """A push goes on where an older state was put back: a new version is better than none. But what is missing is told."""
        state = self._index.state
        if state.run and state.key == self._task.keys.fingerprint and newest.serial < chain.serial_of(state.run):
            there = {version.id for version in versions_of(newest)}
            gone = [version.id for version in self._task.request.known_versions if version.id not in there]
            _log.warning("An older state is there than the one that was sent: %s missing", ", ".join(gone) or state.run)

    def _sweep(self) -> None:
        """Remove the halves of volumes that a killed run left; a place that lets nobody remove anything keeps them."""
        try:
            self._task.store.sweep()
        except ParaduxError as problem:
            _log.warning("Half-written objects stay for now: %s", problem.message)

    def _why_full(self, runs: Sequence[Run], stored: StoredRuns) -> str | None:
        state, task = self._index.state, self._task
        line = chain.chain(runs, state.run)
        if task.request.suspect:
            return "damage was found"
        if not line or not self._index.has_snapshot(state.run):
            return "this machine does not know the newest run"
        if (state.key, state.staging) != (task.keys.fingerprint, task.staged_as):
            return "the key or the staging directory has changed"
        if not all(stored.seems_whole(run) for run in line):
            return "a run of the chain is not whole"
        return chain.why_full(line, task.request.now)

    def _upload(self, stored: StoredRuns, base: _Base, highest: int) -> Upload:
        """The upload that was interrupted, unless it was complete or others came after it; else a new one."""
        number, earlier = self._next_number(stored, highest), self._index.upload(base.parent)
        if earlier and chain.manifest_name(earlier.run) not in stored.sizes:
            last = max((chain.serial_of(run.id) for run in base.runs), default=0)
            if chain.serial_of(earlier.run) > max(last, highest):
                return earlier
        return Upload(chain.new_id(number, self._task.request.now), base.parent)

    def _next_number(self, stored: StoredRuns, highest: int) -> int:
        """One that was never used: not at the destination, not by what was there once, and above the `highest` that its marker tells of."""
        ids = [run for name in stored.sizes if (run := chain.run_of(name))]
        known = [version.id for version in self._task.request.known_versions]
        ids += [each for each in (*known, self._index.state.run) if chain.run_of(chain.manifest_name(each))]
        return (
            max(highest, retention.next_number(self._task.request.known_versions) - 1, *map(chain.serial_of, ids), 0)
            + 1
        )

    def _send(self, base: _Base, sender: Sender) -> _Made:
        """Everything of the run but its manifest. Nothing is removed yet: all versions that were there stay listed."""
        task, run = self._task, sender.upload.run
        with _memory() as names:
            with (
                file_list.collected(task.staging, names) as listed,
                tar.packed(task.staging, self._index.begin(base.parent, task.staging)) as packing,
            ):
                report = self._reporter(packing, None if base.parent else listed)
                volumes = sender.send_all(packing.stream, Cut(task.volume, report))
                unread = packing.finish()
            counted = self._add_unread(names, listed, unread)
            names_part = sender.put(chain.names_name(run), names)
        stored = sum(part.size for part in volumes)
        missing = task.request.unread_count + max(len(unread.names), not unread.whole)
        made = Run(run, task.request.now, base.parent, *counted, stored, missing=missing)
        runs = chain.retained(base.runs, (), base.parent)
        return _Made(Manifest(made, made.number, task.keys.fingerprint, names_part, volumes, runs), unread)

    def _add_unread(self, names: int, listed: Collecting, unread: tar.Unread) -> tuple[int, int]:
        """Add what could not be read to the names; gives the files and bytes that could."""
        missing = [*map(os.fsencode, self._task.request.unread), *unread.names]
        if not missing:
            return listed.files, listed.size
        with tar.compressed(names) as out:  # zstd reads one frame after the other
            files, size = file_list.write_unread(self._task.staging, missing, unread.padded, out)
        return listed.files - files, listed.size - size

    def _reporter(self, packing: tar.Packing, listed: Collecting | None) -> Callable[[int], None]:
        """Reports how far it is when it hears how much was compressed; `listed` is everything that is packed, `None` if nobody knows."""

        def report(compressed: int) -> None:
            expected = listed.expected(_PER_FILE) if listed else 0
            percent = min(99.0, 100 * packing.written() / expected) if expected else None
            self._task.context.progress(Progress(percent, compressed))

        return report

    def _publish(self, made: _Made) -> tuple[StoredRuns, complete_run.Published]:
        """Check that everything has arrived, then declare the run complete; gives what lies there now, and what was declared."""
        store, stored, manifest = self._task.store, self._look(), made.manifest
        ours = {part.name for part in manifest.objects}
        for name in [name for name in stored.sizes if chain.run_of(name) == manifest.run.id and name not in ours]:
            store.delete(name)  # an earlier attempt at this run has sent it
            del stored.sizes[name]
        stored.check_sizes(manifest.objects)
        where = complete_run.Place(store, self._task.keys, stored)
        published = complete_run.declare(where, manifest, removable=self._task.request.may_remove)
        self._remember(manifest, made.unread)
        return stored, published

    def _remember(self, manifest: Manifest, unread: tar.Unread) -> None:
        """From now on increments build on this run, and pack what it could not read. The version is there already: a failure costs a full
        run, as it does when not all names of what is missing are known.
        """
        kept = {run.id for run in manifest.runs}
        proven = tuple(run for run in self._index.state.proven if run in kept)
        try:
            if not unread.whole:
                self._index.save(State())
                return
            state = State(manifest.run.id, self._task.keys.fingerprint, self._task.staged_as, proven)
            self._index.commit(state, unread.names)
        except (OSError, ValueError, ParaduxError) as problem:
            _log.warning("The next run will be a full one: this one cannot be remembered (%s)", problem)


@contextlib.contextmanager
def _memory() -> Iterator[int]:
    """A file in memory."""
    descriptor = os.memfd_create("paradux-names", os.MFD_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
