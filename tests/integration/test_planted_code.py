"""Code that somebody has planted where the daemon was started is never run, in no process of Paradux."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rig import Installation, fill

MODULES = (
    "argparse",
    "json",
    "socket",
    "subprocess",
    "pydantic",
    "gnupg",
    "restic",
    "paraduxd",
    "sitecustomize",
    "usercustomize",
)


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A directory with modules that leave a mark when they are imported."""
    folder = tmp_path / "planted"
    folder.mkdir()
    for name in MODULES:
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'a').write('{name} ')\n")
    return folder


@pytest.mark.parametrize("variable", [False, True], ids=["working-directory", "pythonpath"])
def test_planted_modules_are_not_run(
    planted: Path, tmp_path: Path, variable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    paradux = Installation(tmp_path / "paradux")
    fill(paradux.root / "source")
    monkeypatch.chdir(planted)
    command = [
        str(Path(sys.executable).with_name("paraduxd")),
        "--state",
        str(paradux.state),
        "--run",
        str(paradux.run),
    ]
    environment = {**os.environ, **({"PYTHONPATH": str(planted)} if variable else {})}
    if variable:  # the daemon itself obeys its owner's environment; what it starts must not
        command = [sys.executable, "-I", *command]
    with paradux.log.open("wb") as log:
        paradux.daemon = subprocess.Popen([*command, "--weak-kdf-for-tests"], stdout=log, stderr=log, env=environment)
    try:
        monkeypatch.chdir(tmp_path)
        paradux.wait_for(lambda: paradux.ctl("history", check=False).returncode != 4, "the daemon to answer")
        paradux.setup()
        paradux.ctl("backup")
        paradux.owner("create-steward-device", "alice", "--directory", str(tmp_path / "kit"))
        assert Path(f"/proc/{paradux.daemon.pid}/cwd").resolve() == Path("/")
    finally:
        paradux.stop()
    assert not (tmp_path / "mark").exists(), (tmp_path / "mark").read_text()


def test_relative_directories_are_those_of_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paradux = Installation(tmp_path / "here")
    command = [str(Path(sys.executable).with_name("paraduxd")), "--state", "here/state", "--run", "here/run"]
    with paradux.log.open("wb") as log:
        paradux.daemon = subprocess.Popen([*command, "--weak-kdf-for-tests"], stdout=log, stderr=log)
    try:
        paradux.wait_for(lambda: paradux.ctl("history", check=False).returncode != 4, "the daemon to answer")
        assert (tmp_path / "here/state/journal.sqlite").exists()
    finally:
        paradux.stop()
