"""Landlock: a process gives up rights for itself and for all that it starts, for good and without privilege.

Sources: landlock(7), landlock_create_ruleset(2); Documentation/userspace-api/landlock.rst of the kernel. Whatever the rules allow, a
process in a domain cannot look into a process outside of it (/proc/PID/mem, fd, root, environ ...), trace it, or mount and
unmount anything.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
_REFER_SINCE, _TRUNCATE_SINCE, _NET_SINCE, SCOPES_SINCE = 2, 3, 4, 6

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
REFER = 1 << 13
"""Renaming and linking from one directory into another; refused wherever no rule allows it."""
_TRUNCATE = 1 << 14
_SCOPES = 1 | 2
"""Abstract Unix sockets of, and signals to, processes outside of the domain."""

READ = _EXECUTE | _READ_FILE | _READ_DIR
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Rule:
    """A path, with all that lies below it, and what may be done there."""

    path: Path
    access: int


def version() -> int:
    """What this kernel can do; below 2 nothing that is used here."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION))))


def is_available() -> bool:
    """Whether `confine` can work; version 1 would refuse every rename from one directory into another."""
    return version() >= _REFER_SINCE


def everything() -> int:
    """All rights that this kernel can take away, apart from those on devices."""
    return (1 << (14 if version() >= _REFER_SINCE else 13)) - 1 | (_TRUNCATE if version() >= _TRUNCATE_SINCE else 0)


def confine(handled: int, rules: Iterable[Rule]) -> None:
    """From here on the calling thread, and what it starts, has the rights of `handled` by these rules only. Raises `OSError`.

    A path that is not there is left out. Signals and abstract sockets do not leave the domain where the kernel can see to that.
    """
    ruleset = _called(_CREATE_RULESET, *_attributes(handled), 0)
    try:
        for rule in rules:
            _allow(ruleset, rule, handled)
        _called(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0))
    finally:
        os.close(ruleset)


def _attributes(handled: int) -> tuple[bytes, ctypes.c_size_t]:
    scopes = _SCOPES if version() >= SCOPES_SINCE else 0
    size = 24 if version() >= SCOPES_SINCE else 16 if version() >= _NET_SINCE else 8
    return struct.pack("=QQQ", handled, 0, scopes)[:size], ctypes.c_size_t(size)


def _allow(ruleset: int, rule: Rule, handled: int) -> None:
    try:
        place = os.open(rule.path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        access = rule.access & handled
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            access &= _ON_FILES
        if access:
            beneath = struct.pack("=Qi", access, place)
            _called(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), beneath, ctypes.c_uint(0))
    finally:
        os.close(place)


def _called(number: int, *arguments: object) -> int:
    result: int = _libc.syscall(number, *arguments)
    if result < 0:
        problem = ctypes.get_errno()
        raise OSError(problem, os.strerror(problem))
    return result
