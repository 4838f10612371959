"""Hostile clients on paraduxd.sock: nobody else waits, nothing leaks, memory is bounded."""

from __future__ import annotations

import random
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rpyc.core import brine, consts

from paraduxd.supervisor.rpc.rpyc_hardening import MAX_REQUEST, MAX_VALUES, REFUSAL
from tests.supervisor.rpc.rig import (
    METHOD_REFERENCE,
    ROOT_REFERENCE,
    Server,
    call_request,
    frame,
    hung_up,
    is_closed,
    received,
    request,
    serving,
    value,
    wait_for,
)

MAX_GROWTH = 64 * 1024 * 1024


class Text(str):
    """What passes `isinstance(x, str)` and reads as something else later."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("rpc")) as server:
        yield server


@pytest.fixture
def server(shared: Server) -> Iterator[Server]:
    """The server, which must serve others and stay small whatever the test does to it."""
    before = shared.memory()
    yield shared
    assert shared.answers()
    assert shared.memory() - before < MAX_GROWTH


@pytest.fixture
def held() -> Iterator[list[socket.socket]]:
    """Connections that stay open to the end of the test."""
    channels: list[socket.socket] = []
    yield channels
    for channel in channels:
        channel.close()


WALKS: dict[str, Callable[[Any], Any]] = {
    "private attribute": lambda root: root._handle,
    "class": lambda root: root.__getattr__("__class__"),
    "globals": lambda root: root.call.__func__.__globals__,
    "the method by its inner name": lambda root: root.exposed_call,
    "what rpyc services expose by themselves": lambda root: root.get_service_name(),
    "dictionary": lambda root: root.__getattr__("__dict__"),
    "attribute of the method": lambda root: root.call.func,
    "name as bytes": lambda root: root.__getattr__(b"call"),
    "attributes listed": dir,
    "shown": str,
    "represented": repr,
    "hashed": hash,
    "compared": lambda root: root == root,
    "ordered": lambda root: root < 1,
    "entered": lambda root: root.__enter__(),
    "set": lambda root: setattr(root, "call", print),
    "deleted": lambda root: delattr(root, "call"),
    "keyword arguments": lambda root: root.call(name="echo", arguments="{}"),
    "a keyword argument besides": lambda root: root.call("echo", "{}", more=1),
    "too few arguments": lambda root: root.call("echo"),
    "too many arguments": lambda root: root.call("echo", "{}", "{}"),
    "name of bytes": lambda root: root.call(b"echo", "{}"),
    "number for arguments": lambda root: root.call("echo", 1),
    "netref as argument": lambda root: root.call("echo", []),
    "netref as name": lambda root: root.call(object(), "{}"),
    "the root itself as argument": lambda root: root.call("echo", root),
    "subclass of str": lambda root: root.call("echo", Text("{}")),
    "tuple with a netref": lambda root: root.call("echo", ("{}", [])),
}


@pytest.mark.parametrize("walk", WALKS)
def test_an_rpyc_client_is_refused_whatever_else_it_asks(server: Server, walk: str) -> None:
    calls = server.calls()
    with server.client() as client:
        root = client.root
        with pytest.raises(AttributeError, match="this is not offered"):
            WALKS[walk](root)
        assert root.call("echo", "{}") == '{"reply": {}}'
    assert server.calls() == calls + 2, "the handler was called with something else than two texts"


REFUSED: dict[str, bytes] = {
    "delattr": request(consts.HANDLE_DELATTR, ROOT_REFERENCE, value("call")),
    "setattr": request(consts.HANDLE_SETATTR, ROOT_REFERENCE, value("exposed_call"), value(1)),
    "repr": request(consts.HANDLE_REPR, ROOT_REFERENCE),
    "str": request(consts.HANDLE_STR, METHOD_REFERENCE),
    "compare": request(consts.HANDLE_CMP, ROOT_REFERENCE, ROOT_REFERENCE, value("exposed_call")),
    "hash": request(consts.HANDLE_HASH, ROOT_REFERENCE),
    "dir": request(consts.HANDLE_DIR, ROOT_REFERENCE),
    "dir of the method": request(consts.HANDLE_DIR, METHOD_REFERENCE),
    "pickle": request(consts.HANDLE_PICKLE, ROOT_REFERENCE, value(2)),
    "iterate": request(consts.HANDLE_BUFFITER, ROOT_REFERENCE, value(1 << 40)),
    "slice": request(
        consts.HANDLE_OLDSLICING, ROOT_REFERENCE, value("call"), value("call"), value(0), value(None), value(())
    ),
    "exit": request(consts.HANDLE_CTXEXIT, ROOT_REFERENCE, value(None)),
    "instance check": request(consts.HANDLE_INSTANCECHECK, ROOT_REFERENCE, value(("builtins.type", 1, 0))),
    "unknown kind": request(99),
    "negative kind": request(-1),
    "unknown reference": request(consts.HANDLE_CALL, (consts.LABEL_LOCAL_REF, ("builtins.function", 1, 3)), value(())),
    "reference of the client": request(
        consts.HANDLE_GETATTR, (consts.LABEL_REMOTE_REF, ("builtins.dict", 1, 2)), value("call")
    ),
    "unknown label": request(consts.HANDLE_PING, (9, "x")),
    "call of the root": request(consts.HANDLE_CALL, ROOT_REFERENCE, value(("echo", "{}")), value(())),
    "call of a value": request(consts.HANDLE_CALL, value("print"), value(("echo", "{}")), value(())),
    "ping without data": request(consts.HANDLE_PING),
    "root with arguments": request(consts.HANDLE_GETROOT, value(1)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_request_that_is_not_offered_gets_the_one_refusal(server: Server, name: str) -> None:
    with server.raw() as channel:
        channel.sendall(REFUSED[name] + call_request("echo", sequence=8))
        assert received(channel) == (consts.MSG_EXCEPTION, (7, REFUSAL))
        assert received(channel) == (consts.MSG_REPLY, (8, value('{"reply": {}}')))


def test_inspecting_shows_no_methods_and_no_addresses(server: Server) -> None:
    with server.raw() as channel:
        channel.sendall(request(consts.HANDLE_GETROOT) + request(consts.HANDLE_INSPECT, value(ROOT_REFERENCE[1])))
        assert received(channel) == (consts.MSG_REPLY, (7, (consts.LABEL_REMOTE_REF, ("paradux.Supervisor", 1, 1))))
        assert received(channel) == (consts.MSG_REPLY, (7, value(())))


def nested(levels: int) -> bytes:
    return brine.TAG_TUP1 * levels + brine.TAG_NONE


def raw_request(body: bytes) -> bytes:
    return frame(b"\x01" + body)


def invented_exception(number: int) -> bytes:
    content = ((f"module{number}", f"Name{number}"), (f"message {number}",), (), "")
    return frame(b"\x03" + brine.dump((number, content)))


PING = brine.dump((7, (consts.HANDLE_PING, (consts.LABEL_TUPLE, (value("x"),)))))

FATAL: dict[str, bytes] = {
    "four gigabytes announced": struct.pack("!LB", 0xFFFFFFFF, 0),
    "one byte too many announced": struct.pack("!LB", MAX_REQUEST + 1, 0),
    "empty frame": frame(b""),
    "no message": frame(b"\x01"),
    "compressed frame": frame(zlib.compress(b"\x01" + PING), compressed=1),
    "compressed bomb": frame(zlib.compress(b"\x01" + b"\x00" * (64 << 20), 9), compressed=1),
    "frame without its end": frame(b"\x01" + PING)[:-1] + b"x",
    "unsolicited reply": frame(b"\x02" + brine.dump((0, value("x")))),
    "unsolicited reply with a reference": frame(
        b"\x02" + brine.dump((0, (consts.LABEL_REMOTE_REF, ("builtins.dict", 1, 2))))
    ),
    "unsolicited exception": invented_exception(0),
    "unknown message type": frame(b"\x09" + PING),
    "one level too many": raw_request(nested(MAX_VALUES)),
    "a million levels": raw_request(nested(MAX_REQUEST - 2)),
    "a thousand levels of text": raw_request(brine.TAG_UNICODE * 1000 + brine.TAG_EMPTY_STR),
    "tuple of four billion": raw_request(brine.TAG_TUP_L4 + b"\xff\xff\xff\xff"),
    "tuple of a million": raw_request(brine.TAG_TUP_L4 + struct.pack("!L", 1 << 19) + brine.TAG_NONE * (1 << 19)),
    "tuple of one too many": raw_request(brine.dump((None,) * MAX_VALUES)),
    "text of four gigabytes": raw_request(brine.TAG_STR_L4 + b"\xff\xff\xff\xff" + b"x"),
    "number of a million digits": raw_request(brine.TAG_INT_L4 + struct.pack("!L", 1_000_000) + b"9" * 1_000_000),
    "number with an underscore": raw_request(brine.TAG_INT_L1 + b"\x03" + b"1_0"),
    "number that is none": raw_request(brine.TAG_INT_L1 + b"\x01" + b"x"),
    "empty number": raw_request(brine.TAG_INT_L1 + b"\x00"),
    "slice": raw_request(brine.dump(slice(1, 2, 3))),
    "frozen set": raw_request(brine.dump(frozenset((1, 2)))),
    "complex number": raw_request(brine.dump(1j)),
    "floating point number": raw_request(brine.dump(1.5)),
    "ellipsis": raw_request(brine.dump(...)),
    "unknown tag": raw_request(b"\x07"),
    "text that is not UTF-8": raw_request(brine.TAG_UNICODE + brine.TAG_STR2 + b"\xff\xfe"),
    "text of a number": raw_request(brine.TAG_UNICODE + brine.IMM_INTS[1]),
    "cut off": raw_request(PING[:-1]),
    "something after the end": raw_request(PING + b"\x00"),
    "a request that is no pair": raw_request(brine.dump("ping")),
    "a request of three": raw_request(brine.dump((7, (1, (2, ())), 3))),
    "sequence number that is a text": raw_request(brine.dump(("7", (1, (2, ()))))),
    "kind that is a tuple": raw_request(brine.dump((7, ((1,), (2, ()))))),
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("name", FATAL)
def test_what_is_no_request_ends_the_connection(server: Server, name: str) -> None:
    with server.raw() as channel:
        try:
            channel.sendall(FATAL[name])
        except (BrokenPipeError, ConnectionResetError):
            return  # ended before all of it was sent
        assert is_closed(channel)


def test_a_request_of_the_greatest_length_is_answered(server: Server) -> None:
    text = '"' + "x" * (MAX_REQUEST - 200) + '"'
    with server.raw() as channel:
        channel.sendall(call_request("echo", '{"t": ' + text + "}"))
        kind, (_, (_, reply)) = received(channel)
    assert kind == consts.MSG_REPLY
    assert reply == '{"reply": {"t": ' + text + "}}"


def test_exceptions_with_invented_names_leave_nothing(server: Server) -> None:
    before = server.memory()
    for number in range(2000):
        with server.raw() as channel:
            channel.sendall(invented_exception(number) * 20)
    assert server.answers()
    assert server.memory() - before < 8 << 20


def test_invented_names_in_one_long_connection_leave_nothing(server: Server) -> None:
    before = server.memory()
    with server.raw() as channel:
        for number in range(2000):
            name = f"invented.Name{number}" + "x" * 1000
            channel.sendall(request(consts.HANDLE_INSPECT, (consts.LABEL_REMOTE_REF, (name, number, 0))))
            assert received(channel) == (consts.MSG_EXCEPTION, (7, REFUSAL))
    assert server.memory() - before < 8 << 20


@pytest.mark.parametrize(
    "opening",
    [b"", b"\x00", struct.pack("!LB", MAX_REQUEST, 0), struct.pack("!LB", MAX_REQUEST, 0) + b"x" * 60_000],
    ids=["silent", "one byte", "a header", "a part of a frame"],
)
def test_200_connections_that_stall_delay_nobody(server: Server, held: list[socket.socket], opening: bytes) -> None:
    for _ in range(200):
        held.append(server.raw())
        held[-1].sendall(opening)
    assert server.answers()
    wait_for(lambda: server.threads() < 40, "the threads of stalled connections to end")


def test_a_connection_that_has_spoken_and_waits_makes_room(server: Server, held: list[socket.socket]) -> None:
    for _ in range(60):
        channel = server.raw()
        channel.sendall(call_request("echo"))
        received(channel)
        held.append(channel)
    assert server.answers()
    assert hung_up(held[0])
    assert not hung_up(held[-1])


def test_readers_that_stall_delay_nobody(server: Server, held: list[socket.socket]) -> None:
    """Each asks for more than the socket's buffers hold and reads nothing."""
    for _ in range(20):
        channel = server.raw()
        channel.sendall(call_request("long", "1000000"))
        held.append(channel)
    assert server.answers()


