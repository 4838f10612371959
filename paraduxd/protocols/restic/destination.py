"""`restic`: a repository that encrypts and deduplicates, on this machine, an SFTP server, S3 or a rest-server, as a destination.

A version is a snapshot with host "paradux" and tags that say whose it is (`snapshots.py`), whose root is the dataset's root, so that
stock restic restores it without Paradux. Other snapshots in the same repository are neither counted, listed, restored nor removed: two
machines, or a person, can share it. A push looks at what is there before it writes, which a local repository tells without a command
(`local_state.py`).
"""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, TypeVar

import restic

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.listings import Entry
from paraduxd.api.replies.setup_forms import Question
from paraduxd.core.config.capabilities import Traits
from paraduxd.core.config.setup_declaration import Setup
from paraduxd.core.runs import retention, unread
from paraduxd.effects.files import directories, existence
from paraduxd.effects.process import run as process
from paraduxd.protocols import restore_paths as paths_to_restore
from paraduxd.protocols.base import (
    Context,
    Destination,
    Omitted,
    Other,
    Protocol,
    PushRequest,
    PushResult,
    RestoreResult,
    TransientError,
    VerifyResult,
    Version,
)
from paraduxd.protocols.by_hand import restic as by_hand
from paraduxd.protocols.restic import excluding, failures, look, new_folder, output, snapshots
from paraduxd.protocols.restic import local_state as memory
from paraduxd.protocols.restic import remove as removing
from paraduxd.protocols.restic import repository as restic_repository
from paraduxd.protocols.restic.keys import lost as lost_keys
from paraduxd.protocols.restic.keys import stored_keys as keys
from paraduxd.protocols.restic.repository import Repository
from paraduxd.protocols.restic.running.streams import Ran
from paraduxd.protocols.restic.settings import ResticSettings, parse_repository
from paraduxd.protocols.restic.snapshots import Listed
from paraduxd.protocols.restic.typed_address import QUESTIONS, as_repository, finished
from paraduxd.protocols.restic.versions import LONG_AGO, TRIAL, Versions

_COUNTS = ("snapshots_count", "total_blob_count", "total_size")
"""What `restic stats` tells."""


Found = TypeVar("Found")


@dataclass
class _Backup:
    """What a running `restic backup` has told."""

    context: Context
    summary: dict[str, object] = field(default_factory=dict)

    @property
    def added(self) -> int:
        """Bytes that are new in the repository."""
        return output.count(self.summary.get("data_added_packed", self.summary.get("data_added"))) or 0

    def version(self, now: str) -> Version:
        """The version that the summary tells of."""
        files, size = (output.count(self.summary.get(f"total_{what}_processed")) or 0 for what in ("files", "bytes"))
        return Version(output.short(str(self.summary["snapshot_id"])), output.rfc3339(now), files, size)

    def take(self, line: str) -> None:
        """Pass progress on, keep the summary."""
        message = output.parsed(line)
        if message.get("message_type") == "summary":
            self.summary = message
        elif progress := output.progress(message):
            self.context.progress(progress)


@dataclass(frozen=True)
class _Pushed:
    """A version that was made, all that are there with it, bytes that were new, and what is missing in it."""

    version: Version
    listed: Listed
    added: int
    unread: tuple[str, ...]


