"""Watches for sticks: the one door to pyudev. A thread of ours polls; an exception in it is a log line, never the end of watching.

Only events that udev has processed count (source "udev"): before that nobody knows what is on a stick. Nothing is opened here.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from paraduxd.core.devices.arrivals import Arrivals
from paraduxd.core.devices.stick_rules import Stick
from paraduxd.effects.devices import block_device

log = logging.getLogger("paradux.sticks")

OnStick = Callable[[Stick, tuple[Stick, ...]], None]
"""Called with a stick that was plugged in, and with those that are there besides."""

_FAILURES = 20
"""So many in a row, and udev is given up."""

_PAUSE = 1.0
"""Seconds after a failure."""


class Device(Protocol):
    """What is used of `pyudev.Device`."""

    sys_name: str
    sys_path: str
    device_type: str | None
    action: str | None
    properties: Mapping[str, str]


class Monitor(Protocol):
    """What is used of `pyudev.Monitor`."""

    def fileno(self) -> int:
        """To wait for."""

    def poll(self, timeout: float | None = None) -> Device | None:
        """The next event."""


class Context(Protocol):
    """What is used of `pyudev.Context`."""

    def list_devices(self, *, subsystem: str) -> Iterable[Device]:
        """What is there now."""


class Watcher:
    """Tells of USB disks that are plugged in."""

    def __init__(self, on_stick: OnStick) -> None:
        self._on_stick = on_stick
        self._arrivals = Arrivals()
        self._paths: dict[str, Path] = {}
        self._file_systems: dict[str, tuple[str | None, str | None, str | None]] = {}
        self._wakes, self._wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._thread: threading.Thread | None = None
        self.unwatched = ""
        """Why no stick is noticed, if so."""

    def start(self, *, privileged: bool) -> None:
        """Begin to watch; where that is not possible, `unwatched` says why, and everything else goes on."""
        if not privileged:
            self.unwatched = "that takes a daemon of root's"
            log.info("Sticks are not watched: %s", self.unwatched)
            return
        try:
            context, monitor = _monitor()
        except (ImportError, OSError) as problem:
            self.unwatched = f"udev cannot be reached ({problem})"
            log.warning("Sticks are not watched: %s", self.unwatched)
            return
        self._take_stock(context)
        self._thread = threading.Thread(target=self._watch, args=(monitor,), name="sticks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer; not watching is success."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake, b"!")
        if self._thread is not None:
            self._thread.join(5.0)

    def _take_stock(self, context: Context) -> None:
        """What is there already was not plugged in just now; it counts as being beside whatever comes."""
        for device in context.list_devices(subsystem="block"):
            self._remember(device)
        sticks = {disk for disk, path in self._paths.items() if block_device.of_sysfs(path).size}
        self._arrivals = Arrivals(sticks)

    def _watch(self, monitor: Monitor) -> None:
        waiting = select.poll()
        waiting.register(monitor.fileno(), select.POLLIN)
        waiting.register(self._wakes, select.POLLIN)
        failures = 0
        while True:
            wait = self._arrivals.wait(time.monotonic())
            if any(descriptor == self._wakes for descriptor, _ in waiting.poll(None if wait is None else wait * 1000)):
                return
            try:
                self._take_all(monitor)
                failures = 0
            except Exception as problem:  # a lost event, or a device that is odd: the next one counts again
                failures += 1
                log.warning("An event of a disk was lost: %s", problem)
                time.sleep(_PAUSE)
            if failures >= _FAILURES:
                failures, monitor = 0, self._again(waiting, monitor)

    def _again(self, waiting: select.poll, monitor: Monitor) -> Monitor:
        """A new line to udev; the old one when none can be had now."""
        log.error("udev does not answer; watching sticks again")
        try:
            _, fresh = _monitor()
        except (ImportError, OSError) as problem:
            log.warning("udev cannot be reached now: %s", problem)
            return monitor
        waiting.unregister(monitor.fileno())
        waiting.register(fresh.fileno(), select.POLLIN)
        return fresh

    def _take_all(self, monitor: Monitor) -> None:
        while (device := monitor.poll(timeout=0)) is not None:
            self._take(device)
        for disk in self._arrivals.due(time.monotonic()):
            with survived():
                self._announce(disk)

    def _take(self, device: Device) -> None:
        self._remember(device)
        now = time.monotonic()
        if device.device_type == "disk":
            path = Path(device.sys_path)
            if disk_is_watched := device.sys_name in self._paths:
                has_medium = device.action != "remove" and block_device.of_sysfs(path).size > 0
                self._arrivals.disk(device.action or "", device.sys_name, has_medium=has_medium, now=now)
            if device.action == "remove" and disk_is_watched:
                del self._paths[device.sys_name]
        else:
            self._arrivals.stirred(Path(device.sys_path).parent.name, now)

    def _remember(self, device: Device) -> None:
        """Where a USB disk is, and what udev has found on it or on its partition."""
        properties: Mapping[str, str] = device.properties
        node = f"/dev/{device.sys_name}"
        if device.action == "remove":
            self._file_systems.pop(node, None)
            return
        path = Path(device.sys_path)
        if device.device_type == "disk" and block_device.of_sysfs(path).usb:
            self._paths[device.sys_name] = path
        self._file_systems[node] = (
            properties.get("ID_FS_TYPE"),
            properties.get("ID_FS_LABEL"),
            properties.get("ID_FS_UUID"),
        )

    def _announce(self, disk: str) -> None:
        stick = self._stick(disk)
        log.info("%s was plugged in", stick.name)
        self._on_stick(stick, tuple(self._stick(name) for name in sorted(self._arrivals.there - {disk})))

    def _stick(self, disk: str) -> Stick:
        stick = block_device.of_sysfs(self._paths[disk])
        fs, label, uuid = self._file_systems.get(stick.volume, (None, None, None))
        return replace(stick, fs=fs, label=label, uuid=uuid)


@contextlib.contextmanager
def survived() -> Iterator[None]:
    """Whoever is told of a stick does not end the watching by failing."""
    try:
        yield
    except Exception:
        log.exception("An inserted stick could not be handled")


def _monitor() -> tuple[Context, Monitor]:
    """pyudev, which reads only what the udev daemon has processed."""
    import pyudev

    context = pyudev.Context()
    monitor = pyudev.Monitor.from_netlink(context, source="udev")
    monitor.filter_by("block")
    monitor.start()
    return context, monitor
