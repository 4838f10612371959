"""Several volumes are encrypted and put at the same time where there are cores for it, and where the place lets several threads put."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from paraduxd.core.runs.orders import Progress
from paraduxd.protocols.archive import send
from paraduxd.protocols.base import Blob, BlobStore, TransientError
from paraduxd.protocols.disk import DiskBlobs
from paraduxd.testing import samples
from paraduxd.testing.destinations import DestinationCase
from tests.protocols.archive.rig import archive, disk_case
from tests.protocols.archive.test_archive import volumes_in_memory

PATIENCE = 60.0
"""Seconds; nobody waits so long unless the test fails."""


@pytest.fixture
def case(tmp_path: Path) -> DestinationCase:
    made = disk_case(tmp_path)
    samples.write_files(made.staging, 9, 400_000)
    return made


def cores(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(count)))


class Meeting(BlobStore):
    """A place whose volumes wait for each other, so that they get there only if `count` are on their way at the same time; the volume of
    a `full` number finds no room."""

    puts_at_once = True

    def __init__(self, store: BlobStore, count: int, full: str = "-") -> None:
        self.store, self.full = store, full
        self.barrier = threading.Barrier(count, timeout=PATIENCE)
        self.met = 0
        self.get, self.list, self.delete = store.get, store.list, store.delete

    def put(self, name: str, data: BinaryIO) -> None:
        """Volumes of the numbers that meet."""
        if ".0000" in name and int(name[-5]) <= self.barrier.parties:
            self.barrier.wait()
            self.met += 1
        if f"{self.full}.gpg" in name:
            raise TransientError("disk-full", "no room")
        self.store.put(name, data)

    def get(self, name: str) -> Iterator[bytes]: ...  # type: ignore[empty-body]

    def list(self) -> tuple[Blob, ...]: ...  # type: ignore[empty-body]

    def delete(self, name: str) -> None: ...


@pytest.mark.parametrize(("count", "most"), [(1, 1), (2, 1), (3, 1), (4, 2), (8, 4), (64, 4)])
def test_one_volume_for_every_two_cores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, count: int, most: int) -> None:
    cores(monkeypatch, count)
    assert send.at_once(DiskBlobs(tmp_path)) == most


def test_a_place_that_takes_one_object_after_the_other_gets_them_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cores(monkeypatch, 8)
    store = Meeting(DiskBlobs(tmp_path), 1)
    store.puts_at_once = False
    assert send.at_once(store) == 1


@pytest.mark.parametrize("count", [2, 4])
def test_volumes_that_were_on_their_way_together_are_restored(
    monkeypatch: pytest.MonkeyPatch, case: DestinationCase, tmp_path: Path, count: int
) -> None:
    cores(monkeypatch, 2 * count)
    store, seen = Meeting(DiskBlobs(tmp_path / "store"), count), list[int]()

    def look(_: Progress) -> None:
        seen.append(volumes_in_memory())

    result = archive(store, case.folder, look, volume=400_000).push(case.staging, case.request())
    assert (store.met, max(seen)) == (count, count + 1)
    assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)
    assert volumes_in_memory() == 0


def test_what_arrived_beside_a_volume_that_did_not_is_not_sent_again(
    monkeypatch: pytest.MonkeyPatch, case: DestinationCase, tmp_path: Path
) -> None:
    cores(monkeypatch, 4)
    case.request()
    store = Meeting(DiskBlobs(tmp_path / "store"), 2, full="00001")
    with pytest.raises(TransientError, match="no room"):
        archive(store, case.folder, volume=400_000).push(case.staging, case.request())
    assert volumes_in_memory() == 0
    (second,) = (tmp_path / "store").glob("*.00002.gpg")
    sent = second.stat().st_mtime_ns
    result = archive(DiskBlobs(tmp_path / "store"), case.folder, volume=400_000).push(case.staging, case.request())
    assert second.stat().st_mtime_ns == sent
    assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)