class ResticDestination(Destination):
    """Versions as snapshots of a restic repository."""

    checks_content: ClassVar[bool] = True
    leaves_out: ClassVar[bool] = True

    def __init__(self, settings: ResticSettings, context: Context) -> None:
        self._settings = settings
        self._context = context

    def push(self, staging: Path, request: PushRequest) -> PushResult:
        """See `Destination.push`. What cannot be read is missing in the version, and named.

        Raises `TransientError` "not-mounted" when a repository that had versions is gone or holds none of them, "busy" and "disk-full";
        `ParaduxError` "superseded", and "damaged" when the new version cannot be read back.
        """
        if not existence.is_folder(staging):
            raise ParaduxError("no-staging", f"the staging directory {staging} is missing", "pull the dataset first")
        with self._opened() as repository, _something(staging, request.omitted) as folder:
            there = Versions(repository, self._context)
            before = removing.Tidied(self._look(there, request), memory.read(self._context).proven)
            try:
                pushed = self._back_up(there, folder, request, before.listed)
            except TransientError as problem:
                before = removing.make_room(there, request, before, problem)
                pushed = self._back_up(there, folder, request, before.listed)
            memory.write(self._context, pushed.listed, before.proven)
            keys.keep_copy(repository, self._password(), self._context, self._settings.local_path())
            tidied = removing.tidy(there, request, replace(before, listed=pushed.listed))
            memory.write(self._context, tidied.listed, tidied.proven)
            marked = self._context.identity is not None
            result = _result(pushed.version, tidied)
            return replace(result, added_bytes=pushed.added, unread=pushed.unread, marked=marked)

    def prune(self, request: PushRequest) -> PushResult:
        """See `Destination.prune`."""
        with self._opened() as repository:
            there = Versions(repository, self._context)
            listed = self._there(there, request)
            if listed is None or not listed.versions:
                raise ParaduxError("no-version", f"{repository.where} holds no version", "make one: paraductl backup")
            request = replace(request, prune=True, read_back=True)
            before = removing.Tidied(listed, memory.read(self._context).proven)
            tidied = removing.remove(there, request, before)
            memory.write(self._context, tidied.listed, tidied.proven)
            return _result(tidied.listed.versions[-1], tidied)

    def versions(self) -> tuple[Version, ...]:
        """See `Destination.versions`."""
        with self._opened() as repository:
            listed = _if_made(lambda: Versions(repository, self._context).listed(_now()))
            return listed.versions if listed else ()

    def look(self) -> None:
        """See `Destination.look`. Where files can be written beside a repository, that is tried."""
        if not self.versions():
            look.at_new_place(self._settings, self._context)

    def others(self) -> tuple[Other, ...]:
        """See `Destination.others`: snapshots that were there before, or that others make."""
        with self._opened() as repository:
            return _if_made(Versions(repository, self._context).others) or ()

    def is_protected(self) -> bool | None:
        """See `Destination.is_protected`: a snapshot with a tag of its own, which no Paradux takes for a version."""
        with self._opened() as repository:
            there = Versions(repository, self._context)
            before = there.trials()
            if not before:
                with tempfile.TemporaryDirectory(prefix="paradux-trial-") as folder:
                    (Path(folder) / TRIAL).write_text("Paradux tries to remove this snapshot, to see whether it can.\n")
                    marks = ("--tag", TRIAL, "--host", TRIAL, "--time", LONG_AGO)
                    repository.run("backup", *marks, TRIAL, cwd=Path(folder))
                before = there.trials()
            with contextlib.suppress(ParaduxError):
                there.remove(before)
            return bool(before) and set(before) <= set(there.trials())

    def counted(self, version: Version) -> Version:
        """See `Destination.counted`."""
        if version.files is not None:
            return version
        with self._opened() as repository:
            listing = Versions(repository, self._context).counted(version)
        return replace(version, files=listing.files, bytes=listing.bytes)

    def entries(self, version: Version) -> Iterator[Entry]:
        """See `Destination.entries`: what `restic ls` lists. Bytes of names that are not UTF-8 are U+FFFD there."""
        with self._opened() as repository:
            yield from Versions(repository, self._context).entries(version)

    def restore(self, version: Version, to: Path, paths: Sequence[str]) -> RestoreResult:
        """See `Destination.restore`."""
        wanted = [] if "" in (cleaned := [paths_to_restore.cleaned(path) for path in paths]) else cleaned
        with self._opened() as repository:
            listing = Versions(repository, self._context).counted(version, wanted)
            if listing.entries:
                self._restore(repository, version, to, wanted)
        return RestoreResult(version, listing.files, listing.bytes)

    def verify(self, deep: bool) -> VerifyResult:
        """See `Destination.verify`. `checked` counts versions and blobs of the whole repository."""
        return self._check(1 if deep else 0, ("--read-data",) if deep else ())

    def verify_part(self, part: int, parts: int) -> VerifyResult:
        """See `Destination.verify_part`."""
        group = output.group_of(part, parts)
        if group is None:
            return self._check(0)
        return self._check(1 / group[1], (f"--read-data-subset={group[0]}/{group[1]}",))

    def _check(self, share: float, options: Sequence[str] = ()) -> VerifyResult:
        """Check the repository; `share`: how much of the data that reads, as far as packs are equally large."""
        with self._opened() as repository:
            listed = _if_made(lambda: Versions(repository, self._context).listed(_now()))
            if listed is None or not listed.versions:
                return VerifyResult(0, 0)
            repository.run("check", *options)
            stats = repository.library(restic.stats, mode="raw-data")
            told = {name: output.count(stats.get(name)) or 0 for name in _COUNTS}
            return VerifyResult(told["snapshots_count"] + told["total_blob_count"], int(told["total_size"] * share))

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Repository]:
        password = self._password()
        place = parse_repository(self._settings.repository)
        if isinstance(place, str) and os.path.exists(place) and not os.path.isdir(place):  # noqa: PTH110, PTH112  (never raise)
            raise ParaduxError("unusable-repository", f"{place} is not a directory", "correct it with paraductl edit")
        settings, context = self._settings, self._context
        mend = functools.partial(lost_keys.put_back, place, settings, context)
        with restic_repository.opened(place, settings, password, context, mend) as repository:
            yield repository

    def _password(self) -> str:
        password = self._settings.credentials.password or self._context.secret
        if not password:
            raise ParaduxError(
                "no-password", "there is no password for this restic repository", "run paraductl unlock, then try again"
            )
        return password

    def _look(self, there: Versions, request: PushRequest) -> Listed:
        """What is there before a push, in a repository that is made at the first one."""
        listed = self._there(there, request)
        if listed is None:
            self._create(there.repository, request)
            return Listed()
        if not listed.versions and self._was_there(request):
            raise TransientError(
                "not-mounted",
                f"{there.repository.where} holds none of the versions that were pushed there: another repository is mounted there,"
                " or somebody removed them",
                'mount the right one; if they were removed on purpose, say "was": "-" on it with paraductl edit',
            )
        return listed

    def _there(self, there: Versions, request: PushRequest) -> Listed | None:
        """The versions there, oldest first; `None`: there is no repository. Nothing is listed where nothing can have changed."""
        remembered = memory.read(self._context).listed(self._settings.local_path())
        return remembered or _if_made(lambda: there.listed(request.now, request.known_versions, changing=True))

    def _was_there(self, request: PushRequest) -> bool:
        identity = self._context.identity
        return bool(request.known_versions) or (identity is not None and identity.marked)

    def _back_up(self, there: Versions, folder: Path, request: PushRequest, listed: Listed) -> _Pushed:
        """One `restic backup`. It is tagged with what was missing last time, which is nearly always what is missing now."""
        number = retention.next_number((*listed.versions, *request.known_versions))
        tagged = max(request.unread_count, len(request.unread), listed.versions[-1].missing if listed.versions else 0)
        tags = [f"--tag={tag}" for tag in snapshots.tags_for(self._context, number, tagged)]
        backup, allowed = _Backup(self._context), (0, failures.INCOMPLETE)
        with process.sealed_file(excluding.lines(folder, request.omitted.paths)) as (given, path):
            left_out = (f"--exclude-file={path}",) if request.omitted.paths else ()
            options = (*tags, "--time", output.time_option(request.now), *left_out)
            command = ("backup", f"--host={snapshots.MARK}", *options, ".")
            ran = there.repository.run(*command, cwd=folder, on_line=backup.take, allowed=allowed, inherited=(given,))
        if not backup.summary:
            raise ParaduxError("restic-failed", f"restic reported no result at {there.repository.where}", "try again")
        names, missing = _missing(folder, ran, request)
        version = replace(backup.version(request.now), number=number, missing=missing)
        now_there = listed.plus(version)
        if missing != tagged:
            version, now_there = there.mark(version, tagged, listed)
        return _Pushed(version, now_there, backup.added, names)

    def _create(self, repository: Repository, request: PushRequest) -> None:
        if self._was_there(request):
            had = f"{len(request.known_versions)} versions" if request.known_versions else "versions"
            raise TransientError(
                "not-mounted",
                f"there is no repository in {repository.where}, but it had {had}: it seems not to be mounted",
                'mount it; if it was removed on purpose, say "was": "-" on it with paraductl edit',
            )
        if path := self._settings.local_path():
            new_folder.check(Path(path))
        repository.run("init")

    def _restore(self, repository: Repository, version: Version, to: Path, paths: Sequence[str]) -> None:
        includes = [f"--include={output.include_pattern(path)}" for path in paths]
        command, through = ("restore", version.id, f"--target={to}", *includes), directories.descriptor_in(to)
        try:
            repository.run(*command, on_line=_Backup(self._context).take, inherited=through)
        except ParaduxError as problem:
            raise failures.full(str(to)) if problem.code == "disk-full" else problem from None


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _if_made(look: Callable[[], Found]) -> Found | None:
    """What a look at the repository gives; `None` when it was not made yet."""
    try:
        return look()
    except ParaduxError as problem:
        if problem.code != "no-repository":
            raise
        return None


