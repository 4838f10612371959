"""A directory through tar and zstd, and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from paraduxd.effects.tools import tar
from paraduxd.protocols.archive.send import write_all
from paraduxd.testing import samples


def stream_of(folder: Path, snapshot: Path) -> bytes:
    """Everything in a directory."""
    with tar.packed(folder, snapshot) as packing:
        found = packing.stream.read()
        packing.finish()
    return found


def test_what_outlives_its_worker_writes_into_no_directory_of_the_same_name(tmp_path: Path) -> None:
    """tar opened the directory by its path when the first file came: a tar whose worker was killed wrote into the next restore's."""
    samples.write_files(tmp_path / "data", 2)
    stream = stream_of(tmp_path / "data", tmp_path / "snapshot")
    to, other = tmp_path / "to", tmp_path / "other"
    to.mkdir()
    with tar.unpacked(to) as unpacking:
        to.rename(other)
        to.mkdir()
        write_all(unpacking.descriptor, stream)
        unpacking.finish()
    assert samples.files(to) == []
    assert samples.contents(other) == samples.contents(tmp_path / "data")


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    """What tar remembers of directories with files, without, and of names of any kind."""
    for name in ("empty", "full/deep", "full/empty"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for name in ("one", "full/two", "full/deep/new\nline"):
        (tmp_path / "data" / name).write_text(name)
    stream_of(tmp_path / "data", tmp_path / "snapshot")
    return tmp_path / "snapshot"


def directories(snapshot: Path) -> dict[bytes, tuple[list[bytes], list[bytes]]]:
    """Name -> the five fields before it, and the entries. GNU tar manual, "Snapshot Files"."""
    fields, found, at = snapshot.read_bytes().partition(b"\n")[2].split(b"\0"), {}, 2
    while fields[at:] != [b""]:
        end = fields.index(b"", at + 6)
        found[fields[at + 5]] = (fields[at : at + 5], fields[at + 6 : end])
        assert fields[end + 1] == b""
        at = end + 2
    return found


def test_devices_and_what_was_not_read_are_forgotten(snapshot: Path, tmp_path: Path) -> None:
    before = directories(snapshot)
    assert len(before) == 5 and before[b"./empty"][1] == []
    tar.forget(snapshot, tmp_path / "forgot", [b"full/two", b"full/deep/new\nline", b"nowhere"])
    after = directories(tmp_path / "forgot")
    for name, (fields, entries) in before.items():
        unread = {b"./full": [b"Ytwo"], b"./full/deep": [b"Ynew\nline"]}.get(name, [])
        assert set(unread) <= set(entries)
        left = [entry for entry in entries if entry not in unread]
        assert after[name] == ([*fields[:3], b"0", fields[4]], left)
    assert list(after) == list(before)


def test_a_root_that_was_moved_is_followed(snapshot: Path, tmp_path: Path) -> None:
    before = directories(snapshot)
    tar.follow(snapshot, tmp_path / "followed", tmp_path)
    fields, entries = before.pop(b".")
    after = directories(tmp_path / "followed")
    assert after.pop(b".") == ([*fields[:4], b"%d" % tmp_path.stat().st_ino], entries)
    assert after == before


@pytest.mark.parametrize("cut", [0, 10, -1, -40])
def test_a_snapshot_that_is_cut_off_is_not_taken_for_a_whole_one(snapshot: Path, tmp_path: Path, cut: int) -> None:
    part = tmp_path / "part"
    part.write_bytes(snapshot.read_bytes()[:cut])
    with pytest.raises(ValueError, match=r"snapshot|empty"):
        tar.forget(part, tmp_path / "forgot")
    tar.follow(part, tmp_path / "followed", tmp_path)
    assert (tmp_path / "followed").read_bytes() == part.read_bytes()
