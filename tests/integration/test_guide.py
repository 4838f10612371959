"""CONTRIBUTING's guide, followed to the letter: a protocol and a command as drop-ins, from its own code blocks."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rig import Installation, fill, minimal_answers

GUIDE = Path(__file__).parents[2] / "CONTRIBUTING.md"

ETC = """
mount --make-rprivate /
mount --bind "$0" /etc
exec "$@"
"""
"""Another /etc, with the drop-ins, for the daemon and the client of these tests."""

OWN_MOUNTS = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--mount", "--map-root-user")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """The Python of the guide by the path in its first line."""
    found = {text.partition("\n")[0].removeprefix("# "): text for text in blocks("python")}
    assert list(found) == ["/etc/paradux/protocols.d/sqlite.py", "test_sqlite.py", "/etc/paradux/commands.d/oldest.py"]
    return found


def entries(root: Path) -> list[dict[str, Any]]:
    """The stash and the destination of the guide, at places of this test."""
    (text,) = blocks("json")
    found: list[dict[str, Any]] = json.loads(text.replace("/mnt/share", str(root / "share")))
    return found


class House(Installation):
    """Its /etc has what the guide says to save there."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        shutil.copytree("/etc", root / "etc", symlinks=True, ignore_dangling_symlinks=True)
        for path, text in files().items():
            if path.startswith("/etc/"):
                file = root / path.removeprefix("/")
                file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                file.write_text(text)
                file.chmod(0o644)
        for folder in ("paradux", "paradux/protocols.d", "paradux/commands.d"):
            (root / "etc" / folder).chmod(0o755)
        self.as_user = (*OWN_MOUNTS, "sh", "-c", ETC, str(root / "etc"))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    (tmp_path / "share").mkdir()
    try:
        house.start()
        yield house
    finally:
        house.stop()


def test_what_the_guide_adds_works(house: House) -> None:
    stash, destination = entries(house.root)
    answers = minimal_answers(house.root)
    answers["metadata_stashes"].append(stash)
    answers["datasets"][0]["destinations"].append(destination)
    fill(house.root / "source")

    assert "sqlite" not in house.ctl("check", "-", text=json.dumps(answers)).stdout, "nothing is wrong with it"
    house.setup(answers)
    house.ctl("backup")
    assert [each["current"] for each in house.status()["metadata_stashes"]] == [True] * 3, "read back from every stash"
    with sqlite3.connect(house.root / "share/paradux.db") as database:
        assert any("config-1-1.gpg" in line for line in database.iterdump())
    house.owner("restore", "home", "--from", "archive", "--to", str(house.root / "back"))
    assert _contents(house.root / "back") == _contents(house.root / "source")
    house.owner("verify", "home")

    assert "oldest" in house.ctl("--help").stdout
    assert house.ctl("oldest", "home").stdout.startswith("home/")
    assert json.loads(house.ctl("--json", "oldest").stdout)["copy"] in {"home/mirror", "home/archive"}


def test_the_module_passes_the_suite_as_the_guide_runs_it(tmp_path: Path) -> None:
    given = files()
    (tmp_path / "sqlite_protocol.py").write_text(given["/etc/paradux/protocols.d/sqlite.py"])
    (tmp_path / "test_sqlite.py").write_text(given["test_sqlite.py"])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_sqlite.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d\d passed", done.stdout)


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
