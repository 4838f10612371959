"""The protocol `disk` passes the shipped suites, on real directories."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Guard
from paraduxd.core.runs.orders import Progress
from paraduxd.protocols.base import (
    Context,
    Destination,
    HeldError,
    Identity,
    PullRequest,
    PushRequest,
    TransientError,
    Version,
)
from paraduxd.protocols.disk import PROTOCOL, DiskSettings
from paraduxd.testing import samples
from paraduxd.testing.blobs import BlobStoreSuite, MakeStore
from paraduxd.testing.destinations import DestinationCase, DestinationSuite
from paraduxd.testing.places import PlaceCase, PlaceSuite
from paraduxd.testing.sources import SourceCase, SourceSuite

CONTEXT = Context(dataset="photos", location="disk")


def settings(path: Path, **more: object) -> DiskSettings:
    return DiskSettings.model_validate({"url": path.as_uri(), **more})


def source_case(root: Path, staging: Path, **more: object) -> SourceCase:
    root.mkdir(parents=True, exist_ok=True)
    staging.mkdir(parents=True, exist_ok=True)
    assert PROTOCOL.source
    return SourceCase(PROTOCOL.source(settings(root, **more), CONTEXT), root, staging)


def destination_case(root: Path, folder: Path) -> DestinationCase:
    def make(progress: Callable[[Progress], None]) -> object:
        assert PROTOCOL.destination
        return PROTOCOL.destination(settings(root), Context("photos", "disk", progress))

    folder.mkdir(exist_ok=True)
    return DestinationCase(make, folder)


def disk_place(folder: Path) -> PlaceCase:
    def make(who: Identity | None, dataset: str = "photos") -> Destination:
        assert PROTOCOL.destination
        return PROTOCOL.destination(settings(folder / "store"), Context(dataset, "disk", identity=who))

    (folder / "scratch").mkdir()
    return PlaceCase(make, folder / "scratch")


class TestSource(SourceSuite):
    @pytest.fixture
    def case(self, tmp_path: Path) -> SourceCase:
        return source_case(tmp_path / "so $(touch x) 'urce", tmp_path / "staging")


class TestDestination(DestinationSuite):
    @pytest.fixture
    def case(self, tmp_path: Path) -> DestinationCase:
        return destination_case(tmp_path / "a" / "b $(touch x)\"'*", tmp_path / "scratch")


class TestPlace(PlaceSuite):
    @pytest.fixture
    def place(self, tmp_path: Path) -> PlaceCase:
        return disk_place(tmp_path)


class TestBlobs(BlobStoreSuite):
    @pytest.fixture
    def make(self, tmp_path: Path) -> MakeStore:
        assert PROTOCOL.blobs
        make = PROTOCOL.blobs
        return lambda: make(settings(tmp_path / "a" / "blobs"), CONTEXT)


@pytest.mark.parametrize(
    "pattern", ["#secret", ";secret", "!", "- secret", "sec ret", "--delete", "merge x", "$(secret)"]
)
def test_an_excluded_name_is_data_and_leaves_staging(tmp_path: Path, pattern: str) -> None:
    case = source_case(tmp_path / "source", tmp_path / "staging")
    samples.write_files(case.root, 3)
    (case.root / pattern).write_text("excluded")
    case.pull()
    assert (case.staging / pattern).exists()
    result = source_case(case.root, case.staging, exclude=[pattern]).pull(known=4)
    assert not (case.staging / pattern).exists()
    assert result.files == 3


def test_unfinished_versions_are_reused_and_removed(tmp_path: Path) -> None:
    case = destination_case(tmp_path / "store", tmp_path / "scratch")
    samples.write_files(case.staging, 1)
    case.push()
    left = tmp_path / "store" / "versions" / "2026-01-01T13-00-00Z"
    samples.write_files(case.staging / "sent", 2, 200_000)
    shutil.copytree(case.staging, left)
    (left / "f00").unlink()
    inode = (left / "sent" / "f00").stat().st_ino
    result = case.push()
    assert not left.exists()
    assert result.added_bytes == 0
    assert (tmp_path / "store" / "versions" / result.version.id / "sent" / "f00").stat().st_ino == inode


def test_unchanged_files_are_stored_once_and_current_shows_the_newest(tmp_path: Path) -> None:
    case = destination_case(tmp_path / "store", tmp_path / "scratch")
    samples.write_files(case.staging, 1)
    first, second = case.push().version, case.push().version
    versions = tmp_path / "store" / "versions"
    assert (versions / first.id / "f00").stat().st_ino == (versions / second.id / "f00").stat().st_ino
    assert (tmp_path / "store" / "current").readlink() == Path(f"versions/{second.id}")


def test_a_store_that_was_there_and_is_empty_now_is_not_begun_anew(tmp_path: Path) -> None:
    root = tmp_path / "mountpoint"
    case = destination_case(root, tmp_path / "scratch")
    samples.write_files(case.staging, 1)
    request = PushRequest(case.request().keep, "2026-01-05T00:00:00Z", (Version("x", "2026-01-01T00:00:00Z"),))
    for _ in ("missing", "empty"):
        with pytest.raises(TransientError, match="mounted"):
            case.destination().push(case.staging, request)
        root.mkdir(exist_ok=True)
        assert list(root.iterdir()) == []


def test_a_store_of_another_dataset_is_refused(tmp_path: Path) -> None:
    case = destination_case(tmp_path / "store", tmp_path / "scratch")
    samples.write_files(case.staging, 1)
    case.push()
    assert PROTOCOL.destination
    other = PROTOCOL.destination(settings(tmp_path / "store"), Context("mail", "disk"))
    with pytest.raises(ParaduxError) as refused:
        other.push(case.staging, case.request())
    assert refused.value.code == "other-dataset"


@pytest.mark.parametrize("inner", ["staging/store", ".", "staging"])
def test_a_store_around_or_inside_its_data_is_refused(tmp_path: Path, inner: str) -> None:
    case = destination_case(tmp_path / "scratch" / inner, tmp_path / "scratch")
    samples.write_files(case.staging, 1)
    with pytest.raises(ParaduxError) as refused:
        case.push()
    assert refused.value.code == "overlap"


def test_a_file_that_is_gone_from_a_version_is_damage(tmp_path: Path) -> None:
    case = destination_case(tmp_path / "store", tmp_path / "scratch")
    samples.write_files(case.staging, 3)
    name = case.push().version.id
    (tmp_path / "store" / "versions" / name / "f01").unlink()
    with pytest.raises(ParaduxError, match=name) as failed:
        case.destination().verify(deep=False)
    assert failed.value.code == "damaged"


def test_a_version_whose_tree_is_gone_is_damage(tmp_path: Path) -> None:
    case = destination_case(tmp_path / "store", tmp_path / "scratch")
    samples.write_files(case.staging, 3)
    name = case.push().version.id
    (tmp_path / "store" / "versions" / name).rename(tmp_path / "elsewhere")
    with pytest.raises(ParaduxError) as failed:
        case.destination().verify(deep=False)
    assert failed.value.code == "damaged"


def test_a_byte_that_turned_is_found_by_the_second_deep_verification(tmp_path: Path) -> None:
    case = destination_case(tmp_path / "store", tmp_path / "scratch")
    samples.write_sample(case.staging)
    name = case.push().version.id
    for _ in range(2):
        case.destination().verify(deep=True)
    rotten = tmp_path / "store" / "versions" / name / "big"
    status = rotten.stat()
    rotten.write_bytes(rotten.read_bytes()[:-1] + b"x")
    os.utime(rotten, ns=(status.st_atime_ns, status.st_mtime_ns))
    case.destination().verify(deep=False)
    with pytest.raises(ParaduxError, match=name) as failed:
        case.destination().verify(deep=True)
    assert failed.value.code == "damaged"


@pytest.mark.parametrize("junk", [b"", b"[]", b"{", b"[" * 100_000, b'{"id": "../../x", "time": "x"}'])
def test_manifests_that_are_none_of_ours_are_passed_over(tmp_path: Path, junk: bytes) -> None:
    case = destination_case(tmp_path / "store", tmp_path / "scratch")
    samples.write_files(case.staging, 1)
    case.push()
    (tmp_path / "store" / "manifests" / "2027-01-01T00-00-00Z.json").write_bytes(junk)
    assert len(case.destination().versions()) == 1


class InPlace:
    """A source that is pushed in place, with its index."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "source"
        self.index = folder / "index"
        self.root.mkdir()
        assert PROTOCOL.source
        self.source = PROTOCOL.source(settings(self.root), CONTEXT)

    def pull(self, known: int | None = None, allowed: int = 0) -> tuple[int, int, int]:
        request = PullRequest(Guard(), known, allowed, allowed, in_place=True, index=self.index)
        result = self.source.pull(self.root, request)
        return result.files, result.removed, result.changed


