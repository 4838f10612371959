"""What of rpyc is left when everything is taken away that a client of ours does not need.

rpyc has no wire specification; this follows the sources of version 6.0.2 (core/protocol, brine, channel), down to private names.
A client can fetch the root, get its one method `call`, call it, ping and close. Only values cross the wire; the two references that
an ordinary rpyc client needs, root and method, are constants that tell nothing about this process. A frame that is too long, too slow,
compressed, too deep or anything but a request ends the connection; a request that is not offered gets one fixed refusal.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from struct import Struct

from rpyc.core import brine, consts
from rpyc.core.channel import Channel
from rpyc.core.protocol import Connection
from rpyc.core.service import Service
from rpyc.core.stream import SocketStream

MAX_REQUEST = 1024 * 1024
"""Bytes in one frame of a client."""

FRAME_SECONDS = 5.0
"""For the first byte on a new connection, for the rest of a frame after its first byte, and for sending a reply."""

IDLE_SECONDS = 60.0
"""Between the requests of a connection."""

MAX_VALUES = 64
"""A call takes some 20, whole and parts counted; this bounds how deep they lie in each other, too."""

MAX_DIGITS = 20
"""The longest numbers that rpyc sends are addresses."""

CONFIG = {
    **dict.fromkeys(
        (
            "allow_safe_attrs",
            "allow_public_attrs",
            "allow_all_attrs",
            "allow_setattr",
            "allow_delattr",
            "allow_pickle",
            "include_local_traceback",
            "include_local_version",
            "import_custom_exceptions",
            "instantiate_custom_exceptions",
            "instantiate_oldstyle_exceptions",
            "propagate_SystemExit_locally",
            "propagate_KeyboardInterrupt_locally",
            "log_exceptions",
            "bind_threads",
        ),
        False,
    ),
    "allow_exposed_attrs": True,
    "allow_getattr": True,
    "sync_request_timeout": 3,
}
"""The first line of defence; what follows would hold without it."""

REFUSAL = (("builtins", "AttributeError"), ("this is not offered",), (), "<traceback denied>")
"""An exception as rpyc's vinegar writes it; always this one."""

ROOT = ("paradux.Supervisor", 1, 1)
METHOD = ("builtins.method", 1, 2)
"""Names and numbers of the two references; rpyc would send the addresses of the objects."""

Method = Callable[[str, str], str]
"""Name and JSON text of the arguments -> JSON text."""


class ProtocolError(Exception):
    """The client does not keep to the protocol; the connection ends."""


class Decoder:
    """The part of rpyc's brine that requests are made of, bounded in number and depth of values and in length of numbers."""

    def __init__(self, untrusted_data: bytes) -> None:
        self._data = untrusted_data
        self._at = 0
        self._values = 0

    def decode(self) -> object:
        """The one value of the frame; raises `ProtocolError`."""
        value = self._value()
        if self._at != len(self._data):
            raise ProtocolError("bytes after the end")
        return value

    def _value(self) -> object:
        self._values += 1
        if self._values > MAX_VALUES:
            raise ProtocolError("too many values")
        tag = self._take(1)
        if tag in _CONSTANTS:
            return _CONSTANTS[tag]
        if tag == brine.TAG_UNICODE:
            return _text(self._value())
        if tag not in _SIZED:
            raise ProtocolError("an unknown tag")
        kind, size = _SIZED[tag]
        count = size if isinstance(size, int) else size.unpack(self._take(size.size))[0]
        if kind is tuple:
            return tuple(self._value() for _ in range(count))  # ends at MAX_VALUES, whatever was announced
        return self._take(count) if kind is bytes else _number(self._take(count))

    def _take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise ProtocolError("a value is cut off")
        self._at += count
        return taken


_CONSTANTS: dict[bytes, object] = {
    **brine.IMM_INTS_LOADER,
    brine.TAG_NONE: None,
    brine.TAG_TRUE: True,
    brine.TAG_FALSE: False,
    brine.TAG_EMPTY_STR: b"",
    brine.TAG_EMPTY_TUPLE: (),
}
_SIZED: dict[bytes, tuple[type, int | Struct]] = {
    brine.TAG_STR1: (bytes, 1),
    brine.TAG_STR2: (bytes, 2),
    brine.TAG_STR3: (bytes, 3),
    brine.TAG_STR4: (bytes, 4),
    brine.TAG_STR_L1: (bytes, brine.I1),
    brine.TAG_STR_L4: (bytes, brine.I4),
    brine.TAG_TUP1: (tuple, 1),
    brine.TAG_TUP2: (tuple, 2),
    brine.TAG_TUP3: (tuple, 3),
    brine.TAG_TUP4: (tuple, 4),
    brine.TAG_TUP_L1: (tuple, brine.I1),
    brine.TAG_TUP_L4: (tuple, brine.I4),
    brine.TAG_INT_L1: (int, brine.I1),
    brine.TAG_INT_L4: (int, brine.I4),
}


def _text(value: object) -> str:
    try:
        if isinstance(value, bytes):
            return value.decode()
    except UnicodeDecodeError:
        pass
    raise ProtocolError("a text is not UTF-8")


def _number(digits: bytes) -> int:
    if not re.fullmatch(rb"-?[0-9]{1,%d}" % MAX_DIGITS, digits):
        raise ProtocolError("a number is not one, or too long")
    return int(digits)


