"""Restoring into the source itself: what is missing there, and with `newer` what is older there. Nothing newer is touched, nothing removed.

Everything is restored into a private directory inside the source and moved to its place from there, by descriptor: whoever owns the source
may rename what lies in it meanwhile, and no link of theirs is followed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.listings import DIRECTORY, FILE, Change, Entry
from paraduxd.effects.files import directories, existence
from paraduxd.effects.files.directories import Directory
from paraduxd.protocols.pulling.mounted_disks import not_mounted
from paraduxd.worker.browse.contents import described
from paraduxd.worker.browse.listing_pages import differ

WORK, DATA = ".paradux-restoring", "data"

MOST_PATHS = 500
"""More single paths than this are not named to an engine: it restores all that was asked for, and what is wanted is taken from that."""


@dataclass
class Plan:
    """What is going to happen, by path. `roots`: what is moved as a whole, because nothing of it is there."""

    changes: list[Change] = field(default_factory=list)
    roots: list[str] = field(default_factory=list)
    replaced: dict[str, Entry] = field(default_factory=dict)

    @property
    def written(self) -> list[Change]:
        """What is written."""
        return [change for change in self.changes if change.change == "written"]


def written_to_disks(plan: Plan, root: Path, known_mounts: Sequence[str]) -> None:
    """Raises `ParaduxError` "not-mounted" when something would be written where a disk of the source is not mounted now."""
    top = Path(os.path.realpath(root))
    for point in not_mounted(tuple(known_mounts)):
        inside = str(point.relative_to(top)) if point.is_relative_to(top) and point != top else ""
        if any(not inside or inside in _up_to(change.path) for change in plan.written):
            raise ParaduxError(
                "not-mounted",
                f"the disk that was mounted at {point} is not there: files would be written below it",
                "mount it, or restore elsewhere with --to",
            )


def folder_of(source: Path, entries: Sequence[Entry]) -> Path:
    """The folder that is written into: of a source that is a single file, the one that it lies in."""
    single = [(entry.path, entry.kind) for entry in entries] == [(source.name, FILE)]
    return source.parent if single and not existence.is_folder(source) else source


@contextlib.contextmanager
def opened(path: Path, uid: int) -> Iterator[Directory]:
    """The source. Its owner may do with it what they like; nobody else may have put another in its place."""
    try:
        owner = path.stat().st_uid
        source = directories.opened(path, directories.trusted(uid, owner), shared=True)
    except FileNotFoundError:
        raise ParaduxError(
            "no-source", f"the source {path} is not there", "make the folder, or restore elsewhere with --to"
        ) from None
    except OSError as problem:
        raise ParaduxError("bad-target", f"cannot write into {path}: {problem.strerror}", "restore with --to") from None
    with source:
        yield source


def planned(source: Directory, entries: Iterable[Entry], *, newer: bool) -> Plan:
    """What a restore of these entries would do."""
    plan, inside = Plan(), ""
    for entry in sorted(entries, key=lambda entry: entry.path.split("/")):  # what is in a folder follows it at once
        if inside and entry.path.startswith(inside):
            plan.changes.append(Change("written", entry.path, entry.kind, entry.size))
            continue
        present = _look(source, entry.path)
        if isinstance(present, str):
            plan.changes.append(Change("kept", entry.path, entry.kind, entry.size, None, present))
        elif present is None:
            plan.changes.append(Change("written", entry.path, entry.kind, entry.size))
            plan.roots.append(entry.path)
            inside = f"{entry.path}/" if entry.kind == DIRECTORY else ""
        elif differ(entry, present):
            _judge(plan, entry, present, newer=newer)
    return plan


def _judge(plan: Plan, entry: Entry, present: Entry, *, newer: bool) -> None:
    """Of something that is in both, and not the same."""
    reason = _why_kept(entry, present, newer=newer)
    if reason:
        plan.changes.append(Change("kept", entry.path, entry.kind, entry.size, present.size, reason))
        return
    plan.changes.append(Change("written", entry.path, entry.kind, entry.size, present.size, "older there"))
    plan.replaced[entry.path] = present


def _why_kept(entry: Entry, present: Entry, *, newer: bool) -> str:
    if entry.kind != present.kind or entry.kind != FILE:
        return f"a {present.kind} is there"
    if entry.modified is None or present.modified is None:
        return "it is not known which is newer"
    if present.modified >= entry.modified:
        return "newer there" if present.modified > entry.modified else "another one of the same time is there"
    return "" if newer else "older there: --newer replaces it"


def _look(source: Directory, path: str) -> Entry | str | None:
    """What is there now; a sentence where that cannot be told."""
    *folders, name = path.split("/")
    try:
        with _inner(source, folders) as folder:
            return described(path, os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False))
    except FileNotFoundError:
        return None
    except OSError:
        return "something else is where its folder should be"


@contextlib.contextmanager
def _inner(source: Directory, folders: Sequence[str]) -> Iterator[Directory]:
    with contextlib.ExitStack() as stack:
        folder = source
        for name in folders:
            folder = stack.enter_context(folder.inner(name))
        yield folder


@contextlib.contextmanager
def work(source: Directory) -> Iterator[tuple[Path, Directory]]:
    """An empty directory in a private one inside the source, as a program gets it; what an interrupted restore left in its place goes."""
    _clear(source)
    with _claimed(source) as folder, folder.make(DATA) as data:
        try:
            yield folder.path / DATA, data
        finally:
            with contextlib.suppress(OSError):
                folder.remove(DATA)  # by descriptor, whatever it is called by now
                source.remove(WORK)


def _claimed(source: Directory) -> Directory:
    try:
        folder = source.claimed(WORK)
    except (FileExistsError, FileNotFoundError):
        folder = None
    if folder is None:  # another restore has begun just now
        raise _in_the_way(source)
    return folder


def _clear(source: Directory) -> None:
    if found := source.private(WORK):
        with found:
            if not found.claim():
                raise _in_the_way(source)
            if source.has(WORK, found):  # else its restore has just ended, and this may be the next one's
                source.remove(WORK)


def _in_the_way(source: Directory) -> ParaduxError:
    where = source.shown / WORK
    return ParaduxError("not-empty", f"{where} is in the way", "wait for the restore that uses it, or remove it")


def chosen(plan: Plan, asked: Sequence[str]) -> list[str]:
    """The paths to name to the engine; none means all."""
    paths = [*plan.roots, *plan.replaced]
    return paths if len(paths) <= MOST_PATHS else list(asked)


def place(plan: Plan, restored: Directory, source: Directory) -> Plan:
    """Move what is written to its place; gives the plan as it came to be."""
    failed = dict[str, str]()
    for path in [*plan.roots, *plan.replaced]:
        try:
            _move(path, restored, source, plan.replaced.get(path))
        except FileExistsError:
            failed[path] = "it appeared meanwhile"
        except OSError as problem:
            failed[path] = str(problem.strerror)
    changes = [_as_it_came(change, failed) for change in plan.changes]
    return Plan(changes, plan.roots, plan.replaced)


def _as_it_came(change: Change, failed: dict[str, str]) -> Change:
    if change.change != "written":
        return change
    above = (path for path in _up_to(change.path) if path in failed)
    path = next(above, None)
    return replace(change, change="kept", reason=failed[path]) if path is not None else change


def _up_to(path: str) -> Iterator[str]:
    """The folders that it is in, the outermost first, and itself."""
    yield from (path[:end] for end, each in enumerate(path) if each == "/")
    yield path


def _move(path: str, restored: Directory, source: Directory, replaced: Entry | None) -> None:
    *folders, name = path.split("/")
    with _inner(restored, folders) as here, _inner(source, folders) as there:
        if replaced is None:
            here.move(name, there)
            return
        here.exchange(name, there, lambda status: described(path, status) == replaced)


def counted(plan: Plan) -> tuple[int, int]:
    """The files that are written, and their bytes."""
    files = [change for change in plan.written if change.kind == FILE]
    return len(files), sum(change.size or 0 for change in files)


def give_to(folder: Path, owners: Sequence[str]) -> None:
    """Let what belongs to one user in a restored tree belong to another: "1000=1001:1001", "*=1001:1001" for all others."""
    if not owners:
        return
    try:
        with directories.own(folder) as held:
            held.give_contents(dict(map(_owner, owners)))
    except PermissionError:
        raise ParaduxError(
            "not-allowed", "owners can be changed by root only", "leave out --map-owner, or run the daemon as root"
        ) from None


def _owner(text: str) -> tuple[int, tuple[int, int]]:
    try:
        old, _, new = text.partition("=")
        user, _, group = new.partition(":")
        return (-1 if old == "*" else int(old)), (int(user), int(group or -1))
    except ValueError:
        raise ParaduxError(
            "bad-request", "owners are mapped like 1000=1001:1001", "see: paraductl restore --help"
        ) from None
