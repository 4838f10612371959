"""A disk that is plugged in now and then: a place on it stays the same when it gets another name, and is never somebody else's."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.primitives.place_identity import legacy_uid
from paraduxd.protocols.base import BlobStore, Context, Identity, TransientError
from paraduxd.protocols.marking.marked_store import MarkedStore
from paraduxd.protocols.marking.place_marker import NAME
from paraduxd.protocols.removable import PROTOCOL, RemovableSettings
from paraduxd.testing.blobs import BlobStoreSuite, MakeStore

OURS = Identity("a" * 32, "b" * 32, "1" * 32)


def store(disk: Path, dataset: str, location: str, identity: Identity | None = OURS) -> BlobStore:
    assert PROTOCOL.blobs is not None
    context = Context(dataset, location, mounted=disk, identity=identity)
    return PROTOCOL.blobs(RemovableSettings(uuid="1234-ABCD"), context)


def fill(disk: Path, dataset: str, location: str, identity: Identity | None) -> None:
    """First contact, and one object."""
    blobs = store(disk, dataset, location, identity)
    MarkedStore(blobs, identity, "the disk").claim()
    blobs.put("object", io.BytesIO(f"{dataset}/{location}".encode()))


def read(blobs: BlobStore) -> bytes:
    return b"".join(blobs.get("object"))


class TestBlobs(BlobStoreSuite):
    @pytest.fixture
    def make(self, tmp_path: Path) -> MakeStore:
        return lambda: store(tmp_path, "photos", "bank", None)


def test_a_place_that_is_renamed_stays_where_it_is(tmp_path: Path) -> None:
    fill(tmp_path, "photos", "bank", OURS)
    renamed = store(tmp_path, "pictures", "safe", replace(OURS, marked=True))
    assert read(renamed) == b"photos/bank"
    renamed.put("object", io.BytesIO(b"more"))
    assert not (tmp_path / "paradux-backup" / "pictures").exists()


@pytest.mark.parametrize(("dataset", "location"), [("photos", "bank"), ("", "bank")])
def test_a_place_of_version_0_1_0_that_is_renamed_stays_where_it_is(
    tmp_path: Path, dataset: str, location: str
) -> None:
    fill(tmp_path, dataset, location, None)
    ours = replace(OURS, place=legacy_uid(dataset, location))
    assert read(store(tmp_path, dataset and "pictures", "safe", ours)) == f"{dataset}/{location}".encode()


def test_a_new_place_under_an_old_name_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    fill(tmp_path, "photos", "bank", replace(OURS, place="c" * 32))
    fill(tmp_path, "photos", "bank", OURS)
    assert sorted(path.name for path in (tmp_path / "paradux-backup" / "photos").iterdir()) == ["bank", "bank-bbbbbbbb"]
    assert read(store(tmp_path, "photos", "bank", replace(OURS, place="c" * 32))) == b"photos/bank"


def test_an_empty_folder_that_a_killed_first_contact_has_left_is_used(tmp_path: Path) -> None:
    (tmp_path / "paradux-backup" / "photos" / "bank").mkdir(parents=True)
    fill(tmp_path, "photos", "bank", OURS)
    assert [path.name for path in (tmp_path / "paradux-backup" / "photos").iterdir()] == ["bank"]


def test_another_disk_with_the_same_name_gets_nothing(tmp_path: Path) -> None:
    known = replace(OURS, marked=True)
    place = MarkedStore(store(tmp_path, "photos", "bank", known), known, "the disk")
    with pytest.raises(TransientError) as refused:
        place.check()
    assert refused.value.code == "not-mounted"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["pipe", "directory", "link"])
def test_a_marker_that_is_no_file_keeps_nobody_waiting(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "paradux-backup" / "photos" / "bank"
    folder.mkdir(parents=True)
    if kind == "pipe":
        os.mkfifo(folder / NAME)
    elif kind == "directory":
        (folder / NAME).mkdir()
    else:
        (folder / NAME).symlink_to("/dev/zero")
    blobs = store(tmp_path, "photos", "bank", replace(OURS, place=legacy_uid("photos", "bank"), marked=True))
    with pytest.raises(ParaduxError):
        MarkedStore(blobs, replace(OURS, marked=True), "the disk").check()
