"""The worker's rehearsal, on destinations and stores that do what a test wants."""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.core.recovery import published_config
from paraduxd.core.runs.orders import Order
from paraduxd.protocols.base import (
    Blob,
    BlobStore,
    Destination,
    PushRequest,
    PushResult,
    RestoreResult,
    VerifyResult,
    Version,
)
from paraduxd.worker.transfer.rehearse import read_published, rehearse, scratch_of


class Tree(Destination):
    """Versions are folders; `vanish` takes the newest away in the middle of a restore."""

    def __init__(self, root: Path, *, checks: bool = False) -> None:
        self.root = root
        self.checks_content = checks  # type: ignore[misc]
        self.listed = [self._version("v1")]
        self.vanish = False
        self.asked: list[list[str]] = []

    def _version(self, name: str) -> Version:
        files = [path for path in (self.root / name).rglob("*") if path.is_file()]
        made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return Version(name, made, len(files), sum(path.stat().st_size for path in files))

    def push(self, staging: Path, request: PushRequest) -> PushResult:
        raise AssertionError("a rehearsal pushes nothing")

    def versions(self) -> tuple[Version, ...]:
        return tuple(self.listed)

    def restore(self, version: Version, to: Path, paths: Sequence[str]) -> RestoreResult:
        self.asked.append(list(paths))
        if self.vanish:
            self.vanish = False
            self.listed = [self._version("v2")]
            shutil.rmtree(self.root / "v1")
            raise ParaduxError("not-found", "there is no version v1")
        source = self.root / version.id
        for path in paths or [str(each.relative_to(source)) for each in source.rglob("*") if each.is_file()]:
            if not (source / path).exists():
                raise ParaduxError("not-found", f"there is no {path}")
            (to / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / path, to / path)
        return RestoreResult(version, len(paths), 0)

    def verify(self, deep: bool) -> VerifyResult:
        raise AssertionError("a rehearsal verifies nothing")


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    (tmp_path / "staging" / "deep").mkdir(parents=True)
    for number in range(8):
        (tmp_path / "staging" / "deep" / f"{number}").write_text(f"file {number}")
    for name in ("v1", "v2"):
        shutil.copytree(tmp_path / "staging", tmp_path / "destination" / name)
    return tmp_path / "staging"


@pytest.fixture
def order(tmp_path: Path, staging: Path) -> Order:
    (tmp_path / "base").mkdir()
    arguments = {"scratch": str(tmp_path / "base"), "mark": "test", "sample": {"files": 5, "bytes": 1000}, "seed": 1}
    return Order(1, "rehearse", "home", "mirror", "", str(staging), arguments)


def run(order: Order, destination: Destination) -> dict:  # type: ignore[type-arg]
    with scratch_of(order, [order.staging] if order.staging else []) as folder:
        return to_json_value(rehearse(order, destination, folder))


def code(order: Order, destination: Destination) -> str:
    with pytest.raises(ParaduxError) as failed:
        run(order, destination)
    assert list(Path(order.arguments["scratch"]).iterdir()) == []
    return failed.value.code


def test_a_sample_is_restored_and_compared(order: Order, tmp_path: Path) -> None:
    result = run(order, Tree(tmp_path / "destination"))
    assert (result["version"], result["files"], result["bytes"], result["compared"]) == ("v1", 5, 30, 5)
    assert list((tmp_path / "base").iterdir()) == []


def test_another_seed_is_another_sample(order: Order, tmp_path: Path) -> None:
    samples = set()
    for seed in range(10):
        tree = Tree(tmp_path / "destination")
        run(replace(order, arguments={**order.arguments, "seed": seed}), tree)
        samples.add(tuple(sorted(tree.asked[0])))
    assert len(samples) > 1


def test_damage_is_named(order: Order, tmp_path: Path) -> None:
    for number in range(8):
        (tmp_path / "destination" / "v1" / "deep" / f"{number}").write_text(f"FILE {number}")
    with pytest.raises(ParaduxError, match=r"'deep/\d' is not what was pushed") as failed:
        run(order, Tree(tmp_path / "destination"))
    assert failed.value.code == "damaged"
    assert "home at mirror" in failed.value.message


def test_a_file_that_the_version_lacks_is_damage(order: Order, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "destination" / "v1" / "deep")
    assert code(order, Tree(tmp_path / "destination")) == "damaged"


def test_files_that_are_newer_than_the_version_prove_nothing(order: Order, staging: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "destination" / "v1" / "deep")
    later = time.time() + 1000
    for path in (staging / "deep", *(staging / "deep").iterdir()):
        os.utime(path, (later, later))
    assert code(order, Tree(tmp_path / "destination")) == "nothing-to-compare"


