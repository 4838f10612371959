"""What is to lie in /dev/shm lies there for everybody, not in what a transfer has instead of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.rig import fill, minimal_answers, running


def test_copies_and_what_is_restored_outlive_the_transfer(tmp_path: Path, in_memory: Path) -> None:
    answers = minimal_answers(tmp_path)
    fill(tmp_path / "source")
    copies, back = in_memory / "copies", in_memory / "back"
    place = {"id": "memory", "protocol": "disk", "url": f"file://{copies}", "fate": ["place:x"]}
    answers["datasets"][0]["destinations"].append(place)
    with running(tmp_path) as paradux:
        paradux.setup(answers)
        paradux.ctl("backup")
        assert names(copies / "current") == names(tmp_path / "source")
        paradux.owner("restore", "home", "--to", str(back))
    assert names(back) == names(tmp_path / "source")


@pytest.mark.skipif(os.geteuid() != 0, reason="root, and somebody who is not")
@pytest.mark.parametrize("inner", ["", "back"])
def test_a_link_of_somebody_else_is_not_followed(tmp_path: Path, in_memory: Path, inner: str) -> None:
    """Root restores through no link that others have put into the memory of all."""
    victim, link = tmp_path / "victim", in_memory / "link"
    victim.mkdir()
    link.symlink_to(victim)
    os.chown(link, 65534, 65534, follow_symlinks=False)
    fill(tmp_path / "source")
    with running(tmp_path) as paradux:
        paradux.setup()
        paradux.ctl("backup")
        done = paradux.owner("restore", "home", "--from", "mirror", "--to", str(link / inner), check=False)
    assert done.returncode, done.stdout
    assert list(victim.iterdir()) == []


def names(folder: Path) -> set[str]:
    """Of all files below it."""
    return {path.name for path in folder.resolve().rglob("*") if path.is_file()}
