"""Whose hands a path is in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paraduxd.api.trust import distrust

ME = frozenset({0, os.geteuid()})
OTHER = os.geteuid() + 4242


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "above" / "folder"
    folder.mkdir(parents=True, mode=0o755)
    return folder


def test_a_folder_of_ours_in_a_folder_like_tmp_is_in_our_hands(folder: Path) -> None:
    folder.parent.chmod(0o1777)
    assert distrust(folder, ME, sticky=True) == ""
    assert "above, on the way to it, may be written by others" in distrust(
        folder, ME, sticky=False, below=folder.parent.parent
    )


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_a_folder_that_others_may_write_is_not(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    assert distrust(folder, ME, sticky=True) == "may be written by others"


@pytest.mark.parametrize("mode", [0o775, 0o777])
def test_nor_one_that_others_may_rename(folder: Path, mode: int) -> None:
    folder.parent.chmod(mode)
    assert "above, on the way to it, may be written by others" in distrust(folder, ME, sticky=True)


def test_nor_one_of_somebody_else(folder: Path) -> None:
    reason = distrust(folder, frozenset({OTHER}), sticky=True, below=folder.parent)
    assert reason == f"belongs to user {os.geteuid()}"


def test_nor_one_in_the_folder_of_somebody_else(folder: Path) -> None:
    reason = distrust(folder, frozenset({OTHER}), sticky=True, below=folder.parent.parent)
    assert f"above, on the way to it, belongs to user {os.geteuid()}" in reason


def test_where_links_lead_is_looked_at(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "second").symlink_to(folder)
    (tmp_path / "first").symlink_to("open/second")
    assert distrust(tmp_path / "first", ME, sticky=True) == ""
    (tmp_path / "open").chmod(0o777)
    assert "open, on the way" in distrust(tmp_path / "first", ME, sticky=True)
    (tmp_path / "open").chmod(0o755)
    folder.chmod(0o777)
    assert "may be written by others" in distrust(tmp_path / "first", ME, sticky=True)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert distrust(tmp_path / "a" / "folder", ME, sticky=True)
