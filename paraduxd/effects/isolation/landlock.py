"""Landlock: a process gives up rights for itself and for all that it starts, for good and without privilege.

Sources: landlock(7), landlock_create_ruleset(2); Documentation/userspace-api/landlock.rst of the kernel. Whatever the rules allow, a
process in a domain cannot look into a process outside of it (/proc/PID/mem, fd, root, environ ...), trace it, or mount and
unmount anything.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from paraduxd import linux
from paraduxd.api.frozen import dataclass
from paraduxd.linux import Access

REFER = Access.REFER
"""Renaming and linking from one directory into another; refused wherever no rule allows it."""

READ = Access.EXECUTE | Access.READ_FILE | Access.READ_DIR
_ON_FILES = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE


@dataclass(frozen=True)
class Rule:
    """A path, with all that lies below it, and what may be done there."""

    path: Path
    access: Access


def is_available() -> bool:
    """Whether `confine` can work; version 1 would refuse every rename from one directory into another."""
    return linux.landlock_version() >= linux.REFER_SINCE


def everything() -> Access:
    """All rights that this kernel can take away, apart from those on devices."""
    version, rights = linux.landlock_version(), linux.BASIC_ACCESS
    if version >= linux.REFER_SINCE:
        rights |= Access.REFER
    return rights | Access.TRUNCATE if version >= linux.TRUNCATE_SINCE else rights


def confine(handled: Access, rules: Iterable[Rule]) -> None:
    """From here on the calling thread, and what it starts, has the rights of `handled` by these rules only. Raises `OSError`.

    A path that is not there is left out. Signals and abstract sockets do not leave the domain where the kernel can see to that.
    """
    ruleset = linux.landlock_ruleset(handled, linux.landlock_version())
    try:
        for rule in rules:
            _allow(ruleset, rule, handled)
        linux.landlock_restrict(ruleset)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, rule: Rule, handled: Access) -> None:
    try:
        place = os.open(rule.path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        access = rule.access & handled
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            access &= _ON_FILES
        if access:
            linux.landlock_allow(ruleset, place, access)
    finally:
        os.close(place)
