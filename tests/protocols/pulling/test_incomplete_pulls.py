"""What cannot be read or stored does not stop a pull: the rest is pulled, earlier copies stay, and the result names what is missing.

Only the kernel refuses here: rsync runs without the rights of root to read everything, on directories that nobody may read; files that
cannot be read at all come from sysfs, file systems that hold no attributes from the kernel's ramfs.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Guard
from paraduxd.effects.process import run
from paraduxd.protocols.base import HeldError, PullRequest, PullResult
from paraduxd.protocols.disk import PROTOCOL as DISK
from paraduxd.protocols.disk import DiskSettings
from paraduxd.testing import samples
from paraduxd.testing.sources import SourceCase
from tests.protocols.test_disk import CONTEXT, source_case

NO_RIGHTS = "setpriv --inh-caps=-all --bounding-set=-all"


def wrap_rsync(folder: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> Path:
    """Every rsync from now on is started as `how` says, and counted: the file has a line for each."""
    real, log = shutil.which("rsync", path=run.PATH), folder / "runs"
    folder.mkdir()
    (folder / "rsync").write_text(f'#!/bin/sh\necho run >> {log}\nexec {how} {real} "$@"\n')
    (folder / "rsync").chmod(0o755)
    monkeypatch.setattr(run, "PATH", f"{folder}:{run.PATH}")
    return log


def runs(log: Path) -> int:
    count = len(log.read_text().splitlines())
    log.unlink()
    return count


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return wrap_rsync(tmp_path / "bin", monkeypatch, NO_RIGHTS if os.getuid() == 0 else "")


@pytest.fixture
def case(tmp_path: Path, log: Path) -> Iterator[SourceCase]:
    case = source_case(tmp_path / "source", tmp_path / "staging")
    yield case
    for folder, _, _ in os.walk(tmp_path, onerror=lambda problem: Path(problem.filename).chmod(0o700)):
        Path(folder).chmod(0o700)


def close(*paths: Path) -> None:
    for path in paths:
        path.chmod(0)


def test_a_file_that_cannot_be_read_is_named_and_everything_else_is_pulled(case: SourceCase, log: Path) -> None:
    samples.write_files(case.root, 5)
    close(case.root / "f01")
    result = case.pull()
    assert (result.files, result.unread, result.unread_count) == (4, ("f01",), 1)
    assert samples.files(case.staging) == [f"f{number:02}" for number in (0, 2, 3, 4)]
    assert runs(log) == 1


def test_the_earlier_copy_of_a_file_that_cannot_be_read_stays_and_removals_go_on(case: SourceCase) -> None:
    case.first()
    before = (case.staging / "f01").read_bytes()
    (case.root / "f01").write_text("changed, and not to be read any more")
    close(case.root / "f01")
    (case.root / "f02").unlink()
    (case.root / "f03").write_text("changed")
    (case.root / "new").write_text("new")
    result = case.pull(known=20)
    assert (result.files, result.removed, result.changed, result.unread) == (20, 1, 1, ("f01",))
    assert (case.staging / "f01").read_bytes() == before
    assert not (case.staging / "f02").exists()
    assert (case.staging / "f03").read_text() == "changed"


@pytest.mark.parametrize(
    "name", ["private", "pri[v]a*te\\ ?", "back\\slash", "new\nline", 'quote" failed: (13)', "\udcff"]
)
def test_what_is_below_an_unreadable_directory_stays_and_counts_as_present(case: SourceCase, name: str) -> None:
    samples.write_files(case.root, 10)
    samples.write_files(case.root / name / "deep", 10)
    samples.write_files(case.root / "other", 4)
    assert case.pull().files == 24
    before = samples.contents(case.staging / name)
    close(case.root / name)
    shutil.rmtree(case.root / "other")
    result = case.pull(known=24)
    assert (result.files, result.removed, result.unread_count) == (20, 4, 1)
    (case.staging / name).chmod(0o700)
    assert samples.contents(case.staging / name) == before
    assert not (case.staging / "other").exists()
    assert all(each.isprintable() for each in result.unread)


def test_what_is_below_an_unreadable_directory_stays_when_too_much_else_is_gone(case: SourceCase) -> None:
    samples.write_files(case.root, 10)
    samples.write_files(case.root / "private", 10)
    case.pull()
    close(case.root / "private")
    for number in range(6):
        (case.root / f"f{number:02}").unlink()
    with pytest.raises(HeldError) as held:
        case.pull(known=20)
    assert (held.value.reason, held.value.removed) == ("many-removed", 6)
    assert case.pull(known=20, allowed=6).files == 14


def test_an_unreadable_directory_that_was_everything_is_no_empty_source(case: SourceCase) -> None:
    samples.write_files(case.root / "private", 3)
    (case.root / "empty").mkdir()
    case.pull()
    close(case.root / "private")
    (case.root / "empty").rmdir()
    result = case.pull(known=3)
    assert (result.files, result.removed, result.unread) == (3, 0, ("private",))


def test_a_source_that_cannot_be_read_at_all_is_a_failure_and_nothing_is_removed(case: SourceCase) -> None:
    case.first(3)
    for mode in (0, 0o300, 0o400):
        case.root.chmod(mode)
        with pytest.raises(ParaduxError) as failed:
            case.pull(known=3)
        assert failed.value.code in {"unreadable", "transfer-failed"}
        case.staging.chmod(0o700)
        assert len(samples.files(case.staging)) == 3


def test_a_file_in_place_of_a_directory_arrives_beside_something_unreadable(case: SourceCase) -> None:
    case.first()
    samples.write_files(case.root / "folder", 2)
    case.pull(known=20)
    (case.root / "f01").write_text("changed")
    close(case.root / "f01")
    shutil.rmtree(case.root / "folder")
    (case.root / "folder").write_text("a file now")
    result = case.pull(known=22)
    assert (case.staging / "folder").read_text() == "a file now"
    assert (result.files, result.removed, result.unread) == (21, 2, ("f01",))


def test_files_that_give_errors_while_they_are_read_are_named(tmp_path: Path) -> None:
    case = source_case(Path("/sys/class/net/lo/power"), tmp_path / "staging")
    result = case.pull()
    assert "autosuspend_delay_ms" in result.unread
    assert result.files == len(samples.files(case.staging))
    assert result.files + result.unread_count == len([each for each in os.scandir(case.root) if each.is_file()])


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose own path is always as long, because how deep a path can go depends on it."""
    with tempfile.TemporaryDirectory(prefix="paradux-", dir="/tmp") as folder:
        yield Path(folder)