def _result(version: Version, tidied: removing.Tidied) -> PushResult:
    return PushResult(
        version,
        tidied.listed.versions,
        pruned=bool(tidied.removed),
        kept_because=tidied.kept_because,
        removed=tidied.removed,
    )


def _missing(folder: Path, ran: Ran, request: PushRequest) -> tuple[tuple[str, ...], int]:
    """Some names of what is missing in a version, and how many there are: what the pull could not read, and what restic could not.

    Where both read the source itself, both name the same. Files that vanished while they were read are not missing.
    """
    said = failures.unread(ran.errors) if ran.code == failures.INCOMPLETE else ()
    left = [path for path in said if "\ufffd" in path or os.path.lexists(folder / path)]
    shown = (unread.printable(path.removeprefix(f"{folder}/").encode("utf-8", "surrogateescape")) for path in left)
    names = tuple(dict.fromkeys((*request.unread, *shown)))
    return names[: unread.NAMES_SHOWN], max(request.unread_count, len(names)) + ran.dropped


@contextlib.contextmanager
def _something(staging: Path, omitted: Omitted) -> Iterator[Path]:
    """Staging, or in place of one that is empty, or of which all is left out, a directory that holds an empty directory."""
    if any(os.fsencode(path.name) not in omitted.paths for path in staging.iterdir()):
        yield staging
        return
    with tempfile.TemporaryDirectory(prefix="paradux-") as folder:
        (Path(folder) / output.EMPTY).mkdir()
        yield Path(folder)


PROTOCOL = Protocol(
    "restic",
    ResticSettings,
    destination=ResticDestination,
    master_key=keys.master_key,
    traits=Traits(generates="credentials.password"),
    setup=Setup(
        "a restic repository, encrypted",
        Question("repository", "Folder or address", "sftp://fred@friend.example/photos", required=True),
        as_repository,
        QUESTIONS,
        every="1h",
        finish=finished,
    ),
    by_hand=by_hand.BY_HAND,
)
