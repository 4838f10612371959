"""Framed JSON over a stream socket: how client and keeper, and keeper and supervisor, talk.

A frame is four bytes (length of the body in bytes, big-endian) and a body of UTF-8 JSON, always an object. There is
nothing else on the wire: no compression, no references, no types. A frame is at most `MAX_FRAME` bytes long.
"""

from __future__ import annotations

import json
import socket
import struct

from paraduxd.api import bounded_json
from paraduxd.api.errors import ParaduxError

MAX_FRAME = 16 * 1024 * 1024
"""Bytes; a config of some megabytes passes, a hostile length does not."""

_LENGTH = struct.Struct(">I")


class ClosedError(ParaduxError):
    """The other side has closed the connection."""

    def __init__(self) -> None:
        super().__init__("closed", "the connection was closed by the other side")


def send(channel: socket.socket, message: dict[str, object]) -> None:
    """Send one frame; raises `ParaduxError` when the message is too long, `OSError` when the peer is gone."""
    body = json.dumps(message, separators=(",", ":")).encode()
    if len(body) > MAX_FRAME:
        raise ParaduxError("too-long", f"a message of {len(body)} bytes is longer than {MAX_FRAME}")
    channel.sendall(_LENGTH.pack(len(body)) + body)


def receive(channel: socket.socket, limit: int = MAX_FRAME) -> dict[str, object]:
    """Receive one frame of at most `limit` bytes; raises `ClosedError` at the end, `ParaduxError` for anything that is not a frame."""
    (length,) = _LENGTH.unpack(_exactly(channel, _LENGTH.size))
    if length > limit:
        raise ParaduxError("bad-frame", f"a frame of {length} bytes was announced; the limit is {limit}")
    try:
        message = bounded_json.parse(_exactly(channel, length), "a frame", bounded_json.CONFIG)
    except ValueError:
        raise ParaduxError("bad-frame", "a frame does not hold JSON") from None
    if not isinstance(message, dict):
        raise ParaduxError("bad-frame", "a frame does not hold a JSON object")
    return message


def _exactly(channel: socket.socket, count: int) -> bytes:
    """Read `count` bytes into one buffer."""
    buffer = bytearray()
    while len(buffer) < count:
        piece = channel.recv(min(count - len(buffer), 1 << 20))
        if not piece:
            raise ClosedError
        buffer += piece
    return bytes(buffer)
