"""The archive engine passes the shipped suite on a disk, and keeps what it promises besides."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Keep
from paraduxd.core.runs.orders import Progress
from paraduxd.protocols.archive import send
from paraduxd.protocols.base import Blob, BlobStore, TransientError
from paraduxd.protocols.disk import DiskBlobs
from paraduxd.testing import samples
from paraduxd.testing.destinations import DestinationCase, DestinationSuite
from tests.protocols.archive.rig import archive, disk_case, new_keys


class TestDestination(DestinationSuite):
    @pytest.fixture
    def case(self, tmp_path: Path) -> DestinationCase:
        return disk_case(tmp_path)


@pytest.fixture
def case(tmp_path: Path) -> DestinationCase:
    return disk_case(tmp_path)


@pytest.fixture
def own_temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files that no other test writes to; its path is short, as gpg's sockets need."""
    with tempfile.TemporaryDirectory(prefix="own-") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def names(tmp_path: Path, pattern: str = "*") -> list[str]:
    return sorted(path.name for path in (tmp_path / "store").glob(pattern))


def test_pushing_needs_no_private_key_and_restoring_does(case: DestinationCase, tmp_path: Path) -> None:
    samples.write_files(case.staging, 3)
    keys = replace(new_keys(), private=None)
    locked = archive(DiskBlobs(tmp_path / "store"), case.folder, keys=keys)
    for _ in range(2):
        version = locked.push(case.staging, case.request()).version
    assert locked.verify(deep=True).checked > 4
    (tmp_path / "out").mkdir()
    with pytest.raises(ParaduxError) as failed:
        locked.restore(version, tmp_path / "out", ())
    assert failed.value.code == "locked"
    assert samples.contents(case.restore(version)[0]) == samples.contents(case.staging)


def test_only_a_signing_key_that_signs_nothing_else_is_on_the_machine(
    case: DestinationCase, own_temporary: Path
) -> None:
    """While a push runs no program of it knows a secret key of OpenPGP."""
    samples.write_files(case.staging, 5, 400_000)
    seen: set[Path] = set()
    found: list[str] = []

    def look(_: Progress) -> None:
        homes = {path.parent for path in own_temporary.rglob("key.asc")}
        seen.update(homes)
        found.extend(str(path) for home in homes for path in home.rglob("private-keys-v1.d/*"))
        found.extend(str(home) for home in homes if b"PRIVATE KEY" in (home / "key.asc").read_bytes())

    case.make(look).push(case.staging, case.request())
    assert seen
    assert found == []


def test_deletions_renames_and_replacements_follow_the_chain(case: DestinationCase) -> None:
    """Every version of a chain is what the files were, also in part."""
    staging = case.staging
    samples.write_files(staging / "a" / "deep", 3)
    samples.write_files(staging / "b", 2)
    (staging / "turns").write_text("a file")
    states = [(case.push().version, samples.snapshot(staging))]
    (staging / "a").rename(staging / "c")
    (staging / "turns").unlink()
    samples.write_files(staging / "turns", 2)
    states.append((case.push().version, samples.snapshot(staging)))
    shutil.rmtree(staging / "turns")
    (staging / "turns").write_text("a file again")
    (staging / "b" / "f00").unlink()
    (staging / "c").rename(staging / "a")
    (staging / "b").rename(staging / "c")
    states.append((case.push().version, samples.snapshot(staging)))
    for version, state in states:
        assert samples.snapshot(case.restore(version)[0]) == state
        to, _ = case.restore(version, "turns")
        assert samples.contents(to) == {
            path: (entry[0], *entry[3:])
            for path, entry in state.items()
            if path.startswith("turns") and entry[0] == "file"
        }
    with pytest.raises(ParaduxError, match="b/f00"):
        case.restore(states[-1][0], "b/f00")


def test_a_folder_of_a_later_run_comes_back_whole(case: DestinationCase) -> None:
    """What has not changed in it is in earlier runs, also where it was called otherwise then, or a file was in its place."""
    staging = case.staging
    samples.write_files(staging / "letters" / "deep", 2)
    samples.write_files(staging / "letters", 3)
    samples.write_files(staging / "old" / "er", 2)
    (staging / "turns").write_text("a file")
    case.push()
    (staging / "letters" / "f00").unlink()
    (staging / "old").rename(staging / "new name")
    (staging / "turns").unlink()
    samples.write_files(staging / "turns", 2)
    second = case.push().version
    (staging / "letters" / "more").write_text("more")
    third = case.push().version
    expected = samples.contents(staging)
    for version, wanted in (
        (third, ("letters",)),
        (third, ("new name",)),
        (third, ("new name/er", "letters/deep", "turns")),
    ):
        to, result = case.restore(version, *wanted)
        below = {path: what for path, what in expected.items() if any(path.startswith(f"{each}/") for each in wanted)}
        assert samples.contents(to) == below
        assert result.files == len(below)
    to, _ = case.restore(second, "letters")
    assert sorted(path.name for path in (to / "letters").iterdir()) == ["deep", "f01", "f02"]


