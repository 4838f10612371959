"""One restic repository, opened: where it is, and how restic is started on it.

The repository password is a file in memory, the way to an SSH server likewise; neither an argument nor a variable of the
environment carries a secret. resticpy builds commands and reads results where it can; it keeps no repository or password of ours
in its globals, and starts nothing itself: its executor is replaced by the one door for starting programs. What must be streamed
(backup, restore, ls) or has options that it lacks (tag, prune, forget of several versions) is started here.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from restic.internal import command_executor

from paraduxd.api.errors import ParaduxError
from paraduxd.core.settings import SshAddress, SshCredentials
from paraduxd.effects import process, ssh
from paraduxd.protocols import restic_failures
from paraduxd.protocols.base import Context

OnLine = Callable[[str], None]

NO_LOCK = "--no-lock"
"""Read without a lock in the repository: a lock is a change, and one that a killed restic leaves behind."""

_RETRIES = 5
"""So often restic may try one thing again (about seven seconds); left alone, 0.14 goes on for 15 minutes, whatever the reason."""

_FIRST_LINES, _LAST_LINES = 1000, 50
"""Lines of standard error that are kept."""


@dataclass(frozen=True)
class Ran:
    """How restic ended: exit code (negative: signal), standard output unless it was streamed, standard error.

    `cut`: there were more errors than were kept.
    """

    code: int
    output: tuple[str, ...]
    errors: tuple[str, ...]
    cut: bool


@dataclass(frozen=True)
class _Link:
    """The SSH server ("host:port") that restic speaks to, and what ssh writes (to a file in memory).

    restic passes on what ssh says, but often ends before it has done so.
    """

    server: str
    log: int

    def take_log(self) -> bytes:
        """What ssh wrote since the last time."""
        text = os.pread(self.log, 1 << 20, 0)
        os.ftruncate(self.log, 0)
        return text


@dataclass(frozen=True)
class Repository:
    """How to start restic: `where` names the repository in sentences, `options` come before each command.

    `password` is the descriptor that restic inherits.
    """

    where: str
    options: tuple[str, ...]
    password: int
    env: dict[str, str] = field(default_factory=dict)
    link: _Link | None = None

    def run(
        self,
        *command: str,
        cwd: Path | None = None,
        on_line: OnLine | None = None,
        allowed: Collection[int] = (0,),
    ) -> Ran:
        """Run one restic command; `on_line` gets each line of standard output as it comes.

        A lock that a killed restic left behind is removed and the command run again. Raises `ParaduxError` for other exit
        codes than the `allowed`.
        """
        ran = self._run(command, cwd, on_line)
        problem = self._problem(ran, allowed)
        if problem is not None and problem.code == "busy" and NO_LOCK not in self.options:
            self._run(("unlock",), None, None)
            ran = self._run(command, cwd, on_line)
            problem = self._problem(ran, allowed)
        if problem is not None:
            raise problem
        return ran

    def library(self, function: Callable[..., Any], **arguments: Any) -> Any:
        """Call a function of resticpy on this repository; raises `ParaduxError` as `run` does."""
        theirs = command_executor.execute
        command_executor.execute = self._execute
        try:
            return function(**arguments)
        finally:
            command_executor.execute = theirs

    def _execute(self, command: Sequence[str]) -> str:
        """What resticpy calls with ["restic", "--json", subcommand, ...]; gives standard output."""
        return "\n".join(self.run(*command[2:]).output)

    def _run(self, command: Sequence[str], cwd: Path | None, on_line: OnLine | None) -> Ran:
        lines: list[str] = []
        running = process.start(
            ["restic", *self.options, *command], extra_env=self.env, pass_fds=(self.password,), cwd=cwd
        )
        errors = _Errors(running)
        try:
            for line in _lines(running.stdout):
                (on_line or lines.append)(line)
            code = running.wait()
        except BaseException:
            process.kill_group(running)
            raise
        kept = errors.kept()
        return Ran(code, tuple(lines), kept, len(kept) == _FIRST_LINES + _LAST_LINES)

    def _problem(self, ran: Ran, allowed: Collection[int]) -> ParaduxError | None:
        if ran.code in allowed:
            return None
        problem = restic_failures.problem(ran.code, ran.errors, self.where)
        if self.link is None or problem.code not in restic_failures.UNCLEAR:
            return problem
        return ssh.failure(self.link.take_log(), self.link.server) or (
            ssh.connection_lost(self.link.server) if restic_failures.lost(ran.errors) else problem
        )


class _Errors:
    """Reads the standard error of a restic, and ends one that tries the same thing again and again."""

    def __init__(self, running: subprocess.Popen[bytes]) -> None:
        self._running = running
        self._first: list[str] = []
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def kept(self) -> tuple[str, ...]:
        """The first and the last lines, once restic has ended."""
        self._thread.join(timeout=5)
        return (*self._first, *self._last)

    def _read(self) -> None:
        retries = 0
        for line in _lines(self._running.stderr):
            (self._first if len(self._first) < _FIRST_LINES else self._last).append(line)
            retries += " returned error, retrying after " in line
            if retries > _RETRIES:
                self._running.kill()


def _lines(stream: IO[bytes] | None) -> Iterator[str]:
    """The lines of a pipe, without line feeds."""
    if stream is not None:
        for line in stream:
            yield line.decode(errors="replace").rstrip("\n")


@contextlib.contextmanager
def opened(
    place: str | SshAddress, credentials: SshCredentials, password: str, context: Context
) -> Iterator[Repository]:
    """The repository at a local path or on an SSH server; what restic needs to get in is gone when the context ends."""
    with contextlib.ExitStack() as stack:
        descriptor, path = stack.enter_context(process.sealed_file(password.encode("utf-8", "surrogateescape")))
        lock = (NO_LOCK,) if context.read_only else ()
        options = ("--json", "--password-file", path, *lock, *_cache(context.cache))
        env = {"RESTIC_PROGRESS_FPS": "1"}
        if isinstance(place, str):
            yield Repository(place, (*options, "--repo", place), descriptor, env)
            return
        server = f"{place.host}:{place.port}"
        access = stack.enter_context(ssh.access(place, credentials, context.host_keys.get(server, ())))
        log, _ = stack.enter_context(process.sealed_file(b""))
        command = " ".join((*access.command, "-E", process.anywhere_path(log), access.host, "-s", "sftp"))
        remote = ("--option", f"sftp.command={command}", "--repo", f"sftp:{access.host}:{place.path}")
        where = f"{place.path} on {server}"
        yield Repository(where, (*options, *remote), descriptor, {**env, **access.env}, _Link(server, log))


def _cache(folder: Path | None) -> tuple[str, ...]:
    return ("--no-cache",) if folder is None else ("--cache-dir", str(folder), "--cleanup-cache")
