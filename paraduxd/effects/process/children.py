"""The supervisor's own processes (keeper, workers): started by exec, ended with everything that they have started.

Each gets a session of its own, so that killing the session also reaches programs in process groups of their own (rsync, ssh). Whatever has
left its session (gpg-agent) is adopted by the keeper or worker that it serves, and by us when that dies; then it is ended as a stray.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence

from paraduxd.effects.process import orphans
from paraduxd.effects.process.run import NOWHERE, environment, find

QUICK_START = {"PYDANTIC_DISABLE_PLUGINS": "__all__"}
"""Looking for plugins of pydantic would cost every transfer 40 ms."""

_KILL_ROUNDS = 500
"""A process that does not die within so many milliseconds hangs in the kernel; waiting for it would not help."""


class Children:
    """All living processes of this supervisor."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[int] = set()
        orphans.adopt()

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
        with self._lock:
            child = subprocess.Popen(
                list(argv),
                env=environment(QUICK_START),
                cwd=NOWHERE,
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
        with self._lock:
            self._known.discard(child.pid)
        for _ in range(_KILL_ROUNDS):
            if not self._kill_rest(child.pid):
                break
            time.sleep(0.001)
        return code

    def _kill_rest(self, session: int) -> bool:
        """Kill what is left of a session, and strays; whether there was anything. One look at all processes is for both: it takes a
        quarter of the time of a lock."""
        with self._lock:
            try:
                found = [each for each in orphans.processes() if _is_left(each, session) or self._is_stray(each)]
            except OSError:  # no descriptor is left to look with: somebody gives one back
                return True
            for each in found:
                _kill(each.pid)
            for each in filter(self._is_stray, found):
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(each.pid, 0)
        return bool(found)

    def _is_stray(self, process: orphans.Process) -> bool:
        return process.parent == os.getpid() and process.pid not in self._known


def _is_left(process: orphans.Process, session: int) -> bool:
    return process.session == session and process.state != "Z"


def kill_session(leader: int) -> None:
    """Kill every process of a session; repeats until none is left, because one may be starting another."""
    for _ in range(_KILL_ROUNDS):
        try:
            members = {each.pid for each in orphans.processes() if _is_left(each, leader)}
        except OSError:  # no descriptor is left to look with: somebody gives one back
            time.sleep(0.01)
            continue
        if not members:
            return
        for pid in members:
            _kill(pid)
        time.sleep(0.001)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
