"""Tells of each program that is started on this machine, as the kernel tells root (proc connector: linux/cn_proc.h, linux/connector.h)."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

_NETLINK_CONNECTOR, _CN_IDX_PROC, _CN_VAL_PROC = 11, 1, 1
_NLMSG_DONE, _LISTEN, _IGNORE, _EXEC = 3, 1, 2, 2
_SO_RCVBUFFORCE = 33
_BUFFER = 16 << 20
_NETLINK, _CONNECTOR = struct.Struct("=IHHII"), struct.Struct("=IIIIHH")
_EVENT = struct.Struct("=IIQII")
"""What has happened, the processor, nanoseconds, the process, its thread group."""

_PAUSE = 0.01
"""Seconds between two looks at everything, for who is told nothing."""


class Starts:
    """While it is open, `look` is called from a thread with the process id of each program that runs or is started."""

    def __init__(self, look: Callable[[int], None]) -> None:
        self._look = look
        self._ending = threading.Event()
        self._told = _listening()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._look_at_all()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        if self._told is not None:
            _say(self._told, _IGNORE)
            self._told.close()
        self._look_at_all()

    def _look_at_all(self) -> None:
        for place in Path("/proc").glob("[0-9]*"):
            self._look(int(place.name))

    def _follow(self) -> None:
        while not self._ending.is_set():
            if self._told is None:
                self._look_at_all()
                self._ending.wait(_PAUSE)
            elif select.select([self._told], [], [], 0.1)[0]:
                try:
                    self._hear(self._told.recv(4096))
                except OSError:  # ENOBUFS: there was more than fits
                    self._look_at_all()

    def _hear(self, message: bytes) -> None:
        what, _, _, pid, _ = _EVENT.unpack_from(message, _NETLINK.size + _CONNECTOR.size)
        if what == _EXEC:
            self._look(pid)


def command_line(pid: int) -> bytes:
    """The arguments of a process, each ended by a zero; nothing when it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _listening() -> socket.socket | None:
    """Nothing where the kernel does not tell: to who is not root it refuses, in a container it says no word, not even that it has heard."""
    told = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _NETLINK_CONNECTOR)
    try:
        told.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        told.bind((0, _CN_IDX_PROC))
        _say(told, _LISTEN)
        if select.select([told], [], [], 1.0)[0]:
            return told
    except OSError:
        pass
    told.close()
    return None


def _say(told: socket.socket, what: int) -> None:
    operation = struct.pack("=I", what)
    wrapped = _CONNECTOR.pack(_CN_IDX_PROC, _CN_VAL_PROC, 0, 0, len(operation), 0) + operation
    told.send(_NETLINK.pack(_NETLINK.size + len(wrapped), _NLMSG_DONE, 0, 0, 0) + wrapped)
