"""A keeper that needs long to start is waited for; one that has started and no longer answers is ended."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

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


class SlowKeeper(KeeperHost):
    """Its keepers start slowly, take one connection, and never answer again."""

    def _command(self, control: int) -> list[str]:
        return [sys.executable, "-c", _KEEPER, str(control)]


def test_a_slow_start_is_waited_for_and_silence_afterwards_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_link, "TAKES", 0.2)
    listener = socket.socket(socket.AF_UNIX)
    host = SlowKeeper(
        listener,
        StatePlaces(tmp_path),
        Children(),
        lambda what, arguments: {},
        more=["--weak-kdf"],
        may_connect=lambda peer: True,
        on_vault=lambda digest: None,
        on_end=lambda: None,
    )
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
