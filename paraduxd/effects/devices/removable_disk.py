"""Opening a disk that is told by the UUID of its file system: found, looked at again, mounted where only this process sees it.

For short-lived workers, like `stick_mount.py`, which does the mounting. /dev/disk/by-uuid holds udev's links; where folders stand
for disks, the folder with the UUID as its name is the disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.api.frozen import dataclass
from paraduxd.core.devices.stick_rules import Stick
from paraduxd.core.primitives.disks import MOUNTED, POSIX
from paraduxd.effects.devices import block_device, stick_mount

LINKS = Path("/dev/disk/by-uuid")


def is_there(uuid: str, folders: str) -> bool:
    """Whether a disk with this UUID is plugged in."""
    return Path(folders, uuid).is_dir() if folders else (LINKS / uuid).exists()


@dataclass(frozen=True)
class Opened:
    """The top directory while the disk is open; `posix`: it keeps owners, permissions and links."""

    folder: Path
    posix: bool


@contextmanager
def opened(uuid: str, what: str, folders: str, *, writable: bool) -> Iterator[Opened]:
    """The disk with this UUID; synced, unmounted and out of every cache when the context ends.

    `what` names it for people; `folders`: where folders stand for disks ("": nowhere). Raises `TransientError` "not-inserted" when it is
    not there, or no longer when the context ends, whatever else came of that.
    """
    stick = _found(uuid, what, folders)
    try:
        with stick_mount.opened(stick, writable=writable, kinds=MOUNTED) as root:
            top = Path(f"/proc/{os.getpid()}/fd/{root}") if stick.directory else stick_mount.MOUNT_POINT
            yield Opened(top, not stick.fs or stick.fs in POSIX)
    except (ParaduxError, OSError):
        if not _is_there(stick):
            raise _pulled_out(what) from None
        raise
    if not _is_there(stick):
        raise _pulled_out(what)


def _found(uuid: str, what: str, folders: str) -> Stick:
    path = Path(folders or LINKS) / uuid
    if folders and path.is_dir():
        return Stick(directory=str(path), serial=uuid, uuid=uuid)
    if not folders and path.exists():
        node = str(path.resolve())
        block_device.describe(node)
        found = block_device.probe(node)
        if found.get("UUID") == uuid:
            return Stick(device=node, volume=node, fs=found.get("TYPE"), uuid=uuid)
    raise TransientError(
        "not-inserted", f"the disk of {what} is not plugged in", f"plug in the disk with the file system {uuid}"
    )


def _is_there(stick: Stick) -> bool:
    return Path(stick.directory or stick.device).exists()


def _pulled_out(what: str) -> ParaduxError:
    text = f"the disk of {what} was pulled out while it was in use; earlier versions are unchanged"
    return TransientError("not-inserted", text, "plug it in again; the rest is done then")
