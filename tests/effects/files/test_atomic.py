"""Small files are replaced as a whole, with the mode that was asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paraduxd.effects.files import atomic


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_content_and_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o777)
    atomic.write_atomically(path, b"new", mode)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == mode
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_of_the_old_file_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with path.open() as reader:
        atomic.write_atomically(path, b"new")
        assert reader.read() == "old"


def test_a_failed_rename_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    (target / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        atomic.write_atomically(target, b"new")
    assert list(tmp_path.iterdir()) == [target]


def test_file_then_directory_reach_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order that a loss of power asks for: the file's bytes, its name, the directory."""
    order: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def recorded_fsync(descriptor: int) -> None:
        order.append("directory" if Path(f"/proc/self/fd/{descriptor}").is_dir() else "file")
        fsync(descriptor)

    def recorded_replace(path: Path, target: Path) -> Path:
        order.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(Path, "replace", recorded_replace)
    atomic.write_atomically(tmp_path / "file", b"new")
    assert order == ["file", "rename", "directory"]


def test_a_quota_is_told_without_a_number_that_is_not_known(tmp_path: Path) -> None:
    """A quota stops us while the disk has room, so what is missing cannot be told."""
    error = atomic.disk_full("write it", tmp_path, 5)
    assert "5 bytes do not fit" in error.message
    assert str(tmp_path) in error.hint
