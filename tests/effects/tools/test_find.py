"""What find tells of a tree is what stat(2) tells, whatever the names are."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.files import directories
from paraduxd.effects.process import run
from paraduxd.effects.tools import gnu_find

NAMES = (b"a\nnewline", b"back\\slash", b"not \xff utf-8", b"-dash", b"%s \\0", b"d x", b" ", "gr\u00fcn".encode())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Every kind of file, and a socket."""
    tree = tmp_path / "-tree %P"
    for folder in (tree, tree / "empty", tree / "full"):
        folder.mkdir()
    for number, name in enumerate(NAMES):
        Path(os.fsdecode(os.fsencode(tree / "full") + b"/" + name)).write_bytes(bytes(number))
    (tree / "one").write_bytes(b"12345")
    os.link(tree / "one", tree / "full" / "other")
    os.link(tree / "one", tree / "full" / "outside")
    (tree / "link").symlink_to("full")
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind(str(tree / "plug"))
    os.utime(tree / "link", (5, -7), follow_symlinks=False)
    return tree


def everything(tree: Path) -> Iterator[tuple[bytes, os.stat_result]]:
    for folder, folders, names in os.walk(os.fsencode(tree)):
        for name in (*folders, *names):
            path = folder + b"/" + name
            yield os.path.relpath(path, os.fsencode(tree)), os.lstat(path)


@contextlib.contextmanager
def memory() -> Iterator[int]:
    descriptor = os.memfd_create("test")
    yield descriptor
    os.close(descriptor)


def content(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def test_every_name_with_its_kind_and_files_of_several_names_apart(tree: Path) -> None:
    with memory() as out, gnu_find.names(tree, out) as walk:
        walk.finish()
        walk.finish()
        found = set(content(out).split(b"\0")[:-1])
        linked = list(walk.linked())
    full = {b"f full/" + name for name in NAMES}
    assert found == full | {b"d empty", b"d full", b"o link", b"o pipe"}, "the socket is left out"
    assert {each.name for each in linked} == {b"one", b"full/other", b"full/outside"}
    assert [each.size for each in linked] == [5, 5, 5]
    assert len({each.file for each in linked}) == 1
    assert (walk.files, walk.size) == (len(NAMES), sum(range(len(NAMES))))


def test_what_is_described_is_what_stat_tells(tree: Path) -> None:
    with memory() as out:
        gnu_find.describe(tree, out)
        with os.fdopen(os.dup(out), "rb") as file:
            file.seek(0)
            found = {each.path: (each.size, each.modified) for each in gnu_find.described(file)}
        first = content(out)
        os.ftruncate(out, 0)
        os.lseek(out, 0, os.SEEK_SET)
        gnu_find.describe(tree, out)
        assert content(out) == first
    assert found == {path: (status.st_size, int(status.st_mtime)) for path, status in everything(tree)}


def test_files_are_counted_by_their_names_through_a_descriptor_as_well(tree: Path) -> None:
    expected = (len(NAMES) + 3, sum(range(len(NAMES))) + 15)
    assert gnu_find.counted(tree) == expected
    with directories.own(tree.parent) as held:
        assert gnu_find.counted(held.path / tree.name) == expected


def test_a_find_that_is_killed_is_no_end_of_the_tree(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = run.start
    monkeypatch.setattr(run, "start", lambda _, **others: start(["sh", "-c", "kill -9 $$"], **others))
    with pytest.raises(ParaduxError) as failed:
        gnu_find.counted(tree)
    assert failed.value.code == "walk-failed"
