"""Staging: a private directory of the daemon's user with what was pulled in `data/` below it.

Format: `docs/reference/formats.md`, "Staging".

Modes, owners, set-uid files and devices of a source are data. So no engine ever touches the directory that the config names: only the
daemon's user can enter it, and what a source says of its files holds inside of it only. It is reached by descriptor, and refused where
somebody else could put another in its place. What an earlier version has pulled into it is moved to `data/` first (`staging_move.py`).
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from paraduxd.api import bounded_json
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.effects.files import directories, staging_move
from paraduxd.effects.files.directories import Directory

DATA = "data"
MARKER = "paradux-staging.json"
FORMAT = "paradux-staging/1"

_LONGEST_MARKER = 4096
_ACLS = ("system.posix_acl_access", "system.posix_acl_default")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Staging:
    """One staging directory: as the config names it, its uid, and whether a pull is known to have filled it.

    Where that is known, a marker with another uid was not written by us: it came with a source that is somebody's staging itself. Where it
    is not, nothing is taken over that others could have written.
    """

    path: Path
    uid: str
    known: bool = False


def prepared(staging: Staging) -> Path:
    """Where to pull to, made if it is missing. Raises `ParaduxError` "bad-staging" and "unsafe-directory"."""
    with _private(staging, make=True) as top:
        top.make(DATA).close()
    return staging.path / DATA


def filled(staging: Staging) -> Path:
    """Where to push or restore from. Raises as `prepared` does, and "no-staging" when there is nothing."""
    with _private(staging) as top:
        top.inner(DATA).close()
    return staging.path / DATA


def found(staging: Staging) -> Path | None:
    """Where to look at what was pulled, and nothing is changed. `None`: nowhere, or it is being moved."""
    try:
        with _translated(staging), _parent(staging) as parent, _opened(parent, staging) as top:
            names = top.names()
            laid_out = _is_laid_out(top, staging)
    except ParaduxError as problem:
        if problem.code != "no-staging":
            raise
        return None
    if staging_move.names(staging.uid).moving in names or (laid_out and DATA not in names):
        return None
    return staging.path / DATA if laid_out else staging.path


@contextlib.contextmanager
def _private(staging: Staging, *, make: bool = False) -> Iterator[Directory]:
    """The directory that the config names, closed to others, with nothing but `data/` in it that is of a source."""
    with _translated(staging), _parent(staging, make=make) as parent:
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(staging.path.name, stat.S_IRWXU, dir_fd=parent.descriptor)
        with _opened(parent, staging) as top:
            _check_origin(parent, top, staging)
            _lay_out(staging, parent, top)
            yield top


def _parent(staging: Staging, *, make: bool = False) -> Directory:
    try:
        return directories.opened(staging.path.parent, directories.trusted(), make=make, shared=True)
    except ParaduxError as problem:
        text = f"the staging directory {staging.path} could be exchanged by others: {problem.message}"
        raise ParaduxError(problem.code, text, "put staging where only root can write: paraductl edit") from None


def _opened(parent: Directory, staging: Staging) -> Directory:
    try:
        return parent.inner(staging.path.name)
    except OSError as problem:
        if problem.errno not in {errno.ELOOP, errno.ENOTDIR}:
            raise
    what = "a symbolic link" if staging.path.is_symlink() else "no directory"
    text = f"the staging directory {staging.path} is {what}"
    raise ParaduxError("unsafe-directory", text, "name the directory itself as staging: paraductl edit")


def _check_origin(parent: Directory, top: Directory, staging: Staging) -> None:
    """Refuse what others may have put there, or filled."""
    owner, mode = top.status().st_uid, top.status().st_mode
    ours = owner == os.geteuid()
    may_take = ours or (os.geteuid() == 0 and not parent.status().st_mode & _OTHERS_WRITE)
    if may_take and (staging.known or (ours and not mode & _OTHERS_WRITE) or not top.names()):
        return
    reason = "may be written by others" if owner == os.geteuid() else f"belongs to user {owner}"
    raise ParaduxError(
        "unsafe-directory",
        f"the staging directory {staging.path} {reason}, and what is in it may not come from the source",
        f"empty it, or if you trust it: chown {os.geteuid()} {staging.path} && chmod 0700 {staging.path}",
    )


def _lay_out(staging: Staging, parent: Directory, top: Directory) -> None:
    """Close the directory to everybody else, and move to `data/` what lies in it from before there was one."""
    if _is_laid_out(top, staging) and not staging_move.has_begun(top, staging.uid):
        close(top)
        return
    with staging_move.begun(parent, top, staging.uid) as move:
        if not _is_laid_out(top, staging):
            move.check()
            move.keep_attributes()
            close(top)
            move.into_data()
            move.declare(MARKER, _rendered(staging))
        close(top)
        move.finish(DATA)


def close(top: Directory) -> None:
    """Let nobody else in. Raises `ParaduxError` "unsafe-directory" where the file system keeps no owners and modes."""
    if top.status().st_uid != os.geteuid():
        os.fchown(top.descriptor, os.geteuid(), os.getegid())
    if stat.S_IMODE(top.status().st_mode) != stat.S_IRWXU:
        os.fchmod(top.descriptor, stat.S_IRWXU)
    for name in _ACLS:
        with contextlib.suppress(OSError):  # there is none, or none can be
            os.removexattr(top.descriptor, name)
    status = top.status()
    if status.st_uid != os.geteuid() or status.st_mode & _OTHERS:
        text = (
            f"the staging directory {top.shown} cannot be closed to others: its file system keeps no owners and modes"
        )
        hint = f"mount it with uid={os.geteuid()},umask=0077, or put staging elsewhere: paraductl edit"
        raise ParaduxError("unsafe-directory", text, hint)


def _rendered(staging: Staging) -> bytes:
    return json.dumps({"format": FORMAT, "staging": staging.uid}).encode() + b"\n"


def _is_laid_out(top: Directory, staging: Staging) -> bool:
    """Whether the marker there is ours, so that the data are in `data/`."""
    try:
        plain = bounded_json.parse_object(top.read(MARKER, _LONGEST_MARKER) or b"", MARKER)
        form, uid = plain["format"], plain["staging"]
    except (ValueError, KeyError):
        return False
    if uid == staging.uid and form != FORMAT:
        text = f"the staging directory {staging.path} was laid out by another version of Paradux ({form!r:.40})"
        raise ParaduxError("bad-staging", text, "update Paradux")
    return bool(form == FORMAT and (uid == staging.uid or not staging.known))


@contextlib.contextmanager
def _translated(staging: Staging) -> Iterator[None]:
    """File errors as sentences."""
    try:
        yield
    except FileNotFoundError:
        text = f"the staging directory {staging.path} is missing, or has no {DATA} in it"
        raise ParaduxError("no-staging", text, "pull the dataset first: paraductl backup --pull-only") from None
    except OSError as problem:
        text = f"cannot use the staging directory {staging.path}: {problem.strerror}"
        raise ParaduxError("bad-staging", text, "see what is in its place, and that its disk is mounted") from None
