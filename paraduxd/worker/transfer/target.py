"""Where a restore writes: a private directory inside the target, from which everything is moved to its place once it is whole.

TARGET/.paradux-restoring/       of this user, mode 0700: nobody else can exchange or see what is being written
    restores                     what is being restored, as JSON
    data/                        what has come so far; a restore of the very same that comes later goes on with it

All of it goes by descriptor, so that it does not matter what the owner of the target does with these names meanwhile.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.files import directories
from paraduxd.effects.files.directories import Directory

WORK = ".paradux-restoring"
MARK = "restores"
DATA = "data"

EARLIER_MARK = ".paradux-restore"
"""A file in the target itself, which held what MARK holds: 0.1.0 restored beside it."""

_LONGEST_MARK = 16 << 20


@contextlib.contextmanager
def prepared(path: Path, what: Sequence[str], uids: frozenset[int], *, whole: bool) -> Iterator[Path]:
    """A directory to restore into, whose contents are in place in the target when the context ends well.

    The target is new, empty, or holds an interrupted restore of the very same (`what`); nothing in it is overwritten. `whole`: it gets
    mode, owner and times of the root of the dataset as well. Nobody but `uids` may be able to exchange it. Raises `ParaduxError`
    "unsafe-directory", "not-empty" and "bad-target".
    """
    with contextlib.ExitStack() as stack:
        with _translated_errors(path):
            target = stack.enter_context(directories.opened(path, uids, make=True))
            work = stack.enter_context(_begun(target, json.dumps(list(what)).encode()))
        try:
            # Through the outer directory: a program that looks at the last part of the path sees a directory and no link.
            with _named(handed := work.folder.path / DATA, work.data.shown):
                yield handed
        except BaseException as problem:
            work.give_up(problem)
            raise
        with _translated_errors(path):
            work.finish(whole=whole)


@dataclass
class _Work:
    """The directory below the target in which the work is done."""

    target: Directory
    folder: Directory
    data: Directory
    again: bool

    def finish(self, *, whole: bool) -> None:
        attributes = self.data.attributes()
        self.data.unlock()
        for name in self.data.names():
            if self.again:
                self.target.remove(name)
            self._move(name)
        if whole:
            self.target.take(attributes)
        self._clear()

    def _move(self, name: str) -> None:
        try:
            self.data.move(name, self.target)
        except FileExistsError:
            raise _not_empty(self.target) from None

    def give_up(self, problem: BaseException) -> None:
        """When nothing was restored, the next attempt, from another place, finds an empty directory."""
        with contextlib.suppress(OSError):
            if not self.data.names():
                self._clear()
            elif isinstance(problem, ParaduxError):
                where = f"what came back until then is in {self.data.shown}, and trying again goes on there"
                problem.hint = f"{problem.hint}; {where}" if problem.hint else where

    def _clear(self) -> None:
        for name in self.folder.names():
            self.folder.remove(name)
        self.target.remove(WORK)
        self.target.remove(EARLIER_MARK)


@contextlib.contextmanager
def _begun(target: Directory, mark: bytes) -> Iterator[_Work]:
    """The work of an earlier attempt at the same, or a new one."""
    with contextlib.ExitStack() as stack:
        if folder := target.private(WORK):
            stack.enter_context(folder)
        begun = folder is not None and DATA in folder.names()
        again = begun and folder is not None and folder.read(MARK, _LONGEST_MARK) == mark
        earlier = target.read(EARLIER_MARK, _LONGEST_MARK) == mark
        if not (again or earlier) and set(target.names()) - (set() if begun or folder is None else {WORK}):
            raise _not_empty(target, begun=begun)
        if folder is None or not again:
            target.remove(WORK)
            folder = stack.enter_context(target.fresh(WORK))
            folder.write(MARK, mark)
        fresh = DATA not in folder.names()
        data = stack.enter_context(folder.make(DATA))
        if fresh:
            data.take(target.attributes())  # which it keeps where the version tells none
        yield _Work(target, folder, data, again or earlier)


def _not_empty(target: Directory, *, begun: bool = False) -> ParaduxError:
    if begun:
        text = f"{target.shown} is not empty: {WORK} in it is what an interrupted restore of something else left"
        return ParaduxError("not-empty", text, "remove that, or give another directory with --to")
    return ParaduxError("not-empty", f"{target.shown} is not empty", "give a new or an empty directory with --to")


@contextlib.contextmanager
def _translated_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise ParaduxError(
            "bad-target", f"cannot write into {path}: {problem.strerror}", "give another directory with --to"
        ) from None


@contextlib.contextmanager
def _named(handed: Path, shown: Path) -> Iterator[None]:
    """Sentences say where things are, not through which descriptor they were written."""
    try:
        yield
    except ParaduxError as problem:
        for name in ("message", "hint"):
            setattr(problem, name, getattr(problem, name).replace(str(handed), str(shown)))
        raise
