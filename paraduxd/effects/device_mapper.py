"""How the contents of a vault can be reached on this machine."""

from __future__ import annotations

import os
from enum import StrEnum

CONTROL = "/dev/mapper/control"


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
