"""A directory through tar and zstd, and back."""

from __future__ import annotations

from pathlib import Path

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
