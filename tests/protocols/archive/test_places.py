"""Encrypted archives and the shipped suite of places; what is peculiar to a place of archives."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Keep
from paraduxd.protocols.archive import chain
from paraduxd.protocols.base import Identity, PushRequest, TransientError
from paraduxd.protocols.disk import DiskBlobs
from paraduxd.protocols.marking.place_marker import NAME
from paraduxd.testing import samples
from paraduxd.testing.places import OURS, PlaceCase, PlaceSuite
from tests.protocols.archive.rig import archive, place_case

MARKED = replace(OURS, marked=True)


@pytest.fixture
def place(tmp_path: Path) -> PlaceCase:
    return place_case(lambda: DiskBlobs(tmp_path / "store"), tmp_path / "scratch")


class TestPlace(PlaceSuite):
    @pytest.fixture
    def place(self, tmp_path: Path) -> PlaceCase:
        return place_case(lambda: DiskBlobs(tmp_path / "store"), tmp_path / "scratch")


def marker(tmp_path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((tmp_path / "store" / NAME).read_bytes())
    return found


def test_the_marker_tells_the_newest_number(place: PlaceCase, tmp_path: Path) -> None:
    place.fill()
    for day, number in (("2026-01-01", 1), ("2026-01-02", 2)):
        place.push(day)
        assert marker(tmp_path)["newest"] == number


def test_archives_of_an_earlier_version_are_marked_by_the_next_push(place: PlaceCase, tmp_path: Path) -> None:
    place.fill()
    earlier = place.push("2026-01-01", None).version
    assert not (tmp_path / "store" / NAME).exists()
    result = place.push("2026-01-02")
    assert result.marked
    assert result.versions == (earlier, result.version)


def test_nothing_is_made_below_a_mount_point(place: PlaceCase, tmp_path: Path) -> None:
    place.fill()
    place.push("2026-01-01")
    (tmp_path / "store").rename(tmp_path / "unplugged")
    attempts: tuple[Callable[[], object], ...] = (
        lambda: place.push("2026-01-02", MARKED, known_versions=()),
        lambda: place.make(MARKED).verify(deep=False),
        place.make(MARKED).versions,
        lambda: place.make(MARKED).prune(place_request()),
    )
    for attempt in attempts:
        with pytest.raises(TransientError) as refused:
            attempt()
        assert refused.value.code == "not-mounted"
    assert not (tmp_path / "store").exists()


def place_request() -> PushRequest:
    return PushRequest(Keep(last=1), "2026-01-04T12:00:00Z")


def test_a_disk_that_goes_between_the_look_and_the_first_volume_leaves_nothing(tmp_path: Path) -> None:
    known = DiskBlobs(tmp_path / "store", create=False)
    with pytest.raises(TransientError) as refused:
        known.put("x", (tmp_path / "x").open("w+b"))
    assert refused.value.code == "not-mounted"
    assert not (tmp_path / "store").exists()


def test_an_emptied_place_with_its_marker_is_not_begun_anew(place: PlaceCase, tmp_path: Path) -> None:
    place.fill()
    place.push("2026-01-01")
    for path in (tmp_path / "store").iterdir():
        if path.name != NAME:
            path.unlink()
    with pytest.raises(TransientError) as refused:
        place.push("2026-01-02", MARKED, known_versions=())
    assert refused.value.code == "not-mounted"
    another = replace(MARKED, instance="2" * 32, generation=2)
    with pytest.raises(ParaduxError, match="number 1 is missing"):
        place.make(another).verify(deep=False)


def test_a_place_whose_marker_was_deleted_is_still_read(place: PlaceCase, tmp_path: Path) -> None:
    place.fill()
    version = place.push("2026-01-01").version
    (tmp_path / "store" / NAME).unlink()
    assert place.versions(MARKED) == (version,)
    assert place.restored(version, MARKED) == samples.contents(place.staging)
    with pytest.raises(TransientError):
        place.push("2026-01-02", MARKED)


def test_the_highest_number_of_the_marker_is_not_used_again(place: PlaceCase, tmp_path: Path) -> None:
    place.fill()
    for day in ("2026-01-01", "2026-01-02", "2026-01-03"):
        place.push(day)
    for path in (tmp_path / "store").glob("000003-*"):
        path.unlink()
    other = Identity(OURS.owner, OURS.place, "2" * 32, generation=2)
    place.fill()
    assert place.push("2026-01-04", other).version.number == 4


def test_every_object_is_read_in_one_part(place: PlaceCase, tmp_path: Path) -> None:
    place.fill()
    place.push("2026-01-01")
    place.push("2026-01-02")
    parts = 5
    read = [place.make(OURS).verify_part(part, parts).bytes for part in range(parts)]
    assert sum(read) == place.make(OURS).verify(deep=True).bytes
    (volume,) = (tmp_path / "store").glob("000001-*.00001.gpg")
    content = bytearray(volume.read_bytes())
    content[len(content) // 2] ^= 1
    volume.write_bytes(content)
    bad = chain.part_of(volume.name, parts)
    for part in range(parts):
        if part != bad:
            place.make(OURS).verify_part(part, parts)
    with pytest.raises(ParaduxError, match=volume.name) as damaged:
        place.make(OURS).verify_part(bad, parts)
    assert damaged.value.code == "damaged"


def test_a_full_place_says_until_when_versions_are_protected(place: PlaceCase, tmp_path: Path) -> None:
    place.fill()
    for day in ("2026-01-01", "2026-01-02"):
        place.push(day, keep=Keep(last=1), grace=7 * 86_400)

    class Full(DiskBlobs):
        def put(self, name: str, data: BinaryIO) -> None:
            raise TransientError("disk-full", "the disk is full", "make room there")

    full = archive(Full(tmp_path / "store"), place.folder / "full", identity=OURS)
    request = PushRequest(Keep(last=1), "2026-01-03T12:00:00Z", place.versions(), grace=7 * 86_400)
    with pytest.raises(TransientError, match=r"1 versions there .* until 2026-01-08T12:00:00Z") as full_disk:
        full.push(place.staging, request)
    assert "paraductl prune photos --destination vault" in full_disk.value.hint


def test_a_version_is_delisted_as_slowly_as_it_is_removed(place: PlaceCase) -> None:
    """`keep` dropped a version from the newest manifest at once, so that nobody could restore it although it was still there."""
    place.fill()
    first = place.push("2026-01-01", keep=Keep(last=1)).version
    place.push("2026-01-02", keep=Keep(last=1), read_back=False)
    assert place.versions()[0] == first, "the newest was not read back"
    result = place.push("2026-01-03", keep=Keep(last=1), grace=86_400 * 3)
    assert place.versions()[0] == first
    assert result.protected_until == "2026-01-04T12:00:00Z"
