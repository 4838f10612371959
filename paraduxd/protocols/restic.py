"""`restic`: a repository that encrypts and deduplicates, on this machine, an SFTP server, S3 or a rest-server, as a destination.

A version is a snapshot with host "paradux" and the tags "paradux" and "dataset:<id>", whose root is the dataset's root, so that stock
restic restores it without Paradux. A push is one restic command; a second one (and a third) only when versions must go.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import restic

from paraduxd.api.errors import ParaduxError
from paraduxd.core import keep
from paraduxd.protocols import restic_failures as failures
from paraduxd.protocols import restic_output as output
from paraduxd.protocols import restic_repository
from paraduxd.protocols.base import (
    Context,
    Destination,
    Protocol,
    PushRequest,
    PushResult,
    RestoreResult,
    TransientError,
    VerifyResult,
    Version,
)
from paraduxd.protocols.restic_repository import Ran, Repository
from paraduxd.protocols.restic_settings import ResticSettings, parse_repository

HOST = "paradux"

_log = logging.getLogger(__name__)


@dataclass
class _Backup:
    """What a running `restic backup` has told."""

    context: Context
    summary: dict[str, Any] = field(default_factory=dict)

    def take(self, line: str) -> None:
        """Pass progress on, keep the summary."""
        message = output.parsed(line)
        if message.get("message_type") == "summary":
            self.summary = message
        elif progress := output.progress(message):
            self.context.progress(progress)


class ResticDestination(Destination):
    """Versions as snapshots of a restic repository."""

    checks_content: ClassVar[bool] = True

    def __init__(self, settings: ResticSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._tags = (HOST, f"dataset:{context.dataset}")

    def push(self, staging: Path, request: PushRequest) -> PushResult:
        """See `Destination.push`.

        Raises `TransientError` "not-mounted" when a repository that had versions is gone, "busy" and "disk-full";
        `ParaduxError` "incomplete" when something in staging could not be read: that snapshot is no version.
        """
        if not staging.is_dir():
            raise ParaduxError("no-staging", f"the staging directory {staging} is missing", "pull the dataset first")
        with self._opened() as repository, _something(staging) as folder:
            backup = _Backup(self._context)
            created, ran = self._back_up(repository, folder, request, backup)
            if not backup.summary:
                raise ParaduxError("restic-failed", f"restic told no result at {repository.where}", "try again")
            if ran.code == failures.INCOMPLETE:
                self._accept_vanished(repository, folder, ran, str(backup.summary["snapshot_id"]))
            version = _new_version(backup.summary, request)
            versions = self._versions_after(repository, request, version, created)
            added = int(backup.summary.get("data_added_packed", backup.summary.get("data_added", 0)))
            return self._tidy(repository, request, PushResult(version, versions, added))

    def versions(self) -> tuple[Version, ...]:
        """See `Destination.versions`."""
        with self._opened() as repository:
            try:
                return self._list(repository)
            except ParaduxError as problem:
                if problem.code != "no-repository":
                    raise
                return ()

    def restore(self, version: Version, to: Path, paths: Sequence[str]) -> RestoreResult:
        """See `Destination.restore`."""
        wanted = [] if "" in (cleaned := [_clean(path) for path in paths]) else cleaned
        with self._opened() as repository:
            listing = _listing(repository, version, wanted)
            if listing.entries:
                self._restore(repository, version, to, wanted)
        return RestoreResult(version, listing.files, listing.bytes)

    def verify(self, deep: bool) -> VerifyResult:
        """See `Destination.verify`. `checked` counts versions and blobs of the whole repository."""
        with self._opened() as repository:
            try:
                repository.library(restic.check, read_data=deep)
            except ParaduxError as problem:
                if problem.code != "no-repository":
                    raise
                return VerifyResult(0, 0)
            stats = repository.library(restic.stats, mode="raw-data")
            checked = int(stats.get("snapshots_count", 0)) + int(stats.get("total_blob_count", 0))
            return VerifyResult(checked, int(stats.get("total_size", 0)) if deep else 0)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Repository]:
        password = self._settings.credentials.password or self._context.secret
        if not password:
            raise ParaduxError(
                "no-password", "there is no password for this restic repository", "run paraductl unlock, then try again"
            )
        place = parse_repository(self._settings.repository)
        if isinstance(place, str) and os.path.exists(place) and not os.path.isdir(place):  # noqa: PTH110, PTH112  (never raise)
            raise ParaduxError("unusable-repository", f"{place} is not a directory", "correct it with paraductl edit")
        with restic_repository.opened(place, self._settings, password, self._context) as repository:
            yield repository

    def _back_up(self, repository: Repository, folder: Path, request: PushRequest, backup: _Backup) -> tuple[bool, Ran]:
        """One `restic backup`, after making the repository at the first push; tells whether it was made."""
        tags = [f"--tag={tag}" for tag in self._tags]
        command = ("backup", f"--host={HOST}", *tags, "--time", output.time_option(request.now), ".")
        allowed = (0, failures.INCOMPLETE)
        try:
            return False, repository.run(*command, cwd=folder, on_line=backup.take, allowed=allowed)
        except ParaduxError as problem:
            if problem.code != "no-repository":
                raise
        self._create(repository, request)
        return True, repository.run(*command, cwd=folder, on_line=backup.take, allowed=allowed)

    def _create(self, repository: Repository, request: PushRequest) -> None:
        if request.known_versions:
            raise TransientError(
                "not-mounted",
                f"there is no repository in {repository.where}, but it had {len(request.known_versions)} versions: "
                "it seems not to be mounted",
                "mount it; if it was removed on purpose, give the destination a new id with paraductl edit",
            )
        if path := self._settings.local_path():
            _check_new(Path(path))
        repository.run("init")

    def _accept_vanished(self, repository: Repository, folder: Path, ran: Ran, snapshot: str) -> None:
        """Files that vanished while they were read are no failure; anything else is: the snapshot stays, but is no version."""
        unread = failures.unread(ran.errors)
        left = [path for path in unread if "\ufffd" in path or os.path.lexists(folder / path)]
        if unread and not left and not ran.cut:
            return
        mark = f"{HOST}-incomplete"
        repository.run("tag", f"--set={mark}", f"--set={self._tags[1]}", snapshot)
        *old, newest = self._list(repository, mark)
        if old:
            repository.run("forget", *(version.id for version in old))
        raise failures.incomplete(left, newest.id)

    def _versions_after(
        self, repository: Repository, request: PushRequest, version: Version, created: bool
    ) -> tuple[Version, ...]:
        """What is there after a push: asked for only when it was not known before."""
        if created or request.known_versions:
            return keep.in_order((*request.known_versions, version))
        return self._list(repository)

    def _tidy(self, repository: Repository, request: PushRequest, result: PushResult) -> PushResult:
        """Remove what `keep` does not hold. The push is done already: a failure is left to the next one."""
        if request.held:
            return result
        versions, pruned, why = result.versions, False, ""
        try:
            if keep.to_remove(versions, request.keep, request.now):
                versions, pruned = self._forget(repository, request, versions)
                if pruned and request.prune:
                    repository.run("prune")
        except ParaduxError as problem:
            _log.warning("Old versions stay for now: %s", problem.message)
            why = "" if isinstance(problem, TransientError) else problem.message
        return PushResult(result.version, versions, result.added_bytes, pruned, why)

    def _forget(
        self, repository: Repository, request: PushRequest, known: tuple[Version, ...]
    ) -> tuple[tuple[Version, ...], bool]:
        """Decide again on what is really there, then remove by id, so that a version that somebody removed keeps no other from staying.

        `restic forget --keep-...` would count versions dated in the future, and could remove the one just made.
        """
        counted = {version.id: version for version in known}
        real = tuple(counted.get(version.id, version) for version in self._list(repository))
        gone = {version.id for version in keep.to_remove(real, request.keep, request.now)}
        if gone:
            _remove(repository, gone)
        return tuple(version for version in real if version.id not in gone), bool(gone)

    def _list(self, repository: Repository, mark: str = HOST) -> tuple[Version, ...]:
        found = repository.library(restic.snapshots, tags=[mark, self._tags[1]], host=HOST)
        return output.versions(found or [])

    def _restore(self, repository: Repository, version: Version, to: Path, paths: Sequence[str]) -> None:
        includes = [f"--include={output.include_pattern(path)}" for path in paths]
        try:
            repository.run("restore", version.id, f"--target={to}", *includes, on_line=_Backup(self._context).take)
        except ParaduxError as problem:
            raise failures.full(str(to)) if problem.code == "disk-full" else problem from None


def _remove(repository: Repository, snapshots: Iterable[str]) -> None:
    """Forget snapshots by id; raises `ParaduxError` "append-only" where that is refused, which 0.18 does not call a failure."""
    try:
        ran = repository.run("forget", *sorted(snapshots))
        refused = any("unable to remove" in line for line in ran.errors)
    except ParaduxError as problem:
        if problem.code not in {"permission-denied", "unusable-repository"}:
            raise
        refused = True
    if refused:
        text = f"{repository.where} does not let versions be removed, so all of them stay"
        raise ParaduxError("append-only", text, "allow it there, or take keep out of this destination")


def _listing(repository: Repository, version: Version, paths: Sequence[str]) -> output.Listing:
    """What a restore will bring; raises `ParaduxError` "not-found" for a version or a path that is not there."""
    listing = output.Listing(paths)
    repository.run("ls", version.id, on_line=lambda line: listing.take(output.parsed(line)))
    missing = listing.missing()
    if missing is None and listing.version_found:
        return listing
    what = f"{missing!r} in the version {version.id}" if listing.version_found else f"version {version.id}"
    raise ParaduxError("not-found", f"there is no {what} in {repository.where}", "see: paraductl versions DATASET")


def _new_version(summary: dict[str, Any], request: PushRequest) -> Version:
    """The version that a backup's summary tells of."""
    files, size = int(summary["total_files_processed"]), int(summary["total_bytes_processed"])
    return Version(output.short(str(summary["snapshot_id"])), output.rfc3339(request.now), files, size)


