"""The daemon's sockets in the file system."""

from __future__ import annotations

import grp
import os
import pwd
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.ipc.unix_sockets import MAX_PATH, Peer, listen, may_connect, peer_of

NOBODY = 65534


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    assert os.umask(before) == 0o077, "listening has changed the umask"


def test_modes_whatever_the_umask(tmp_path: Path, strict_umask: None) -> None:
    path = tmp_path / "new" / "run" / "s.sock"
    with listen(path, None):
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755
        assert stat.S_IMODE(path.stat().st_mode) == 0o660


def test_the_group_gets_the_socket(tmp_path: Path) -> None:
    group = grp.getgrgid(os.getgroups()[-1] if os.geteuid() else NOBODY)
    path = tmp_path / "s.sock"
    with listen(path, group.gr_name):
        assert path.stat().st_gid == group.gr_gid


def test_a_group_that_does_not_exist_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with listen(path, "no-such-group-here"):
        assert path.stat().st_gid == tmp_path.stat().st_gid


def test_the_socket_of_a_dead_daemon_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    listen(path, None).close()
    assert path.exists()
    with listen(path, None), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_living_daemon_keeps_its_socket(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with listen(path, None), socket.socket(socket.AF_UNIX) as client:
        with pytest.raises(ParaduxError, match="another daemon listens"):
            listen(path, None)
        client.connect(str(path))


@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_what_is_no_socket_is_left_alone(tmp_path: Path, what: str) -> None:
    path = tmp_path / "s.sock"
    {"file": path.touch, "folder": path.mkdir, "link": lambda: path.symlink_to("/dev/null")}[what]()
    with pytest.raises(ParaduxError, match="no socket is there"):
        listen(path, None)
    assert path.lstat()


def test_the_longest_path_and_one_byte_more(tmp_path: Path) -> None:
    longest = tmp_path / ("x" * (MAX_PATH - len(os.fsencode(tmp_path)) - 1))
    listen(longest, None).close()
    with pytest.raises(ParaduxError, match=f"has {MAX_PATH + 1} bytes") as caught:
        listen(Path(f"{longest}x"), None)
    assert caught.value.code == "path-too-long"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ParaduxError, match="cannot listen on"):
        listen(tmp_path / "file" / "run" / "s.sock", None)


def test_the_other_end_is_known(tmp_path: Path) -> None:
    with listen(tmp_path / "s.sock", None) as listener, socket.socket(socket.AF_UNIX) as client:
        threading.Thread(target=client.connect, args=(str(tmp_path / "s.sock"),)).start()
        connection, _ = listener.accept()
        with connection:
            assert peer_of(connection) == Peer(os.getpid(), os.geteuid(), os.getegid())


def test_root_and_the_daemons_user_may_connect_whatever_the_group() -> None:
    assert may_connect(Peer(1, 0, 0), None)
    assert may_connect(Peer(1, os.geteuid(), 12345), "no-such-group-here")


def test_others_need_the_group() -> None:
    nobody = pwd.getpwuid(NOBODY)
    own = grp.getgrgid(nobody.pw_gid).gr_name
    assert may_connect(Peer(1, NOBODY, 12345), own)
    assert may_connect(Peer(1, NOBODY, grp.getgrnam("daemon").gr_gid), "daemon")
    assert not may_connect(Peer(1, NOBODY, nobody.pw_gid), "daemon")
    assert not may_connect(Peer(1, NOBODY, nobody.pw_gid), "no-such-group-here")
    assert not may_connect(Peer(1, NOBODY, nobody.pw_gid), None)


def test_a_user_that_the_database_does_not_know_has_its_group_only() -> None:
    daemon = grp.getgrnam("daemon").gr_gid
    assert may_connect(Peer(1, 3_000_000, daemon), "daemon")
    assert not may_connect(Peer(1, 3_000_000, daemon + 1), "daemon")


@pytest.mark.parametrize("mode", [0o775, 0o777, 0o1777])
def test_nobody_listens_where_others_may_write(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(ParaduxError, match="may be written by others") as refused:
        listen(folder / "s.sock", None)
    assert refused.value.code == "untrusted-run-directory"
    assert list(folder.iterdir()) == []


def test_nobody_listens_in_the_directory_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, 4711, -1)
    else:
        monkeypatch.setattr("paraduxd.effects.ipc.unix_sockets.os.geteuid", lambda: 4711)
    with pytest.raises(ParaduxError, match="belongs to user") as refused:
        listen(folder / "s.sock", None)
    assert refused.value.code == "untrusted-run-directory"
