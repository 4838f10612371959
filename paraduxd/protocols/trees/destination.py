"""The destination that keeps plain trees, one per version, on a local disk or on a server with rsync.

A push hard-links what did not change to the newest complete version, and to what an interrupted push left, so that nothing
is sent twice; when the disk is full, what is unfinished is removed. The store's layout is described in `layout.py`.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.listings import Entry
from paraduxd.effects.tools import rsync, rsync_files
from paraduxd.protocols import restore_paths as paths_to_restore
from paraduxd.protocols.base import (
    Context,
    Destination,
    PushRequest,
    PushResult,
    RestoreResult,
    VerifyResult,
    Version,
)
from paraduxd.protocols.trees import layout, local_root, owner, remove
from paraduxd.protocols.trees import push as tree_pushing
from paraduxd.protocols.trees import verify as tree_verifying

OpenPlace = Callable[[], AbstractContextManager[rsync.Place]]
"""Opens the root of the store: nothing to do for a directory, credentials in memory for a server."""


class TreeDestination(Destination):
    """Versions as plain trees below a root that `open_place` opens."""

    leaves_out: ClassVar[bool] = True

    def __init__(self, open_place: OpenPlace, context: Context) -> None:
        self._open = open_place
        self._context = context

    def push(self, staging: Path, request: PushRequest) -> PushResult:
        """See `Destination.push`. Raises also `TransientError` "disk-full", `ParaduxError` "other-dataset" and "unreliable-disk"."""
        with self._open() as root:
            check_apart(None if root.access else root.path, staging)
            return tree_pushing.Push(root, staging, request, self._context).run()

    def versions(self) -> tuple[Version, ...]:
        """See `Destination.versions`."""
        with self._open() as root:
            return self._state(root).versions

    def restore(self, version: Version, to: Path, paths: Sequence[str]) -> RestoreResult:
        """See `Destination.restore`."""
        with self._open() as root:
            if self._context.identity is not None:
                self._state(root)
            source = root.below(f"versions/{version.id}")
            return copy_out(source, to, paths, version, self._context.progress)

    def entries(self, version: Version) -> Iterator[Entry]:
        """See `Destination.entries`."""
        with self._open() as root, tempfile.TemporaryDirectory(prefix="paradux-") as empty:
            if version.id not in {each.id for each in self._state(root).versions}:
                text = f"there is no version {version.id} at {root.name}"
                raise ParaduxError("not-found", text, "see: paraductl versions DATASET")
            ran, entries = rsync_files.list_tree(root.below(f"versions/{version.id}/"), rsync.Place(empty, empty))
            rsync.check(ran, root.name)
            yield from entries

    def verify(self, deep: bool) -> VerifyResult:
        """See `Destination.verify`; what it proves is in `verify.py`."""
        with self._open() as root:
            return tree_verifying.verify(root, self._state(root), tree_verifying.ALL if deep else None)

    def verify_part(self, part: int, parts: int) -> VerifyResult:
        """See `Destination.verify_part`: which files belong to a part, their paths decide."""
        with self._open() as root:
            return tree_verifying.verify(root, self._state(root), (part, parts))

    def prune(self, request: PushRequest) -> PushResult:
        """See `Destination.prune`."""
        with self._open() as root:
            local_root.check(root, self._context)
            state = layout.read(root, request.now) or layout.State()
            marker = owner.check_for_push(state, self._context, request.known_versions, root.name)
            if not state.versions:
                raise ParaduxError(
                    "no-version", f"there is no version at {root.name}", "see: paraductl versions DATASET"
                )
            tree_verifying.verify_newest(root, state)
            done = PushResult(state.versions[-1], state.versions, marked=marker is not None)
            return remove.tidied(root, request, (), done)

    def _state(self, root: rsync.Place) -> layout.State:
        """What is there; raises when it is not ours."""
        state = layout.read(root, _now())
        owner.check(state, self._context.identity, root.name)
        return state or layout.State()


def restore_staging(staging: Path, to: Path, paths: Sequence[str]) -> RestoreResult:
    """Copy what staging holds now (or only `paths`) into the existing directory `to`; the version's time is now."""
    return copy_out(rsync.Place(str(staging), str(staging)), to, paths, Version("staging", _now()))


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
    paths_to_restore.check(paths)
    with rsync.listed("--files-from=-", [f"./{path}" for path in paths]) as wanted:
        yield wanted if paths else rsync.NOTHING_LISTED


def _find_missing(source: rsync.Place, to: Path, paths: Sequence[str], version: Version) -> None:
    """Raise "not-found" for the first path that was not copied, or for the version."""
    missing = next((path for path in paths if not os.path.lexists(to / path)), None)
    what = f"the version {version.id}" if missing is None else f"{missing!r} in the version {version.id}"
    raise ParaduxError("not-found", f"there is no {what} at {source.name}", "see: paraductl versions DATASET")


def check_apart(place: str | None, staging: Path | str) -> None:
    """A local destination inside what it copies, or the other way round, would copy itself; `None`: it is not local."""
    if place is None:
        return
    here, there = Path(os.path.realpath(place)), Path(os.path.realpath(staging))
    if here == there or here in there.parents or there in here.parents:
        raise ParaduxError(
            "overlap", f"the destination {here} and the data {there} lie inside each other", "choose another directory"
        )


def _now() -> str:
    """RFC 3339 in UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
