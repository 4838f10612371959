"""Giving up capabilities: those that are left are all that the process, and what it starts, can ever have. Source: capabilities(7)."""

from __future__ import annotations

import contextlib
from collections.abc import Set as AbstractSet

from paraduxd import linux
from paraduxd.linux import Capability

TRANSFER = frozenset(
    {
        Capability.DAC_OVERRIDE,
        Capability.DAC_READ_SEARCH,
        Capability.CHOWN,
        Capability.FOWNER,
        Capability.FSETID,
        Capability.MKNOD,
    }
)
"""Reading everybody's files, and restoring them with owner, permissions and type; as in paradux-transfer@.service."""


def may_mount() -> bool:
    """Whether this process has the capability that mounting takes."""
    return bool(linux.capabilities() >> Capability.SYS_ADMIN & 1)


def keep_only(kept: AbstractSet[Capability], of_children: AbstractSet[Capability]) -> None:
    """Keep these capabilities, and let what is started have no more than the others. Raises `OSError`.

    Where the bounding set must not be changed (that needs CAP_SETPCAP) it stays as it is: who may not has nothing to give away.
    """
    for capability in range(linux.LAST_CAPABILITY + 1):
        if capability not in of_children:
            with contextlib.suppress(OSError):
                linux.drop_from_bounding_set(capability)
    with contextlib.suppress(OSError):
        linux.clear_ambient_capabilities()
    linux.set_capabilities(linux.capabilities() & sum(1 << capability for capability in kept))
