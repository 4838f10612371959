"""Encrypted archives in any blob store: `tar | zstd | gpg` to a public key, in volumes, with a signed manifest for each run.

`docs/reference/formats.md` has the format, and how to restore without Paradux. Whoever pushes has the public key and the key that
signs; the private key is in the config and comes here only to restore.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.listings import Entry
from paraduxd.core.runs.orders import Progress
from paraduxd.effects.crypto import archive_crypto
from paraduxd.effects.files import existence, scratch
from paraduxd.effects.process import hardening
from paraduxd.effects.tools import gnu_find, tar
from paraduxd.protocols import restore_paths as paths_to_restore
from paraduxd.protocols.archive import chain, file_list, receive, remove
from paraduxd.protocols.archive import early_files as archive_sampling
from paraduxd.protocols.archive import place as archive_placing
from paraduxd.protocols.archive import verify as archive_verifying
from paraduxd.protocols.archive.chain import Manifest
from paraduxd.protocols.archive.local_state import Index
from paraduxd.protocols.archive.manifests import Keys, PrivateKey, StoredRuns
from paraduxd.protocols.archive.push import Pusher, PushTask
from paraduxd.protocols.archive.receive import Receiver
from paraduxd.protocols.archive.remove import version_of, versions_of
from paraduxd.protocols.archive.send import VOLUME
from paraduxd.protocols.archive.verify import Verifier
from paraduxd.protocols.base import (
    BlobStore,
    Context,
    Destination,
    PushRequest,
    PushResult,
    RestoreResult,
    VerifyResult,
    Version,
)
from paraduxd.protocols.marking.marked_store import MarkedStore

__all__ = ["ArchiveDestination", "Keys", "PrivateKey"]


class ArchiveDestination(Destination):
    """Versions as runs of encrypted archives in a blob store. `volume` is the size of a volume in bytes before encryption."""

    checks_content: ClassVar[bool] = True

    def __init__(self, store: BlobStore, keys: Keys, context: Context, volume: int = VOLUME) -> None:
        self._store = store
        self._keys = keys
        self._context = context
        self._volume = volume

    def push(self, staging: Path, request: PushRequest) -> PushResult:
        """See `Destination.push`.

        Raises `TransientError` "not-mounted" when a place that had versions is empty, "disk-full" and those of the network;
        `ParaduxError` "other-dataset" and what `place_marker.check` raises; "damaged" when the new version does not read back as it was
        sent. What could not be read is missing in the version, and told.
        """
        if not existence.is_folder(staging):
            raise ParaduxError("no-staging", f"the staging directory {staging} is missing", "pull the dataset first")
        with self._index() as index, archive_crypto.sealer(self._keys.public_key) as sealer:
            task = PushTask(self._store, self._place(), self._keys, self._context, self._volume, staging, request)
            return Pusher(task, self._stored, index, sealer).push()

    def versions(self) -> tuple[Version, ...]:
        """See `Destination.versions`: what the newest manifest lists."""
        self._place().check_for_reading()
        newest = self._stored().newest()
        return versions_of(newest) if newest else ()

    def entries(self, version: Version) -> Iterator[Entry]:
        """See `Destination.entries`: what the names object tells, which has neither sizes nor times."""
        if self._keys.private is None:
            raise ParaduxError(
                "needs-key",
                f"what is in {version.id} can be read with the private key only, which is in the config",
                "give the operational passphrase",
            )
        newest = self._line(version)[-1]
        with self._opener() as opener:
            names = receive.read_names(newest.names, Receiver(self._store, self._beat), opener)
        yield from file_list.entries(names)

    def prune(self, request: PushRequest) -> PushResult:
        """See `Destination.prune`."""
        place = self._place()
        place.check()
        with self._index() as index:
            newest = self._stored(fresh=True).newest()
            if newest is None:
                raise ParaduxError(
                    "no-version", "there is no version at this destination", "push one: paraductl backup"
                )
            task = remove.RemoveTask(self._store, self._keys, self._context, self._stored(), index)
            removal = remove.now(task, newest, request)
        marked = place.renew(newest.run.number)
        versions = versions_of(removal.manifest)
        return PushResult(versions[-1], versions, pruned=removal.pruned, removed=removal.removed, marked=marked)

    def restore(self, version: Version, to: Path, paths: Sequence[str]) -> RestoreResult:
        """See `Destination.restore`. Needs the private key; nothing is in its place in `to` before everything was unpacked."""
        wanted = [] if "" in (cleaned := [paths_to_restore.cleaned(path) for path in paths]) else cleaned
        line = self._line(version)
        with self._opener() as opener:
            part = archive_placing.begin(to)
            try:
                unwanted = self._unpack(line, part, wanted, opener)
                archive_placing.drop(part, unwanted)
                _check_present(part, wanted, version)
                files, size = gnu_find.counted(part)
                archive_placing.place(part, to, whole=not wanted)
            except BaseException:
                archive_placing.give_up(part)
                raise
        return RestoreResult(version, files, size)

    def _line(self, version: Version) -> tuple[Manifest, ...]:
        """The runs of a version, the full one first, with all their objects there in their sizes."""
        self._place().check_for_reading()
        stored = self._stored()
        if chain.manifest_name(version.id) not in stored.sizes:
            raise ParaduxError("not-found", f"there is no version {version.id}", "see: paraductl versions DATASET")
        line = stored.line(stored.manifest(version.id))
        for manifest in line:
            stored.check_sizes(manifest.objects)
        return line

    def sample(self, version: Version, to: Path, files: int, size: int) -> Version | None:
        """See `Destination.sample`."""
        line = self._line(version)
        if sum(manifest.run.stored for manifest in line) <= archive_sampling.WHOLE:
            return None
        scratch.need_room(to, size)
        with self._opener() as opener:
            wanted = archive_sampling.Sample(to, files, size)
            archive_sampling.take(line[0], wanted, Receiver(self._store, self._beat), opener)
        return version_of(line[0].run)

    def _unpack(
        self, line: Sequence[Manifest], part: Path, wanted: Sequence[str], opener: archive_crypto.Opener
    ) -> tuple[str, ...]:
        """Unpack all runs into `part`, oldest first; gives what must go again because nobody wanted it."""
        total, got = sum(manifest.run.stored for manifest in line), 0

        def on_bytes(count: int) -> None:
            nonlocal got
            got += count
            self._context.progress(Progress(min(99.0, 100 * got / total) if total else None, got))

        receiver = Receiver(self._store, on_bytes)
        names = receive.read_names(line[-1].names, receiver, opener)
        selection = file_list.select(names, wanted) if wanted else file_list.Selection((), ())
        if (
            not wanted
            or not _unpack_part(line, part, selection, receiver, opener)
            or _differs(line, part, names, wanted)
        ):
            archive_placing.keep_only(part, ())
            _unpack_runs(line, part, (), receiver, opener)
            if wanted:
                archive_placing.keep_only(part, wanted)
        return (*selection.unwanted, *file_list.padded(names))

    def verify(self, deep: bool) -> VerifyResult:
        """See `Destination.verify`. `checked` counts objects.

        Quick: the newest manifest is signed, and every run that a version needs has a manifest, and volumes of as many bytes as the newest
        manifest says. Deep: every manifest is signed and is the one that the newest means, and all objects have their SHA-256; with the
        private key all of them are decrypted and decompressed as well. After damage to the newest version the next push makes a full run.
        """
        if not deep:
            return self._verify(Verifier.quick)
        receiver = Receiver(self._store, self._beat)
        if self._keys.private is None:
            return self._verify_reading(archive_verifying.everything(receiver))
        with self._opener() as opener:
            return self._verify_reading(archive_verifying.opening(receiver, opener))

    def verify_part(self, part: int, parts: int) -> VerifyResult:
        """See `Destination.verify_part`: the objects whose names fall into this part."""
        return self._verify_reading(archive_verifying.part_of(Receiver(self._store, self._beat), part, parts))

    def _verify_reading(self, read: archive_verifying.Read) -> VerifyResult:
        return self._verify(lambda verifier, highest: verifier.check(highest, read))

    def _verify(self, how: Callable[[Verifier, int], VerifyResult]) -> VerifyResult:
        highest = self._place().check()
        with self._index() as index:
            return how(Verifier(self._stored(fresh=True), index, self._keys.fingerprint), highest)

    def _beat(self, count: int) -> None:
        self._context.progress(Progress(None, count))

    def _place(self) -> MarkedStore:
        context = self._context
        return MarkedStore(self._store, context.identity, f"the destination {context.location} of {context.dataset}")

    def _stored(self, *, fresh: bool = False) -> StoredRuns:
        """What lies there now; `fresh`: nothing that this machine remembers is believed."""
        cache = None if fresh else self._context.cache
        identity = self._context.identity
        mine = identity.place if identity else f"{self._context.dataset}.{self._context.location}"
        return StoredRuns(self._store, self._keys, cache / mine if cache else None)

    @contextlib.contextmanager
    def _index(self) -> Iterator[Index]:
        """What this machine remembers; without a place for it every run is a full one."""
        if self._context.index:
            yield Index(self._context.index)
            return
        with tempfile.TemporaryDirectory(prefix="paradux-") as folder:
            yield Index(Path(folder))

    @contextlib.contextmanager
    def _opener(self) -> Iterator[archive_crypto.Opener]:
        private = self._keys.private
        if private is None:
            raise ParaduxError(
                "locked",
                "what is encrypted with gpg opens with the private key only, which is in the config",
                "restore with the passphrase, through paraductl restore",
            )
        with (
            hardening.shared_memory_folder() as memory,
            archive_crypto.opener(private.private_key, private.passphrase, memory) as opener,
        ):
            yield opener


def _unpack_runs(
    line: Sequence[Manifest], part: Path, paths: Sequence[str], receiver: Receiver, opener: archive_crypto.Opener
) -> None:
    for manifest in line:
        with tar.unpacked(part, paths) as unpacking:
            receive.unpack(manifest, unpacking, receiver, opener)


def _unpack_part(
    line: Sequence[Manifest],
    part: Path,
    selection: file_list.Selection,
    receiver: Receiver,
    opener: archive_crypto.Opener,
) -> bool:
    """Whether what was selected could be unpacked by itself: a directory cannot that has become a file in a later run."""
    try:
        _unpack_runs(line, part, selection.unpack, receiver, opener)
    except ParaduxError as problem:
        if problem.code != "restore-failed" or len(line) == 1:
            raise
        return False
    return True


def _differs(line: Sequence[Manifest], part: Path, names: bytes, wanted: Sequence[str]) -> bool:
    """Whether what was unpacked by itself is not what the version had: a directory had another name in an earlier run."""
    return len(line) > 1 and file_list.below(names, wanted) != file_list.unpacked_below(part, names, wanted)


def _check_present(part: Path, wanted: Sequence[str], version: Version) -> None:
    for path in wanted:
        if not os.path.lexists(part / path):
            text = f"{path!r} vanished while the version {version.id} was made, so it is not in it"
            raise ParaduxError("not-found", text, "see another version: paraductl versions DATASET")