def test_two_calls_sent_at_once_are_answered_in_order(server: Server) -> None:
    with server.raw() as channel:
        channel.sendall(call_request("echo", '{"n": 1}', sequence=1) + call_request("echo", '{"n": 2}', sequence=2))
        assert received(channel) == (consts.MSG_REPLY, (1, value('{"reply": {"n": 1}}')))
        assert received(channel) == (consts.MSG_REPLY, (2, value('{"reply": {"n": 2}}')))


def test_a_thousand_clients_that_are_gone_before_the_answer(server: Server) -> None:
    for _ in range(1000):
        with server.raw() as channel:
            channel.sendall(call_request("echo"))
    assert server.answers()
    wait_for(lambda: server.threads() < 10, "the threads of those who left to end")


def mutated(chance: random.Random, sample: bytes) -> bytes:
    body = bytearray(sample)
    for _ in range(chance.randint(1, 6)):
        body[chance.randrange(len(body))] = chance.randrange(256)
    return bytes(body)


def fuzzed(seed: int, count: int) -> Iterator[bytes]:
    """Noise, noise in good frames, and damaged good requests."""
    chance = random.Random(seed)
    samples = [*REFUSED.values(), call_request("echo"), request(consts.HANDLE_GETROOT)]
    for _ in range(count):
        match chance.randrange(4):
            case 0:
                yield chance.randbytes(chance.randint(1, 300))
            case 1:
                yield frame(b"\x01" + chance.randbytes(chance.randint(0, 300)))
            case 2:
                yield mutated(chance, chance.choice(samples))
            case _:
                body = chance.choice(samples)[5:-1]
                yield frame(mutated(chance, body))