def test_in_place_counts_files_bytes_removals_and_changes(tmp_path: Path) -> None:
    case = InPlace(tmp_path)
    count = samples.write_sample(case.root)
    assert case.pull() == (count, 0, 0)
    (case.root / "zero").write_text("now longer")
    (case.root / "big").unlink()
    (case.root / "new").touch()
    assert case.pull(known=count) == (count, 1, 1)
    assert case.pull(known=count) == (count, 0, 0)


def test_in_place_holds_until_approved(tmp_path: Path) -> None:
    case = InPlace(tmp_path)
    samples.write_files(case.root, 20)
    case.pull()
    for number in range(15):
        (case.root / f"f{number:02}").unlink()
    for _ in range(2):
        with pytest.raises(HeldError) as held:
            case.pull(known=20)
        assert (held.value.reason, held.value.removed) == ("many-removed", 15)
    assert case.pull(known=20, allowed=15) == (5, 15, 0)
    assert case.pull(known=5) == (5, 0, 0)


def test_in_place_ransom_and_empty_and_missing_are_held(tmp_path: Path) -> None:
    case = InPlace(tmp_path)
    samples.write_files(case.root, 20)
    case.pull()
    for path in case.root.iterdir():
        path.write_text("encrypted by malware")
    with pytest.raises(HeldError, match="changed"):
        case.pull(known=20)
    for path in case.root.iterdir():
        path.unlink()
    with pytest.raises(HeldError, match="empty"):
        case.pull(known=20)
    case.index.unlink()
    with pytest.raises(HeldError, match="empty"):
        case.pull(known=20)
    case.root.rmdir()
    with pytest.raises(HeldError, match="does not exist"):
        case.pull(known=20)


