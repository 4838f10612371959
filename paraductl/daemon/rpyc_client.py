"""The client's end of an rpyc connection, reduced to values; the only module of the client that imports rpyc (50 ms)."""

from __future__ import annotations

import select
import socket

from rpyc.core import brine, consts
from rpyc.core.channel import Channel
from rpyc.core.protocol import Connection
from rpyc.core.service import VoidService
from rpyc.core.stream import SocketStream

from paraduxd.api.errors import ParaduxError
from paraduxd.api.framing import MAX_FRAME
from paraduxd.api.frozen import dataclass

ANSWER_SECONDS = 30
"""Every call of the supervisor answers at once; this is for a machine in trouble."""

CONFIG = {
    **dict.fromkeys(
        (
            "allow_safe_attrs",
            "allow_exposed_attrs",
            "allow_getattr",
            "allow_setattr",
            "allow_delattr",
            "allow_pickle",
            "include_local_traceback",
            "include_local_version",
            "import_custom_exceptions",
            "instantiate_custom_exceptions",
            "propagate_KeyboardInterrupt_locally",
            "log_exceptions",
            "bind_threads",
        ),
        False,
    ),
    "sync_request_timeout": ANSWER_SECONDS,
}


@dataclass(frozen=True)
class Reference:
    """An object of the daemon, by its name and numbers; good for nothing but sending it back."""

    pack: tuple[object, ...]


class PlainChannel(Channel):  # type: ignore[misc]
    """rpyc's frames without compression, at most `MAX_FRAME` bytes."""

    __slots__ = ()

    def recv(self) -> bytes:
        """The next frame."""
        length, compressed = self.FRAME_HEADER.unpack(self.stream.read(self.FRAME_HEADER.size))
        if compressed or length > MAX_FRAME:
            raise EOFError
        frame: bytes = self.stream.read(length + len(self.FLUSHER))
        return frame[:length]


class ValuesConnection(Connection):  # type: ignore[misc]
    """Asks, and answers nothing."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        super().__init__(VoidService(), PlainChannel(SocketStream(connection), compress=False), CONFIG)
        self._reference: object = None

    def call(self, name: str, arguments: str) -> str:
        """Call the daemon; raises `EOFError` or `OSError` (a `TimeoutError` when it takes too long), `ParaduxError`."""
        try:
            if self._reference is None:
                self._reference = self.sync_request(consts.HANDLE_GETROOT)
            reply = self.sync_request(consts.HANDLE_CALLATTR, self._reference, "call", (name, arguments), ())
        except (EOFError, OSError, ParaduxError):
            raise
        except Exception:  # whatever rpyc stumbles over in what it was sent
            raise EOFError from None
        if type(reply) is not str:
            raise EOFError
        return reply

    def ended(self) -> bool:
        """Whether the daemon has hung up: it sends nothing unasked, so that anything to read is the end."""
        return self.closed or bool(select.select([self._socket], [], [], 0)[0])

    def close(self) -> None:
        """Hang up; rpyc would wait for the daemon to agree."""
        if not self.closed:
            self._cleanup()

    def _box(self, obj: object) -> tuple[int, object]:
        match obj:
            case Reference(pack):
                return consts.LABEL_LOCAL_REF, pack
            case tuple() if not brine.dumpable(obj):
                return consts.LABEL_TUPLE, tuple(self._box(item) for item in obj)
        return consts.LABEL_VALUE, obj

    def _unbox(self, package: object) -> object:
        match package:
            case (consts.LABEL_VALUE, value):
                return value
            case (consts.LABEL_REMOTE_REF, tuple(pack)):
                return Reference(pack)
        raise EOFError

    def _unbox_exc(self, raw: object) -> Exception:
        """What went wrong comes as a value; a refusal of rpyc's own kind says nothing that could be trusted."""
        return ParaduxError("bad-request", "paraduxd refused a call", "are daemon and client of the same version?")

    def _dispatch_request(self, seq: int, raw_args: object) -> None:
        raise EOFError
