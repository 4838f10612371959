"""Block devices as the kernel describes them in /sys, their file systems as blkid(8) finds them, and making new ones.

Nothing here mounts. Sources: sysfs-block in the kernel's documentation (`size` counts 512-byte sectors), linux/fs.h for BLKFLSBUF.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from pathlib import Path

from paraduxd import linux
from paraduxd.api.errors import ParaduxError
from paraduxd.core.devices.stick_rules import KIT, Stick
from paraduxd.effects.process import run

SYS = Path("/sys")

_SECTOR = 512
_BLANK_EDGE = 1 << 20
_BLANK_SAMPLES = 64
_SAMPLE = 4096
_PROBE_SECONDS = 60.0
_FORMAT_SECONDS = 300.0
_FOREIGN = {"crypto_LUKS": "encrypted data", "LVM2_member": "a part of LVM", "linux_raid_member": "a part of a RAID"}


def describe(node: str) -> Stick:
    """What the kernel knows of a block device; raises `ParaduxError` "refused" when it is none."""
    try:
        status = Path(node).stat()
    except (OSError, ValueError):  # a NUL, or half of a surrogate pair
        raise _no_device(node) from None
    if not stat.S_ISBLK(status.st_mode):
        raise _no_device(node)
    number = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
    folder = (SYS / "dev/block" / number).resolve()
    if not folder.is_dir():
        raise _no_device(node)
    return of_sysfs(folder)


def of_sysfs(folder: Path) -> Stick:
    """The device with this directory below /sys; what cannot be read there counts against it."""
    parts = tuple(sorted(entry.parent.name for entry in folder.glob("*/partition")))
    hardware = _usb_device(folder)
    vendor = _text(folder / "device/vendor") or (hardware and _text(hardware / "manufacturer")) or ""
    model = _text(folder / "device/model") or (hardware and _text(hardware / "product")) or ""
    nodes = tuple(f"/dev/{name}" for name in parts)
    device = f"/dev/{folder.name}"
    volumes = nodes or (device,)
    return Stick(
        device=device,
        serial=(_text(hardware / "serial") or None) if hardware else None,
        model=f"{vendor} {model}".strip(),
        size=_number(folder / "size") * _SECTOR,
        usb=hardware is not None,
        removable=_number(folder / "removable") == 1,
        whole=not (folder / "partition").exists(),
        read_only=_number(folder / "ro", 1) != 0,
        partitions=nodes,
        volume=volumes[0] if len(volumes) == 1 else "",
    )


def _usb_device(folder: Path) -> Path | None:
    """The USB device that this disk is, if it is one: the nearest directory above that has a vendor's number."""
    return next((above for above in folder.parents if (above / "idVendor").exists()), None)


def _text(path: Path) -> str:
    """One line of a file in /sys, as far as it can be printed; the hardware wrote it, so it is not trusted."""
    try:
        line = path.read_text(errors="replace")[:100].strip()
    except OSError:
        return ""
    return "".join(letter for letter in line if letter.isprintable())


def _number(path: Path, otherwise: int = 0) -> int:
    with contextlib.suppress(ValueError):
        return int(_text(path))
    return otherwise


def probe(node: str) -> dict[str, str]:
    """What blkid(8) finds on a device itself, not in its cache: TYPE, UUID, LABEL, PTTYPE; empty when it finds nothing.

    "TYPE" is "ambivalent" when several things claim the device.
    """
    result = run.run(["blkid", "--probe", "--output", "export", "--", node], timeout=_PROBE_SECONDS)
    if result.code == 8:
        return {"TYPE": "ambivalent"}
    if result.code not in (0, 2):
        raise ParaduxError("stick-gone", f"{node} cannot be read", "plug the stick in again, or use another one")
    lines = result.output.decode(errors="replace").splitlines()
    pairs = (line.partition("=") for line in lines)
    return {name: "".join(letter for letter in value if letter.isprintable())[:100] for name, _, value in pairs}


def foreign(found: dict[str, str], partitions: int) -> str:
    """What is on a device that has no file system of ours, for a sentence; empty when blkid found nothing."""
    kind = found.get("TYPE", "")
    if kind:
        return _FOREIGN.get(kind) or f"a file system of another kind ({kind})"
    if partitions > 1:
        return f"{partitions} partitions"
    return "a partition table without a file system" if found.get("PTTYPE") else ""


def is_blank(node: str, size: int) -> bool:
    """Whether a device holds nothing: its edges and samples between are all zeros, or all ones, as flash memory is when new.

    Encrypted data without a header looks like nothing to blkid, but not to this. Raises `OSError`.
    """
    places = [(0, _BLANK_EDGE), (max(size - _BLANK_EDGE, 0), _BLANK_EDGE)]
    places += [(size // _BLANK_SAMPLES * number // _SAMPLE * _SAMPLE, _SAMPLE) for number in range(_BLANK_SAMPLES)]
    descriptor = os.open(node, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces = (os.pread(descriptor, length, offset) for offset, length in places)
        return all(piece.count(0) == len(piece) or piece.count(0xFF) == len(piece) for piece in pieces)
    finally:
        os.close(descriptor)


def drop_cache(node: str) -> None:
    """Put what waits for a device on it, and forget what was read from it (BLKFLSBUF), so that what is read next comes from the medium."""
    descriptor = os.open(node, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
        fcntl.ioctl(descriptor, linux.FLUSH_BUFFERS, 0)
    finally:
        os.close(descriptor)


def make_file_system(node: str, kind: str) -> None:
    """Make the whole device one file system of type "vfat" (FAT32) or "exfat", labelled PARADUX. All that is on it is lost."""
    _run(["wipefs", "--all", "--", node], "refused", f"{node} cannot be erased")
    _run(format_command(node, kind), "void", f"{node} cannot be formatted")


def _run(command: list[str], code: str, what: str) -> None:
    result = run.run(command, timeout=_FORMAT_SECONDS)
    if result.code != 0:
        why = f"{command[0]} says: {result.error_text()}"
        raise ParaduxError(code, f"{what}: {why}", "see that nothing has it mounted, or use another stick")


def format_command(node: str, kind: str) -> list[str]:
    """`mkfs.vfat` or `mkfs.exfat` for a whole disk."""
    if kind == "exfat":
        return ["mkfs.exfat", "-L", KIT, node]
    return ["mkfs.vfat", "-I", "-F", "32", "-n", KIT, node]


def _no_device(node: str) -> ParaduxError:
    return ParaduxError("refused", f"{node} is not a block device of this machine", "see which there are: lsblk")
