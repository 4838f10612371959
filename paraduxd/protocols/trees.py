"""The destination that keeps plain trees, one per version, on a local disk or on a server with rsync.

A push hard-links what did not change to the newest complete version, and to what an interrupted push left, so that nothing
is sent twice; when the disk is full, what is unfinished is removed. The store's layout is described in `store.py`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from paraduxd.api.errors import ParaduxError
from paraduxd.core import keep
from paraduxd.effects import process, rsync
from paraduxd.protocols import store
from paraduxd.protocols.base import (
    Context,
    Destination,
    PushRequest,
    PushResult,
    RestoreResult,
    TransientError,
    VerifyResult,
    Version,
)

OpenPlace = Callable[[], AbstractContextManager[rsync.Place]]
"""Opens the root of the store: nothing to do for a directory, credentials in memory for a server."""


class TreeDestination(Destination):
    """Versions as plain trees below a root that `open_place` opens."""

    def __init__(self, open_place: OpenPlace, context: Context) -> None:
        self._open = open_place
        self._context = context

    def push(self, staging: Path, request: PushRequest) -> PushResult:
        """See `Destination.push`. Raises `TransientError` "not-mounted" and "disk-full", `ParaduxError` "other-dataset"."""
        with self._open() as root:
            check_apart(None if root.access else root.path, staging)
            state = self._state_for_push(root, request)
            name = store.new_id(request.now, (*state.unfinished, *(version.id for version in state.versions)))
            ran = self._transfer(staging, root, state, name)
            version = Version(name, request.now, ran.stats.files, ran.stats.bytes)
            if root.access is None:
                process.run(["sync", "--file-system", "--", root.path], timeout=3600)
            store.write_manifest(root, version, self._context.dataset)
            versions = keep.in_order((*state.versions, version))
            if root.access is None:
                _point_current_at(Path(root.path), versions[-1])
            done = PushResult(version, versions, ran.stats.transferred_bytes)
            return self._tidy(root, request, state.unfinished, done)

    def versions(self) -> tuple[Version, ...]:
        """See `Destination.versions`."""
        with self._open() as root:
            return (store.read(root) or store.State()).versions

    def restore(self, version: Version, to: Path, paths: Sequence[str]) -> RestoreResult:
        """See `Destination.restore`."""
        with self._open() as root:
            source = root.below(f"versions/{version.id}")
            return copy_out(source, to, paths, version, self._context.progress)

    def verify(self, deep: bool) -> VerifyResult:
        """See `Destination.verify`. What it proves:

        Quick: every version that has a manifest has a tree with as many regular files and bytes. Deep: besides, every byte of every
        file of every version could be read, at the destination itself, and is what it was at the first deep verification of
        that version. What was altered before that one, and kept the counts, is not found out.
        """
        checked = size = 0
        with self._open() as root:
            state = store.read(root) or store.State()
            for version in state.versions:
                stats = _read_all(root, version, state.contents.get(version.id)) if deep else _count(root, version)
                checked, size = checked + stats.files, size + stats.bytes
        return VerifyResult(checked, size)

    def _state_for_push(self, root: rsync.Place, request: PushRequest) -> store.State:
        """What is at the destination; a new store is made only where none was known."""
        state = store.read(root)
        if (state is None or not state.versions) and request.known_versions:
            raise TransientError(
                "not-mounted",
                f"{root.name} is missing or empty, but had {len(request.known_versions)} versions: it seems not to be mounted",
                "mount it; if it was emptied on purpose, give the destination a new id with paraductl edit",
            )
        if state is None or not state.versions:
            store.create(root)
            return state or store.State()
        if foreign := state.datasets - {self._context.dataset}:
            raise ParaduxError(
                "other-dataset",
                f"{root.name} holds versions of another dataset ({min(foreign)!r})",
                "give every dataset a directory of its own with paraductl edit",
            )
        return state

    def _transfer(self, staging: Path, root: rsync.Place, state: store.State, name: str) -> rsync.Ran:
        newest = [version.id for version in state.versions[-1:]]
        bases = [f"--link-dest=../{base}" for base in (*newest, *state.unfinished[-_MAX_BASES:])]
        source, target = rsync.Place(str(staging), str(staging)), root.below(f"versions/{name}")
        ran = rsync.run(source, target, bases, on_progress=self._context.progress)
        if ran.missing():
            raise ParaduxError("no-staging", f"the staging directory {staging} is missing", "pull the dataset first")
        try:
            return rsync.check(ran, root.name)
        except TransientError as problem:
            if problem.code != "disk-full":
                raise
            missing = rsync.run(source, target, (*bases, "--dry-run"))
            with contextlib.suppress(ParaduxError):
                store.remove(root, (*state.unfinished, name))
            raise _with_amount(problem, missing) from None

    def _tidy(self, root: rsync.Place, request: PushRequest, unfinished: Sequence[str], done: PushResult) -> PushResult:
        """Remove what interrupted pushes left and what `keep` does not hold; a failure is left to the next push."""
        old = () if request.held else keep.to_remove(done.versions, request.keep, request.now)
        left = tuple(version for version in done.versions if version not in old)
        try:
            store.remove(root, (*unfinished, *(version.id for version in old)))
        except ParaduxError:
            left = self._versions_again(root, done.versions)
        return replace(done, versions=left, pruned=len(left) < len(done.versions))

    def _versions_again(self, root: rsync.Place, believed: tuple[Version, ...]) -> tuple[Version, ...]:
        with contextlib.suppress(ParaduxError):
            return (store.read(root) or store.State()).versions
        return believed


_MAX_BASES = 10
"""rsync takes at most 20 `--link-dest`."""


def restore_staging(staging: Path, to: Path, paths: Sequence[str]) -> RestoreResult:
    """Copy what staging holds now (or only `paths`) into the existing directory `to`; the version's time is now."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return copy_out(rsync.Place(str(staging), str(staging)), to, paths, Version("staging", now))


