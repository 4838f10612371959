"""How the contents of a vault can be reached on this machine, and what a killed process may have left open; holds no secret."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path

from paraduxd.effects.process import run as process

CONTROL = "/dev/mapper/control"
MAPPINGS = Path("/dev/mapper")

_TIMEOUT = 300.0


class Mode(StrEnum):
    """How the contents of a vault are reached: through the kernel's device-mapper, or by our own decryption in memory."""

    MAPPED = "mapped"
    USERSPACE = "userspace"


def available_mode() -> Mode:
    """Mapped where the kernel can do it and we may, userspace elsewhere.

    The device node alone says nothing: libdevmapper makes it on kernels without device-mapper, too.
    """
    if os.geteuid() != 0:
        return Mode.USERSPACE
    try:
        os.close(os.open(CONTROL, os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return Mode.USERSPACE
    return Mode.MAPPED


def _run(command: list[str]) -> None:
    process.run(command, timeout=_TIMEOUT)


def close_left_open(run: Callable[[list[str]], object] = _run) -> None:
    """Close the mappings of processes that were killed while they had one open. Whoever kills a keeper calls this, too.

    `run` starts the program and waits for it.
    """
    names = [entry.name for entry in MAPPINGS.glob("paradux-*")]
    for name in left_open(names, lambda pid: Path(f"/proc/{pid}").exists()):
        run(close_command(name))


def left_open(names: Iterable[str], is_alive: Callable[[int], bool]) -> list[str]:
    """Which of the mappings belong to a process that is gone."""
    owners = ((name, re.fullmatch(r"paradux-(\d+)-[0-9a-f]{16}", name)) for name in names)
    return [name for name, owner in owners if owner and not is_alive(int(owner[1]))]


def close_command(name: str) -> list[str]:
    """`cryptsetup close`; cryptsetup itself tries again while udev looks at the device."""
    return ["cryptsetup", "close", "--", name]
