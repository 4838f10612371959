"""Unix sockets of the daemon: made without a moment of wider permissions, and who is at the other end."""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import pwd
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.trust import distrust

MAX_PATH = 107
"""Bytes; `sun_path` of unix(7) holds 108 with the final zero."""

_BACKLOG = 4096
"""Connections that wait to be accepted; when they are so many, clients with a time limit (rpyc's) fail at once."""

_PROBE_TIMEOUT = 1.0
_CREDENTIALS = struct.Struct("iII")


@dataclass(frozen=True)
class Peer:
    """Who connected: the credentials of the moment of `connect`, not of whoever sends later."""

    pid: int
    uid: int
    gid: int


def peer_of(channel: socket.socket) -> Peer:
    """Who is at the other end of a Unix socket (SO_PEERCRED, unix(7))."""
    return Peer(*_CREDENTIALS.unpack(channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)))


def may_connect(peer: Peer, group: str | None) -> bool:
    """Whether the peer is root, the daemon's own user, or a member of the group by the group database."""
    if peer.uid in (0, os.geteuid()):
        return True
    number = _group_number(group)
    if number is None:
        return False
    try:
        user = pwd.getpwuid(peer.uid)
    except KeyError:
        return peer.gid == number
    return number in (peer.gid, user.pw_gid, *os.getgrouplist(user.pw_name, user.pw_gid))


def listen(path: Path, group: str | None) -> socket.socket:
    """Listen on a Unix stream socket with mode 0660, owned by the group where that exists and we may give it away.

    Makes the folder (0755) when it is missing and replaces the socket of a daemon that is no more. Raises `ParaduxError` when the
    path is too long, is no socket, or belongs to a daemon that lives.
    """
    if len(os.fsencode(path)) > MAX_PATH:
        raise ParaduxError(
            "path-too-long",
            f"the path of a socket has {len(os.fsencode(path))} bytes; Unix sockets take at most {MAX_PATH}",
            "use a shorter run directory (--run DIR)",
        )
    try:
        _make_folder(path.parent)
        _check_folder(path.parent)
        _remove_dead(path)
        return _bound(path, group)
    except OSError as problem:
        raise ParaduxError(
            "no-socket", f"cannot listen on {path}: {problem.strerror}", "choose another run directory (--run DIR)"
        ) from None


def _bound(path: Path, group: str | None) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _umask(0o177):
            listener.bind(str(path))
        _give_to(path, group)
        path.chmod(0o660)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        with _umask(0o022):  # members of the group must reach the sockets
            folder.mkdir(parents=True)


def _check_folder(folder: Path) -> None:
    """Whoever else owns the directory, or can rename it, could put a socket of his own there and be given passphrases."""
    if folder.stat().st_uid != os.geteuid():
        reason = f"belongs to user {folder.stat().st_uid}, not to the daemon's"
    else:
        reason = distrust(folder, frozenset({0, os.geteuid()}), sticky=True)
    if reason:
        raise ParaduxError(
            "untrusted-run-directory",
            f"cannot listen in {folder}: {reason}",
            "give the daemon a run directory of its own that nobody else may write to (--run DIR)",
        )


def _remove_dead(path: Path) -> None:
    """Remove the socket of a daemon that is no more."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ParaduxError(
            "no-socket", f"cannot listen on {path}: something that is no socket is there", "move it away"
        )
    if _lives(path):
        raise ParaduxError(
            "already-running",
            f"another daemon listens on {path}",
            "stop it first, or choose another run directory (--run DIR)",
        )
    path.unlink(missing_ok=True)


def _lives(path: Path) -> bool:
    """Whether anybody listens; when in doubt (a full backlog), somebody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_TIMEOUT)
        try:
            probe.connect(str(path))
        except OSError as problem:
            return problem.errno not in (errno.ECONNREFUSED, errno.ENOENT)
    return True


def _give_to(path: Path, group: str | None) -> None:
    """Hand the socket to the group; an unprivileged daemon that is not in the group keeps its own."""
    number = _group_number(group)
    if number is not None:
        with contextlib.suppress(PermissionError):
            os.chown(path, -1, number)


def _group_number(group: str | None) -> int | None:
    try:
        return grp.getgrnam(group).gr_gid if group else None
    except KeyError:
        return None


@contextlib.contextmanager
def _umask(mask: int) -> Iterator[None]:
    """Another umask for a moment. It belongs to the process: nothing else may create files meanwhile."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
