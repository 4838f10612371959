"""A disk inside a source that is away is held, however few files it has; the disks are real mounts."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.core.plan.terms import Guard
from paraduxd.effects.devices import mount_table
from paraduxd.protocols.base import HeldError, PullRequest, PullResult
from paraduxd.protocols.disk import PROTOCOL, DiskSettings
from paraduxd.testing import samples
from tests.protocols.test_disk import CONTEXT


def mount(folder: Path, *how: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", *(how or ("-t", "tmpfs", "paradux-test")), str(folder)], check=True)


def unmount(folder: Path) -> None:
    subprocess.run(["umount", str(folder)], check=True)


class Source:
    """A source of 48 files, 8 of which lie on a disk inside it; pulled into staging, or watched in place."""

    def __init__(self, folder: Path, in_place: bool) -> None:
        self.root = folder / "so urce"
        self.disk = self.root / "al\\bums" / "old disk"
        self.staging = self.root if in_place else folder / "staging"
        self.index = folder / "index"
        self.in_place = in_place
        self.result: PullResult | None = None
        self.exclude: tuple[str, ...] = ()
        samples.write_files(self.root, 40)
        mount(self.disk)
        samples.write_files(self.disk, 8)

    def pull(self, allowed: int = 0) -> PullResult:
        """One more pull, which knows what the last good one has told."""
        assert PROTOCOL.source
        (self.staging).mkdir(exist_ok=True)
        settings = DiskSettings(url=self.root.as_uri(), exclude=self.exclude)
        last = self.result
        request = PullRequest(
            Guard(),
            last.files if last else None,
            allowed_removed=allowed,
            in_place=self.in_place,
            index=self.index,
            known_mounts=last.mounts if last else (),
        )
        self.result = PROTOCOL.source(settings, CONTEXT).pull(self.staging, request)
        return self.result

    def held(self) -> HeldError:
        with pytest.raises(HeldError) as held:
            self.pull()
        return held.value


@pytest.fixture(params=["staging", "in place"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    if os.getuid() != 0:
        pytest.skip("needs root, to mount file systems")
    source = Source(tmp_path, request.param == "in place")
    yield source
    for each in reversed(mount_table.table()):
        if os.fsdecode(each.point).startswith(str(tmp_path)):
            subprocess.run(["umount", "--lazy", each.point], check=True)


def test_a_mount_that_is_away_is_held_by_name_until_it_is_back(source: Source) -> None:
    assert source.pull().files == 48
    unmount(source.disk)
    for _ in range(2):
        held = source.held()
        assert (held.reason, held.removed) == ("source-mount-missing", 8)
        assert str(source.disk) in held.text
    if not source.in_place:
        assert len(samples.files(source.staging)) == 48
    mount(source.disk)
    samples.write_files(source.disk, 8)
    assert source.pull().files == 48


def test_a_mount_that_is_away_for_good_is_approved(source: Source) -> None:
    source.pull()
    unmount(source.disk)
    held = source.held()
    result = source.pull(allowed=held.removed)
    assert (result.files, result.removed, result.mounts) == (40, 8, ())
    assert source.pull().files == 40


def test_a_mount_with_another_empty_disk_is_held(source: Source) -> None:
    source.pull()
    unmount(source.disk)
    mount(source.disk)
    (source.disk / "lost+found").mkdir()
    assert source.held().reason == "source-mount-missing"


def test_a_mount_point_that_is_gone_with_its_folder_is_held(source: Source) -> None:
    source.pull()
    unmount(source.disk)
    source.disk.rmdir()
    source.disk.parent.rmdir()
    assert source.held().reason == "source-mount-missing"


def test_an_emptied_folder_that_is_no_mount_is_no_matter(source: Source) -> None:
    samples.write_files(source.root / "downloads", 3)
    source.pull()
    for path in (source.root / "downloads").iterdir():
        path.unlink()
    assert source.pull().removed == 3


def test_a_directory_bound_from_elsewhere_counts_and_one_bound_to_itself_does_not(source: Source) -> None:
    samples.write_files(source.root.parent / "elsewhere", 3)
    samples.write_files(source.root / "itself", 3)
    mount(source.root / "bound", "--bind", str(source.root.parent / "elsewhere"))
    mount(source.root / "itself", "--bind", str(source.root / "itself"))
    assert source.pull().mounts == (str(source.disk), str(source.root / "bound"))
    unmount(source.root / "itself")
    source.pull()
    unmount(source.root / "bound")
    assert source.held().removed == 3


def test_a_sandbox_that_binds_directories_to_themselves_changes_nothing(source: Source) -> None:
    known = source.pull().mounts
    for folder in (source.disk, source.root, source.root.parent):
        mount(folder, "--rbind", str(folder))
    assert source.pull().mounts == known


def test_what_has_no_files_or_is_no_disk_is_not_remembered(source: Source) -> None:
    mount(source.root / "empty")
    mount(source.root / "kernel", "-t", "mqueue", "paradux-test")
    assert source.pull().mounts == (str(source.disk),)


def test_what_is_excluded_may_come_and_go(source: Source) -> None:
    if source.in_place:
        return
    source.exclude = ("old disk",)
    assert source.pull().mounts == ()
    unmount(source.disk)
    assert source.pull().files == 40


@pytest.mark.parametrize("other", [0, 3])
def test_the_disk_that_the_source_lies_on_is_away(source: Source, other: int) -> None:
    unmount(source.disk)
    disk = source.root.parent / "disk"
    mount(disk)
    source.root = disk / "photos"
    source.staging = source.root if source.in_place else source.staging
    samples.write_files(source.root, 5)
    assert source.pull().mounts == (str(disk),)
    unmount(disk)
    samples.write_files(source.root, other)
    held = source.held()
    assert held.reason == "source-mount-missing"
    assert str(disk) in held.text


def test_a_source_that_is_a_link_is_looked_at_where_it_leads(source: Source) -> None:
    link = source.root.parent / "link"
    link.symlink_to(source.root)
    source.root, source.staging = link, link if source.in_place else source.staging
    source.pull()
    unmount(source.disk)
    assert source.held().removed == 8


def test_lines_of_the_table() -> None:
    line = rb"63 43 0:39 /a\040b /tmp/c\134d rw,relatime shared:1 master:2 - ext4 /dev/x rw"
    assert mount_table.parse(line) == mount_table.Mount(63, 43, b"0:39", b"/a b", b"/tmp/c\\d", b"ext4")
    for junk in (b"", b"1 2 3", b"a b c d e f - g", line.partition(b" - ")[0]):
        assert mount_table.parse(junk) is None
    with contextlib.suppress(FileNotFoundError):
        assert Path("/proc/self/mountinfo").read_bytes().count(b"\n") == len(mount_table.table())
