"""Opening a stick: mounted where only this process sees it, with an explicit type, for as long as it takes, or a folder in its place.

For short-lived workers: the private mount namespace lasts as long as the process, and a killed one leaves no mount. Sources:
mount(2), umount2(2), mount_namespaces(7). A file system that is not vfat or exfat is never mounted: others can be made to harm the kernel.
The owner's own disks, told by a UUID of the config, may have ext4 (`kinds`).
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from paraduxd import linux
from paraduxd.api.errors import ParaduxError
from paraduxd.core.devices.stick_rules import FILE_SYSTEMS, Stick
from paraduxd.effects.devices import block_device
from paraduxd.effects.process import hardening
from paraduxd.linux import Mount

MOUNT_POINT = Path("/mnt")
"""Only this process sees what is mounted here."""

_OPTIONS = {
    "vfat": "umask=0077,errors=remount-ro",
    "exfat": "umask=0077,errors=remount-ro",
    "ext4": "errors=remount-ro",
}


def look(device: str) -> Stick:
    """What is known of a device, its file system included; raises `ParaduxError`."""
    stick = block_device.describe(device)
    if not stick.volume:
        return stick
    found = block_device.probe(stick.volume)
    return replace(stick, fs=found.get("TYPE"), label=found.get("LABEL"), uuid=found.get("UUID"))


def foreign(stick: Stick) -> str:
    """What it has instead of a file system that is looked into, for a sentence; empty when it has nothing at all."""
    if stick.fs:
        return block_device.foreign({"TYPE": stick.fs}, len(stick.partitions))
    return block_device.foreign(block_device.probe(stick.device), len(stick.partitions))


@contextmanager
def opened(stick: Stick, *, writable: bool = False, kinds: Collection[str] = FILE_SYSTEMS) -> Iterator[int]:
    """The top directory, as a descriptor. Closed, unmounted and out of every cache when the context ends.

    Raises `ParaduxError` when it cannot be mounted, and "void" when it cannot be unmounted after writing.
    """
    if stick.directory:
        with _directory(stick.directory) as root:
            yield root
        return
    block_device.drop_cache(stick.volume)
    _mount(stick, writable=writable, kinds=kinds)
    try:
        with _directory(str(MOUNT_POINT)) as root:
            yield root
    finally:
        clean = _unmounted()
    if writable:
        if not clean:
            raise ParaduxError("void", f"{stick.name} could not be unmounted", "plug it in again")
        block_device.drop_cache(stick.volume)


@contextmanager
def _directory(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _unmounted() -> bool:
    """Whether all is written; if not, what is mounted goes with this process."""
    try:
        linux.unmount(MOUNT_POINT)
    except OSError:
        with contextlib.suppress(OSError):
            linux.unmount(MOUNT_POINT, lazily=True)
        return False
    return True


def _mount(stick: Stick, *, writable: bool, kinds: Collection[str] = FILE_SYSTEMS) -> None:
    if stick.fs is None or stick.fs not in kinds:
        raise ParaduxError("refused", f"{stick.name} has no FAT or exFAT file system", "use another stick")
    if not hardening.private_mounts():
        raise ParaduxError("refused", "sticks can be read by a daemon of root's only", "name a folder instead")
    flags = Mount.NOSUID | Mount.NODEV | Mount.NOEXEC | Mount.NOATIME | (Mount(0) if writable else Mount.RDONLY)
    problem = 0
    for tried in (
        flags | Mount.NOSYMFOLLOW,
        flags,
    ):  # older kernels do not know it; neither file system has symbolic links
        try:
            linux.mount(stick.volume, MOUNT_POINT, stick.fs, tried, _OPTIONS[stick.fs])
        except OSError as refused:
            problem = refused.errno or 0
            if problem != errno.EINVAL:
                break
        else:
            return
    raise _not_mounted(stick, problem)


def _not_mounted(stick: Stick, problem: int) -> ParaduxError:
    if problem == errno.EBUSY:
        return ParaduxError("refused", f"{stick.name} is in use, mounted perhaps", "unmount it, then try again")
    if problem == errno.ENODEV:
        return ParaduxError(
            "refused", f"this machine's kernel cannot read {stick.fs}", "use a stick with FAT, or another machine"
        )
    if problem in (errno.ENXIO, errno.ENOENT, errno.ENOMEDIUM):
        return ParaduxError("stick-gone", f"{stick.name} was pulled out", "plug it in again")
    return ParaduxError(
        "bad-stick", f"the file system of {stick.name} is damaged ({os.strerror(problem)})", "use another"
    )
