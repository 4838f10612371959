"""The one door to what the kernel offers and Python does not: prctl, capabilities, mounts, namespaces, renameat2, Landlock.

Every number of the kernel's that is used anywhere stands here. All functions raise `OSError` when the kernel refuses. For daemon and client
alike: the standard library only.

Sources: prctl(2), mlockall(2), capset(2), mount(2), umount2(2), unshare(2), renameat2(2), syncfs(2), landlock(7), and the kernel's
headers in include/uapi/linux.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import struct
from enum import IntEnum, IntFlag
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

_SET_PDEATHSIG, _SET_DUMPABLE, _CAPBSET_DROP, _SET_CHILD_SUBREAPER, _SET_NO_NEW_PRIVS, _CAP_AMBIENT = (
    1,
    4,
    24,
    36,
    38,
    47,
)
_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_RENAME_NOREPLACE, _RENAME_EXCHANGE = 1, 2
_MNT_DETACH = 2
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULESET_VERSION, _RULE_PATH_BENEATH = 1, 1

FLUSH_BUFFERS = 0x1261
"""BLKFLSBUF of ioctl(2): forget what is cached of a block device."""


class Capability(IntEnum):
    """capabilities(7)"""

    CHOWN = 0
    DAC_OVERRIDE = 1
    DAC_READ_SEARCH = 2
    FOWNER = 3
    FSETID = 4
    SYS_ADMIN = 21
    MKNOD = 27


LAST_CAPABILITY = 63


class Mount(IntFlag):
    """Flags of mount(2)."""

    RDONLY = 1
    NOSUID = 2
    NODEV = 4
    NOEXEC = 8
    REMOUNT = 32
    NOSYMFOLLOW = 256
    NOATIME = 1024
    BIND = 4096
    REC = 1 << 14
    PRIVATE = 1 << 18
    SLAVE = 1 << 19


class Namespace(IntFlag):
    """Flags of unshare(2)."""

    MOUNTS = 0x00020000
    USER = 0x10000000


class Access(IntFlag):
    """Rights that Landlock can take away; those on devices and sockets are not used."""

    EXECUTE = 1
    WRITE_FILE = 2
    READ_FILE = 4
    READ_DIR = 8
    REFER = 1 << 13
    TRUNCATE = 1 << 14


BASIC_ACCESS = Access((1 << 13) - 1)
"""All rights of the first version of Landlock."""

REFER_SINCE, TRUNCATE_SINCE, NETWORK_SINCE, SCOPES_SINCE = 2, 3, 4, 6
"""Versions of Landlock."""

SCOPES = 1 | 2
"""Abstract Unix sockets of, and signals to, processes outside of a Landlock domain."""


def die_with_parent(parent: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Get this signal when the thread that started this process ends; at once when the parent has ended already."""
    _prctl(_SET_PDEATHSIG, int(number))
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def no_dumps_or_tracing() -> None:
    """Let nobody but root read the memory of this process, and the kernel write no core file of it."""
    _prctl(_SET_DUMPABLE, 0)


def no_core_dumps() -> None:
    """Keep the memory of this process, and of all that it starts from now on, out of core files and from programs that take dumps.

    A limit of 0 stops files only; one of 1 byte, which no core file fits into either, also stops programs such as systemd-coredump
    (fs/coredump.c). It cannot be raised from 0 again. gpg lowers the limit to 0 for itself: the filter of mappings, which exec
    keeps as well (core(5)), leaves its dump no memory to hold.
    """
    limit = 0 if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0 else 1
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
    with contextlib.suppress(OSError):
        Path("/proc/self/coredump_filter").write_bytes(b"0")


def no_new_privileges() -> None:
    """No program that is started gains rights by its set-user-ID bit or its capabilities."""
    _prctl(_SET_NO_NEW_PRIVS, 1)