def test_a_blob_in_a_place_that_is_no_directory_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert PROTOCOL.blobs
    with pytest.raises(ParaduxError) as failed:
        PROTOCOL.blobs(settings(tmp_path / "file" / "store"), CONTEXT).put("x", io.BytesIO(b"x"))
    assert failed.value.code == "unusable-directory"


@pytest.mark.parametrize(
    "url", ["file://host/x", "file:x", "sftp://x/y", "file:///a/../b", "file:///a%00b", "file:///a?b"]
)
def test_addresses_that_are_no_directory_are_refused(url: str) -> None:
    with pytest.raises(ValueError):
        DiskSettings(url=url)


def pulled(root: Path, staging: Path, known: int | None = None, **more: object) -> set[str]:
    """What staging has after a pull."""
    case = source_case(root, staging, **more) if not root.is_file() else None
    staging.mkdir(exist_ok=True)
    assert PROTOCOL.source
    source = case.source if case else PROTOCOL.source(settings(root, **more), CONTEXT)
    source.pull(staging, PullRequest(Guard(1, 1), known_files=known))
    return {str(path.relative_to(staging)) for path in staging.rglob("*") if path.is_file()}


def test_caches_marked_folders_and_large_files_are_left_out(tmp_path: Path) -> None:
    root, staging = tmp_path / "source", tmp_path / "staging"
    for folder in ("cache/deep", "fake", "private[1]*/x", "plain"):
        (root / folder).mkdir(parents=True)
        (root / folder / "file").write_text("x")
    (root / "cache" / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n# comment")
    (root / "fake" / "CACHEDIR.TAG").write_text("no signature")
    (root / "private[1]*" / ".nobackup").touch()
    (root / "large").write_bytes(b"x" * 4096)
    everything = pulled(root, staging)
    assert {"cache/deep/file", "large", "private[1]*/x/file"} <= everything
    some = pulled(root, staging, len(everything), exclude_caches=True, exclude_marker=[".nobackup"], max_size="2k")
    assert some == {
        "cache/CACHEDIR.TAG",
        "fake/CACHEDIR.TAG",
        "fake/file",
        "private[1]*/.nobackup",
        "plain/file",
    }
    assert pulled(root, staging, len(some), max_size="2k") == everything - {"large"}


def test_a_single_file_is_a_source(tmp_path: Path) -> None:
    root = tmp_path / "folder"
    root.mkdir()
    for name in ("passwords.kdbx", "other", "passwords.kdbx.old"):
        (root / name).write_text(name)
    staging = tmp_path / "staging"
    assert pulled(root / "passwords.kdbx", staging) == {"passwords.kdbx"}
    (root / "passwords.kdbx").write_text("changed, and longer")
    assert pulled(root / "passwords.kdbx", staging, 1) == {"passwords.kdbx"}
    assert (staging / "passwords.kdbx").read_text() == "changed, and longer"