def test_one_name_of_a_file_with_several_can_be_restored(case: DestinationCase) -> None:
    samples.write_files(case.staging / "z", 1)
    for number in range(3):
        (case.staging / f"{number}").hardlink_to(case.staging / "z" / "f00")
    first = case.push().version
    (case.staging / "0").unlink()
    second = case.push().version
    for version, name in ((first, "2"), (first, "z"), (second, "1"), (second, "z/f00")):
        to, result = case.restore(version, name)
        assert samples.files(to) == [name if name != "z" else "z/f00"]
        assert result.files == 1


ACL = "system.posix_acl_access"


def acl_for(user: int) -> bytes:
    """An access control list that lets one more user read, as the kernel stores it (linux/posix_acl_xattr.h)."""
    nobody = 0xFFFFFFFF
    entries = [(1, 6, nobody), (2, 4, user), (4, 4, nobody), (16, 4, nobody), (32, 4, nobody)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def test_attributes_lists_and_holes(case: DestinationCase) -> None:
    samples.write_files(case.staging, 1)
    file = case.staging / "f00"
    os.setxattr(file, "user.note", b"kept")
    os.setxattr(file, ACL, acl_for(1234))
    with (case.staging / "holes").open("wb") as sparse:
        sparse.truncate(200_000_000)
        sparse.seek(100_000_000)
        sparse.write(b"in the middle")
    result = case.push()
    assert result.added_bytes < 100_000
    to, _ = case.restore(result.version)
    assert os.getxattr(to / "f00", "user.note") == b"kept"
    assert os.getxattr(to / "f00", ACL) == acl_for(1234)
    assert (to / "holes").stat().st_blocks * 512 < 1_000_000
    assert (to / "holes").stat().st_size == 200_000_000


def test_the_root_of_the_dataset_is_restored_too(case: DestinationCase) -> None:
    samples.write_files(case.staging / "read-only", 1)
    (case.staging / "read-only").chmod(0o555)
    case.staging.chmod(0o750)
    os.utime(case.staging, ns=(1, 1_600_000_000_000_000_007))
    to, _ = case.restore(case.push().version)
    assert (to.stat().st_mode & 0o777, to.stat().st_mtime_ns) == (0o750, 1_600_000_000_000_000_007)
    assert (to / "read-only").stat().st_mode & 0o777 == 0o555


def test_a_snapshot_that_was_lost_makes_a_full_run(case: DestinationCase) -> None:
    samples.write_files(case.staging, 3, 500_000)
    case.push()
    assert case.push().added_bytes < 100_000
    shutil.rmtree(case.folder / "index")
    result = case.push()
    assert result.added_bytes > 1_500_000
    assert len(result.versions) == 3


def test_old_chains_go_only_when_the_newest_was_read_back(case: DestinationCase, tmp_path: Path) -> None:
    samples.write_files(case.staging, 3, 500_000)
    case.push()
    shutil.rmtree(case.folder / "index")
    case.push()
    assert (
        case.destination().push(case.staging, replace(case.request(keep=Keep(last=1)), read_back=False)).removed == ()
    )
    assert names(tmp_path, "000001-*.manifest"), "no object goes unless space may be reclaimed"
    (volume,) = (tmp_path / "store").glob("000002-*.00001.gpg")
    content = volume.read_bytes()
    volume.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    pruning = replace(case.request(keep=Keep(last=1)), prune=True)
    with pytest.raises(ParaduxError, match="not what was put there") as failed:
        case.destination().push(case.staging, pruning)
    assert failed.value.code == "damaged"
    assert len(case.destination().versions()) == 4, "the chain that would be left is damaged"
    volume.write_bytes(content)
    result = case.destination().push(case.staging, replace(case.request(keep=Keep(last=1)), prune=True))
    assert result.pruned
    assert not names(tmp_path, "000001-*")
    assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)
    case.destination().verify(deep=True)


