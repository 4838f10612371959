"""Paths of others, followed by descriptor: who may lead there, and what exchanging it does (nothing)."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd import linux
from paraduxd.api.errors import ParaduxError
from paraduxd.effects.files import directories
from paraduxd.effects.files.directories import Directory, trusted

ME = trusted()
OTHER = frozenset({os.geteuid() + 4242})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (folder := tmp_path / "above" / "folder").mkdir(parents=True, mode=0o755)
    return folder


@pytest.fixture
def held(folder: Path) -> Iterator[Directory]:
    with directories.opened(folder, ME) as held:
        yield held


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _refusal(path: Path, uids: frozenset[int] = ME, *, shared: bool = False) -> str:
    with pytest.raises(ParaduxError) as refused:
        directories.opened(path, uids, shared=shared)
    assert refused.value.code == "unsafe-directory" and "/tmp" in refused.value.hint
    return refused.value.message


# Who may lead there


def test_what_belongs_to_others_or_may_be_written_by_them_is_refused(folder: Path) -> None:
    assert f"belongs to user {os.geteuid()}" in _refusal(folder, OTHER)
    folder.chmod(0o775)
    assert _refusal(folder) == f"{folder} may be written by others"
    folder.chmod(0o755)
    folder.parent.chmod(0o757)
    assert _refusal(folder) == f"{folder.parent}, on the way to {folder}, may be written by others"


def test_a_directory_like_tmp_may_be_on_the_way_and_shared_space_may_be_one(folder: Path) -> None:
    folder.parent.chmod(0o1777)
    directories.opened(folder, ME).close()
    assert "may be written by others" in _refusal(folder.parent)
    directories.opened(folder.parent, ME, shared=True).close()
    folder.parent.chmod(0o777)
    assert "may be written by others" in _refusal(folder.parent, shared=True)


def test_links_are_followed_where_one_of_ours_made_them_and_where_they_lead_is_judged(folder: Path) -> None:
    (link := folder.parent / "link").symlink_to("folder/../folder")
    with directories.opened(link, ME) as held:
        assert held.status().st_ino == folder.stat().st_ino
    (endless := folder.parent / "endless").symlink_to("endless")
    with pytest.raises(OSError, match="symbolic links"):
        directories.opened(endless, ME)
    folder.chmod(0o777)
    assert f"{folder}, on the way to {link}, may be written by others" == _refusal(link)


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a link of another user")
def test_a_link_of_another_user_is_not_followed(folder: Path) -> None:
    folder.parent.chmod(0o1777)
    (link := folder.parent / "link").symlink_to(folder)
    os.chown(link, 4242, 4242, follow_symlinks=False)
    assert _refusal(link / "x") == f"{link}, on the way to {link / 'x'}, belongs to user 4242"
    directories.opened(link, trusted(4242)).close()


def test_what_is_missing_is_made_for_its_owner_only_if_that_is_wanted(folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        directories.opened(folder / "a" / "b", ME)
    directories.opened(folder / "a" / "b", ME, make=True).close()
    assert {path.stat().st_mode & 0o777 for path in (folder / "a", folder / "a" / "b")} == {0o700}
    (folder / "file").touch()
    with pytest.raises(NotADirectoryError):
        directories.opened(folder / "file", ME, make=True)


# What is done by descriptor


def test_work_goes_on_where_it_began_whatever_is_put_in_its_place(folder: Path, held: Directory) -> None:
    (victim := folder.parent / "victim").mkdir()
    with held.fresh("work") as work:
        (folder / "work").rename(folder / "elsewhere")
        (folder / "work").symlink_to(victim)
        command = ["cp", "/proc/self/cmdline", str(work.path / "copied")]
        subprocess.run(command, check=True, pass_fds=directories.descriptor_in(work.path / "copied"))
        work.write("written", b"x")
        assert names(folder / "elsewhere") == ["copied", "written"]
        held.remove("work")
    assert not names(victim) and names(folder) == ["elsewhere"]


@pytest.mark.parametrize("swap", ["link", "full", "open"])
def test_a_fresh_directory_that_was_exchanged_is_refused(
    folder: Path, held: Directory, monkeypatch: pytest.MonkeyPatch, swap: str
) -> None:
    real = os.mkdir

    def exchanged(name: str, mode: int, *, dir_fd: int) -> None:
        real(name, mode, dir_fd=dir_fd)
        if swap == "link":
            (folder / name).rmdir()
            (folder / name).symlink_to(folder.parent)
        elif swap == "full":
            (folder / name / "planted").touch()
        else:
            (folder / name).chmod(0o777)

    monkeypatch.setattr(os, "mkdir", exchanged)
    with pytest.raises((ParaduxError, OSError)) as refused:
        held.fresh("work")
    assert isinstance(refused.value, ParaduxError) or refused.value.errno in {errno.ELOOP, errno.ENOTDIR}


def test_a_directory_that_another_has_begun_to_use_is_not_claimed(
    folder: Path, held: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours was swept before it was open, and what is open now is the other's."""
    real = os.mkdir

    def exchanged(name: str, mode: int, *, dir_fd: int) -> None:
        real(name, mode, dir_fd=dir_fd)
        (folder / name / "theirs").touch()

    monkeypatch.setattr(os, "mkdir", exchanged)
    assert held.claimed("work") is None
    assert names(folder / "work") == ["theirs"]