@pytest.mark.parametrize("count", [2000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_fuzzed_frames_break_nothing(server: Server, count: int) -> None:
    for number, data in enumerate(fuzzed(20261123, count)):
        with server.raw() as channel:
            channel.sendall(data)
        if number % 500 == 0:
            assert server.answers()
    assert server.process.poll() is None
    assert "Traceback" not in server.log.read_text()


def test_out_of_descriptors_nobody_waits(tmp_path: Path, held: list[socket.socket]) -> None:
    with serving(tmp_path, open_files=16) as small:
        for _ in range(100):
            held.append(small.raw())
        assert small.answers()
        assert "Cannot accept a connection" in small.log.read_text()
        for channel in held:
            channel.close()
        wait_for(small.answers, "an answer afterwards")


def drip(channel: socket.socket, data: bytes) -> None:
    for byte in data:
        channel.sendall(bytes([byte]))
        time.sleep(0.005)


def test_who_is_too_slow_is_dropped(tmp_path: Path) -> None:
    with serving(tmp_path, frame_seconds=0.3) as impatient, impatient.raw() as silent, impatient.raw() as loris:
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            drip(loris, frame(b"\x01" + PING * 1000))
        assert is_closed(silent)


def test_who_has_spoken_may_think_for_longer(tmp_path: Path) -> None:
    with serving(tmp_path, frame_seconds=0.3) as impatient, impatient.raw() as thinking:
        for sequence in (1, 2):
            thinking.sendall(call_request("echo", sequence=sequence))
            assert received(thinking) == (consts.MSG_REPLY, (sequence, value('{"reply": {}}')))
            with impatient.raw() as silent:
                assert is_closed(silent)


def test_who_thinks_for_too_long_is_dropped(tmp_path: Path) -> None:
    with serving(tmp_path, idle_seconds=0.3) as impatient, impatient.raw() as thinking:
        thinking.sendall(call_request("echo"))
        received(thinking)
        assert is_closed(thinking)


def test_who_does_not_read_is_dropped(tmp_path: Path) -> None:
    with serving(tmp_path, frame_seconds=0.3) as impatient, impatient.raw() as stalled:
        stalled.sendall(call_request("long", "4000000"))
        wait_for(lambda: hung_up(stalled), "the end of a connection whose client does not read")