def test_what_an_interrupted_run_has_sent_is_not_sent_again(case: DestinationCase, tmp_path: Path) -> None:
    samples.write_files(case.staging, 9, 400_000)
    lost = LostAfter(DiskBlobs(tmp_path / "store"), puts=3)
    with pytest.raises(TransientError):
        archive(lost, case.folder).push(case.staging, case.request())
    assert case.destination().versions() == ()
    sent = {path.name: path.stat().st_ino for path in (tmp_path / "store").glob("*.0000?.gpg")}
    assert len(sent) == 2
    result = case.push()
    again = {path.name: path.stat().st_ino for path in (tmp_path / "store").glob("*.0000?.gpg")}
    assert sent.items() < again.items()
    assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)


@pytest.mark.parametrize("key", [None, "", "not a key", 7])
def test_what_an_earlier_version_has_sent_of_an_interrupted_run_is_sent_again(
    case: DestinationCase, tmp_path: Path, key: object
) -> None:
    """Its file has the SHA-256 of each volume, and no key."""
    samples.write_files(case.staging, 9, 400_000)
    with pytest.raises(TransientError):
        archive(LostAfter(DiskBlobs(tmp_path / "store"), puts=3), case.folder).push(case.staging, case.request())
    upload = case.folder / "index" / "upload"
    (run, parent, _), *sent = map(json.loads, upload.read_text().splitlines())
    earlier = [{"plain": "5e" * 32, "part": each["part"]} for each in sent]
    head = [run, parent] if key is None else [run, parent, key]
    upload.write_text("".join(json.dumps(line) + "\n" for line in (head, *earlier)))
    result = case.push()
    assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)
    assert len({name.name.partition(".")[0] for name in (tmp_path / "store").glob("*.gpg")}) == 1, "no scrap stays"


def test_files_that_have_changed_after_an_interruption_are_sent(case: DestinationCase, tmp_path: Path) -> None:
    samples.write_files(case.staging, 9, 400_000)
    with pytest.raises(TransientError):
        archive(LostAfter(DiskBlobs(tmp_path / "store"), puts=5), case.folder).push(case.staging, case.request())
    for name in ("f03", "f04", "f05", "f06", "f07"):
        (case.staging / name).unlink()
    result = case.push()
    assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)
    case.destination().verify(deep=True)


def test_a_volume_is_tried_again_when_the_connection_was_lost(
    case: DestinationCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "sleep", lambda _: None)
    samples.write_files(case.staging, 9, 400_000)
    shaky = LostAfter(DiskBlobs(tmp_path / "store"), puts=3, times=2)
    version = archive(shaky, case.folder).push(case.staging, case.request()).version
    assert samples.contents(case.restore(version)[0]) == samples.contents(case.staging)


def test_the_disk_never_holds_a_volume(case: DestinationCase, own_temporary: Path) -> None:
    samples.write_files(case.staging, 9, 400_000)
    sizes: list[int] = []
    places = [case.folder / "index", case.folder / "cache", own_temporary]

    def look(_: Progress) -> None:
        ours = [path for place in places for path in place.rglob("*")]
        sizes.append(sum(path.lstat().st_size for path in ours if path.is_file()))

    case.make(look).push(case.staging, case.request())
    assert max(sizes) < 100_000


def test_at_most_two_volumes_are_in_memory(case: DestinationCase) -> None:
    samples.write_files(case.staging, 12, 1_000_000)
    seen: list[int] = []
    version = case.make(lambda _: seen.append(volumes_in_memory())).push(case.staging, case.request()).version
    assert max(seen) == 2
    seen.clear()
    (case.folder / "out").mkdir()
    case.make(lambda _: seen.append(volumes_in_memory())).restore(version, case.folder / "out", ())
    assert max(seen) == 2


def volumes_in_memory() -> int:
    """Different files in memory that this process has open as volumes."""
    found = set()
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if "memfd:paradux-volume" in str(path.readlink()):
                found.add(path.stat().st_ino)
    return len(found)


class LostAfter(BlobStore):
    """A store whose connection is lost in the middle of an object, after so many whole ones, so many times."""

    def __init__(self, store: BlobStore, puts: int, times: int = 99) -> None:
        self.store, self.puts, self.times = store, puts, times
        self.get, self.list, self.delete = store.get, store.list, store.delete

    def put(self, name: str, data: BinaryIO) -> None:
        """The first `puts` arrive."""
        self.puts -= 1
        if self.puts < 0 and self.times > 0:
            self.times -= 1
            data.read(1000)
            raise TransientError("disk-full" if self.times > 50 else "connection-lost", "lost")
        self.store.put(name, data)

    def get(self, name: str) -> Iterator[bytes]: ...  # type: ignore[empty-body]

    def list(self) -> tuple[Blob, ...]: ...  # type: ignore[empty-body]

    def delete(self, name: str) -> None: ...
