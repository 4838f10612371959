"""Giving up capabilities: those that are left are all that the process, and what it starts, can ever have.

Sources: capabilities(7), prctl(2), capset(2).
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Set as AbstractSet

DAC_OVERRIDE, DAC_READ_SEARCH, CHOWN, FOWNER, FSETID, MKNOD, SYS_ADMIN = 1, 2, 0, 3, 4, 27, 21

TRANSFER = frozenset({DAC_OVERRIDE, DAC_READ_SEARCH, CHOWN, FOWNER, FSETID, MKNOD})
"""Reading everybody's files, and restoring them with owner, permissions and type; as in paradux-transfer@.service."""

_CAPBSET_DROP, _SET_NO_NEW_PRIVS, _CAP_AMBIENT, _CLEAR_ALL = 24, 38, 47, 4
_VERSION_3 = 0x20080522
_LAST = 64

_libc = ctypes.CDLL(None, use_errno=True)


def has(capability: int) -> bool:
    """Whether this process may use the capability."""
    return bool(_effective() >> capability & 1)


def no_new_privileges() -> None:
    """No program that is started gains rights by its set-user-ID bit or its capabilities."""
    _libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def keep_only(kept: AbstractSet[int], of_children: AbstractSet[int]) -> None:
    """Keep these capabilities, and let what is started have no more than the others. Raises `OSError`.

    Where the bounding set must not be changed (that needs CAP_SETPCAP) it stays as it is: who may not has nothing to give away.
    """
    for capability in range(_LAST):
        if capability not in of_children:
            _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)
    _libc.prctl(_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    left = _effective() & sum(1 << capability for capability in kept)
    low, high = left & 0xFFFFFFFF, left >> 32
    header, data = struct.pack("=Ii", _VERSION_3, 0), struct.pack("=6I", low, low, 0, high, high, 0)
    if _libc.capset(header, data):
        problem = ctypes.get_errno()
        raise OSError(problem, os.strerror(problem))


def _effective() -> int:
    header, data = struct.pack("=Ii", _VERSION_3, 0), ctypes.create_string_buffer(24)
    _libc.capget(header, data)
    low, _, _, high, _, _ = struct.unpack("=6I", data.raw)
    return int(low) | int(high) << 32
