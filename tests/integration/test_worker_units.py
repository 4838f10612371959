"""A whole Paradux whose daemon starts no worker itself: sockets do, as systemd's do when Paradux is installed."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.integration.test_removable import Home, contents
from tests.unit_rig import COMMAND, SocketUnits

pytestmark = pytest.mark.slow


OWN_MEMORY = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /dev/shm; exec "$@"', "unit", *COMMAND)
"""What a unit with `TemporaryFileSystem=/dev/shm` runs."""


class UnitHome(Home):
    """Keeps one dataset at a folder and, encrypted, on a disk."""

    def __init__(self, root: Path, command: Sequence[str] = COMMAND) -> None:
        super().__init__(root, "gpg")
        self.units = SocketUnits(root / "sockets", command)

    def start(self) -> None:
        self.paradux.start("--stick-folders", str(self.port), "--worker-sockets", str(self.units.folder))

    def began(self) -> list[str]:
        """Through which sockets workers came since the last call."""
        before = [*self.units.started]
        self.units.started.clear()
        return before

    def workers(self) -> list[str]:
        """Workers that live, wherever."""
        found = subprocess.run(["pgrep", "-f", "paraduxd[.]worker[.]unit"], capture_output=True, text=True, check=False)
        return found.stdout.split()


@pytest.fixture
def home(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[UnitHome]:
    home = UnitHome(tmp_path, getattr(request, "param", COMMAND))
    with home.units:
        try:
            home.start()
            home.paradux.setup(home.answers)
            home.paradux.ctl("backup", "home", "--destination", "mirror")
            yield home
        finally:
            if home.paradux.daemon is not None:
                home.paradux.daemon.kill()
                home.paradux.daemon.wait()


def test_backup_restore_kits_and_a_drill(home: UnitHome, tmp_path: Path) -> None:
    assert "transfer" in home.began()
    home.plug_in()
    home.wait_for_version(1)
    assert "disk" in home.began()
    assert home.restored(tmp_path / "back") == contents(home.source)
    assert home.began() == ["disk"], "what is restored from a disk"
    home.paradux.owner("create-steward-device", "alice", "--directory", str(tmp_path))
    assert (tmp_path / "PARADUX").is_dir()
    assert set(home.began()) == {"transfer"}, "a folder is no stick"
    drill = home.paradux.owner("drill", check=False)
    assert "restored" in drill.stdout + drill.stderr
    assert {"transfer", "disk"} <= set(home.began())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_the_daemon(home: UnitHome, number: signal.Signals, tmp_path: Path) -> None:
    config = home.paradux.config()
    config["datasets"][0]["source"]["bandwidth"] = 10_000
    home.paradux.edit(config)
    (home.source / "large").write_bytes(bytes(range(256)) * 4096)
    home.paradux.ctl("backup", "home", "--pull-only", "--no-wait")
    home.paradux.wait_for(lambda: home.paradux.status()["running"] and home.workers(), "the pull to run")
    home.paradux.stop(number)
    deadline = time.monotonic() + 30
    while home.workers():
        assert time.monotonic() < deadline, "a worker lives on"
        time.sleep(0.1)
    home.start()
    assert "interrupted" in home.paradux.ctl("history").stdout


@pytest.mark.parametrize("home", [OWN_MEMORY], indirect=True, ids=["own memory"])
def test_what_a_unit_would_take_with_it_is_refused(home: UnitHome, in_memory: Path) -> None:
    done = home.paradux.owner("restore", "home", "--to", str(in_memory / "back"), check=False)
    assert done.returncode != 0
    assert f"transfers have a /dev/shm of their own, so they do not reach {in_memory}" in done.stderr
    config = home.paradux.config()
    config["datasets"][0]["destinations"][0]["url"] = f"file://{in_memory}/copies"
    home.paradux.edit(config, check=False)
    done = home.paradux.ctl("backup", "home", "--destination", "mirror", check=False)
    assert done.returncode != 0
    assert "transfers have a /dev/shm of their own" in done.stderr
