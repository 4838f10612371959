"""The staging directory is private, with the data below it; what an earlier version pulled is moved there, however often it is cut off."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.files import staging, staging_move
from paraduxd.effects.files.staging import Staging, filled, found, prepared

NOBODY = 65534
UID = "0123456789abcdef0123456789abcdef"
ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="somebody else has to own files")


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody can enter, as pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="paradux-test-staging-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def old(place: Path) -> Staging:
    """What version 0.1.0 has pulled: the data at the top, with the attributes of the source's root."""
    return fill(place / "home")


def fill(top: Path) -> Staging:
    """A source that is hostile: it has a top folder called data, a marker, and names of ours of another staging directory."""
    (top / "data" / "data").mkdir(parents=True)
    (top / "data" / "photo").write_text("in a folder of the source")
    (top / "letter").write_text("a letter")
    (top / "link").symlink_to("letter")
    (top / "twin").hardlink_to(top / "letter")
    (top / staging_move.names("f" * 32).moving).mkdir()
    (top / staging.MARKER).write_text(json.dumps({"format": staging.FORMAT, "staging": "f" * 32}))
    (top / "data" / "locked").mkdir(mode=0o555)
    top.chmod(0o775)
    if ROOT:
        for path in (top, *top.rglob("*")):
            os.chown(path, 1000, 1000, follow_symlinks=False)
        (top / "letter").chmod(0o4755)
    return Staging(top, UID, known=True)


def picture(folder: Path) -> dict[str, tuple[Any, ...]]:
    """All that is in a directory, with attributes; of the directory itself all but the time."""
    seen = {".": seen_of(folder)[:3]}
    return seen | {str(path.relative_to(folder)): seen_of(path) for path in folder.rglob("*")}


def seen_of(path: Path) -> tuple[Any, ...]:
    status = path.lstat()
    inside = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
    return status.st_mode, status.st_uid, status.st_gid, inside, status.st_ino, status.st_mtime_ns


def as_nobody(*command: str) -> subprocess.CompletedProcess[str]:
    argv = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
    return subprocess.run(argv, check=False, capture_output=True, text=True)


def code_of(call: Callable[[Staging], object], where: Staging) -> str:
    with pytest.raises(ParaduxError) as refused:
        call(where)
    return refused.value.code


def is_private(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) == 0o700


def test_a_new_one_is_private_from_the_start_and_holds_a_directory_for_the_data(place: Path) -> None:
    data = prepared(Staging(place / "new" / "home", UID))
    assert data == place / "new" / "home" / "data"
    assert is_private(data.parent)
    assert is_private(place / "new")
    assert sorted(each.name for each in data.parent.iterdir()) == ["data", staging.MARKER]
    assert list(data.iterdir()) == []


def test_what_was_pulled_before_is_moved_with_all_attributes(old: Staging) -> None:
    before = picture(old.path)
    data = filled(old)
    assert picture(data) == before
    assert is_private(old.path)
    assert sorted(each.name for each in old.path.iterdir()) == ["data", staging.MARKER]
    assert filled(old) == prepared(old) == found(old) == data
    assert picture(data) == before, "and once is enough"


def test_looking_moves_nothing(old: Staging) -> None:
    before = picture(old.path)
    assert found(old) == old.path
    assert picture(old.path) == before


def in_child(call: Callable[[Staging], object], where: Staging, killed_at: int) -> int:
    """Run it in a process of its own that is killed at that line of ours; how it ended: 0 if it got to its end first."""
    ours, count = {staging_move.__file__}, 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if frame.f_code.co_filename not in ours:
            return None
        count += event == "line"
        if count >= killed_at:
            os._exit(9)
        return trace

    def run() -> None:
        sys.settrace(trace)
        call(where)
        os._exit(0)

    child = multiprocessing.get_context("fork").Process(target=run)
    child.start()
    child.join()
    assert child.exitcode is not None
    return child.exitcode


def test_a_move_that_is_killed_at_any_line_goes_on(place: Path) -> None:
    line, code = 0, 9
    while code == 9:
        line += 1
        old = fill(place / str(line))
        before = picture(old.path)
        code = in_child(prepared, old, line)
        seen = found(old)
        assert seen is None or picture(seen) == before, f"never half of it: killed at {line}"
        assert picture(filled(old)) == before, f"killed at {line}"
        assert {each.name for each in old.path.iterdir()} == {"data", staging.MARKER}, f"killed at {line}"
        assert is_private(old.path)
        shutil.rmtree(old.path)
    assert code == 0
    assert line > 30


