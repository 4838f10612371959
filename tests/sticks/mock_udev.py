"""A machine whose /sys and udev are umockdev's. Import it only in a process that runs under `umockdev-wrapper`.

The library is GObject's C interface, called directly: nothing but the Debian package umockdev is needed.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

_library = ctypes.CDLL("libumockdev.so.0")
_library.umockdev_testbed_new.restype = ctypes.c_void_p
_library.umockdev_testbed_get_root_dir.restype = ctypes.c_char_p
_text, _object = ctypes.c_char_p, ctypes.c_void_p
for _name, _kinds in {
    "add_from_string": [_object, _text, _object],
    "uevent": [_object, _text, _text],
    "set_attribute": [_object, _text, _text, _text],
    "remove_device": [_object, _text],
    "get_root_dir": [_object],
}.items():
    getattr(_library, f"umockdev_testbed_{_name}").argtypes = _kinds

BUS = "/devices/pci0000:00/0000:00:14.0/usb2"


class Machine:
    """A machine with USB ports; disks are called by their kernel names ("sdb")."""

    def __init__(self) -> None:
        self._testbed = _library.umockdev_testbed_new()
        self._root = Path(_library.umockdev_testbed_get_root_dir(self._testbed).decode())
        self._disks: dict[str, str] = {}
        self._ports = 0

    def plug_in(
        self, name: str, serial: str, *, fs: str = "", uuid: str = "", partition: bool = False, medium: bool = True
    ) -> None:
        """A stick is plugged in; its file system is on the disk itself, or on its one partition."""
        self._ports += 1
        device = f"{BUS}/2-{self._ports}"
        scsi = f"{device}/2-{self._ports}:1.0/{self._ports}:0:0:0"
        disk = f"{scsi}/block/{name}"
        self._disks[name] = f"/sys{disk}"
        found = f"\nE: ID_FS_TYPE={fs}\nE: ID_FS_UUID={uuid}\nE: ID_FS_LABEL=PARADUX" if fs else ""
        of_disk, of_part = ("", found) if partition else (found, "")
        block = f"E: SUBSYSTEM=block\nE: DEVNAME=/dev/{name}"
        size = 8_000_000 if medium else 0
        link = f"L: device=../../../{self._ports}:0:0:0"
        self._add(f"P: {device}\nE: SUBSYSTEM=usb\nA: idVendor=0781\nA: serial={serial}\nA: manufacturer=SanDisk")
        self._add(f"P: {scsi}\nE: SUBSYSTEM=scsi\nA: vendor=SanDisk\nA: model=Cruzer Blade")
        self._add(f"P: {disk}\n{block}\nE: DEVTYPE=disk{of_disk}\nA: size={size}\nA: removable=1\nA: ro=0\n{link}")
        if partition:
            self._add(f"P: {disk}/{name}1\n{block}1\nE: DEVTYPE=partition{of_part}\nA: partition=1\nA: size=7990000")

    def _add(self, text: str) -> None:
        if not _library.umockdev_testbed_add_from_string(self._testbed, f"{text}\n\n".encode(), None):
            raise AssertionError(f"umockdev does not take this device:\n{text}")

    def changed(self, name: str) -> None:
        """Somebody has written to a disk."""
        _library.umockdev_testbed_uevent(self._testbed, self._disks[name].encode(), b"change")

    def put_card_in(self, name: str) -> None:
        self._set_size(name, 8_000_000)

    def take_card_out(self, name: str) -> None:
        self._set_size(name, 0)

    def pull_out(self, name: str) -> None:
        disk = self._disks.pop(name)
        for path in (f"{disk}/{name}1", disk):
            if Path(path).exists():
                _library.umockdev_testbed_uevent(self._testbed, path.encode(), b"remove")
                _library.umockdev_testbed_remove_device(self._testbed, path.encode())
        (self._root / "sys/block" / name).unlink(missing_ok=True)  # it is left behind

    def _set_size(self, name: str, sectors: int) -> None:
        path = self._disks[name].encode()
        _library.umockdev_testbed_set_attribute(self._testbed, path, b"size", str(sectors).encode())
        self.changed(name)
