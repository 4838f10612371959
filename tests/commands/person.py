"""A person at a terminal: starts a program there, reads the screen, presses keys."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

PATIENCE = 30.0
"""Seconds until a person gives up; nothing is concluded from anything faster."""


class AtTerminal:
    """Somebody at a terminal with one program, and what it shows.

    `screen`: what was not seen yet; `passed`: what was on it before what was last seen.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: dict[str, str],
        pass_fds: Sequence[int] = (),
        columns: int = 100,
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        self.screen = self.passed = b""
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            pass_fds=pass_fds,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one thread
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._master)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def sees(self, text: str) -> None:
        """Wait until the text is on the screen, and forget the screen up to there."""
        end = time.monotonic() + PATIENCE
        while text.encode() not in self.screen:
            ready, _, _ = select.select([self._master], [], [], max(0.0, end - time.monotonic()))
            piece = b""
            with contextlib.suppress(OSError):
                piece = os.read(self._master, 65536) if ready else b""
            if not piece:
                raise AssertionError(f"{text!r} did not come; the screen: {self.screen.decode(errors='replace')}")
            self.screen += piece
        self.passed, _, self.screen = self.screen.partition(text.encode())

    def types(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def hangs_up(self) -> None:
        """Close the terminal's window."""
        os.close(self._master)
        self._master = os.open(os.devnull, os.O_RDWR)

    def children(self) -> set[int]:
        """Processes below the client that still run."""
        return descendants(self.process.pid)


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # it has just ended
            for child in map(int, task.read_text().split()):
                found |= {child} | descendants(child)
    return found


def wait_until_gone(pids: set[int]) -> None:
    end = time.monotonic() + PATIENCE
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < end, f"still running: {pids}"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def files_with(canary: str, folders: Sequence[Path], since: float) -> list[Path]:
    """Files changed since then whose content or name holds the canary, hidden ones included."""
    found = []
    for path in (path for folder in folders for path in _new_files(folder, since - 1)):
        with contextlib.suppress(OSError):
            if canary in path.name or canary.encode() in path.read_bytes():
                found.append(path)
    return found


SHARED = (Path("/tmp"), Path("/var/tmp"))
"""Folders where everybody's things lie: folders in them in which nothing was made or renamed since then are not ours."""


def _new_files(folder: Path, since: float) -> Iterator[Path]:
    below = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    if folder not in SHARED or entry.stat(follow_symlinks=False).st_mtime >= since:
                        below.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime >= since:
                    yield Path(entry.path)
    for each in below:
        yield from _new_files(each, since)


class Person(AtTerminal):
    """Runs the client with a canary in its config, as `python -m tests.commands.fake_paraductl`."""

    def __init__(
        self, words: Sequence[str], canary: str, environment: dict[str, str], around: Sequence[str] = ()
    ) -> None:
        ours, theirs = os.pipe()
        os.write(theirs, canary.encode())
        os.close(theirs)
        command = [*around, sys.executable, "-m", "tests.commands.fake_paraductl", *words]
        super().__init__(command, {**os.environ, "TERM": "xterm", "CANARY_FD": str(ours), **environment}, (ours,))
        os.close(ours)
