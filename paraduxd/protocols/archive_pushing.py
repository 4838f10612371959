"""One push to encrypted archives: decide on what to build, send a run, declare it complete, remove what nothing needs any more."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.core import archives, keep
from paraduxd.core.archives import Manifest, Part, Run
from paraduxd.core.orders import Progress
from paraduxd.effects import sealing, tar
from paraduxd.protocols import archive_names
from paraduxd.protocols.archive_index import Index, State, Upload
from paraduxd.protocols.archive_receiving import Receiver
from paraduxd.protocols.archive_sending import Sender, cut
from paraduxd.protocols.archive_shelf import Keys, Shelf
from paraduxd.protocols.base import BlobStore, Context, PushRequest, PushResult, TransientError, Version

README = "README-archives.txt"

_README = """\
This directory holds encrypted archives of Paradux: one set of files, at several points in time.

<run>.manifest       what belongs to a run, signed: one line of JSON, one line with the signature
<run>.00001.gpg ...  the run itself, in volumes: tar, zstd, gpg
<run>.names.gpg      the names of all files at that time

To restore without Paradux (the private key is in the owner's Paradux config, under managed.data_keys):

    gpg --import private-key.asc
    mkdir restored
    for run in FULL FIRST-INCREMENT ... ; do       # from the manifest: the full run, then every run up to the wanted one
        for volume in "$run".[0-9]*.gpg; do gpg --decrypt "$volume"; done | zstd -dc |
            tar -x --listed-incremental=/dev/null --acls --xattrs --xattrs-include='*' -p -C restored
    done
"""

_PER_FILE = 1536
"""Bytes that tar adds to a file, about: for how far it is."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """What is to be pushed, and where to; `volume` is the size of a volume in bytes before encryption."""

    store: BlobStore
    keys: Keys
    context: Context
    volume: int
    staging: Path
    request: PushRequest


@dataclass(frozen=True)
class _Base:
    """What a new run stands on: all runs that there are, and the parent (`None`: the run will be a full one)."""

    runs: tuple[Run, ...] = ()
    parent: str | None = None


class Pusher:
    """Carries out one push; `look` lists what is at the destination now."""

    def __init__(self, task: Task, look: Callable[[], Shelf], index: Index, sealer: sealing.Sealer) -> None:
        self._task = task
        self._look = look
        self._index = index
        self._sealer = sealer

    def push(self) -> PushResult:
        """See `Destination.push`."""
        task, shelf = self._task, self._look()
        base = self._base(shelf)
        self._sweep()
        sender = Sender(task.store, self._sealer, self._index, self._upload(shelf, base), shelf.sizes)
        manifest = self._send(base, sender)
        added = self._publish(manifest)
        result = PushResult(version_of(manifest.run), versions_of(manifest), sender.added_bytes + added)
        return replace(result, pruned=self._tidy(manifest, base))

    def _base(self, shelf: Shelf) -> _Base:
        newest, known = shelf.newest(), self._task.request.known_versions
        if newest is None and known:
            raise TransientError(
                "not-mounted",
                f"there is no archive there, but there were {len(known)} versions: it seems not to be mounted",
                "mount it; if it was emptied on purpose, give the destination a new id with paraductl edit",
            )
        if newest is None:
            return _Base()
        runs = (*newest.runs, newest.run)
        self._tell_if_older(newest)
        reason = self._why_full(runs, shelf)
        if reason:
            _log.info("A full run, because %s", reason)
        return _Base(runs, None if reason else self._index.state.run)

    def _tell_if_older(self, newest: Manifest) -> None:
        """A push goes on where an older state was put back: a new version is better than none. But what is missing is told."""
        state = self._index.state
        if state.run and state.key == self._task.keys.fingerprint and newest.serial < archives.serial_of(state.run):
            there = {version.id for version in versions_of(newest)}
            gone = [version.id for version in self._task.request.known_versions if version.id not in there]
            _log.warning("An older state is there than the one that was sent: %s missing", ", ".join(gone) or state.run)

    def _sweep(self) -> None:
        """Remove the halves of volumes that a killed run left; a place that lets nobody remove anything keeps them."""
        try:
            self._task.store.sweep()
        except ParaduxError as problem:
            _log.warning("Half-written objects stay for now: %s", problem.message)

    def _why_full(self, runs: Sequence[Run], shelf: Shelf) -> str | None:
        state, task = self._index.state, self._task
        line = archives.chain(runs, state.run)
        if not line or not self._index.has_snapshot(state.run):
            return "this machine does not know the newest run"
        if (state.key, state.staging) != (task.keys.fingerprint, str(task.staging)):
            return "the key or the staging directory has changed"
        if not all(shelf.seems_whole(run) for run in line):
            return "a run of the chain is not whole"
        return archives.why_full(line, task.request.now)

    def _upload(self, shelf: Shelf, base: _Base) -> Upload:
        """The upload that was interrupted, unless it was complete or others came after it; else a new one."""
        number, earlier = self._next_number(shelf), self._index.upload(base.parent)
        if earlier and archives.manifest_name(earlier.run) not in shelf.sizes:
            last = max((archives.serial_of(run.id) for run in base.runs), default=0)
            if archives.serial_of(earlier.run) > last:
                return earlier
        return Upload(archives.new_id(number, self._task.request.now), base.parent)

    def _next_number(self, shelf: Shelf) -> int:
        """One that was never used: not at the destination, and not by what was there once."""
        ids = [run for name in shelf.sizes if (run := archives.run_of(name))]
        known = [version.id for version in self._task.request.known_versions]
        ids += [each for each in (*known, self._index.state.run) if archives.run_of(archives.manifest_name(each))]
        return max(map(archives.serial_of, ids), default=0) + 1

    def _send(self, base: _Base, sender: Sender) -> Manifest:
        """Everything of the run but its manifest."""
        task, run = self._task, sender.upload.run
        if README not in {blob.name for blob in task.store.list()}:
            task.store.put(README, io.BytesIO(_README.encode()))
        walked, names = self._send_names(sender)
        with tar.packed(task.staging, self._index.begin(base.parent)) as packing:
            expected = 0 if base.parent else walked.size + _PER_FILE * walked.files
            volumes = sender.send_all(cut(packing.stream, task.volume, self._reporter(packing, expected)))
            packing.finish()
        stored = sum(part.size for part in volumes)
        made = Run(run, task.request.now, base.parent, walked.files, walked.size, stored)
        runs = archives.retained(base.runs, self._dropped(base.runs, made), base.parent)
        return Manifest(made, archives.serial_of(run), task.keys.fingerprint, names, volumes, runs)

    def _send_names(self, sender: Sender) -> tuple[archive_names.Walked, Part]:
        descriptor = os.memfd_create("paradux-names", os.MFD_CLOEXEC)
        try:
            with tar.compressed(descriptor) as out:
                walked = archive_names.write(self._task.staging, out)
            return walked, sender.put(archives.names_name(sender.upload.run), descriptor)
        finally:
            os.close(descriptor)

    def _reporter(self, packing: tar.Packing, expected: int) -> Callable[[int], None]:
        """Reports how far it is when it hears how much was compressed; `expected` are bytes of tar, 0 if nobody knows."""

        def report(compressed: int) -> None:
            percent = min(99.0, 100 * packing.written() / expected) if expected else None
            self._task.context.progress(Progress(percent, compressed))

        return report

    def _dropped(self, runs: Sequence[Run], made: Run) -> set[str]:
        """The versions that `keep` does not hold any more."""
        request = self._task.request
        if request.held:
            return set()
        versions = [run for run in runs if run.listed]
        return {run.id for run in keep.to_remove([*versions, made], request.keep, request.now)} - {made.id}

    def _publish(self, manifest: Manifest) -> int:
        """Check that everything has arrived, then declare the run complete; gives the bytes of the manifest."""
        store, shelf = self._task.store, self._look()
        ours = {part.name for part in manifest.objects}
        for name in shelf.sizes:
            if archives.run_of(name) == manifest.run.id and name not in ours:
                store.delete(name)  # an earlier attempt at this run has sent it
        shelf.check_sizes(manifest.objects)
        line = archives.to_line(manifest)
        content = line + sealing.sign(line, self._task.keys.signing_key) + b"\n"
        name = archives.manifest_name(manifest.run.id)
        store.put(name, io.BytesIO(content))
        if b"".join(store.get(name)) != content:
            raise TransientError("not-read-back", f"{name} is not what was sent there", "see whether the place is full")
        shelf.remember(name, content)
        self._remember(manifest)
        return len(content)

    def _remember(self, manifest: Manifest) -> None:
        """From now on increments build on this run. The version is there already: a failure costs a full run."""
        kept = {run.id for run in manifest.runs}
        proven = tuple(run for run in self._index.state.proven if run in kept)
        try:
            state = State(manifest.run.id, self._task.keys.fingerprint, str(self._task.staging), proven)
            self._index.commit(state)
        except (OSError, ValueError, ParaduxError) as problem:
            _log.warning("The next run will be a full one: this one cannot be remembered (%s)", problem)

    def _tidy(self, manifest: Manifest, base: _Base) -> bool:
        """Remove what nothing needs; whether anything went. A failure is left to the next push: the version is there already."""
        pruned = sum(run.listed for run in base.runs) + 1 > len(versions_of(manifest))
        if self._task.request.held or not self._task.request.prune:
            return pruned
        try:
            return self._remove_garbage(manifest, base) or pruned
        except ParaduxError as problem:
            _log.warning("Old archives stay for now: %s", problem.message)
            return pruned

    def _remove_garbage(self, manifest: Manifest, base: _Base) -> bool:
        """Complete runs go only after every run that the newest version builds on was read back."""
        shelf = self._look()
        names = archives.garbage(shelf.sizes, {run.id for run in base.runs}, manifest)
        if archives.manifested(names):
            self._prove(shelf, shelf.line(shelf.manifest(manifest.run.id)))
        for name in names:
            self._task.store.delete(name)
        return bool(names)

    def _prove(self, shelf: Shelf, line: Sequence[Manifest]) -> None:
        """Read back what was not read back yet; raises `ParaduxError` "damaged"."""
        receiver = Receiver(self._task.store, lambda size: self._task.context.progress(Progress(None, size)))
        for manifest in line:
            if manifest.run.id not in self._index.state.proven:
                shelf.check_sizes(manifest.objects)
                for part in manifest.objects:
                    receiver.check(part)
        self._index.save(replace(self._index.state, proven=tuple(manifest.run.id for manifest in line)))


def version_of(run: Run) -> Version:
    """A run as a version."""
    return Version(run.id, run.time, run.files, run.bytes)


def versions_of(manifest: Manifest) -> tuple[Version, ...]:
    """The versions that the newest manifest lists, oldest first."""
    return keep.in_order(version_of(run) for run in (*manifest.runs, manifest.run) if run.listed)
