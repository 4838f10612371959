"""paraductl's two connections, against a real server and against servers that mean harm."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rpyc.core import brine, consts

from paraductl.daemon import rpyc_client
from paraductl.daemon.channels import KeeperConnection, SupervisorConnection
from paraduxd.api import framing
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.framing import ClosedError
from paraduxd.api.paths import RunPlaces
from paraduxd.effects.ipc.unix_sockets import listen
from tests.supervisor.rpc.rig import Server, frame, hung_up, serving, wait_for

Talk = Callable[[socket.socket], None]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("rpc")) as running:
        yield running


@pytest.fixture
def run(tmp_path: Path) -> RunPlaces:
    return RunPlaces(tmp_path)


@contextlib.contextmanager
def talking(path: Path, talk: Talk) -> Iterator[None]:
    """A server that says what it likes to its one client."""

    def serve() -> None:
        channel, _ = listener.accept()
        with channel, contextlib.suppress(OSError, ClosedError):
            talk(channel)

    with listen(path, None) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def test_a_reply_and_an_error_come_back(server: Server) -> None:
    with SupervisorConnection(RunPlaces(server.path.parent)) as supervisor:
        assert supervisor.call("echo", text="größer 😀") == {"text": "größer 😀"}
        with pytest.raises(ParaduxError, match="the daemon failed to answer") as caught:
            supervisor.call("no-such-call")
    assert caught.value.code == "internal"


def test_long_arguments_and_replies_pass_though_rpyc_would_compress_them(server: Server) -> None:
    with SupervisorConnection(RunPlaces(server.path.parent)) as supervisor:
        assert supervisor.call("echo", text="x" * 500_000) == {"text": "x" * 500_000}


def test_a_connection_that_the_daemon_has_closed_meanwhile_is_opened_again(server: Server) -> None:
    with SupervisorConnection(RunPlaces(server.path.parent)) as supervisor:
        supervisor.call("echo")
        others = [server.raw() for _ in range(40)]
        wait_for(supervisor._connection.ended, "the waiting connection to make room")
        assert supervisor.call("echo", n=1) == {"n": 1}
        for channel in others:
            channel.close()


@pytest.mark.parametrize("connection", [SupervisorConnection, KeeperConnection])
def test_no_daemon(run: RunPlaces, connection: type[SupervisorConnection | KeeperConnection]) -> None:
    with pytest.raises(ParaduxError) as caught:
        connection(run)
    assert caught.value.exit_code == ExitCode.UNREACHABLE
    assert caught.value.message.startswith(f"cannot reach paraduxd: nothing listens on {run.directory}/")
    assert "systemctl start paraduxd" in caught.value.hint


def test_a_dead_daemon(run: RunPlaces) -> None:
    listen(run.supervisor_socket, None).close()
    with pytest.raises(ParaduxError, match="nothing listens on"):
        SupervisorConnection(run)


def test_no_permission(run: RunPlaces) -> None:
    with listen(run.supervisor_socket, None):
        run.supervisor_socket.chmod(0)
        with as_nobody(), pytest.raises(ParaduxError, match="you may not use") as caught:
            SupervisorConnection(run)
    assert caught.value.exit_code == ExitCode.UNREACHABLE
    assert "group paradux" in caught.value.hint


@pytest.mark.parametrize("connection", [SupervisorConnection, KeeperConnection])
@pytest.mark.parametrize("mode", [0o775, 0o777, 0o1777])
def test_no_passphrase_goes_to_a_directory_that_others_may_write(
    run: RunPlaces, connection: type[SupervisorConnection | KeeperConnection], mode: int
) -> None:
    with listen(run.keeper_socket, None), listen(run.supervisor_socket, None):
        run.directory.chmod(mode)
        with pytest.raises(ParaduxError, match="may be written by others") as caught:
            connection(run)
        assert (caught.value.code, caught.value.exit_code) == ("untrusted-run-directory", ExitCode.UNREACHABLE)


@pytest.mark.parametrize("connection", [SupervisorConnection, KeeperConnection])
def test_nor_to_a_directory_of_somebody_else(
    run: RunPlaces, connection: type[SupervisorConnection | KeeperConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    with listen(run.keeper_socket, None), listen(run.supervisor_socket, None):
        _give_away(run.directory, monkeypatch)
        with pytest.raises(ParaduxError, match="belongs to user") as caught:
            connection(run)
        assert caught.value.code == "untrusted-run-directory"


def _give_away(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To another user, or, without root's rights, become another one."""
    if os.geteuid() == 0:
        os.chown(directory, 4711, -1)
    else:
        monkeypatch.setattr("paraductl.daemon.channels.os.geteuid", lambda: 4711)


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's rights, if there are any."""
    uid = os.geteuid()
    if uid == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(uid)


def test_a_path_that_is_too_long_for_a_socket(tmp_path: Path) -> None:
    with pytest.raises(ParaduxError, match="AF_UNIX path too long") as caught:
        SupervisorConnection(RunPlaces(tmp_path / ("x" * 120)))
    assert caught.value.exit_code == ExitCode.UNREACHABLE


def reply(content: object, kind: int = consts.MSG_REPLY) -> bytes:
    return frame(bytes([kind]) + brine.dump((0, content)))


REMOTE_ROOT = reply((consts.LABEL_REMOTE_REF, ("paradux.Supervisor", 1, 1)))

