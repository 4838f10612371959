"""sd_notify(3) as the service manager hears it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.effects.process import systemd_notify
from tests.rig import clean_environment


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(60)
        yield listening


def test_the_daemon_says_when_it_is_ready_alive_and_ending(manager: socket.socket, tmp_path: Path) -> None:
    environment = {**clean_environment(), "NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "200000"}
    command = [
        sys.executable,
        "-m",
        "paraduxd.supervisor.main",
        "--state",
        str(tmp_path / "s"),
        "--run",
        str(tmp_path / "r"),
    ]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as daemon:
        try:
            assert [manager.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
            daemon.terminate()
            while (said := manager.recv(100)) == b"WATCHDOG=1":
                pass
            assert said == b"STOPPING=1"
            assert daemon.wait(60) == 0
        finally:
            daemon.kill()


def test_an_abstract_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        name = f"paradux-test-{os.getpid()}"
        listening.bind("\0" + name)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        systemd_notify.notify("READY=1")
        assert listening.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "/does/not/exist"])
def test_without_a_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    systemd_notify.notify("READY=1")


@pytest.mark.parametrize(
    ("value", "seconds"), [("", None), ("0", None), ("soon", None), ("²", None), ("30000000", 15.0)]
)
def test_signs_of_life_come_twice_as_often_as_asked(
    monkeypatch: pytest.MonkeyPatch, value: str, seconds: float | None
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", value)
    assert systemd_notify.watchdog_interval() == seconds