def test_what_was_left_is_found_again_only_if_nobody_else_can_enter_it(folder: Path, held: Directory) -> None:
    assert held.private("work") is None
    held.fresh("work").close()
    with pytest.raises(FileExistsError):
        held.fresh("work")
    (found := held.private("work") or pytest.fail()).close()
    assert found.shown == folder / "work"
    (folder / "work").chmod(0o750)
    (folder / "link").symlink_to("work")
    (folder / "file").touch()
    assert [held.private(name) for name in ("work", "link", "file")] == [None] * 3


def test_nothing_is_replaced_by_moving(folder: Path, held: Directory) -> None:
    (folder / "locked").mkdir(mode=0o555)
    with held.fresh("to") as to:
        held.move("locked", to, "moved")
        assert (folder / "to" / "moved").stat().st_mode & 0o777 == 0o555
        (folder / "moved").touch()
        with pytest.raises(FileExistsError):
            held.move("moved", to)
    assert not os.path.lexists(folder / "locked")


@pytest.mark.parametrize("kernel", [errno.EINVAL, errno.ENOSYS])
def test_nor_where_the_kernel_does_not_see_to_it(
    folder: Path, held: Directory, monkeypatch: pytest.MonkeyPatch, kernel: int
) -> None:
    class Libc:
        def renameat2(self, *_: object) -> int:
            ctypes.set_errno(kernel)
            return -1

    monkeypatch.setattr(linux, "_libc", Libc())
    for name in ("a", "b"):
        (folder / name).touch()
    with pytest.raises(FileExistsError):
        held.move("a", held, "b")
    held.move("a", held, "c")
    assert held.names() == ["b", "c"]


def test_removing_follows_no_link_opens_what_is_locked_and_goes_as_deep_as_it_must(
    folder: Path, held: Directory
) -> None:
    (victim := folder.parent / "victim").mkdir(mode=0o755)
    (victim / "kept").touch()
    (folder / "tree" / "locked").mkdir(parents=True)
    (folder / "tree" / "locked" / "link").symlink_to(victim)
    (folder / "tree" / "locked").chmod(0)
    descriptor = os.open(folder / "tree", os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    (folder / "link").symlink_to(victim)
    for name in ("tree", "link", "gone"):
        held.remove(name)
    assert not held.names() and (victim / "kept").exists() and victim.stat().st_mode & 0o777 == 0o755


def test_files_are_read_only_where_they_lie_and_only_if_they_are_files(folder: Path, held: Directory) -> None:
    held.write("note", b"12345")
    (folder / "link").symlink_to("note")
    os.mkfifo(folder / "fifo")
    assert held.read("note", 3) == b"123"
    assert [held.read(name, 3) for name in ("link", "fifo", "gone")] == [None] * 3
    with pytest.raises(FileExistsError):
        held.write("link", b"")
    assert sorted(path for path, *_ in held.files()) == ["fifo", "link", "note"]


def test_a_directory_takes_mode_and_times_after_another(held: Directory) -> None:
    with held.fresh("a") as a, held.fresh("b") as b:
        os.fchmod(a.descriptor, 0o750)
        os.utime(a.descriptor, ns=(1, 2))
        os.setxattr(a.descriptor, "user.colour", b"red")
        b.take(a.attributes())
        assert (b.status().st_mode & 0o777, b.status().st_mtime_ns) == (0o750, 2)
        assert os.getxattr(b.descriptor, "user.colour") == b"red"


def test_only_a_path_through_a_descriptor_names_one(held: Directory) -> None:
    assert directories.descriptor_in(held.path) == directories.descriptor_in(f"{held.path}/a/b") == (held.descriptor,)
    assert directories.descriptor_in("/srv/x") == directories.descriptor_in("/proc/self/fd") == ()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc", "../x"])
def test_a_name_is_never_a_way_through_a_directory(held: Directory, name: str) -> None:
    calls = (held.inner, held.fresh, held.private, held.make, held.remove, lambda name: held.read(name, 1))
    for call in (
        *calls,
        lambda name: held.write(name, b""),
        lambda name: held.move(name, held),
        lambda name: held.move("x", held, name),
    ):
        with pytest.raises(ValueError, match="not a name"):
            call(name)


def test_a_file_system_without_modes_and_owners_is_good_enough(
    folder: Path, held: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAT, mounted by root: everything is root's, nobody else may write, and nothing of that can be changed."""
    real = os.mkdir

    def as_mounted(name: str, mode: int, *, dir_fd: int) -> None:
        real(name, mode, dir_fd=dir_fd)
        (folder / name).chmod(0o755)

    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "mkdir", as_mounted)
    for name in ("fchmod", "fchown"):
        monkeypatch.setattr(os, name, refused)
    with held.fresh("work") as work:
        work.take(held.attributes())
        work.unlock()
    assert held.private("work") is None
