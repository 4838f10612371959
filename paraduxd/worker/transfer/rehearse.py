"""Rehearsing a recovery, one place at a time: restore a sample of a destination and compare it, read what a metadata stash holds.

Nothing changes at the place (no lock is taken there), in staging or in the state directory: all that is written lies in a scratch directory
that is gone afterwards.
"""

from __future__ import annotations

import base64
import contextlib
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from paraduxd.api import phrases
from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.results import Rehearsal
from paraduxd.core.primitives import timestamps
from paraduxd.core.primitives.left_out_rules import LeftOut
from paraduxd.core.recovery import published_config
from paraduxd.core.recovery.drill_judgement import ROUTINE, Sample
from paraduxd.core.recovery.rehearsal_arguments import RehearseArguments
from paraduxd.core.runs.keeper_results import StashContent
from paraduxd.core.runs.orders import Order
from paraduxd.effects.files import bounded, directories, scratch
from paraduxd.protocols.base import BlobStore, Destination, Version
from paraduxd.protocols.pulling.left_out_paths import found
from paraduxd.worker.browse.choosing import choose as choose_version
from paraduxd.worker.transfer import staged_data
from paraduxd.worker.transfer.rehearsal_sample import Candidate, Outcome, choose, compare, is_settled

EVERYTHING = LeftOut()

LONGEST_OBJECT = 10 * 1024 * 1024
"""Bytes of a published object; the vault takes no more than 8 MiB of text."""


@contextlib.contextmanager
def scratch_of(order: Order, apart_from: Sequence[str]) -> Iterator[Path]:
    """The scratch directory of this order. Temporary files of the protocols lie in it too, so that a kill leaves them to the same sweep."""
    told, before = order.read(RehearseArguments), tempfile.tempdir
    scratch.sweep(Path(told.scratch), told.mark)  # what another worker that was killed has left
    with scratch.directory(Path(told.scratch), told.mark, apart_from) as folder:
        for name in ("cache", "tmp", "restored"):
            (folder / name).mkdir(mode=0o700)
        tempfile.tempdir = str(folder / "tmp")
        try:
            yield folder
        finally:
            tempfile.tempdir = before


# A destination


def rehearse(order: Order, destination: Destination, folder: Path, what: LeftOut = EVERYTHING) -> Rehearsal:
    """Restore a random sample of the newest version into `folder`, and compare it; of a source that is pushed as it lies but for `what`.

    Raises `ParaduxError` "damaged" when what came back is not what was pushed, "no-version", "nothing-to-compare" when nothing is proven
    either way, "no-room", and whatever the destination raises.
    """
    known = order.read(RehearseArguments).known_versions or ()
    rehearsal = _Rehearsal(order, destination, folder / "restored", what)
    version = _newest(destination, known)
    try:
        return rehearsal.run(version)
    except ParaduxError:
        # Nothing locks the destination: a push may have removed this very version meanwhile.
        newest = _newest(destination, known)
        if newest.id == version.id:
            raise
    return rehearsal.run(newest)


def _newest(destination: Destination, known: Sequence[Version]) -> Version:
    """The newest version, with the counts that only the push was told (restic 0.14)."""
    counted = {version.id: version for version in known if version.files is not None}
    newest = choose_version(destination.versions(), None)
    return counted.get(newest.id, newest) if newest.files is None else newest


@dataclass
class _Rehearsal:
    """`to`: an empty directory."""

    order: Order
    destination: Destination
    to: Path
    left_out: LeftOut = EVERYTHING

    def run(self, version: Version) -> Rehearsal:
        """Restore and compare; what was restored is counted."""
        staging, made = staged_data.to_compare_with(self.order), _seconds(version.time)
        told = self.order.read(RehearseArguments)
        sample = told.sample or ROUTINE
        if part := self.destination.sample(version, self.to, sample.files, sample.bytes):
            return self._judge(part, staging, _seconds(part.time))
        random = Random(told.seed)  # noqa: S311  which files are tried is no secret
        chosen = choose(staging, made, sample, random, found(self.left_out, staging).paths) if staging else ()
        if staging and chosen:
            scratch.need_room(self.to, sum(candidate.size for candidate in chosen))
            self._restore_sample(version, chosen, staging, made)
        else:
            self._restore_all(version, sample)
        return self._judge(version, staging, made)

    def _restore_sample(self, version: Version, chosen: Sequence[Candidate], staging: Path, made: float) -> None:
        """All at once; if the version lacks one of them, one by one: only a path that it must hold is damage."""
        try:
            self.destination.restore(version, self.to, [candidate.path for candidate in chosen])
            return
        except ParaduxError as problem:
            if problem.code != "not-found":
                raise
        for candidate in chosen:
            try:
                self.destination.restore(version, self.to, [candidate.path])
            except ParaduxError as problem:
                if problem.code != "not-found":
                    raise
                if is_settled(staging, candidate.path, made):
                    raise self._damaged(version, f"{_shown(candidate.path)} is missing in it") from None

    def _restore_all(self, version: Version, sample: Sample) -> None:
        version = self.destination.counted(version)
        if version.bytes is None or version.bytes > sample.bytes:
            size = "unknown" if version.bytes is None else phrases.size(version.bytes)
            raise ParaduxError(
                "nothing-to-compare",
                f"there is no staging copy to choose a sample from, and the version is too large to restore as a whole ({size})",
                f"pull the dataset first: paraductl backup {self.order.dataset} --pull-only",
            )
        scratch.need_room(self.to, version.bytes)
        self.destination.restore(version, self.to, [])

    def _judge(self, version: Version, staging: Path | None, made: float) -> Rehearsal:
        """Hold every restored file against staging."""
        count = size = compared = 0
        for path in _regular_files(self.to):
            status = (self.to / path).lstat()
            if not status.st_size:
                continue
            outcome = compare(self.to / path, staging / path, made) if staging else Outcome.UNKNOWN
            if outcome is Outcome.DIFFERENT:
                raise self._damaged(version, f"{_shown(path)} is not what was pushed")
            count, size, compared = count + 1, size + status.st_size, compared + (outcome is Outcome.SAME)
        by_itself = count - compared if self.destination.checks_content else 0
        if not compared + by_itself:
            raise _nothing(self.order.dataset, count)
        return Rehearsal(version.id, version.time, count, size, compared, by_itself)

    def _damaged(self, version: Version, why: str) -> ParaduxError:
        return ParaduxError(
            "damaged",
            f"the version {version.id} of {self.order.dataset} at {self.order.location} is damaged: {why}",
            f"make a new whole version (paraductl backup {self.order.dataset}), and see: paraductl verify --deep",
        )


