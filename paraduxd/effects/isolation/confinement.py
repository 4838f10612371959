"""Shutting a process in with what it needs, before anything that comes from outside reaches it.

Who may mount covers what it must not see; who may not gives up the rights to it (Landlock). Either way nothing outside can be looked into,
no mount can be taken away, and of root's capabilities those stay that a transfer needs.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from paraduxd import linux
from paraduxd.api.frozen import dataclass
from paraduxd.effects.files import directories, existence
from paraduxd.effects.isolation import covers, landlock, privileges
from paraduxd.linux import Capability

log = logging.getLogger("paradux.confinement")

_ROOT = Path("/")


@dataclass(frozen=True)
class Own:
    """A path that the process works with.

    `whole`: whatever lies below belongs to it, even what is otherwise hidden; `made`: the process makes this directory if it is missing.
    """

    path: Path
    writable: bool = True
    whole: bool = False
    made: bool = False


@dataclass(frozen=True)
class Fence:
    """What is hidden: `private` from everybody, `others` because it is somebody else's; and what the process works with."""

    private: Sequence[Path] = ()
    others: Sequence[Path] = ()
    own: Sequence[Own] = ()


def confine(fence: Fence, *, mounts: bool = False, children_mount: bool = False) -> None:
    """Shut this process in for good; call it before it has threads. `mounts`: it goes on to mount a disk; `children_mount`: they may, too.

    Raises `OSError` when that does not succeed although it should, and `ParaduxError` "unsafe-directory".
    """
    _make_missing(fence)
    linux.no_new_privileges()
    covered = privileges.may_mount() and covers.private_namespace()
    if covered:
        with _step("covering what it must not see"):
            _make_in_memory(fence)
            hidden = [path for path in _covered(fence) if not path.is_relative_to(covers.SHARED_MEMORY)]
            covers.cover(hidden, [(own.path, own.writable) for own in fence.own])
    if landlock.is_available() and not mounts:
        with _step("Landlock"):
            _give_up_paths(fence, covered=covered)
    elif not covered:
        log.warning("A transfer can see what the daemon sees: it may not mount, and this kernel has no Landlock")
    if os.geteuid() == 0:
        more = {Capability.SYS_ADMIN}
        with _step("giving up rights of root"):
            privileges.keep_only(
                privileges.TRANSFER | (more if mounts else set()),
                privileges.TRANSFER | (more if children_mount else set()),
            )


@contextlib.contextmanager
def _step(what: str) -> Iterator[None]:
    """Say in an `OSError` what was being done."""
    try:
        yield
    except OSError as problem:
        raise OSError(problem.errno, f"{what}: {problem.strerror}") from None


def _give_up_paths(fence: Fence, *, covered: bool) -> None:
    if covered:
        landlock.confine(landlock.REFER, [landlock.Rule(_ROOT, landlock.REFER)])
    else:
        landlock.confine(landlock.everything(), _rules(fence, _temporary_files(fence)))


def _make_missing(fence: Fence) -> None:
    """What is not there yet and lies in something private: nobody could make it later."""
    for own in fence.own:
        if any(own.path.is_relative_to(folder) for folder in fence.private):
            with contextlib.suppress(OSError):
                own.path.mkdir(mode=0o700, parents=True, exist_ok=True)


def _make_in_memory(fence: Fence) -> None:
    """What is to be made in the memory that will be covered: made there later it would be gone with this process.

    Everybody can put a link there, and what is shown of it is what the link leads to: so no link of others is followed. Raises `OSError`,
    and `ParaduxError` "unsafe-directory".
    """
    for own in fence.own:
        if (own.made or own.whole) and own.path.is_relative_to(covers.SHARED_MEMORY):
            with contextlib.suppress(FileNotFoundError):
                directories.opened(own.path, directories.trusted(), make=own.made).close()


def _there(path: Path) -> Path:
    """The path, or the nearest one above it that exists."""
    return next(each for each in (path, *path.parents) if existence.is_there(each))


def _covered(fence: Fence) -> list[Path]:
    """The outermost of what is hidden and there, but nothing that is part of what the process works with or where it has to make that."""
    made_in = {_there(own.path) for own in fence.own}
    whole = [own.path for own in fence.own if own.whole]
    hidden = [*fence.private, *(path for path in fence.others if path not in made_in)]
    wanted = {
        path for path in hidden if existence.is_folder(path) and not any(path.is_relative_to(each) for each in whole)
    }
    return sorted(path for path in wanted if not wanted & set(path.parents))


def _temporary_files(fence: Fence) -> Iterator[Path]:
    """Where they go from here on; a directory of this process's own, if it could make none beside what is hidden."""
    usual = Path(tempfile.gettempdir())
    if not any(path.is_relative_to(usual) for path in _hidden(fence)):
        return
    folder = tempfile.TemporaryDirectory(prefix="paradux-")
    atexit.register(folder.cleanup)
    tempfile.tempdir = folder.name
    yield Path(folder.name)


def _hidden(fence: Fence) -> set[Path]:
    """What is there to be hidden, but what is in memory: who cannot cover that has to be able to make files beside it."""
    hidden = {path for path in (*fence.private, *fence.others) if existence.is_there(path)}
    return {path for path in hidden if not path.is_relative_to(covers.SHARED_MEMORY)}


def _rules(fence: Fence, more: Iterable[Path]) -> Iterator[landlock.Rule]:
    full = landlock.everything()
    yield from (landlock.Rule(path, full) for path in more)
    for own in fence.own:
        if not _leads_into(own.path, fence.private):
            yield landlock.Rule(_there(own.path), full if own.writable else landlock.READ)
    for path in _beside(_ROOT, _hidden(fence)):
        yield landlock.Rule(path, full)


def _leads_into(path: Path, private: Sequence[Path]) -> bool:
    """Whether a link on the way leads to what is private."""
    real = _there(path).resolve()
    return any(real.is_relative_to(folder) and not path.is_relative_to(folder) for folder in private)


def _beside(folder: Path, hidden: set[Path]) -> Iterator[Path]:
    """The largest trees in which nothing of `hidden` lies. Links are left out: what they lead to is in one of the trees."""
    above = {parent for path in hidden for parent in path.parents}
    if folder not in above:
        yield folder
        return
    with contextlib.suppress(OSError):
        for entry in sorted(folder.iterdir()):
            if entry not in hidden and not entry.is_symlink():
                yield from _beside(entry, hidden)
