"""Private directories for what a rehearsal restores: never inside production, removed at the end, swept when whoever made them was killed.

A name says whose it is: `paradux-drill-<uid>-<mark>-<pid>-<random>`; the mark belongs to one state directory. Whoever works in it holds a
lock on it. What is restored is the owner's data in clear, so a directory is 0700, and is removed even where restored permissions stand
in the way.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from paraduxd.api import phrases
from paraduxd.api.errors import ParaduxError
from paraduxd.effects.files import directories
from paraduxd.effects.files.directories import Directory

BASE = Path("/var/tmp")  # noqa: S108  directories of our own are made in it, with mode 0700
"""Where scratch directories lie unless another place is given: on a disk, because a sample may be larger than memory."""

SPARE = 64 * 1024 * 1024
"""Bytes that stay free beside what is restored."""


def mark_of(state: Path) -> str:
    """What tells the scratch directories of this installation from those of another."""
    return hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:16]


@contextlib.contextmanager
def directory(base: Path, mark: str, apart_from: Iterable[str] = ()) -> Iterator[Path]:
    """A new private directory below `base`, removed with all that is in it when the context ends, however it ends.

    Raises `ParaduxError` "bad-scratch" when it cannot be made, when others could exchange it, and when it would lie in one of the
    directories `apart_from`.
    """
    inside = next((path for path in apart_from if _lies_in(base, path)), None)
    if inside is not None:
        raise ParaduxError(
            "bad-scratch", f"{base} lies in {inside}, which a rehearsal must not touch", "give another directory"
        )
    with contextlib.ExitStack() as stack:
        held = _opened(base, stack)
        try:
            made = stack.enter_context(_made(held, mark))
        except OSError as problem:
            raise _bad(base, problem) from None
        try:
            yield base / made.shown.name
        finally:
            with contextlib.suppress(OSError):
                held.remove(made.shown.name)


def _made(held: Directory, mark: str) -> Directory:
    """A new one with a name of its own, claimed; another when a rehearsal that begins at the same time has swept it. Raises `OSError`."""
    while True:
        name = f"{_prefix(mark)}{os.getpid()}-{secrets.token_hex(8)}"
        try:
            made = held.claimed(name)
        except FileNotFoundError:
            if not held.status().st_nlink:  # the base itself is gone
                raise
        else:
            if made is not None:
                return made


def _opened(base: Path, stack: contextlib.ExitStack) -> Directory:
    """The base, which nobody but root and this user can exchange: what is made in it keeps its name."""
    try:
        return stack.enter_context(directories.opened(base, directories.trusted(), shared=True))
    except ParaduxError as problem:
        raise ParaduxError("bad-scratch", problem.message, problem.hint) from None
    except OSError as problem:
        raise _bad(base, problem) from None


def _bad(base: Path, problem: OSError) -> ParaduxError:
    text = f"cannot make a directory in {base}: {problem.strerror}"
    return ParaduxError("bad-scratch", text, "give another directory")


def need_room(folder: Path, wanted: int) -> None:
    """Raise `ParaduxError` "no-room" unless so many bytes fit there, and some to spare."""
    free = shutil.disk_usage(folder).free
    if free < wanted + SPARE:
        raise ParaduxError(
            "no-room",
            f"a rehearsal needs {phrases.size(wanted + SPARE)} in {folder.parent}, where {phrases.size(free)} are free",
            "make room, or give a directory on another disk: paraductl drill --scratch DIR",
        )


def sweep(base: Path, mark: str, *, also_living: bool = False) -> None:
    """Remove what killed processes of this installation left in `base`; `also_living`: nobody else can be at work now."""
    with contextlib.suppress(OSError), directories.own(base) as held:
        for name in held.names():
            if name.startswith(_prefix(mark)) and (also_living or not _maker_lives(name, mark)):
                _remove_abandoned(held, name, also_living=also_living)


def _remove_abandoned(held: Directory, name: str, *, also_living: bool) -> None:
    """Remove it unless somebody works in it: its lock tells, where who is confined sees its maker in no /proc. Nobody begins meanwhile."""
    with contextlib.suppress(OSError), held.private(name) or contextlib.nullcontext() as found:
        if found is None or also_living or found.claim():
            _remove_ours(held, name)


def _remove_ours(held: Directory, name: str) -> None:
    with contextlib.suppress(OSError):
        if os.stat(name, dir_fd=held.descriptor, follow_symlinks=False).st_uid == os.geteuid():
            held.remove(name)


def _prefix(mark: str) -> str:
    return f"paradux-drill-{os.geteuid()}-{mark}-"


def _maker_lives(name: str, mark: str) -> bool:
    match = re.match(r"(\d+)-", name.removeprefix(_prefix(mark)))
    return match is not None and Path(f"/proc/{match[1]}").exists()


def _lies_in(path: Path, other: str) -> bool:
    here, there = Path(os.path.realpath(path)), Path(os.path.realpath(other))
    return here == there or there in here.parents
