"""Programs are found where only root, or the daemon's user, can write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.process import run

SOMEBODY = 4242


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The first directory of the path, with a program that goes by the name of one that is everywhere."""
    made = tmp_path / "bin"
    made.mkdir(mode=0o755)
    (made / "tar").write_text("#!/bin/sh\necho planted\n")
    (made / "tar").chmod(0o755)
    monkeypatch.setattr(run, "PATH", f"{made}:/usr/bin:/bin")
    return made


def test_the_first_of_the_path_when_it_is_safe(folder: Path) -> None:
    assert run.find("tar") == str(folder / "tar")


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_a_directory_that_others_can_write_to_is_passed_over(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    if mode == 0o1777:  # nobody can put something else in its place, but anybody could have made it: its owner decides
        os.chown(folder / "tar", SOMEBODY, SOMEBODY) if os.geteuid() == 0 else folder.chmod(0o777)
    assert run.find("tar") in ("/usr/bin/tar", "/bin/tar")
    assert run.run(["tar", "--version"]).output.startswith(b"tar (GNU tar)")


def test_a_program_that_others_can_change_is_passed_over(folder: Path) -> None:
    (folder / "tar").chmod(0o777)
    assert run.find("tar") in ("/usr/bin/tar", "/bin/tar")


def test_a_link_to_what_others_can_change_is_passed_over(folder: Path, tmp_path: Path) -> None:
    open_folder = tmp_path / "open"
    open_folder.mkdir()
    (folder / "tar").rename(open_folder / "tar")
    (folder / "tar").symlink_to(open_folder / "tar")
    assert run.find("tar") == str(folder / "tar")
    open_folder.chmod(0o777)
    assert run.find("tar") in ("/usr/bin/tar", "/bin/tar")


def test_the_only_one_is_of_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PATH", str(folder))
    folder.chmod(0o777)
    with pytest.raises(ParaduxError) as refused:
        run.find("tar")
    assert refused.value.code == "untrusted-program" and str(folder / "tar") in refused.value.message


def test_none_at_all(folder: Path) -> None:
    with pytest.raises(ParaduxError) as refused:
        run.find("no-such-program")
    assert refused.value.code == "missing-program"
