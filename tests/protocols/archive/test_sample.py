"""A rehearsal of archives that are too large to be read as a whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Keep
from paraduxd.core.runs.orders import Order
from paraduxd.protocols.archive import early_files
from paraduxd.protocols.base import PushRequest
from paraduxd.protocols.disk import DiskBlobs
from paraduxd.testing import samples
from paraduxd.testing.destinations import DestinationCase
from paraduxd.worker.transfer.rehearse import rehearse, scratch_of
from tests.protocols.archive.rig import VOLUME, archive, disk_case

MB = 1_000_000


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DestinationCase:
    """A full run of twenty volumes, and an increment; everything above 3 MB counts as large."""
    monkeypatch.setattr(early_files, "WHOLE", 3 * MB)
    made = disk_case(tmp_path)
    samples.write_files(made.staging / "letters", 20, MB)
    now = pushed(made)
    (made.staging / "letters" / "f00").write_bytes(os.urandom(MB))
    pushed(made, now + 1)
    return made


def pushed(case: DestinationCase, day: int = 27) -> int:
    request = PushRequest(Keep(), f"2999-11-{day}T12:00:00Z", case.destination().versions())
    case.destination().push(case.staging, request)
    return day


def order(case: DestinationCase, files: int = 25, size: int = 2 * MB) -> Order:
    arguments = {"sample": {"files": files, "bytes": size}, "scratch": str(case.folder), "mark": "test"}
    return Order(1, "rehearse", "photos", "vault", staging=str(case.staging), arguments=arguments)


class Counting(DiskBlobs):
    got = 0

    def get(self, name: str) -> Iterator[bytes]:
        for piece in super().get(name):
            type(self).got += len(piece)
            yield piece


def test_only_the_beginning_is_read(case: DestinationCase, tmp_path: Path) -> None:
    destination = archive(Counting(tmp_path / "store"), case.folder)
    version = destination.versions()[-1]
    Counting.got = 0
    (to := tmp_path / "to").mkdir()
    part = destination.sample(version, to, 25, 2 * MB)
    assert part is not None and part.id.startswith("000001-")
    assert Counting.got < 6 * VOLUME
    found = samples.contents(to)
    assert 1 <= len(found) <= 2
    whole = samples.contents(case.staging)
    assert all(found[name] == whole[name] for name in found if name != "letters/f00")


def test_a_rehearsal_says_of_which_version_it_saw_files(case: DestinationCase) -> None:
    asked = order(case)
    with scratch_of(asked, []) as folder:
        result = rehearse(asked, case.destination(), folder)
    assert result.version.startswith("000001-")
    assert result.files >= 1


def test_one_file_is_complete_however_large_it_is(case: DestinationCase, tmp_path: Path) -> None:
    (to := tmp_path / "to").mkdir()
    case.destination().sample(case.destination().versions()[-1], to, 25, 10)
    assert [(to / name).stat().st_size for name in samples.contents(to)] == [MB]


def test_damage_at_the_beginning_is_found(case: DestinationCase, tmp_path: Path) -> None:
    (path,) = (tmp_path / "store").glob("000001-*.00001.gpg")
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    (to := tmp_path / "to").mkdir()
    with pytest.raises(ParaduxError, match=path.name) as damaged:
        case.destination().sample(case.destination().versions()[-1], to, 25, 2 * MB)
    assert damaged.value.code == "damaged"
    assert samples.contents(to) == {}


def test_what_is_missing_further_on_is_found_as_well(case: DestinationCase, tmp_path: Path) -> None:
    (path,) = (tmp_path / "store").glob("000001-*.00015.gpg")
    path.unlink()
    with pytest.raises(ParaduxError, match=path.name):
        case.destination().sample(case.destination().versions()[-1], tmp_path, 25, 2 * MB)


def test_a_small_archive_is_restored_as_ever(tmp_path: Path) -> None:
    small = disk_case(tmp_path)
    samples.write_files(small.staging, 2)
    assert small.destination().sample(small.push().version, tmp_path, 25, 2 * MB) is None