def _regular_files(folder: Path) -> Iterator[str]:
    with directories.own(folder) as held:
        for path, descriptor, name in held.files():
            if stat.S_ISREG(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode):
                yield path


def _nothing(dataset: str, restored: int) -> ParaduxError:
    if not restored:
        return ParaduxError(
            "nothing-to-compare", f"{dataset} has no file with contents, so nothing was proven", "see its source"
        )
    return ParaduxError(
        "nothing-to-compare",
        f"{restored} files of {dataset} were restored, but all of them have changed in staging since, so nothing was proven",
        f"push, then try again: paraductl backup {dataset}",
    )


def _seconds(text: str) -> float:
    """When a version was made; 0, which settles nothing, when that cannot be believed."""
    moment = timestamps.parse(text)
    return moment.timestamp() if moment and moment.timestamp() <= time.time() else 0.0


def _shown(path: str) -> str:
    """A path for a sentence: printable, and not endless."""
    return repr(path.encode(errors="surrogateescape").decode(errors="replace"))[:200]


# A metadata stash


def read_published(order: Order, reader: BlobStore) -> Rehearsal | StashContent:
    """The recovery key and the newest config of one epoch, as kits read them; `serial` is the one that is really there.

    With `outbox` they are compared with what lies there and not given out; of an older config than the one that was sent only that
    it is there can be told. Without, they are in the result, in base64. Raises `ParaduxError` "not-published" when the stash has none,
    "not-read-back" when something differs.
    """
    told = order.read(RehearseArguments)
    epoch, sent = told.epoch, told.outbox
    names = {blob.name for blob in reader.list()}
    serial = published_config.newest_serial(names, epoch)
    if sent and published_config.config_name(epoch, told.serial) in names:
        serial = told.serial
    key, config = published_config.key_name(epoch), published_config.config_name(epoch, serial)
    if not {key, config} <= names:
        raise ParaduxError(
            "not-published",
            f"there is no {key} for {config}" if serial else f"there is no config of epoch {epoch}",
            "send the config again: paraductl publish",
        )
    if sent:
        return _compare_all(Path(sent), reader, epoch, serial, whole=serial == told.serial)
    given = (base64.b64encode(_whole(reader, name)).decode() for name in (key, config))
    return StashContent(epoch, serial, *given)


def _compare_all(sent: Path, reader: BlobStore, epoch: int, serial: int, *, whole: bool) -> Rehearsal:
    """`whole`: the config is the one that was sent last, so that it can be compared; else it is only read."""
    key, config = published_config.key_name(epoch), published_config.config_name(epoch, serial)
    _compare(sent / key, _whole(reader, key))
    found = _whole(reader, config)
    if whole:
        _compare(sent / config, found)
    return Rehearsal(epoch=epoch, serial=serial, objects=(key, config))


def _compare(sent: Path, found: bytes) -> None:
    if not sent.exists():
        raise ParaduxError("nothing-to-compare", f"{sent.name} is not in the outbox", "write it: paraductl unlock")
    if bounded.content(sent) != found:
        raise ParaduxError(
            "not-read-back", f"{sent.name} at the stash is not what was sent there", "send it again: paraductl publish"
        )


def _whole(reader: BlobStore, name: str) -> bytes:
    found = b""
    for piece in reader.get(name):
        found += piece
        if len(found) > LONGEST_OBJECT:
            raise ParaduxError("too-long", f"{name} is longer than such an object can be", "see who can write there")
    return found
