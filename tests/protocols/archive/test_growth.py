"""What a push and a quick check ask of the place does not grow with the versions that are there."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Keep
from paraduxd.protocols.archive import chain
from paraduxd.protocols.base import Blob, BlobStore, PushRequest
from paraduxd.protocols.disk import DiskBlobs
from paraduxd.testing import samples
from tests.protocols.archive.rig import archive


class Counted(BlobStore):
    """A store on a disk that counts what is asked of it."""

    def __init__(self, folder: Path) -> None:
        self._store = DiskBlobs(folder)
        self.asked: Counter[str] = Counter()

    def put(self, name: str, data: BinaryIO) -> None:
        """One more."""
        self.asked["put"] += 1
        self._store.put(name, data)

    def get(self, name: str) -> Iterator[bytes]:
        """One more."""
        self.asked["get"] += 1
        return self._store.get(name)

    def list(self) -> tuple[Blob, ...]:
        """One more."""
        self.asked["list"] += 1
        return self._store.list()

    def delete(self, name: str) -> None:
        """Not counted."""
        self._store.delete(name)

    def sweep(self) -> None:
        """Not counted."""
        self._store.sweep()


def push(store: Counted, folder: Path, day: int, *, held: bool = False) -> None:
    """A version of that day; all of them are kept. `held`: nothing may be removed."""
    (folder / "staging" / f"{day}").write_bytes(b"x" * day)
    destination = archive(store, folder)
    request = PushRequest(Keep(), f"2026-01-{day:02}T12:00:00Z", destination.versions())
    store.asked.clear()
    destination.push(folder / "staging", replace(request, prune=True, held=held))


@pytest.fixture
def store(tmp_path: Path) -> Counted:
    (tmp_path / "staging").mkdir()
    samples.write_files(tmp_path / "staging", 2, 100_000)
    made = Counted(tmp_path / "store")
    for day in (1, 2):
        push(made, tmp_path, day)
    return made


def test_what_is_asked_does_not_grow(store: Counted, tmp_path: Path) -> None:
    second = dict(store.asked)
    for day in (3, 4, 5):
        push(store, tmp_path, day)
    assert dict(store.asked) == second
    assert store.asked["list"] == 2
    assert store.asked["get"] == 2, "manifest and list are read back"
    store.asked.clear()
    assert archive(store, tmp_path).verify(deep=False).checked == 5 * 3
    assert store.asked["list"] + store.asked["get"] <= 3


def test_where_nothing_may_be_removed_a_list_is_rare_and_as_little_is_asked(
    store: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "RUNS_BETWEEN_LISTS", 3)
    for day in range(3, 9):
        push(store, tmp_path, day, held=True)
    assert sorted(path.name[:6] for path in (tmp_path / "store").glob("*.runs")) == ["000001", "000002", "000006"]
    shutil.rmtree(tmp_path / "cache")
    store.asked.clear()
    assert archive(store, tmp_path).verify(deep=False).checked == 8 * 3
    assert store.asked["list"] + store.asked["get"] <= 3
    assert [version.number for version in archive(store, tmp_path).versions()] == list(range(1, 9))
    assert archive(store, tmp_path).verify(deep=True).checked == 8 * 3
    push(store, tmp_path, 9)
    assert sorted(path.name[:6] for path in (tmp_path / "store").glob("*.runs")) == ["000006", "000009"]
    assert archive(store, tmp_path).verify(deep=False).checked == 9 * 3


@pytest.mark.parametrize("pattern", ["000002-*", "000004-*.manifest", "000003-*.names.gpg", "000005-*.00001.gpg"])
def test_where_nothing_may_be_removed_every_object_is_missed(store: Counted, tmp_path: Path, pattern: str) -> None:
    for day in (3, 4, 5):
        push(store, tmp_path, day, held=True)
    shutil.rmtree(tmp_path / "cache")
    for path in (tmp_path / "store").glob(pattern):
        path.unlink()
    with pytest.raises(ParaduxError, match=pattern[:6]) as found:
        archive(store, tmp_path).verify(deep=False)
    assert found.value.code == "damaged"


@pytest.mark.parametrize("pattern", ["000001-*.manifest", "000001-*.00001.gpg", "000001-*.names.gpg"])
def test_a_quick_check_misses_no_object(store: Counted, tmp_path: Path, pattern: str) -> None:
    (path,) = (tmp_path / "store").glob(pattern)
    path.unlink()
    with pytest.raises(ParaduxError, match=path.name.partition(".")[0]) as found:
        archive(store, tmp_path).verify(deep=False)
    assert found.value.code == "damaged"