def test_a_tree_deeper_than_any_path_is_pulled_as_far_as_it_goes(short: Path) -> None:
    case = source_case(short / "source", short / "staging")
    deepen(case.root, 30)
    (case.root / "gone").write_text("gone soon")
    result = case.pull()
    assert (result.unread_count, result.files) == (1, 21)
    (case.root / "gone").unlink()
    assert case.pull(known=result.files).files == 20
    shutil.rmtree(case.root)


def deepen(root: Path, levels: int) -> None:
    """A chain of directories with long names, with a file in each."""
    here = os.open(root, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d" * 200, dir_fd=here)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=below))
        here = below
    os.close(here)


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A directory of somebody without rights, who does everything until the end of the test."""
    if os.getuid() != 0:
        pytest.skip("needs root, to become somebody else")
    with tempfile.TemporaryDirectory(prefix="paradux-test-") as name:
        folder = Path(name)
        os.chown(folder, 65534, 65534)
        os.setegid(65534)
        os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(0)
            os.setegid(0)


def in_place(root: Path, index: Path, known: int | None = None) -> PullResult:
    assert DISK.source
    request = PullRequest(Guard(), known, in_place=True, index=index)
    return DISK.source(DiskSettings(url=root.as_uri()), CONTEXT).pull(root, request)


def test_in_place_what_cannot_be_read_is_named_and_the_rest_counted(nobody: Path) -> None:
    root, index = nobody / "source", nobody / "index"
    samples.write_files(root, 40)
    samples.write_files(root / "private" / "deep", 4)
    samples.write_files(root / "pri\nvate", 1)
    assert in_place(root, index).unread == ()
    close(root / "private" / "deep", root / "pri\nvate")
    result = in_place(root, index, 45)
    assert (result.files, result.unread, result.unread_count) == (40, ("pri\\nvate", "private/deep"), 2)
    (root / "private" / "deep").chmod(0o700)
    (root / "pri\nvate").chmod(0o700)


def test_in_place_a_directory_that_held_much_and_cannot_be_read_is_held_by_name(nobody: Path) -> None:
    root, index = nobody / "source", nobody / "index"
    samples.write_files(root, 10)
    samples.write_files(root / "private", 10)
    in_place(root, index)
    close(root / "private")
    with pytest.raises(HeldError, match="private cannot be read") as held:
        in_place(root, index, 20)
    assert (held.value.reason, held.value.removed) == ("many-removed", 10)
    (root / "private").chmod(0o700)
    close(root)
    with pytest.raises(ParaduxError) as failed:
        in_place(root, index, 20)
    assert failed.value.code == "unreadable"
    root.chmod(0o700)


def test_in_place_a_tree_deeper_than_any_path_is_named(short: Path) -> None:
    root = short / "source"
    root.mkdir()
    deepen(root, 30)
    result = in_place(root, short / "index")
    assert (result.files, result.unread_count) == (20, 1)
    shutil.rmtree(root)


def test_an_unprivileged_daemon_can_read_what_it_has_copied(nobody: Path) -> None:
    case = source_case(nobody / "source", nobody / "staging")
    samples.write_files(case.root / "folder", 3)
    case.pull()
    close(case.root / "folder" / "f00", case.root / "folder")
    result = case.pull(known=3)
    assert (result.files, result.unread) == (3, ("folder",))
    assert len(samples.contents(case.staging)) == 3
    (case.root / "folder").chmod(0o500)
    assert case.pull(known=3).files == 3
    assert len(samples.contents(case.staging)) == 3
    (case.root / "folder").chmod(0o700)


def test_thousands_of_unreadable_files_and_removals_beside_them(case: SourceCase) -> None:
    samples.write_files(case.root, 20)
    samples.write_files(case.root / "folder", 2)
    case.pull()
    (case.root / "many").mkdir()
    for number in range(1200):
        close_new(case.root / "many" / f"n{number}")
    (case.root / "f00").unlink()
    shutil.rmtree(case.root / "folder")
    (case.root / "folder").write_text("a file now")
    result = case.pull(known=22)
    assert (result.files, result.removed, result.changed) == (21, 1, 0)
    assert (len(result.unread), result.unread_count) == (100, 1201)
    assert result.unread[0] == "folder"
    assert not (case.staging / "f00").exists()


def close_new(path: Path) -> None:
    path.write_text("x")
    path.chmod(0)


def test_files_that_are_too_large_for_staging_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = wrap_rsync(tmp_path / "bin", monkeypatch, 'sh -c \'trap "" XFSZ; ulimit -f 1024; exec "$0" "$@"\'')
    case = source_case(tmp_path / "source", tmp_path / "staging")
    case.first()
    for name in ("f05a", "f15a"):
        (case.root / name).write_bytes(os.urandom(3 << 20))
    runs(log)
    (case.root / "f19").unlink()
    for number in range(3):
        (case.root / f"f{number:02}").write_text("changed")
    result = case.pull(known=20)
    assert (result.files, result.removed, result.changed, result.unread) == (19, 1, 3, ("f05a", "f15a"))
    assert samples.files(case.staging) == [f"f{number:02}" for number in range(19)]
    for number in range(15):
        (case.root / f"f{number:02}").write_text("encrypted by malware")
    with pytest.raises(HeldError) as held:
        case.pull(known=19)
    assert held.value.reason == "many-changed"


def test_sockets_pipes_and_devices_stop_nothing(case: SourceCase) -> None:
    samples.write_files(case.root, 2)
    os.mkfifo(case.root / "pipe")
    if os.getuid() == 0:
        os.mknod(case.root / "device", 0o20600, os.makedev(1, 3))
    result = case.pull()
    assert result.files == 2
    assert (case.staging / "pipe").is_fifo()
    assert result.unread == (("device",) if os.getuid() == 0 else ())


@pytest.fixture
def bare_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that holds neither ACLs nor attributes."""
    if os.getuid() != 0:
        pytest.skip("needs root, to mount a file system")
    folder = tmp_path / "bare"
    folder.mkdir()
    subprocess.run(["mount", "-t", "ramfs", "paradux-test", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def acl() -> bytes:
    """An access control list that gives one more user the right to read."""
    entries = ((1, 6, -1), (2, 4, 1234), (4, 4, -1), (16, 4, -1), (32, 0, -1))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)


def test_attributes_that_staging_cannot_hold_are_named_in_one_run(
    tmp_path: Path, bare_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = wrap_rsync(tmp_path / "bin", monkeypatch, "")
    case = source_case(tmp_path / "source", bare_disk / "staging")
    samples.write_files(case.root / "folder", 4)
    os.setxattr(case.root / "folder" / "f00", "user.note", b"x" * 60)
    os.setxattr(case.root / "folder" / "f01", "system.posix_acl_access", acl())
    os.setxattr(case.root / "folder", "system.posix_acl_default", acl())
    for known in (None, 4):
        result = case.pull(known)
        assert (result.files, result.unread, result.changed) == (4, (), 0)
        assert (result.unstored, result.unstored_count) == (("folder", "folder/f00", "folder/f01"), 3)
        assert samples.contents(case.staging) == samples.contents(case.root)
        assert runs(log) == 1


def test_an_attribute_that_is_too_long_for_the_disk_of_staging_is_named(tmp_path: Path, tiny_disk: Path) -> None:
    case = source_case(tiny_disk / "source", tmp_path / "staging")
    samples.write_files(case.root, 3)
    os.setxattr(case.root / "f01", "user.long", b"x" * 6000)
    (tmp_path / "trial").touch()
    try:
        os.setxattr(tmp_path / "trial", "user.long", b"x" * 6000)
        expected: tuple[str, ...] = ()
    except OSError:
        expected = ("f01",)  # ext4, for one
    result = case.pull()
    assert (result.files, result.unread, result.unstored) == (3, (), expected)


def test_the_guard_sees_encrypted_files_beside_attributes_that_cannot_be_stored(
    bare_disk: Path, tmp_path: Path
) -> None:
    case = source_case(tmp_path / "source", bare_disk / "staging")
    case.first()
    os.setxattr(case.root / "f00", "user.note", b"x")
    for number in range(15):
        (case.root / f"f{number:02}").write_text("encrypted by malware")
    with pytest.raises(HeldError) as held:
        case.pull(known=20)
    assert (held.value.reason, held.value.changed) == ("many-changed", 15)


def test_owners_that_staging_cannot_hold_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root, to give files away")
    log = wrap_rsync(tmp_path / "bin", monkeypatch, "setpriv --inh-caps=-chown --bounding-set=-chown")
    case = source_case(tmp_path / "source", tmp_path / "staging")
    samples.write_files(case.root, 3)
    os.chown(case.root / "f00", 1234, 1234)
    result = case.pull()
    assert (result.files, result.unread, result.unstored) == (3, (), ("f00",))
    assert runs(log) == 1


def test_a_full_disk_is_a_failure_still(tmp_path: Path, tiny_disk: Path) -> None:
    case = source_case(tmp_path / "source", tiny_disk / "staging")
    (case.root / "big").write_bytes(os.urandom(4 << 20))
    with pytest.raises(ParaduxError) as failed:
        case.source.pull(case.staging, PullRequest(Guard()))
    assert failed.value.code == "disk-full"
