"""The two ways to the daemon: rpyc for what holds no secret, frames of JSON straight to the keeper for the rest.

rpyc is imported only when a connection to the supervisor is made. Of what it can do, this uses one request: call the root's method
`call` with two texts and take a text back. No object of the other side is ever made here, and none of ours is offered.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self

from paraduxd.api import bounded_json, framing
from paraduxd.api.calls import JsonObject
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.paths import RunPlaces
from paraduxd.api.trust import distrust

if TYPE_CHECKING:
    from paraductl.daemon.rpyc_client import ValuesConnection

CONNECT_SECONDS = 5
"""Also for sending, which the daemon should never keep waiting."""

ENDS_SECONDS = 0.5
"""Between the end of its connections and that of a daemon."""


class SupervisorConnection:
    """A connection to `paraduxd.sock`; opened again when the daemon has closed it between two calls."""

    def __init__(self, run: RunPlaces) -> None:
        """Connect; raises `ParaduxError` with exit code 4 when that is not possible."""
        self._path = run.supervisor_socket
        self._connection = self._connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, name: str, /, **arguments: object) -> JsonObject:
        """The reply to a call of the contract `SupervisorCalls`; raises the `ParaduxError` that the daemon answers with."""
        if self._connection.ended():
            self.close()
            self._connection = self._connect()
        try:
            text = self._connection.call(name, json.dumps(arguments))
        except (EOFError, OSError) as problem:
            why = _lost(problem, self._daemon)
            self.close()
            raise why from None
        return _reply(text)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _connect(self) -> ValuesConnection:
        from paraductl.daemon.rpyc_client import ValuesConnection

        channel = _connect(self._path)
        self._daemon = _pid_of(channel)
        return ValuesConnection(channel)


class KeeperConnection:
    """A connection to `keeper.sock`: the keeper itself answers, and is started by connecting."""

    def __init__(self, run: RunPlaces) -> None:
        """Connect; raises `ParaduxError` with exit code 4 when that is not possible."""
        self._channel = _connect(run.keeper_socket)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, name: str, on_note: Callable[[str], None] | None = None, /, **arguments: object) -> JsonObject:
        """The reply to a call of the contract `KeeperCalls`, however long it takes; `on_note` gets what the keeper tells meanwhile.

        Raises the `ParaduxError` that the keeper answers with, `wire.ClosedError` when it has gone (locked, for example).
        """
        try:
            framing.send(self._channel, {"call": name, "arguments": arguments})
            while True:
                message = framing.receive(self._channel)
                if message.get("event") != "note":
                    return _checked(message)
                if on_note is not None:
                    on_note(str(message.get("text", "")))
        except OSError:
            raise framing.ClosedError from None

    def close(self) -> None:
        """Hang up."""
        self._channel.close()


def _connect(path: Path) -> socket.socket:
    _check_folder(path.parent)
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # The kernel's limit, not Python's: with that one, connecting fails at once while many others wait to be accepted.
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", CONNECT_SECONDS, 0))
        channel.connect(str(path))
    except OSError as problem:
        channel.close()
        raise _unreachable(path, problem) from None
    return channel


def _check_folder(folder: Path) -> None:
    """Whoever owns the run directory, or can rename it, gets every passphrase: only root, or the caller, may."""
    if not os.path.exists(folder):  # noqa: PTH110 - one that we may not even look at is no error here
        return
    if reason := distrust(folder, frozenset({0, os.geteuid()}), sticky=True):
        raise ParaduxError(
            "untrusted-run-directory",
            f"the run directory {folder} is not used: {reason}",
            "it must belong to root or to you, and nobody else may write to it; see --run and PARADUX_RUN",
            ExitCode.UNREACHABLE,
        )


def _unreachable(path: Path, problem: OSError) -> ParaduxError:
    start = "start it: systemctl start paraduxd, or paraduxd --state DIR --run DIR"
    if isinstance(problem, PermissionError):
        reason = f"you may not use {path}"
        start = "join the group paradux (as root: adduser NAME paradux) and log in again"
    elif isinstance(problem, FileNotFoundError | ConnectionRefusedError):
        reason = f"nothing listens on {path}"
    else:
        reason = f"{path}: {problem.strerror or problem}"
    return ParaduxError("unreachable", f"cannot reach paraduxd: {reason}", start, ExitCode.UNREACHABLE)


def _pid_of(channel: socket.socket) -> int:
    """The process that listens (SO_PEERCRED, unix(7))."""
    size = struct.calcsize("iII")
    pid: int = struct.unpack("iII", channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[0]
    return pid


def _lost(problem: Exception, daemon: int) -> ParaduxError:
    """Why there was no answer, as far as the process of the daemon shows it."""
    late = isinstance(problem, TimeoutError)
    state = process_state(daemon, 0 if late else ENDS_SECONDS)
    if late and state:
        what = f"paraduxd (process {daemon}) does not answer: it {_STATES.get(state, 'is busy')}"
        hint = "see whether this machine is short of memory or its disk is slow, and try again"
    elif state:
        what, hint = "paraduxd closed the connection before it answered", "it may have too many at once: try again"
    else:
        what = "paraduxd ended before it answered"
        hint = "see whether it was stopped or killed, and start it again: systemctl status paraduxd"
    return ParaduxError("unreachable", what, hint, ExitCode.UNREACHABLE)


_STATES = {
    "D": "waits for a disk or a network file system",
    "T": "is stopped, by a signal or a debugger",
    "t": "is stopped, by a signal or a debugger",
}
"""What a letter of proc(5) means for who waits."""


def process_state(pid: int, patience: float) -> str:
    """The letter for the state of a process in proc(5); "" where there is none any more, or it ends within so many seconds."""
    try:
        with os.fdopen(os.pidfd_open(pid), "rb", 0) as watched:
            select.select([watched], [], [], patience)
        letter = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0].decode()
    except (OSError, IndexError):
        return ""
    return "" if letter in "ZX" else letter


def _reply(text: str) -> JsonObject:
    try:
        return _checked(bounded_json.parse(text, "the daemon's answer", bounded_json.CONFIG))
    except bounded_json.UnfitError:
        return _checked(None)


def _checked(message: object) -> JsonObject:
    """The reply in a message; raises the error in it."""
    match message:
        case {"reply": dict(reply)}:
            return reply
        case {"error": dict(error)}:
            raise ParaduxError.from_wire(error)
    raise ParaduxError(
        "bad-reply", "the daemon's answer is not understood", "are daemon and client of the same version?"
    )