def test_what_has_changed_in_staging_is_left_to_the_version_itself(order: Order, staging: Path, tmp_path: Path) -> None:
    later = time.time() + 1000
    for path in (staging / "deep").iterdir():
        path.write_text("changed since")
        os.utime(path, (later, later))
    assert code(order, Tree(tmp_path / "destination")) == "nothing-to-compare"
    result = run(order, Tree(tmp_path / "destination", checks=True))
    assert (result["files"], result["compared"], result["by_itself"]) == (5, 0, 5)


def test_without_staging_a_small_version_is_restored_whole(order: Order, tmp_path: Path) -> None:
    shutil.rmtree(order.staging)
    assert code(order, Tree(tmp_path / "destination")) == "nothing-to-compare"
    result = run(order, Tree(tmp_path / "destination", checks=True))
    assert (result["files"], result["by_itself"]) == (8, 8)
    small = replace(order, arguments={**order.arguments, "sample": {"files": 5, "bytes": 10}})
    assert code(small, Tree(tmp_path / "destination", checks=True)) == "nothing-to-compare"


def test_an_empty_dataset_proves_nothing(order: Order, tmp_path: Path) -> None:
    for folder in (Path(order.staging), tmp_path / "destination" / "v1"):
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / "empty").touch()
    assert code(order, Tree(tmp_path / "destination", checks=True)) == "nothing-to-compare"


def test_no_version(order: Order, tmp_path: Path) -> None:
    tree = Tree(tmp_path / "destination")
    tree.listed = []
    assert code(order, tree) == "no-version"


def test_a_version_that_a_push_removes_meanwhile(order: Order, tmp_path: Path) -> None:
    tree = Tree(tmp_path / "destination")
    tree.vanish = True
    assert run(order, tree)["version"] == "v2"


def test_scratch_must_lie_apart(order: Order, tmp_path: Path) -> None:
    inside = replace(order, arguments={**order.arguments, "scratch": order.staging})
    with pytest.raises(ParaduxError) as failed:
        run(inside, Tree(tmp_path / "destination"))
    assert failed.value.code == "bad-scratch"


def test_temporary_files_of_protocols_lie_in_scratch(order: Order, tmp_path: Path) -> None:
    before = tempfile.gettempdir()
    with scratch_of(order, []) as folder:
        assert Path(tempfile.gettempdir()).parent == folder
        assert (folder.stat().st_mode & 0o777) == 0o700
    assert tempfile.gettempdir() == before


class Store(BlobStore):
    def __init__(self, blobs: dict[str, bytes]) -> None:
        self.blobs = blobs

    def put(self, name: str, data: BinaryIO) -> None:
        raise AssertionError("a rehearsal puts nothing")

    def get(self, name: str) -> Iterator[bytes]:
        yield from (self.blobs[name][:2], self.blobs[name][2:])

    def list(self) -> tuple[Blob, ...]:
        return tuple(Blob(name, len(data)) for name, data in sorted(self.blobs.items()))

    def delete(self, name: str) -> None:
        raise AssertionError("a rehearsal deletes nothing")


BLOBS = {
    "config-1-2.gpg": b"second",
    "config-1-10.gpg": b"tenth",
    "config-2-11.gpg": b"next",
    "recovery-key-1.asc": b"key",
}


def test_the_newest_config_of_the_epoch_and_its_key_are_given() -> None:
    result = read_published(Order(1, "rehearse", "", "nas", arguments={"epoch": 1}), Store(BLOBS))
    assert (result.epoch, result.serial) == (1, 10)
    assert (base64.b64decode(result.config), base64.b64decode(result.key)) == (b"tenth", b"key")


def test_without_key_or_config_nothing_is_published() -> None:
    for epoch in (2, 3):
        with pytest.raises(ParaduxError) as failed:
            read_published(Order(1, "rehearse", "", "nas", arguments={"epoch": epoch}), Store(BLOBS))
        assert failed.value.code == "not-published"


def test_what_lies_there_is_compared_with_what_was_sent(tmp_path: Path) -> None:
    order = Order(1, "rehearse", "", "nas", arguments={"epoch": 1, "serial": 10, "outbox": str(tmp_path)})
    for name in (published_config.key_name(1), published_config.config_name(1, 10)):
        (tmp_path / name).write_bytes(BLOBS[name])
    assert read_published(order, Store(BLOBS)).objects == ("recovery-key-1.asc", "config-1-10.gpg")
    for name in ("config-1-10.gpg", "recovery-key-1.asc"):
        with pytest.raises(ParaduxError, match=name) as failed:
            read_published(order, Store({**BLOBS, name: b"other"}))
        assert failed.value.code == "not-read-back"
    old = {name: data for name, data in BLOBS.items() if name != "config-1-10.gpg"}
    assert read_published(order, Store(old)).serial == 2, "an older one is told as what it is"
    with pytest.raises(ParaduxError) as failed:
        read_published(order, Store({"recovery-key-1.asc": BLOBS["recovery-key-1.asc"]}))
    assert failed.value.code == "not-published"