def copy_out(
    source: rsync.Place,
    to: Path,
    paths: Sequence[str],
    version: Version,
    on_progress: rsync.OnProgress = lambda _: None,
) -> RestoreResult:
    """Copy a tree, or paths of it, into `to`. Raises `ParaduxError` "not-found" naming what is not there, "bad-path"."""
    target = rsync.Place(str(to), str(to))
    with _only(paths) as wanted:
        ran = rsync.run(source, target, ("--recursive",), given=wanted, on_progress=on_progress)
    if ran.missing():
        _find_missing(source, to, paths, version)
    rsync.check(ran, source.name)
    return RestoreResult(version, ran.stats.files, ran.stats.bytes)


@contextlib.contextmanager
def _only(paths: Sequence[str]) -> Iterator[rsync.Listed]:
    """What restricts a copy to `paths`; `./` keeps a path from being a comment or a host."""
    if any(path.startswith("/") or ".." in path.split("/") or "\0" in path for path in paths):
        raise ParaduxError(
            "bad-path", "a path to restore must be relative to the dataset, without ..", "correct the path"
        )
    with rsync.listed("--files-from=-", [f"./{path}" for path in paths]) as wanted:
        yield wanted if paths else rsync.NOTHING_LISTED


def _find_missing(source: rsync.Place, to: Path, paths: Sequence[str], version: Version) -> None:
    """Raise "not-found" for the first path that was not copied, or for the version."""
    missing = next((path for path in paths if not os.path.lexists(to / path)), None)
    what = f"the version {version.id}" if missing is None else f"{missing!r} in the version {version.id}"
    raise ParaduxError("not-found", f"there is no {what} at {source.name}", "see: paraductl versions DATASET")


def _count(root: rsync.Place, version: Version) -> rsync.Stats:
    """Count a version's files where they are, by a dry run towards an empty directory."""
    with TemporaryDirectory(prefix="paradux-") as empty:
        ran = rsync.run_once(_tree(root, version), rsync.Place(empty, empty), (*rsync.FAITHFUL, "--dry-run"))
    return _check_counts(root, version, ran)


def _read_all(root: rsync.Place, version: Version, before: str | None) -> rsync.Stats:
    """Read a version's files where they are, and compare with what was read before, or remember it."""
    with TemporaryDirectory(prefix="paradux-") as empty:
        ran, contents = rsync.read_contents(_tree(root, version), rsync.Place(empty, empty))
    stats = _check_counts(root, version, ran)
    if contents.unreadable:
        raise _damaged(root, version, f"{contents.unreadable!r} cannot be read")
    if before is None:
        store.write_contents(root, version, contents.text())
    elif before != contents.text():
        raise _damaged(root, version, "files are no longer what they were at the first deep verification")
    return stats


def _tree(root: rsync.Place, version: Version) -> rsync.Place:
    return root.below(f"versions/{version.id}")


def _check_counts(root: rsync.Place, version: Version, ran: rsync.Ran) -> rsync.Stats:
    if ran.missing() or ran.code == 23:
        raise _damaged(root, version, "its files are missing or cannot be read")
    stats = rsync.check(ran, root.name).stats
    if (stats.files, stats.bytes) != (version.files, version.bytes):
        counts = f"{stats.files} files and {stats.bytes} bytes instead of {version.files} and {version.bytes}"
        raise _damaged(root, version, f"it has {counts}")
    return stats


def _damaged(root: rsync.Place, version: Version, why: str) -> ParaduxError:
    return ParaduxError(
        "damaged",
        f"the version {version.id} at {root.name} is damaged: {why}",
        "push again (paraductl backup) for a new whole version, and check that disk",
    )


def _with_amount(problem: TransientError, dry: rsync.Ran) -> TransientError:
    """How much was still to be copied when the disk was full, if a dry run could tell."""
    if dry.code != 0:
        return problem
    amount = f"{problem.message}: {dry.stats.transferred_bytes / 1e6:.1f} MB more are needed"
    return TransientError(problem.code, amount, problem.hint)


def check_apart(place: str | None, staging: Path | str) -> None:
    """A local destination inside what it copies, or the other way round, would copy itself; `None`: it is not local."""
    if place is None:
        return
    here, there = Path(os.path.realpath(place)), Path(os.path.realpath(staging))
    if here == there or here in there.parents or there in here.parents:
        raise ParaduxError(
            "overlap", f"the destination {here} and the data {there} lie inside each other", "choose another directory"
        )


def _point_current_at(root: Path, version: Version) -> None:
    """Renew the symbolic link `current`; a file system without such links does without."""
    link = root / ".current.new"
    with contextlib.suppress(OSError):
        link.unlink(missing_ok=True)
        link.symlink_to(f"versions/{version.id}")
        link.replace(root / "current")
