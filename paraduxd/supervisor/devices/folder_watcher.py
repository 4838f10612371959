"""Folders that stand for sticks, where there is no udev: a folder that appears in a certain place was plugged in.

For demonstrations and tests; whatever comes of a stick afterwards takes the same way as with a real one. The name of the folder stands for
the serial number of the hardware.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from paraduxd.core.devices.stick_rules import Stick
from paraduxd.supervisor.devices.usb_watcher import OnStick, survived

log = logging.getLogger("paradux.sticks")

LOOK = 0.2
"""Seconds between two looks."""


class StickFolders:
    """Tells of folders that appear in `place`, as `Watcher` of sticks."""

    unwatched = ""

    def __init__(self, on_stick: OnStick, place: Path) -> None:
        self._on_stick = on_stick
        self._place = place
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sticks", daemon=True)

    def start(self, *, privileged: bool) -> None:
        """Begin to look; privileges do not matter."""
        log.info("Folders in %s stand for sticks", self._place)
        self._thread.start()

    def stop(self) -> None:
        """Look no longer; not looking is success."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    def _watch(self) -> None:
        before = self._there()
        while not self._over.wait(LOOK):
            there = self._there()
            for path in sorted(before - there):
                log.info("%s was pulled out", _stick(path).name)
            for path in sorted(there - before):
                log.info("%s was plugged in", _stick(path).name)
                with survived():
                    self._on_stick(_stick(path), tuple(_stick(other) for other in sorted(there - {path})))
            before = there

    def _there(self) -> set[Path]:
        try:
            return {path for path in self._place.iterdir() if path.is_dir()}
        except OSError:
            return set()


def _stick(folder: Path) -> Stick:
    return Stick(directory=str(folder), serial=folder.name)
