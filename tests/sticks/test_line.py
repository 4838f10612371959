"""The way of a stick from the supervisor to the keeper."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.paths import StatePlaces
from paraduxd.core.devices.stick_rules import PluggedIn
from paraduxd.effects.ipc import control_channel
from paraduxd.effects.process.children import Children
from paraduxd.supervisor.keeper_link import KeeperHost, _Keeper

STICK = PluggedIn("/dev/sdb", serial="S1")
MORE_THAN_THE_LINE_HOLDS = 5000


@pytest.fixture
def host(tmp_path: Path) -> KeeperHost:
    """A host whose keeper is not started yet."""
    return KeeperHost(
        socket.socket(socket.AF_UNIX),
        StatePlaces(tmp_path),
        Children(),
        lambda what, arguments: {},
        more=["--weak-kdf"],
        may_connect=lambda peer: True,
        on_vault=lambda digest: None,
        on_end=lambda: None,
    )


def start_deaf_keeper(host: KeeperHost) -> tuple[_Keeper, socket.socket]:
    """A process that lives and does not read the line."""
    ours, its = socket.socketpair(socket.AF_UNIX, control_channel.SOCKET_TYPE)
    host._keeper = _Keeper(host._children.start(["sleep", "1000"], pass_fds=[]), ours, os.memfd_create("errors"))
    return host._keeper, its


def test_without_a_keeper_nobody_is_told(host: KeeperHost) -> None:
    assert not host.tell_stick(STICK)


def test_the_keeper_gets_what_the_watcher_saw(host: KeeperHost) -> None:
    _, its = start_deaf_keeper(host)
    assert host.tell_stick(replace(STICK, beside=("the stick Kingston",)))
    message, connection = control_channel.receive(its)
    assert message == {"stick": {**to_json_value(STICK), "beside": ["the stick Kingston"]}}
    assert connection is None
    host.lock()


def test_a_storm_of_sticks_cannot_keep_anybody_from_locking(host: KeeperHost) -> None:
    keeper, _its = start_deaf_keeper(host)
    told = [host.tell_stick(STICK) for _ in range(MORE_THAN_THE_LINE_HOLDS)]
    assert told[0]
    assert not told[-1], "it does not listen: the supervisor sees to the stick itself"
    host.lock()
    assert keeper.process.poll() is not None


def test_a_keeper_that_has_died_is_not_told(host: KeeperHost) -> None:
    keeper, _its = start_deaf_keeper(host)
    keeper.process.kill()
    keeper.process.wait()
    assert not host.tell_stick(STICK)
