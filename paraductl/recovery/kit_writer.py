"""Writing a kit into a folder: all of it or nothing, read back from the disk, and never over what is something else."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from paraductl import sudo
from paraduxd import linux
from paraduxd.api import bounded_json
from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.trust import distrust

NAME = "PARADUX"

MAX_MANIFEST = 256 * 1024
"""Bytes of a manifest that is looked at to see whose kit lies there."""


def write_kit(directory: Path, steward: str, files: Mapping[str, bytes], *, erase: bool = False) -> Path:
    """Write the kit as `directory`/PARADUX, replacing an earlier kit of the same steward; gives that path.

    `erase` consents to the loss of anything else that has this name. Raises `ParaduxError`; then what lay there still does.
    """
    target = directory / NAME
    _check_hands(directory)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_target(target, steward, files["kit.json"], erase=erase)
        with _beside(target) as work:
            _write_all(work / NAME, files)
            _read_back(work / NAME, files)
            if os.path.lexists(target):
                target.rename(work / "before")
            (work / NAME).rename(target)
            linux.sync_directory(directory)
    except OSError as problem:
        place = problem.filename if isinstance(problem.filename, str) else str(directory)
        raise ParaduxError(
            "not-written",
            f"cannot write the kit of {steward} into {directory}: {problem.strerror or 'it cannot be written'}"
            + (f" ({place})" if place != str(directory) else ""),
            "see that the folder can be written and has space, then try again",
        ) from None
    return target


def _check_hands(directory: Path) -> None:
    """As root, write nothing where others could exchange what is being written; who has used sudo is none of those."""
    if os.geteuid():
        return
    ours = frozenset({0, sudo.caller() or 0})
    there = next(folder for folder in (directory.absolute(), *directory.absolute().parents) if folder.is_dir())
    status = there.stat()
    shared = bool(status.st_mode & stat.S_ISVTX) and status.st_uid in ours
    if reason := distrust(there.parent if shared else there, ours, sticky=True):
        raise ParaduxError(
            "unsafe-directory",
            f"root cannot write a kit safely into {directory}: {there} {reason}",
            "do it as the user whose folder it is, or name one that only root can change",
        )


def _check_target(target: Path, steward: str, manifest: bytes, *, erase: bool) -> None:
    if erase or not os.path.lexists(target):
        return
    if target.is_symlink() or not target.is_dir():
        raise _occupied(target, "something that is no kit")
    if not any(target.iterdir()):
        return
    found, ours = _manifest(target), _whose(manifest)
    if found is None:
        raise _occupied(target, "something that is no kit")
    if found != ours:
        same = found.owner == ours.owner
        raise _occupied(target, f"the kit of {found.steward.id}" if same else "another owner's kit")


def _occupied(target: Path, what: str) -> ParaduxError:
    return ParaduxError(
        "occupied",
        f"{target} holds {what}, which is not overwritten without consent",
        "name another folder, or consent with --erase",
    )


@dataclass(frozen=True)
class _Person:
    id: str


@dataclass(frozen=True)
class _Whose:
    """As much of a manifest as tells whose kit it is."""

    owner: _Person
    steward: _Person


def _whose(manifest: bytes) -> _Whose:
    return from_json_value(_Whose, bounded_json.parse(manifest, "a kit's manifest"))


def _manifest(target: Path) -> _Whose | None:
    """Whose kit lies there; `None` when it is none."""
    try:
        descriptor = os.open(target / "kit.json", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as opened:  # noqa: PTH123 - a descriptor
            return _whose(opened.read(MAX_MANIFEST))
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A folder next to the target that only we can read, removed in the end whatever happens."""
    work = Path(tempfile.mkdtemp(prefix=".paradux-kit-", dir=target.parent))
    try:
        yield work
    finally:
        if os.path.lexists(work / "before") and not os.path.lexists(target):
            (work / "before").rename(target)
        shutil.rmtree(work, ignore_errors=True)


def _write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    folders = {folder} | {(folder / name).parent for name in files}
    for each in sorted(folders):
        each.mkdir(mode=0o700, exist_ok=True)
    for name, content in files.items():
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ParaduxError("bad-reply", "the daemon's kit has a file with a name that leaves its folder")
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb") as opened:  # noqa: PTH123 - a descriptor
            opened.write(content)
            opened.flush()
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)  # so that reading back reads the disk
    for each in sorted(folders, reverse=True):
        linux.sync_directory(each)


def _read_back(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        if (folder / name).read_bytes() != content:
            raise ParaduxError(
                "bad-medium",
                f"{name} reads back from {folder.parent.parent} differently from how it was written",
                "the disk is failing: use another one",
            )
