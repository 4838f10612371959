"""The state directory or the run directory is full, or the disk read-only: status says so, reading back works, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rig import Installation, fill

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounts small disks"),
]


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


@pytest.fixture
def paradux(tmp_path: Path) -> Iterator[Installation]:
    """One whose state and run directories are small disks of their own, and whose first backup is done."""
    made = Installation(tmp_path)
    for folder in (made.state, made.run):
        folder.mkdir()
        _mount("-t", "tmpfs", "-o", "size=100m,mode=700", "tmpfs", str(folder))
    try:
        fill(made.root / "source")
        made.start()
        made.setup()
        made.ctl("backup")
        made.ctl("lock")
        yield made
    finally:
        if made.daemon is not None:
            made.daemon.kill()
            made.daemon.wait()
        for folder in (made.state, made.run):
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill_up(folder: Path) -> None:
    with (folder / "filler").open("wb") as filler:
        try:
            while True:
                filler.write(bytes(1 << 16))
                filler.flush()
        except OSError:
            pass


def _full(paradux: Installation) -> Callable[[], None]:
    _fill_up(paradux.state)
    return (paradux.state / "filler").unlink


def _read_only(paradux: Installation) -> Callable[[], None]:
    _mount("-o", "remount,ro", str(paradux.state))
    return lambda: _mount("-o", "remount,rw", str(paradux.state))


def _reads_back(paradux: Installation) -> None:
    to = paradux.root / "restored"
    for options in ((), ("--from", "mirror")):
        shutil.rmtree(to, ignore_errors=True)
        paradux.ctl("restore", "home", "--to", str(to), *options)
        assert len(list(to.rglob("file-*"))) == 12
    assert "mirror" in paradux.ctl("versions", "home").stdout
    assert "restore" in paradux.ctl("history").stdout


TROUBLE = {"full": _full, "read-only": _read_only}


@pytest.mark.parametrize(
    ("trouble", "how"),
    [("full", "goes on"), ("full", "stopped"), ("full", "killed"), ("read-only", "stopped"), ("read-only", "killed")],
)
def test_the_state_directory(paradux: Installation, trouble: str, how: str) -> None:
    if how == "goes on":
        heal = TROUBLE[trouble](paradux)
    else:
        # A daemon that is killed leaves what it has recorded last in the log beside the journal.
        paradux.stop(signal.SIGKILL if how == "killed" else signal.SIGTERM)
        heal = TROUBLE[trouble](paradux)
        paradux.start()
    document = paradux.status()
    (found,) = [problem for problem in document["problems"] if problem["code"] == "state-not-writable"]
    assert (document["level"], found["level"]) == ("critical", "critical")
    assert (
        str(paradux.state) in found["text"]
        and {"full": "full (", "read-only": "cannot be written"}[trouble] in found["text"]
    )
    assert document["datasets"][0]["destinations"][0]["last_success"], "what was recorded is known"
    assert "set up" not in found["text"] + found["hint"]
    _reads_back(paradux)
    refused = paradux.ctl("backup", check=False)
    assert refused.returncode == 1 and "journal" in refused.stderr and str(paradux.state) in refused.stderr
    heal()
    (paradux.root / "source" / "new.txt").write_text("new")
    paradux.ctl("backup")
    assert "state-not-writable" not in paradux.problem_codes()
    _reads_back_the_new(paradux)


def _reads_back_the_new(paradux: Installation) -> None:
    to = paradux.root / "restored"
    shutil.rmtree(to, ignore_errors=True)
    paradux.ctl("restore", "home", "--to", str(to), "--from", "mirror")
    assert list(to.rglob("new.txt"))


def test_the_run_directory(paradux: Installation) -> None:
    _fill_up(paradux.run)
    found = [problem for problem in paradux.status()["problems"] if problem["code"] == "run-not-writable"]
    assert [problem["level"] for problem in found] == ["critical"] and str(paradux.run) in found[0]["text"]
    _reads_back(paradux)
    paradux.ctl("backup")
