"""How much memory a program may take that reads what others send: a server, a repository or a kit can make it take any.

The limit is the kernel's (RLIMIT_DATA, setrlimit(2)), so that a program which reads without an end is refused memory and ends. Programs
written in Go are told a little less besides (GOMEMLIMIT), which makes them collect garbage before that. Honest work grows with the
number of files: restic holds its whole index, rsync a list. What the last pull counted is allowed for, and so is what the owner says
(`memory` of a source or destination), for places that hold more than this machine knows of. A machine that was recovered has counted
nothing yet, and must not fail to restore for that: there, programs may take half of its memory.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

MIB = 1 << 20

_LEAST = {
    "gpg": 200,
    "rclone": 280,
    "restic": 230,
    "rsync": 280,
    "ssh": 200,
    "ssh-keyscan": 200,
    "tar": 280,
}
"""MiB of data. What is in memory is up to 90 MiB more for a moment; restic and rclone count 150 and 100 for nothing, of which they
use a third."""

_GO = frozenset({"rclone", "restic"})

_WITHOUT_A_SCREEN = {"TCELL_MINIMIZE": "1"}
"""rclone makes a table of how wide characters are, for a screen that it never draws: a third of the time of each start.
restic hands it on to the rclone that it starts."""

_PER_FILE = 1024
"""Bytes; restic takes 600 for a small file when it backs up a million of them, rsync 100."""

_MOST_FILES = 50_000_000

_FEW_NAMES = 250_000
"""Some 300 bytes of memory each."""

_LINE = 200
"""Bytes of the checksum and the name of a file, on average."""

_SPARE = 100
"""MiB between the limit and what Go may hold: its own tables, the program itself, what is about to be collected."""

_STACK = MIB
"""Bytes: every thread of a Go program counts with the whole of its stack."""

_PER_CPU = 4
"""MiB."""


@dataclass
class _Allowance:
    """What is known of the work of this process: it has one order to carry out."""

    files: int = 0
    mebibytes: int = 0


_allowed = _Allowance()


def allow(files: object, mebibytes: object, *, recovered: bool = False) -> None:
    """Let programs take what so many files need, or so many MiB if that is more; anything but a number counts as 0.

    `recovered`: this machine took the place of the one that counted them.
    """
    _allowed.files = min(files, _MOST_FILES) if type(files) is int and files > 0 else 0
    _allowed.mebibytes = mebibytes if type(mebibytes) is int and mebibytes > 0 else 0
    if recovered and files is None:
        _allowed.mebibytes = max(_allowed.mebibytes, _half())


def _half() -> int:
    """MiB of half of the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2 // MIB


def most_names() -> int:
    """So many names of files this process may hold at once, of what others list."""
    return max(_FEW_NAMES, 2 * _allowed.files)


def most_checksums() -> int:
    """Bytes that a file may have with the checksums of all files of a version."""
    return max(_FEW_NAMES * _LINE, 2 * _LINE * _allowed.files)


def limit(program: str) -> int | None:
    """MiB that the program may take; `None`: any."""
    least = _LEAST.get(program)
    if least is None:
        return None
    cpus = _PER_CPU * (os.cpu_count() or 1) if program in _GO else 0
    return max(least + cpus + _allowed.files * _PER_FILE // MIB, _allowed.mebibytes)


def limited(command: Sequence[str]) -> tuple[str, ...]:
    """What comes before a command so that it keeps to its limit (prlimit(1) of util-linux); nothing where there is none."""
    mebibytes = limit(command[0])
    if mebibytes is None:
        return ()
    stack = (f"--stack={_STACK}",) if command[0] in _GO else ()
    return ("prlimit", f"--data={mebibytes * MIB}", *stack, "--")


def environment(program: str) -> dict[str, str]:
    """What the program is told of it."""
    mebibytes = limit(program)
    if program not in _GO or mebibytes is None:
        return {}
    return {"GOMEMLIMIT": f"{mebibytes - _SPARE}MiB", **_WITHOUT_A_SCREEN}
