"""Whatever signal ends the daemon, its keeper or a worker: with `unattended: false` no credentials stay, and it ends in order."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.api.paths import StatePlaces
from paraduxd.effects.files import transport_files
from paraduxd.supervisor.main import main
from tests.canaries import in_files
from tests.rig import Installation, clean_environment, fill, minimal_answers

pytestmark = pytest.mark.slow

SECRET = f"a-secret-of-the-stash-{os.urandom(8).hex()}"  # what an earlier run left behind is not this one's


@pytest.fixture(scope="module")
def paradux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One that keeps its credentials in memory."""
    made = Installation(tmp_path_factory.mktemp("signals"))
    fill(made.root / "source")
    answers = minimal_answers(made.root, policy={"shares_required": 2, "unattended": False, "unlock_for": "15m"})
    destination = answers["datasets"][0]["destinations"][0]
    destination |= {"id": "vault", "protocol": "restic", "repository": str(made.root / "repository")}
    destination["credentials"] = {"password": SECRET}
    del destination["url"]
    try:
        made.start()
        made.setup(answers)
        yield made
    finally:
        if made.daemon is not None:
            made.daemon.kill()
            made.daemon.wait()
        transport_files.forget(StatePlaces(made.state), unattended=False)


@pytest.fixture
def unlocked(paradux: Installation) -> Installation:
    """It runs, and has its credentials."""
    if paradux.daemon is None:
        paradux.start()
    paradux.owner("unlock")
    assert any(SECRET in path.read_text() for path in folder_of(paradux).iterdir())
    return paradux


def folder_of(paradux: Installation) -> Path:
    return transport_files.directory(StatePlaces(paradux.state), unattended=False)


def left_behind(paradux: Installation) -> list[str]:
    """Files of ours in memory that hold the secret, or are the folder for it."""
    found = [str(folder_of(paradux))] if folder_of(paradux).exists() else []
    places = Path("/dev/shm").glob("paradux-*")
    return [*found, *map(str, in_files(places, [SECRET.encode()]))]


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGTERM", "SIGQUIT", "SIGXCPU", "SIGPWR"])
def test_signals_that_end_it_in_order(unlocked: Installation, name: str) -> None:
    assert unlocked.stop(signal.Signals[name]) == 0
    assert left_behind(unlocked) == []
    assert "Paradux is ending" in unlocked.tail()


@pytest.mark.parametrize("name", ["SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO"])
def test_signals_that_mean_nothing(unlocked: Installation, name: str) -> None:
    assert unlocked.daemon is not None
    unlocked.daemon.send_signal(signal.Signals[name])
    unlocked.wait_for(
        lambda: f"Signal {signal.Signals[name].value} is ignored" in unlocked.log.read_text(), "the log line"
    )
    assert unlocked.status()["daemon"]["pid"] == unlocked.daemon.pid
    assert folder_of(unlocked).is_dir()


def test_after_sigkill_sweep_removes_them_and_so_does_the_next_start(unlocked: Installation) -> None:
    assert main(["--state", str(unlocked.state), "--run", str(unlocked.run), "--sweep"]) == 1, "not while it runs"
    assert folder_of(unlocked).is_dir()
    unlocked.stop(signal.SIGKILL)
    assert left_behind(unlocked), "nobody can catch that one"
    assert main(["--state", str(unlocked.state), "--run", str(unlocked.run), "--sweep"]) == 0
    assert left_behind(unlocked) == []
    unlocked.start()
    unlocked.owner("unlock")
    unlocked.stop(signal.SIGKILL)
    unlocked.start()
    assert left_behind(unlocked) == []


def test_a_closed_terminal_ends_it_in_order(unlocked: Installation) -> None:
    unlocked.stop()
    master, slave = pty.openpty()

    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    argv = [
        sys.executable,
        "-m",
        "paraduxd.supervisor.main",
        "--state",
        str(unlocked.state),
        "--run",
        str(unlocked.run),
    ]
    argv += ["--weak-kdf-for-tests"]
    daemon = subprocess.Popen(
        argv,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        preexec_fn=take_terminal,  # noqa: PLW1509  (no other thread of the test starts processes)
        env=clean_environment(),
    )
    try:
        os.close(slave)
        unlocked.wait_for(lambda: unlocked.ctl("history", check=False).returncode != 4, "the daemon to answer")
        unlocked.owner("unlock")
        assert left_behind(unlocked)
        os.close(master)
        assert daemon.wait(30) in (0, 120), "120: Python could not flush to the terminal that is gone"
    finally:
        daemon.kill()
        daemon.wait()
    assert left_behind(unlocked) == []


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGTERM", "SIGQUIT", "SIGUSR1", "SIGKILL"])
def test_a_keeper_that_is_killed_leaves_nothing(unlocked: Installation, name: str) -> None:
    (keeper,) = [
        pid for pid in unlocked.processes() if b"paraduxd.keeper.main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    os.kill(keeper, signal.Signals[name])
    unlocked.wait_for(lambda: unlocked.status()["daemon"]["locked"], "the lock")
    unlocked.wait_for(
        lambda: not list(Path("/dev/shm").glob(f"paradux-keeper-{keeper}-*")), "what it had to be removed"
    )
    unlocked.owner("unlock")


def test_the_watchdogs_signal_shows_where_each_thread_was(unlocked: Installation) -> None:
    """systemd ends by SIGABRT what sends it no sign of life; the places hold no values."""
    assert unlocked.stop(signal.SIGABRT) == -signal.SIGABRT
    told = unlocked.tail(20_000)
    assert "Fatal Python error: Aborted" in told
    assert "supervisor/main.py" in told and "runs/launcher.py" in told
    assert SECRET not in told
