"""What cannot be read at a source, and disks that are away, through a whole Paradux, also one without the right to read everything."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rig import Installation, fill, minimal_answers

WITHOUT = "-dac_override,-dac_read_search"


@pytest.fixture
def unprivileged(tmp_path: Path) -> Iterator[Installation]:
    """A Paradux that may not read everything, as root does elsewhere; with thirty files."""
    installation = Installation(tmp_path)
    fill(tmp_path / "source", 20)
    fill(tmp_path / "source" / "private", 10)
    if os.getuid() == 0:
        installation.as_user = ("setpriv", f"--inh-caps={WITHOUT}", f"--bounding-set={WITHOUT}")
    yield from started(installation)


@pytest.fixture
def paradux(tmp_path: Path) -> Iterator[Installation]:
    """A Paradux with twenty files that were not yet backed up."""
    installation = Installation(tmp_path)
    fill(tmp_path / "source", 20)
    yield from started(installation)


def started(installation: Installation) -> Iterator[Installation]:
    try:
        installation.start()
        yield installation
    finally:
        if installation.daemon is not None:
            installation.daemon.kill()
            installation.daemon.wait()


def problem(installation: Installation, code: str) -> dict[str, Any]:
    (found,) = [each for each in installation.status()["problems"] if each["code"] == code]
    return dict(found)


def test_the_rest_is_pushed_and_status_names_what_could_not_be_read(unprivileged: Installation) -> None:
    unprivileged.setup()
    unprivileged.ctl("backup")
    source, mirror = unprivileged.root / "source", unprivileged.root / "mirror" / "current"
    assert not unprivileged.problem_codes() & {"source-incomplete", "source-failed"}
    (source / "file-3.txt").write_text("changed, and closed")
    (source / "file-3.txt").chmod(0)
    (source / "private").chmod(0)
    (source / "new").write_text("new")
    unprivileged.ctl("backup")
    warned = problem(unprivileged, "source-incomplete")
    assert (warned["level"], warned["subject"]) == ("warning", "home")
    assert "2 things of home could not be read" in warned["text"]
    assert "file-3.txt, private" in warned["text"]
    assert (mirror / "new").read_text() == "new"
    assert (mirror / "file-3.txt").read_text() == "file 3\n" * 4
    assert len(list((mirror / "private").iterdir())) == 10
    assert unprivileged.status()["datasets"][0]["state"] == "ok"
    for path in (source / "private", source / "file-3.txt"):
        path.chmod(0o700)
    unprivileged.ctl("backup")
    assert "source-incomplete" not in unprivileged.problem_codes()
    assert (mirror / "file-3.txt").read_text() == "changed, and closed"


def test_in_place_an_unreadable_folder_is_named(unprivileged: Installation) -> None:
    answers = minimal_answers(unprivileged.root)
    del answers["datasets"][0]["staging"]
    (unprivileged.root / "source" / "private" / "deep").mkdir()
    (unprivileged.root / "source" / "private" / "deep").chmod(0)
    unprivileged.setup(answers)
    unprivileged.ctl("backup", "--pull-only")
    assert problem(unprivileged, "source-incomplete")["text"].endswith(": private/deep")
    (unprivileged.root / "source" / "private" / "deep").chmod(0o700)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to mount file systems")
def test_a_disk_that_is_away_is_held_until_approved(paradux: Installation) -> None:
    disk = paradux.root / "source" / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "paradux-test", str(disk)], check=True)
    try:
        fill(disk, 4)
        paradux.setup()
        paradux.ctl("backup")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert paradux.ctl("backup", check=False).returncode != 0
    held = problem(paradux, "dataset-held")
    assert f"at {disk} is away or empty; 4 files" in held["text"]
    assert len(list((paradux.root / "mirror" / "current" / "disk").iterdir())) == 4
    paradux.owner("approve", "home")
    paradux.wait_for(lambda: "dataset-held" not in paradux.problem_codes(), "the approved pull")
    paradux.ctl("backup")
    assert list((paradux.root / "mirror" / "current" / "disk").iterdir()) == []
