"""The supervisor's own processes (keeper, workers): started by exec, ended with everything that they have started.

Each gets a session of its own, so that killing the session also reaches programs in process groups of their own (rsync, ssh). Whatever has
left its session (gpg-agent) becomes our child when its parent dies, because we are a subreaper, and is ended as a stray.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from paraduxd.effects.process import environment, find

_PR_SET_CHILD_SUBREAPER = 36

_QUICK_START = {"PYDANTIC_DISABLE_PLUGINS": "__all__"}
"""Looking for plugins of pydantic would cost every transfer 40 ms."""

_KILL_ROUNDS = 500
"""A process that does not die within so many milliseconds hangs in the kernel; waiting for it would not help."""


class Children:
    """All living processes of this supervisor."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[int] = set()
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def start(
        self,
        argv: Sequence[str],
        *,
        stdin: int = subprocess.DEVNULL,
        stdout: int | None = None,
        stderr: int | None = None,
        pass_fds: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a program (absolute path) in a session of its own; call it from a thread that lives as long as the child."""
        extra = {**_QUICK_START, **{name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}}
        with self._lock:
            child = subprocess.Popen(
                list(argv),
                env=environment(extra),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=tuple(pass_fds),
                start_new_session=True,
            )
            self._known.add(child.pid)
        return child

    def run(self, argv: Sequence[str], seconds: float = 60.0) -> int:
        """Run a program to its end, or kill it when that takes longer; gives its exit code."""
        child = self.start([find(argv[0]), *argv[1:]])
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
        return self.end(child)

    def end(self, child: subprocess.Popen[bytes]) -> int:
        """Kill what is left of the child's session, reap it and its strays; gives its exit code."""
        child.kill()
        code = child.wait()
        kill_session(child.pid)
        with self._lock:
            self._known.discard(child.pid)
            for stray in children_of(os.getpid()) - self._known:
                _kill(stray)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(stray, 0)
        return code


def kill_session(leader: int) -> None:
    """Kill every process of a session; repeats until none is left, because one may be starting another."""
    for _ in range(_KILL_ROUNDS):
        members = {pid for pid, _, session, state in _processes() if session == leader and state != "Z"}
        if not members:
            return
        for pid in members:
            _kill(pid)
        time.sleep(0.001)


def children_of(parent: int) -> set[int]:
    """The process ids of all children of a process."""
    return {pid for pid, its_parent, _, _ in _processes() if its_parent == parent}


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _processes() -> Iterator[tuple[int, int, int, str]]:
    """(pid, parent, session, state) of every process, from /proc/PID/stat (proc(5))."""
    for entry in os.listdir("/proc"):  # noqa: PTH208  Path objects for every process cost more than the kill
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
                yield int(entry), int(fields[1]), int(fields[3]), fields[0]