def adopt_orphans() -> None:
    """Become the parent of what descendants leave behind; this holds for the calling process and no child of it."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def lock_memory() -> None:
    """Keep all pages out of the swap space, later ones at first use: else every thread would take all of its stack at once."""
    _check(_libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT))


def drop_from_bounding_set(capability: int) -> None:
    """What is started from here can never have the capability."""
    _prctl(_CAPBSET_DROP, capability)


def clear_ambient_capabilities() -> None:
    """What is started from here inherits none."""
    _prctl(_CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL)


def capabilities() -> int:
    """Those in effect, a bit each."""
    data = ctypes.create_string_buffer(24)
    _check(_libc.capget(_capability_header(), data))
    low, _, _, high, _, _ = struct.unpack("=6I", data.raw)
    return int(low) | int(high) << 32


def set_capabilities(kept: int) -> None:
    """Those in effect and permitted, a bit each; none is inherited."""
    low, high = kept & 0xFFFFFFFF, kept >> 32
    _check(_libc.capset(_capability_header(), struct.pack("=6I", low, low, 0, high, high, 0)))


def _capability_header() -> bytes:
    return struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)


def own_mounts(propagation: Mount = Mount.PRIVATE) -> None:
    """Give the calling thread, and those that it starts later, mounts of their own.

    `PRIVATE`: nothing that others mount or unmount later is seen here; `SLAVE`: it is.
    """
    unshare(Namespace.MOUNTS)
    set_propagation(propagation)


def unshare(namespaces: Namespace) -> None:
    """Give the calling thread namespaces of its own."""
    _check(_libc.unshare(int(namespaces)))


def set_propagation(propagation: Mount) -> None:
    """Whether what others mount and unmount is seen in this namespace of mounts, everywhere."""
    mount("none", Path("/"), "", Mount.REC | propagation)


def mount(source: str | Path, target: Path, kind: str, flags: Mount, options: str = "") -> None:
    """Mount, remount, bind. Empty: no source, no type, no options."""
    texts = [os.fsencode(text) or None for text in (source, kind, options)]
    code = _libc.mount(texts[0], os.fsencode(target), texts[1], ctypes.c_ulong(int(flags)), texts[2])
    _check(code, str(target))


def unmount(target: Path, *, lazily: bool = False) -> None:
    """Unmount; `lazily`: out of sight now, and for good when nothing uses it any more."""
    _check(_libc.umount2(os.fsencode(target), _MNT_DETACH if lazily else 0), str(target))


def sync_directory(folder: Path) -> None:
    """Make renames and removals in a directory durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(descriptor: int) -> None:
    """Put all of the file system that this is open on onto its medium."""
    _check(_libc.syncfs(descriptor))


def rename_without_replacing(folder: int, name: str, new_folder: int, new_name: str) -> None:
    """Rename within or between two open directories; `FileExistsError` when the new name is taken."""
    _renameat2(folder, name, new_folder, new_name, _RENAME_NOREPLACE)


def exchange_names(folder: int, one: str, other: str, other_folder: int | None = None) -> None:
    """Give each of two files or directories the name of the other; vfat can do it from Linux 6.0 on, exFAT cannot."""
    _renameat2(folder, one, folder if other_folder is None else other_folder, other, _RENAME_EXCHANGE)


def _renameat2(folder: int, name: str, new_folder: int, new_name: str, flags: int) -> None:
    _check(_libc.renameat2(folder, os.fsencode(name), new_folder, os.fsencode(new_name), flags), name)


def landlock_version() -> int:
    """What this kernel can do; 0: nothing."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_RULESET_VERSION))))


def landlock_ruleset(handled: int, version: int) -> int:
    """A descriptor of a set of rules about these rights, and about `SCOPES` where the version has them."""
    size = 24 if version >= SCOPES_SINCE else 16 if version >= NETWORK_SINCE else 8
    attributes = struct.pack("=QQQ", handled, 0, SCOPES if version >= SCOPES_SINCE else 0)[:size]
    return _syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)


def landlock_allow(ruleset: int, place: int, access: int) -> None:
    """Allow this below an open file or directory."""
    beneath = struct.pack("=Qi", access, place)
    _syscall(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_RULE_PATH_BENEATH), beneath, ctypes.c_uint(0))


def landlock_restrict(ruleset: int) -> None:
    """From here on the calling thread, and what it starts, has these rights only."""
    _syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0))


def _prctl(option: int, value: int) -> None:
    _check(_libc.prctl(option, value, 0, 0, 0))


def _syscall(number: int, *arguments: object) -> int:
    result: int = _libc.syscall(number, *arguments)
    _check(result < 0)
    return result


def _check(failed: int, *names: str) -> None:
    if failed:
        problem = ctypes.get_errno()
        raise OSError(problem, os.strerror(problem), *names)