def test_two_that_push_at_once_move_once(place: Path) -> None:
    context = multiprocessing.get_context("fork")
    for number in range(10):
        old = fill(place / str(number))
        before = picture(old.path)
        children = [context.Process(target=filled, args=(old,)) for _ in range(4)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        assert [child.exitcode for child in children] == [0] * 4
        assert picture(old.path / "data") == before


def test_a_source_that_is_a_staging_directory_itself_is_data(place: Path) -> None:
    theirs = Staging(place / "theirs", "a" * 32)
    (prepared(theirs) / "photo").write_text("a photo")
    ours = Staging(place / "ours", UID, known=True)
    shutil.copytree(theirs.path, ours.path)
    before = picture(ours.path)
    assert picture(filled(ours)) == before
    assert (ours.path / "data" / "data" / "photo").exists()


def test_one_that_its_owner_moved_stays_what_it_is(place: Path) -> None:
    (prepared(Staging(place / "here", "a" * 32)) / "photo").write_text("a photo")
    (place / "here").rename(place / "there")
    assert (filled(Staging(place / "there", UID)) / "photo").read_text() == "a photo"


def test_one_of_a_later_version_is_not_touched(place: Path) -> None:
    data = prepared(Staging(place / "home", UID))
    (data.parent / staging.MARKER).write_text(json.dumps({"format": "paradux-staging/2", "staging": UID}))
    for call in (prepared, filled, found):
        assert code_of(call, Staging(place / "home", UID)) == "bad-staging"


def test_what_waited_beside_it_for_a_killed_transfer_is_kept(old: Staging) -> None:
    beside = old.path.parent / ".home.paradux-before"
    beside.mkdir()
    (beside / "letter").write_text("the earlier copy")
    data = filled(old)
    assert not beside.exists()
    assert (data.parent / ".data.paradux-before" / "letter").read_text() == "the earlier copy"


def test_nothing_there_is_said(place: Path) -> None:
    where = Staging(place / "missing", UID)
    assert code_of(filled, where) == "no-staging"
    assert found(where) is None
    prepared(where).rmdir()
    assert code_of(filled, where) == "no-staging"
    assert found(where) is None
    assert list(prepared(where).iterdir()) == []


@pytest.mark.parametrize("middle", [False, True])
def test_a_link_that_others_made_leads_nowhere(place: Path, middle: bool) -> None:
    """The last part of the path is never a link; one above it is followed only where nobody else could make one."""
    victim = place / "victim"
    (victim / "home").mkdir(parents=True)
    before = picture(victim)
    above = place / "shared"
    above.mkdir(mode=0o777)
    above.chmod(0o777)
    link = above if middle else above / "home"
    if middle:
        above.rmdir()
        above.symlink_to(victim)
        place.chmod(0o777)
    else:
        link.symlink_to(victim / "home")
    for call in (prepared, filled, found):
        assert code_of(call, Staging(above / "home", UID)) == "unsafe-directory"
    assert picture(victim) == before


def test_a_link_of_roots_own_is_no_staging_either(place: Path) -> None:
    (place / "real").mkdir()
    (place / "home").symlink_to(place / "real")
    assert code_of(prepared, Staging(place / "home", UID)) == "unsafe-directory"
    assert list((place / "real").iterdir()) == []


@as_root
def test_what_somebody_else_can_exchange_is_refused(place: Path) -> None:
    shared = place / "of somebody"
    shared.mkdir()
    where = Staging(shared / "home", UID)
    prepared(where)
    os.chown(shared, NOBODY, NOBODY)
    (place / "victim").mkdir()
    assert as_nobody("mv", str(where.path), str(shared / "away")).returncode == 0
    assert as_nobody("ln", "-s", str(place / "victim"), str(where.path)).returncode == 0
    for call in (prepared, filled, found):
        assert code_of(call, where) == "unsafe-directory"
    assert list((place / "victim").iterdir()) == []


@as_root
def test_what_somebody_else_has_put_there_first_is_refused(place: Path) -> None:
    place.chmod(0o1777)
    assert as_nobody("mkdir", str(place / "home")).returncode == 0
    assert as_nobody("touch", str(place / "home" / "forged")).returncode == 0
    for known in (False, True):
        assert code_of(prepared, Staging(place / "home", UID, known=known)) == "unsafe-directory"
    assert (place / "home").stat().st_uid == NOBODY


@as_root
@pytest.mark.parametrize("mode", [0o755, 0o777])
def test_what_others_could_fill_is_no_pulled_data(place: Path, mode: int) -> None:
    where = Staging(place / "home", UID)
    where.path.mkdir()
    where.path.chmod(mode)
    os.chown(where.path, NOBODY if mode == 0o755 else 0, 0)
    assert as_nobody("touch", str(where.path / "forged")).returncode == 0
    assert code_of(prepared, where) == "unsafe-directory"
    (where.path / "forged").unlink()
    assert list(prepared(where).iterdir()) == []
    assert is_private(where.path)


@as_root
def test_acls_let_nobody_in(place: Path) -> None:
    where = Staging(place / "home", UID)
    where.path.mkdir()
    entries = ((1, 7, -1), (2, 7, NOBODY), (4, 0, -1), (16, 7, -1), (32, 0, -1))  # acl(5), as xattr(7) has it
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    os.setxattr(where.path, "system.posix_acl_access", acl)
    os.setxattr(where.path, "system.posix_acl_default", acl)
    assert as_nobody("ls", str(where.path)).returncode == 0
    prepared(where)
    assert os.listxattr(where.path) == []
    assert as_nobody("ls", str(where.path)).returncode != 0


@as_root
def test_a_file_system_without_owners_is_refused_where_others_can_enter(place: Path) -> None:
    """What chmod(2) does not change, as on FAT mounted with umask=022."""
    where = Staging(place / "home", UID)
    where.path.mkdir()
    where.path.chmod(0o755)
    real, os.fchmod = os.fchmod, lambda *_: None
    try:
        assert code_of(prepared, where) == "unsafe-directory"
    finally:
        os.fchmod = real
