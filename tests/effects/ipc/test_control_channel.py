"""Messages and connections between supervisor and keeper."""

from __future__ import annotations

import fcntl
import gc
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.api.framing import ClosedError
from paraduxd.effects.ipc import control_channel

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def line() -> Iterator[Pair]:
    one, other = socket.socketpair(socket.AF_UNIX, control_channel.SOCKET_TYPE)
    with one, other:
        yield one, other


@pytest.fixture(scope="module", autouse=True)
def nothing_left() -> Iterator[None]:
    """What earlier tests left is closed first; what stays of theirs need not be looked at again each time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def open_descriptors() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("size", [0, 65_000, 65_536, 300_000, control_channel.MAX_MESSAGE - 8])
def test_messages_of_every_length_pass_both_ways(line: Pair, size: int) -> None:
    before = open_descriptors()
    for sender, receiver in (line, line[::-1]):
        control_channel.send(sender, {"t": "x" * size})
        assert control_channel.receive(receiver) == ({"t": "x" * size}, None)
    assert open_descriptors() == before


@pytest.mark.parametrize("size", [1, 300_000])
def test_a_connection_arrives_open_unread_and_blocking(line: Pair, size: int) -> None:
    client, connection = socket.socketpair()
    connection.settimeout(3)
    client.sendall(b"secret")
    with connection:
        control_channel.send_connection(line[0], connection, {"note": "x" * size})
    before = open_descriptors()
    note, arrived = control_channel.receive(line[1])
    assert open_descriptors() == before + 1
    assert note == {"note": "x" * size}
    assert arrived is not None
    with client, arrived:
        assert arrived.family == socket.AF_UNIX
        assert not fcntl.fcntl(arrived, fcntl.F_GETFL) & os.O_NONBLOCK
        assert fcntl.fcntl(arrived, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
        assert arrived.recv(100) == b"secret"
        arrived.sendall(b"answer")
        assert client.recv(100) == b"answer"


def test_several_messages_keep_their_own_connections(line: Pair) -> None:
    pairs = [socket.socketpair() for _ in range(3)]
    for number, (_, connection) in enumerate(pairs):
        control_channel.send(line[0], {"before": number})
        control_channel.send_connection(line[0], connection, {"number": number})
    for number, (client, connection) in enumerate(pairs):
        assert control_channel.receive(line[1]) == ({"before": number}, None)
        note, arrived = control_channel.receive(line[1])
        assert note == {"number": number}
        assert arrived is not None
        with client, connection, arrived:
            client.sendall(bytes([number]))
            assert arrived.recv(1) == bytes([number])


def test_threads_may_send_at_once(line: Pair) -> None:
    def talk(number: int) -> None:
        for _ in range(50):
            control_channel.send(line[0], {"number": number, "text": str(number) * (20_000 * number)})

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    seen = [0] * 5
    for _ in range(250):
        message, _ = control_channel.receive(line[1])
        assert message["text"] == str(message["number"]) * (20_000 * message["number"])
        seen[message["number"]] += 1
    for thread in threads:
        thread.join()
    assert seen == [50] * 5


def test_a_message_that_is_too_long_is_not_sent(line: Pair) -> None:
    with pytest.raises(ParaduxError, match="longer than"):
        control_channel.send(line[0], {"t": "x" * control_channel.MAX_MESSAGE})
    control_channel.send(line[0], {})
    assert control_channel.receive(line[1]) == ({}, None)


def test_the_end_of_the_line(line: Pair) -> None:
    control_channel.send(line[0], {"last": 1})
    line[0].close()
    assert control_channel.receive(line[1]) == ({"last": 1}, None)
    with pytest.raises(ClosedError):
        control_channel.receive(line[1])
    with pytest.raises(OSError):
        control_channel.send(line[1], {})


def test_the_end_of_the_line_with_something_unread(line: Pair) -> None:
    control_channel.send(line[1], {"unread": 1})
    line[0].close()
    with pytest.raises(ClosedError):
        control_channel.receive(line[1])


@pytest.mark.parametrize("packet", [b"x", b"I", b"I[]", b"Inull", b"I{", b"M", b"I" + b"[" * 60_000])
def test_what_is_no_message_is_an_error_and_its_descriptors_are_closed(line: Pair, packet: bytes) -> None:
    before = open_descriptors()
    rights = [] if packet == b"M" else [os.dup(0), os.dup(0)]
    socket.send_fds(line[0], [packet], rights)
    for descriptor in rights:
        os.close(descriptor)
    with pytest.raises(ParaduxError, match=r"JSON|memory file"):
        control_channel.receive(line[1])
    assert open_descriptors() == before


def test_what_was_said_arrives_from_who_went_without_having_read_all(line: Pair) -> None:
    """The kernel then reports a reset before what waits."""
    control_channel.send(line[0], {"never": "read"})
    control_channel.send(line[1], {"last": "words"})
    line[1].close()
    assert control_channel.receive(line[0]) == ({"last": "words"}, None)
    with pytest.raises(ClosedError):
        control_channel.receive(line[0])
