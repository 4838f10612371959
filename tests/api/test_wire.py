"""Frames: whatever is not one is refused without being read further."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from paraduxd.api import framing
from paraduxd.api.errors import ExitCode, ParaduxError

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    ours.settimeout(5)
    with ours, theirs:
        yield ours, theirs


def test_a_message_arrives_as_it_was_sent(pair: Pair) -> None:
    message = {"call": "edit", "arguments": {"text": "ü\u0000\n" * 1000, "n": None}}
    framing.send(pair[1], message)
    assert framing.receive(pair[0]) == message


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"{", b"\xff", b"[" * 200000])
def test_a_body_that_is_no_object_is_refused(pair: Pair, body: bytes) -> None:
    threading.Thread(target=pair[1].sendall, args=[struct.pack(">I", len(body)) + body], daemon=True).start()
    with pytest.raises(ParaduxError, match="JSON"):
        framing.receive(pair[0])


def test_a_huge_length_is_refused_before_anything_is_read(pair: Pair) -> None:
    pair[1].sendall(struct.pack(">I", framing.MAX_FRAME + 1))
    with pytest.raises(ParaduxError, match="limit"):
        framing.receive(pair[0])


def test_a_closed_connection_is_said(pair: Pair) -> None:
    pair[1].sendall(b"\x00\x00")
    pair[1].close()
    with pytest.raises(framing.ClosedError):
        framing.receive(pair[0])


def test_a_message_that_is_too_long_is_not_sent(pair: Pair) -> None:
    with pytest.raises(ParaduxError, match="longer than"):
        framing.send(pair[0], {"text": "x" * framing.MAX_FRAME})


def test_errors_cross_the_wire_and_odd_ones_become_plain_failures() -> None:
    error = ParaduxError("wrong-passphrase", "m", "h", ExitCode.NOT_AUTHORIZED, ({"path": "a"},))
    again = ParaduxError.from_wire(error.to_wire())
    assert (again.code, again.message, again.hint, again.exit_code, again.details) == (
        error.code,
        error.message,
        error.hint,
        error.exit_code,
        error.details,
    )
    assert ParaduxError.from_wire({"exit_code": "evil", "details": "x"}).exit_code == ExitCode.FAILED
