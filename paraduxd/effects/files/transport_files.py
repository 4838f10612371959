"""Where transport files lie, and writing and reading them: the credentials of one stash in one file that only root reads."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from paraduxd.api import bounded_json
from paraduxd.api.calls import JsonObject
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.paths import StatePlaces
from paraduxd.core.plan.transport import Transport
from paraduxd.effects.files import bounded
from paraduxd.effects.files.atomic import write_atomically

_HANDOVER_SECONDS = 10.0


def directory(state: StatePlaces, *, unattended: bool) -> Path:
    """The transport directory: on disk when transfers go on unattended, else in memory (gone with a reboot)."""
    return state.transport if unattended else _memory_directory(state)


def _memory_directory(state: StatePlaces) -> Path:
    name = hashlib.sha256(str(state.directory.resolve()).encode()).hexdigest()[:16]
    return Path(f"/dev/shm/paradux-transport-{os.getuid()}-{name}")  # noqa: S108  checked by _private_directory


def write_all(state: StatePlaces, transports: Mapping[str, Transport], *, unattended: bool) -> None:
    """Make the transport directory hold exactly these files; the directory of the other policy is emptied."""
    forget(state, unattended=not unattended)
    folder = _private_directory(directory(state, unattended=unattended))
    for name, transport in transports.items():
        _write_if_changed(folder / name, content(transport))
    for path in folder.iterdir():
        if path.name not in transports:
            path.unlink(missing_ok=True)


def content(transport: Transport) -> bytes:
    """What is in its file."""
    return json.dumps(to_json_value(transport)).encode()


def _write_if_changed(path: Path, data: bytes) -> None:
    with contextlib.suppress(OSError):
        if bounded.content(path) == data:
            return
    write_atomically(path, data, 0o600)


def _private_directory(folder: Path) -> Path:
    """Make the directory, or see that an existing one is really ours: others may write beside it."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise ParaduxError(
            "unsafe-directory", f"{folder} is not a private directory of this user", "remove it and try again"
        )
    return folder


def forget(state: StatePlaces, *, unattended: bool) -> None:
    """Remove the transport files of one policy; none there is success. What else stands in their place goes too, if it may."""
    folder = directory(state, unattended=unattended)
    with contextlib.suppress(OSError):
        if folder.is_symlink() or not folder.is_dir():
            folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def receive(path: Path) -> JsonObject:
    """What the keeper hands over through a pipe, or has put into a file in memory; raises `ParaduxError` "locked" when it does not come."""
    told = b""
    with contextlib.suppress(OSError):
        pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        waiting = select.poll()
        waiting.register(pipe, select.POLLIN)
        while waiting.poll(int(_HANDOVER_SECONDS * 1000)) and (piece := os.read(pipe, 1 << 16)):
            told += piece
        os.close(pipe)
    with contextlib.suppress(ValueError):
        return bounded_json.parse_object(told, "the key")
    raise ParaduxError("locked", "the private key was not handed over: the vault has been locked", "try again")


def read(path: Path) -> Transport:
    """One transport file; raises `ParaduxError` "locked" when it is not there, "damaged-transport" when it cannot be read."""
    try:
        return from_json_value(Transport, bounded_json.parse(bounded.content(path), "a transport file"))
    except FileNotFoundError:
        raise ParaduxError(
            "locked", "the credentials of this stash are not on this machine", "open the vault: paraductl unlock"
        ) from None
    except (OSError, ValueError, RecursionError):
        raise ParaduxError(
            "damaged-transport", "a transport file is damaged", "write it again: paraductl unlock"
        ) from None