HARM: dict[str, bytes] = {
    "nothing": b"",
    "half a frame": struct.pack("!LB", 100, 0) + b"x",
    "a frame of four gigabytes": struct.pack("!LB", 0xFFFFFFFF, 0),
    "a compressed frame": frame(b"x", compressed=1),
    "noise": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "no brine": frame(b"\x02\x07\x07"),
    "deep brine": frame(b"\x02" + brine.TAG_TUP1 * 100_000 + brine.TAG_NONE),
    "a value for the root": reply((consts.LABEL_VALUE, 1)),
    "an object of ours": reply((consts.LABEL_LOCAL_REF, ("builtins.dict", 1, 1))),
    "a request": frame(b"\x01" + brine.dump((0, (consts.HANDLE_GETROOT, (consts.LABEL_VALUE, ()))))),
    "an exception": reply((("os", "system"), ("rm -rf /",), (), ""), consts.MSG_EXCEPTION),
    "an exit": reply((("builtins", "SystemExit"), (0,), (), ""), consts.MSG_EXCEPTION),
    "a reference as reply": REMOTE_ROOT
    + frame(b"\x02" + brine.dump((1, (consts.LABEL_REMOTE_REF, ("builtins.dict", 1, 2))))),
    "bytes as reply": REMOTE_ROOT + frame(b"\x02" + brine.dump((1, (consts.LABEL_VALUE, b"{}")))),
    "no JSON as reply": REMOTE_ROOT + frame(b"\x02" + brine.dump((1, (consts.LABEL_VALUE, "{")))),
    "deep JSON as reply": REMOTE_ROOT + frame(b"\x02" + brine.dump((1, (consts.LABEL_VALUE, "[" * 100_000)))),
    "a list as reply": REMOTE_ROOT + frame(b"\x02" + brine.dump((1, (consts.LABEL_VALUE, '{"reply": []}')))),
}


@pytest.mark.parametrize("name", HARM)
def test_a_harmful_daemon_is_one_plain_error(run: RunPlaces, name: str) -> None:
    def talk(channel: socket.socket) -> None:
        channel.sendall(HARM[name])
        channel.shutdown(socket.SHUT_WR)
        while channel.recv(1 << 16):
            pass

    with (
        talking(run.supervisor_socket, talk),
        pytest.raises(ParaduxError) as caught,
        SupervisorConnection(run) as supervisor,
    ):
        wait_for(lambda: not HARM[name] or supervisor._connection.ended(), "the harm to arrive")
        ask_once(supervisor)
    assert caught.value.code in ("unreachable", "bad-reply", "bad-request")


def ask_once(supervisor: SupervisorConnection) -> None:
    """Call on this very connection, though something that nobody asked for has arrived on it."""
    supervisor._connection.ended = lambda: False  # type: ignore[method-assign]
    supervisor.call("status")


STOPS = """
import os, signal, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print(flush=True)
channel, _ = listener.accept()
channel.recv(1)
os.kill(os.getpid(), int(sys.argv[2]))
"""


@pytest.mark.parametrize(
    ("number", "says"),
    [(signal.SIGSTOP, "does not answer: it is stopped"), (signal.SIGKILL, "ended before it answered")],
)
def test_no_answer_has_a_reason(
    run: RunPlaces, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, says: str
) -> None:
    monkeypatch.setitem(rpyc_client.CONFIG, "sync_request_timeout", 1)
    command = [sys.executable, "-c", STOPS, run.supervisor_socket, str(int(number))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout
        daemon.stdout.readline()
        with pytest.raises(ParaduxError, match=says) as caught:
            SupervisorConnection(run).call("status")
        daemon.kill()
    assert caught.value.exit_code == ExitCode.UNREACHABLE
    assert "log" not in caught.value.hint


def test_notes_come_before_the_keepers_reply(run: RunPlaces) -> None:
    def talk(channel: socket.socket) -> None:
        assert framing.receive(channel) == {"call": "save", "arguments": {"text": "{}", "serial": 3}}
        framing.send(channel, {"event": "note", "text": "saving"})
        framing.send(channel, {"event": "note", "text": "publishing"})
        framing.send(channel, {"reply": {"serial": 4}})

    notes: list[str] = []
    with talking(run.keeper_socket, talk), KeeperConnection(run) as keeper:
        assert keeper.call("save", notes.append, text="{}", serial=3) == {"serial": 4}
    assert notes == ["saving", "publishing"]


def test_an_error_of_the_keeper_is_raised(run: RunPlaces) -> None:
    def talk(channel: socket.socket) -> None:
        framing.receive(channel)
        framing.send(channel, {"event": "note", "text": "not asked for"})
        framing.send(channel, {"error": ParaduxError("wrong-passphrase", "no", "", ExitCode.NOT_AUTHORIZED).to_wire()})

    with talking(run.keeper_socket, talk), KeeperConnection(run) as keeper, pytest.raises(ParaduxError) as caught:
        keeper.call("authorize", passphrase="x")
    assert (caught.value.code, caught.value.exit_code) == ("wrong-passphrase", ExitCode.NOT_AUTHORIZED)


def test_a_keeper_that_is_gone_is_a_closed_connection(run: RunPlaces) -> None:
    with talking(run.keeper_socket, lambda channel: None), KeeperConnection(run) as keeper:
        wait_for(lambda: hung_up(keeper._channel), "the end of the connection")
        with pytest.raises(ClosedError):
            keeper.call("hello")


def test_a_keeper_that_dies_during_a_call_is_a_closed_connection(run: RunPlaces) -> None:
    def talk(channel: socket.socket) -> None:
        framing.receive(channel)

    with talking(run.keeper_socket, talk), KeeperConnection(run) as keeper, pytest.raises(ClosedError):
        keeper.call("document")


@pytest.mark.parametrize("module", ["rpyc", "pydantic", "paraduxd.core", "paraduxd.effects", "asyncio"])
def test_importing_the_client_leaves_out(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import paraductl.daemon.channels, sys; print({module!r} in sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "False\n"