class BoundedChannel(Channel):  # type: ignore[misc]
    """rpyc's frames with limits: bytes and seconds, no compression."""

    __slots__ = ("_patience", "_socket")

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(SocketStream(connection), compress=False)
        self._socket = connection
        self._patience = FRAME_SECONDS

    def recv(self) -> bytes:
        """The next frame; raises `ProtocolError` or `OSError` (a `TimeoutError` for one that is too slow), `EOFError` at the end."""
        first = self._exactly(1, time.monotonic() + self._patience)
        self._patience = IDLE_SECONDS
        deadline = time.monotonic() + FRAME_SECONDS
        length, compressed = self.FRAME_HEADER.unpack(first + self._exactly(self.FRAME_HEADER.size - 1, deadline))
        if compressed or not 0 < length <= MAX_REQUEST:
            raise ProtocolError("a frame is compressed, empty or too long")
        frame = self._exactly(length + len(self.FLUSHER), deadline)
        if frame[length:] != self.FLUSHER:
            raise ProtocolError("a frame does not end where it should")
        return frame[:length]

    def send(self, data: bytes) -> None:
        """Send a frame; raises `OSError`, also when the client does not read it in time."""
        self._socket.settimeout(FRAME_SECONDS)
        for piece in (self.FRAME_HEADER.pack(len(data), 0), data, self.FLUSHER):  # in one, it would be one more copy
            self._socket.sendall(piece)

    def close(self) -> None:
        """Nothing: the socket belongs to whoever made the channel."""

    def _exactly(self, count: int, deadline: float) -> bytes:
        buffer = bytearray()
        while len(buffer) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            piece = self._socket.recv(min(count - len(buffer), consts.STREAM_CHUNK))
            if not piece:
                raise EOFError
            buffer += piece
        return bytes(buffer)


class Root(Service):  # type: ignore[misc]
    """The root object: one method."""

    exposed_call: Method

    def __init__(self, call: Method) -> None:
        self.exposed_call = call


class LockedConnection(Connection):  # type: ignore[misc]
    """The server's end of a connection: answers requests one after the other and never asks anything itself."""

    _local_root: Root

    def __init__(self, call: Method, channel: BoundedChannel) -> None:
        super().__init__(Root(call), channel, CONFIG)

    def serve_all(self) -> None:
        """Answer until the client closes; raises `EOFError`, `OSError` or `ProtocolError`, always one of them."""
        while True:
            self._dispatch(self._channel.recv())

    def close(self) -> None:
        """Let go of everything. rpyc would tell the client and wait for an answer."""
        if not self.closed:
            self._cleanup()

    def _dispatch(self, data: bytes) -> None:
        """Answer one frame: a request. Replies are to nothing that we have asked."""
        if data[0] != consts.MSG_REQUEST:
            raise ProtocolError("not a request")
        match Decoder(data[1:]).decode():
            case (int(sequence), (int(kind), arguments)):
                self._dispatch_request(sequence, (kind, arguments))
            case _:
                raise ProtocolError("not a request")

    def _dispatch_request(self, seq: int, raw_args: tuple[int, object]) -> None:
        try:
            kind, packed = raw_args
            arguments = self._unbox(packed)
            if not isinstance(arguments, tuple):
                raise TypeError
            reply = self._box(self._HANDLERS[kind](self, *arguments))
        except EOFError:
            raise
        except Exception:  # whatever it is: what the client hears must not depend on it
            self._send(consts.MSG_EXCEPTION, seq, REFUSAL)
        else:
            self._send(consts.MSG_REPLY, seq, reply)

    def _box(self, obj: object) -> tuple[int, object]:
        """A value as it is, and the two references; never another object."""
        if obj is self._local_root:
            return consts.LABEL_REMOTE_REF, ROOT
        if obj is self._local_root.exposed_call:
            return consts.LABEL_REMOTE_REF, METHOD
        return consts.LABEL_VALUE, obj

    def _unbox(self, package: object) -> object:
        match package:
            case (consts.LABEL_VALUE, value):
                return value
            case (consts.LABEL_TUPLE, tuple(packages)):
                return tuple(self._unbox(package) for package in packages)
            case (consts.LABEL_LOCAL_REF, tuple(reference)) if reference == ROOT:
                return self._local_root
            case (consts.LABEL_LOCAL_REF, tuple(reference)) if reference == METHOD:
                return self._local_root.exposed_call
        raise ValueError("objects of the client are not accepted")

    @classmethod
    def _request_handlers(cls) -> dict[int, Callable[..., object]]:
        return {
            consts.HANDLE_PING: cls._handle_ping,
            consts.HANDLE_CLOSE: cls._handle_close,
            consts.HANDLE_GETROOT: cls._handle_getroot,
            consts.HANDLE_GETATTR: cls._handle_getattr,
            consts.HANDLE_CALL: cls._handle_call,
            consts.HANDLE_CALLATTR: cls._handle_callattr,
            consts.HANDLE_DEL: cls._handle_del,
            consts.HANDLE_INSPECT: cls._handle_inspect,
        }

    def _handle_close(self) -> None:
        raise EOFError

    def _handle_getattr(self, obj: object, name: object) -> Method:
        if obj is not self._local_root or name != "call":
            raise AttributeError
        method: Method = self._local_root.exposed_call
        return method

    def _handle_call(self, obj: object, args: object, kwargs: object = ()) -> str:
        match args:
            case (str(name), str(arguments)) if obj is self._local_root.exposed_call and not kwargs:
                return self._local_root.exposed_call(name, arguments)
        raise TypeError

    def _handle_del(self, obj: object, count: object = 1) -> None:
        """The client has forgotten a reference; we never counted them."""

    def _handle_inspect(self, id_pack: object) -> tuple[()]:
        """rpyc asks for the methods of the root before it uses it; it finds `call` without that."""
        return ()
