"""A keeper that needs long to start is waited for; one that has started and no longer answers is ended."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from paraduxd.api import framing
from paraduxd.api.paths import StatePlaces
from paraduxd.effects.process.children import Children
from paraduxd.supervisor import keeper_link
from paraduxd.supervisor.keeper_link import KeeperHost

_KEEPER = """
import socket, sys, time
from paraduxd.effects.ipc import control_channel
control = socket.socket(fileno=int(sys.argv[1]))
time.sleep(1)
control_channel.receive(control)
control_channel.send(control, {"took": True})
time.sleep(1000)
"""


_FAILING = """
import socket, sys
from paraduxd.effects.ipc import control_channel
control = socket.socket(fileno=int(sys.argv[1]))
if sys.argv[2]:
    control_channel.send(control, {"tell": {"failed": sys.argv[2]}})
sys.exit(3)
"""


class SlowKeeper(KeeperHost):
    """Its keepers start slowly, take one connection, and never answer again."""

    def _command(self, control: int, errors: int) -> list[str]:
        return [sys.executable, "-c", _KEEPER, str(control)]


class FailingKeeper(KeeperHost):
    """Its keepers end at once, after they said why or without a word."""

    words = ""

    def _command(self, control: int, errors: int) -> list[str]:
        return [sys.executable, "-c", _FAILING, str(control), self.words]


def made(kind: type[KeeperHost], listener: socket.socket, state: Path) -> KeeperHost:
    return kind(
        listener,
        StatePlaces(state),
        Children(),
        lambda what, arguments: {},
        more=["--weak-kdf"],
        may_connect=lambda peer: True,
        on_vault=lambda digest: None,
        on_end=lambda: None,
    )


@pytest.mark.parametrize(
    ("words", "why"), [("", "it ended with exit code 3"), ("no memory can be locked", "no memory can be locked")]
)
def test_the_client_is_told_why_no_keeper_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, why: str
) -> None:
    monkeypatch.setattr(FailingKeeper, "words", words)
    listener = socket.socket(socket.AF_UNIX)
    host = made(FailingKeeper, listener, tmp_path)
    client, ours = socket.socketpair()
    with client, ours, listener:
        host._hand_over(ours)
        error = framing.receive(client)["error"]
    assert error["code"] == "no-keeper"
    assert error["message"] == f"the keeper, which opens the vault, does not start: {why}"


class Broken(KeeperHost):
    """Its keepers are of a program that is not whole."""

    def _command(self, control: int, errors: int) -> list[str]:
        command = super()._command(control, errors)
        place = command.index("paraduxd.keeper.main")
        return [*command[:place], "paraduxd.keeper.not_there", *command[place + 1 :]]


def test_what_a_keeper_wrote_that_died_at_once_is_told_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    listener = socket.socket(socket.AF_UNIX)
    host = made(Broken, listener, tmp_path)
    client, ours = socket.socketpair()
    with client, ours, listener:
        host._hand_over(ours)
        message = framing.receive(client)["error"]["message"]
    assert message.endswith("it ended with exit code 1 and said: " + message.rpartition(" and said: ")[2])
    assert "No module named paraduxd.keeper.not_there" in message
    assert "No module named paraduxd.keeper.not_there" in caplog.text


_FAULTY = """
import sys
from paraduxd.keeper import main
main._serve = lambda *_: {}["correct horse battery staple"]
main.main(sys.argv[1:])
"""


class Faulty(KeeperHost):
    """Its keepers have a fault that nobody has foreseen."""

    def _command(self, control: int, errors: int) -> list[str]:
        command = super()._command(control, errors)
        return [sys.executable, "-c", _FAULTY, *command[command.index("paraduxd.keeper.main") + 1 :]]


def test_a_fault_of_the_keeper_is_told_without_what_it_may_repeat(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    listener = socket.socket(socket.AF_UNIX)
    host = made(Faulty, listener, tmp_path)
    client, ours = socket.socketpair()
    with client, ours, listener:
        host._hand_over(ours)
        message = framing.receive(client)["error"]["message"]
    assert "does not start: it failed unexpectedly: KeyError in <string>, line 4" in message
    assert "correct horse" not in message + "".join(capfd.readouterr())


def test_what_a_keeper_writes_once_it_works_goes_to_the_log_of_the_daemon(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing of it comes into the memory of the supervisor."""
    listener = socket.socket(socket.AF_UNIX)
    host = made(KeeperHost, listener, tmp_path)
    client, ours = socket.socketpair()
    with client, ours, listener:
        host._hand_over(ours)
        keeper = host._keeper
        assert keeper is not None and keeper.process.poll() is None
        errors = Path(f"/proc/{keeper.process.pid}/fd/2").readlink()
        assert errors == Path("/proc/self/fd/2").readlink()
        host.lock()


def test_a_slow_start_is_waited_for_and_silence_afterwards_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_link, "TAKES", 0.2)
    listener = socket.socket(socket.AF_UNIX)
    host = made(SlowKeeper, listener, tmp_path)
    client, ours = socket.socketpair()
    with client, ours, listener:
        host._hand_over(ours)
        first = host._keeper
        assert first is not None and first.process.poll() is None, "it had its time to start"
        host._hand_over(ours)
        assert first.process.poll() is not None, "it was ended, since it did not answer"
        second = host._keeper
        assert second is not None and second is not first and second.process.poll() is None
        host.lock()