@contextlib.contextmanager
def _something(staging: Path) -> Iterator[Path]:
    """Staging, or in place of an empty one a directory that holds an empty directory."""
    if any(staging.iterdir()):
        yield staging
        return
    with tempfile.TemporaryDirectory(prefix="paradux-") as folder:
        (Path(folder) / output.EMPTY).mkdir()
        yield Path(folder)


def _check_new(path: Path) -> None:
    """Refuse to make a repository among other files, or over one whose config was lost; clean up after an interrupted making."""
    ours = {"config", "data", "index", "keys", "locks", "snapshots"}
    if not path.is_dir():
        return
    found = {entry.name for entry in path.iterdir()}
    kept = [file for name in ("data", "index", "snapshots") for file in (path / name).rglob("*") if file.is_file()]
    if found - ours or kept:
        raise ParaduxError(
            "not-empty",
            f"{path} is not empty and is no whole restic repository",
            "give another directory with paraductl edit",
        )
    for key in (path / "keys").glob("*"):
        key.unlink()


def _clean(path: str) -> str:
    """A path to restore without needless dots and slashes; raises `ParaduxError` "bad-path"."""
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if path.startswith("/") or ".." in parts or "\0" in path:
        raise ParaduxError(
            "bad-path", "a path to restore must be relative to the dataset, without ..", "correct the path"
        )
    return "/".join(parts)


PROTOCOL = Protocol("restic", ResticSettings, destination=ResticDestination)
