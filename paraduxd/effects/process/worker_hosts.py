"""Where workers run: as children of whoever needs one, or in systemd units of their own that may do no more than a transfer needs.

Both get the same: an order on standard input, a place for reports and one for words. A unit is started by a connection to its socket
(systemd.socket(5), Accept=yes), which is the worker's life line. Its first packet carries descriptors, and as JSON the numbers that
they shall have in the worker. Hanging up asks the worker to end, any later packet ends it at once. systemd closes the other end when
nothing of the unit runs any more.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from paraduxd.api import bounded_json
from paraduxd.core.runs.orders import Order
from paraduxd.effects.process.run import python, sealed_file

WORKER = python("paraduxd.worker.main")

LIFE_LINE = socket.SOCK_SEQPACKET

TRANSFER, DISK = "transfer", "disk"
"""The sockets: for what goes over the network or between directories, and for what opens a disk or a stick."""

_DESCRIPTORS = "/proc/self/fd/"

_COMMON = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108  looked at, not written to
"""What systemd gives a unit one of its own of (PrivateTmp=, TemporaryFileSystem=): what lies there vanishes with the unit."""


class Start(Protocol):
    """Starts a program as a child in a session of its own; the last ones are descriptors that it inherits."""

    def __call__(
        self, argv: Sequence[str], /, *, stdin: int, stdout: int, stderr: int, pass_fds: Sequence[int]
    ) -> subprocess.Popen[bytes]: ...


End = Callable[["subprocess.Popen[bytes]"], int]


class Running(Protocol):
    """One worker."""

    @property
    def ended(self) -> int:
        """A descriptor that can be read from when it may have ended."""

    def has_ended(self) -> bool:
        """Whether it has; asked after `ended` could be read from."""

    def ask_to_end(self) -> None:
        """Let it put away what it has begun, and end."""

    def kill(self) -> None:
        """End it at once."""

    def reap(self) -> int | None:
        """Once it has ended, or was killed: see that nothing of it is left. Gives the exit code (negative: signal) if that is known."""


class Host(Protocol):
    """Starts workers."""

    def start(self, order: Order, output: int, errors: int, descriptors: Sequence[int] = ()) -> Running:
        """Start one that writes to these descriptors, and finds others under the numbers that they have here. Raises `OSError`."""


class ChildHost:
    """Workers are children; `start` and `end` are those of the process that they are children of, whose number follows the command.

    `private`: see `Order`.
    """

    def __init__(self, start: Start, end: End, command: Sequence[str], private: Sequence[Path] = ()) -> None:
        self._private = tuple(map(str, private))
        self._start = start
        self._end = end
        self._command = tuple(command)

    def start(self, order: Order, output: int, errors: int, descriptors: Sequence[int] = ()) -> Running:
        """See `Host`; call it from a thread that lives as long as the worker."""
        order = _outside(order, self._private)
        with sealed_file(order.to_json().encode()) as (stdin, _):
            argv = (*self._command, str(os.getpid()))
            process = self._start(argv, stdin=stdin, stdout=output, stderr=errors, pass_fds=descriptors)
        try:
            return _Child(process, self._end)
        except OSError:
            self._end(process)
            raise


class _Child:
    def __init__(self, process: subprocess.Popen[bytes], end: End) -> None:
        self._process = process
        self._end = end
        self.ended = os.pidfd_open(process.pid)

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def ask_to_end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        self._process.kill()

    def reap(self) -> int | None:
        with contextlib.suppress(OSError):
            os.close(self.ended)
        return self._end(self._process)


class UnitHost:
    """Workers run in units that `folder`/transfer and `folder`/disk start. `private`: see `Order`."""

    def __init__(self, folder: Path, private: Sequence[Path] = ()) -> None:
        self._folder = folder
        self._private = tuple(map(str, (folder, *private)))

    def start(self, order: Order, output: int, errors: int, descriptors: Sequence[int] = ()) -> Running:
        """See `Host`."""
        line = socket.socket(socket.AF_UNIX, LIFE_LINE)
        try:
            line.connect(str(self._folder / (DISK if order.disk else TRANSFER)))
            order = _outside(order, self._private)
            with (
                _found(order) as (found, transport),
                sealed_file(found.to_json().encode()) as (stdin, _),
            ):
                given = {number: number for number in (*descriptors, *transport)}
                send_descriptors(line, {0: stdin, 1: output, 2: errors, **given})
        except BaseException:
            line.close()
            raise
        line.setblocking(False)
        return _InUnit(line)


def _outside(order: Order, private: Sequence[str]) -> Order:
    """The order with what a worker must not see, and with what it must find as it is here."""
    common = {}
    for folder in _COMMON:
        with contextlib.suppress(OSError):
            status = os.stat(folder)  # noqa: PTH116
            common[folder] = (status.st_dev, status.st_ino)
    return replace(order, private=(*order.private, *private), common=common)


@contextlib.contextmanager
def _found(order: Order) -> Iterator[tuple[Order, tuple[int, ...]]]:
    """The order with its transport file as a descriptor: the unit does not see the directory. Nothing is read from it here."""
    if not order.transport or order.transport.startswith(_DESCRIPTORS):
        yield order, ()
        return
    try:
        opened = os.open(order.transport, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:  # the worker says so
        yield order, ()
        return
    try:
        yield replace(order, transport=f"{_DESCRIPTORS}{opened}"), (opened,)
    finally:
        os.close(opened)


class _InUnit:
    def __init__(self, line: socket.socket) -> None:
        self._line = line

    @property
    def ended(self) -> int:
        return self._line.fileno()

    def has_ended(self) -> bool:
        try:
            return not self._line.recv(1)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def ask_to_end(self) -> None:
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_WR)

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            self._line.send(b"!")
        self.ask_to_end()

    def reap(self) -> int | None:
        self._line.close()
        return None


def send_descriptors(line: socket.socket, descriptors: dict[int, int]) -> None:
    """Send open files with the numbers that the receiver shall give them."""
    rights = array.array("i", descriptors.values())
    line.sendmsg([json.dumps(list(descriptors)).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])


def receive_descriptors(line: socket.socket) -> dict[int, int]:
    """What `send_descriptors` sent: the wanted number of each open file, and the one that it has now. Raises `ValueError`, `OSError`."""
    packet, descriptors, flags, _ = socket.recv_fds(line, 4096, 64, socket.MSG_CMSG_CLOEXEC)
    if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
        raise ValueError("too many descriptors")
    return dict(zip(map(int, bounded_json.parse(packet, "the numbers of descriptors")), descriptors, strict=True))
