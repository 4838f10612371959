"""The server on paraduxd.sock as ordinary clients see it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from rpyc.core import consts

from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.effects.ipc.connection_limits import MAX_OWNER
from paraduxd.effects.ipc.unix_sockets import Peer, listen
from paraduxd.supervisor.rpc import server as rpc
from paraduxd.supervisor.rpc.server import RpcServer
from tests.supervisor.rpc.rig import Server, call_request, is_closed, received, serving, value, wait_for


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("rpc")) as running:
        yield running


def test_the_handler_learns_who_asks(server: Server) -> None:
    assert server.ask("peer") == {"reply": {"pid": os.getpid(), "uid": os.geteuid(), "gid": os.getegid()}}


def test_an_unexpected_failure_tells_and_logs_nothing_of_the_arguments(server: Server) -> None:
    error = server.ask("no-such-call", '"hunter2"')["error"]
    assert error["code"] == "internal"
    assert "hunter2" not in str(error)
    log = server.log.read_text()
    assert "A call failed: RuntimeError" in log
    assert "in __call__" in log
    assert "hunter2" not in log


def test_a_ping_comes_back(server: Server) -> None:
    with server.client() as client:
        client.ping()


def test_many_calls_go_over_one_connection(server: Server) -> None:
    with server.client() as client:
        root = client.root
        assert [root.call("echo", f'{{"n": {n}}}') for n in range(50)] == [
            f'{{"reply": {{"n": {n}}}}}' for n in range(50)
        ]


class Local:
    """A server in this process."""

    def __init__(self, path: Path, handle: rpc.Handle, may_connect: bool = True) -> None:
        self.path = path
        self.server = RpcServer(listen(path, None), handle, may_connect=lambda peer: may_connect)
        self.server.start()

    client = Server.client
    raw = Server.raw
    ask = Server.ask


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "paraduxd.sock"


def test_a_known_error_crosses_whole(path: Path) -> None:
    problem = ParaduxError("held", "the dataset is held", "approve it", ExitCode.NOT_AUTHORIZED, ({"path": "x"},))

    def handle(peer: Peer, name: str, arguments: str) -> str:
        raise problem

    local = Local(path, handle)
    assert local.ask("approve") == {"error": problem.to_wire()}
    local.server.close()


def test_an_answer_that_is_too_long_becomes_an_error(path: Path) -> None:
    local = Local(path, lambda peer, name, arguments: "x" * (rpc.MAX_REPLY + 1))
    assert local.ask("history")["error"]["code"] == "too-long"
    local.server.close()


def test_who_may_not_connect_is_not_heard(path: Path) -> None:
    local = Local(path, lambda peer, name, arguments: "{}", may_connect=False)
    with local.raw() as channel, contextlib.suppress(BrokenPipeError):
        channel.sendall(call_request("echo"))
        assert is_closed(channel)
    local.server.close()


def test_closing_ends_every_connection_and_every_thread(path: Path) -> None:
    local = Local(path, lambda peer, name, arguments: "{}")
    with local.raw() as channel:
        channel.sendall(call_request("echo"))
        received(channel)
        local.server.close()
        assert is_closed(channel)
    with pytest.raises(ConnectionRefusedError):
        local.raw()
    wait_for(lambda: not any(thread.name.startswith("rpc") for thread in threading.enumerate()), "the threads to end")


def test_calls_that_take_long_delay_nobody_until_all_places_are_taken(path: Path) -> None:
    begun, released = threading.Semaphore(0), threading.Event()

    def handle(peer: Peer, name: str, arguments: str) -> str:
        if name == "wait":
            begun.release()
            released.wait()
        return '{"reply": {}}'

    local = Local(path, handle)
    waiting = []
    for _ in range(MAX_OWNER):
        assert local.ask("echo") == {"reply": {}}
        waiting.append(local.raw())
        waiting[-1].sendall(call_request("wait"))
        begun.acquire()
    for _ in range(2):
        with local.raw() as refused:
            assert is_closed(refused)
        waiting.pop().close()  # its call goes on, and keeps the place
    released.set()
    for channel in waiting:
        assert received(channel) == (consts.MSG_REPLY, (7, value('{"reply": {}}')))
        channel.close()
    assert local.ask("echo") == {"reply": {}}
    local.server.close()
