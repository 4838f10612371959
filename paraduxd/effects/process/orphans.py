"""Processes that have left their parent, as gpg-agent does: whose children they become, and burying them.

Source: proc(5).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from paraduxd import linux
from paraduxd.api.frozen import dataclass

_LONGEST_STAT = 4096


@dataclass(frozen=True)
class Process:
    """A process as /proc/PID/stat tells of it; `state` "Z" is a dead one that nobody has waited for."""

    pid: int
    command: str
    state: str
    parent: int
    session: int


def adopt() -> None:
    """Become the parent of what descendants leave behind, so that it lives as long as this process and no longer.

    The supervisor ends every orphan that comes to it; a process that uses such servants has to keep them.
    """
    linux.adopt_orphans()


def reap(command: str) -> None:
    """Take leave of adopted processes of this name that are dead; for a name that this process never starts itself."""
    for process in processes():
        if (process.parent, process.command, process.state) == (os.getpid(), command, "Z"):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process.pid, os.WNOHANG)


def is_descendant(pid: int) -> bool:
    """Whether a process was started by this one, however many were in between, if it has adopted what they left (`adopt`).

    One of this user that has ended meanwhile counts as one: what it was cannot be told any more. 0 is one that this process cannot see.
    """
    seen: set[int] = {os.getpid()}
    while pid > 1 and pid not in seen:
        seen.add(pid)
        try:
            pid = int(_stat(str(pid)).rpartition(b")")[2].split()[1])
        except OSError:
            return True
        if pid == os.getpid():
            return True
    return False


def processes() -> Iterator[Process]:
    """Every process that there is."""
    for entry in os.listdir("/proc"):  # noqa: PTH208  Path objects for every process cost more than a kill
        if entry.isdigit() and (process := seen(int(entry))):
            yield process


def seen(pid: int) -> Process | None:
    """The process of this number; `None`: there is none, or it is hidden from this one."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        before, _, after = _stat(str(pid)).rpartition(b")")
        state, parent, _, session, *_ = after.split(maxsplit=4)
        return Process(pid, os.fsdecode(before.partition(b"(")[2]), state.decode(), int(parent), int(session))
    return None


def _stat(entry: str) -> bytes:
    """The one line of the kernel's, without what an object for each of so many files would cost."""
    descriptor = os.open(f"/proc/{entry}/stat", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _LONGEST_STAT)
    finally:
        os.close(descriptor)
