"""The line between supervisor and keeper: JSON messages, each of which may carry one open connection (SCM_RIGHTS).

Each message is one packet of a Unix socket of type SOCK_SEQPACKET, so that threads may send without a lock of their own. A packet
is one byte, `I` or `M`, and UTF-8 JSON, always an object: after `I` in the packet itself, for `M` (too long for the kernel's
buffer) in a memory file whose descriptor comes last.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import socket

from paraduxd.api import bounded_json
from paraduxd.api.calls import JsonObject
from paraduxd.api.errors import ParaduxError
from paraduxd.api.framing import ClosedError

SOCKET_TYPE = socket.SOCK_SEQPACKET

MAX_MESSAGE = 1024 * 1024
"""Bytes of JSON."""

_INLINE = 64 * 1024
"""Bytes; well under the smallest send buffer that a kernel gives (net.core.wmem_default is 208 KiB)."""

_MAX_DESCRIPTORS = 2
_DESCRIPTOR = array.array("i").itemsize


def send(control: socket.socket, message: JsonObject) -> None:
    """Send a message; raises `ParaduxError` when it is too long, `OSError` when the other side is gone."""
    _send(control, message, [])


def send_connection(control: socket.socket, connection: socket.socket, note: JsonObject) -> None:
    """Send a message and a connection, which stays open here too; raises what `send` raises."""
    _send(control, note, [connection.fileno()])


def receive(control: socket.socket) -> tuple[dict[str, object], socket.socket | None]:
    """Wait for a message; gives it with its connection, which blocks, or with None.

    Raises `ClosedError` at the end and `ParaduxError` for anything that is no message. When this process has no
    descriptor left for the connection, the kernel closes it and the message comes alone.
    """
    try:
        packet, ancillary = _packet(control)
    except ConnectionResetError:  # the other side went without having read all: what it said before still waits
        packet, ancillary = _packet(control)
    if not packet:
        raise ClosedError
    with contextlib.ExitStack() as unused:
        descriptors = _descriptors(ancillary)
        for descriptor in descriptors:
            unused.callback(os.close, descriptor)
        message = _message(packet, descriptors)
        connection = socket.socket(fileno=os.dup(descriptors[0])) if descriptors else None
    if connection is not None:
        connection.setblocking(
            True
        )  # the mode belongs to the connection and may be left over from the sender's timeout
    return message, connection


def _packet(control: socket.socket) -> tuple[bytes, list[tuple[int, int, bytes]]]:
    packet, ancillary, _, _ = control.recvmsg(
        1 + _INLINE, socket.CMSG_SPACE(_MAX_DESCRIPTORS * _DESCRIPTOR), socket.MSG_CMSG_CLOEXEC
    )
    return packet, ancillary


def _send(control: socket.socket, message: JsonObject, descriptors: list[int]) -> None:
    body = json.dumps(message, separators=(",", ":")).encode()
    if len(body) > MAX_MESSAGE:
        raise ParaduxError("too-long", f"a message of {len(body)} bytes is longer than {MAX_MESSAGE}")
    if len(body) <= _INLINE:
        _send_packet(control, b"I" + body, descriptors)
        return
    with open(os.memfd_create("paradux-message", os.MFD_CLOEXEC), "wb") as file:  # noqa: PTH123  (a descriptor has no path)
        file.write(body)
        file.flush()
        _send_packet(control, b"M", [*descriptors, file.fileno()])


def _send_packet(control: socket.socket, packet: bytes, descriptors: list[int]) -> None:
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    control.sendmsg([packet], rights)


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(data[: len(data) - len(data) % _DESCRIPTOR])
    return found.tolist()


def _message(packet: bytes, descriptors: list[int]) -> dict[str, object]:
    """The message of a packet; takes the descriptor of a memory file out of the list, without closing it."""
    body = packet[1:]
    if packet[:1] == b"M":
        if not descriptors:
            raise ParaduxError(
                "bad-message", "the memory file of a message did not arrive", "see the limit of open files"
            )
        body = os.pread(descriptors.pop(), MAX_MESSAGE, 0)
    try:
        message = bounded_json.parse(body, "a message", bounded_json.MEDIUM)
    except (ValueError, RecursionError):
        raise ParaduxError("bad-message", "a message between keeper and supervisor does not hold JSON") from None
    if not isinstance(message, dict):
        raise ParaduxError("bad-message", "a message between keeper and supervisor does not hold a JSON object")
    return message
