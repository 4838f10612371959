"""What tests of several folders need."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.api import dropins

_LIBC, _PR_SET_CHILD_SUBREAPER = ctypes.CDLL(None), 36


def pytest_configure() -> None:
    """The tests end processes as a terminal does, also where they were started with these signals ignored (nohup, `&` in a script)."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.disable()  # what is collected stays: looking for garbage in it takes over half of the time


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long ones begin first."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """What comes from here on is garbage some day; thousands of tests are not."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def drop_ins_in_tests() -> Iterator[None]:
    """Folders of tests lie below /tmp, which everybody may write.

    Not with the fixture `monkeypatch`: made before all others, it would be undone after them, and a working directory with it.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dropins, "TOP", Path(tempfile.gettempdir()).absolute())
        yield


@pytest.fixture(autouse=True)
def as_a_shell_starts_them() -> Iterator[None]:
    """A test that runs a program of Paradux in its own process leaves umask, directory and orphans (PR_SET_CHILD_SUBREAPER) as they are.

    Whoever adopts orphans and does not reap them keeps a killed restic in the table of processes, and its lock in the repository.
    """
    os.umask(0o022)
    here = Path.cwd()
    yield
    os.chdir(here)
    os.umask(0o022)
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@pytest.fixture(autouse=True)
def sessions_end_with_their_test() -> Iterator[None]:
    """A worker's sessions end with its process; those of a test would look for news ten times a second until the end of all tests."""
    before = set(threading.enumerate())
    yield
    if paramiko := sys.modules.get("paramiko"):
        for thread in set(threading.enumerate()) - before:
            if isinstance(thread, paramiko.Transport):
                thread.close()


@pytest.fixture(scope="session", autouse=True)
def far_from_each_other_on_the_disk(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let ext4 spread the folders of the tests over its block groups.

    Without a journal it gives no inode again that was freed in the last minutes, and every test frees all of its own when it ends: in
    one group, the next passes over thousands of them for each file.
    """
    subprocess.run(["chattr", "+T", tmp_path_factory.getbasetemp()], check=False, stderr=subprocess.DEVNULL)


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """A folder in the memory that all processes share."""
    with tempfile.TemporaryDirectory(prefix="memory-", dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB; only root can mount one."""
    if os.getuid() != 0:
        pytest.skip("needs root, to mount a file system")
    folder = tmp_path / "tiny"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "paradux-test", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
