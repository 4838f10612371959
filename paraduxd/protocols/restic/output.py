"""What restic 0.14 and 0.18 say when all is well, as values. Pure: text in, values out.

Formats: https://restic.readthedocs.io/en/stable/075_scripting.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from paraduxd.api import bounded_json
from paraduxd.api.replies.listings import DIRECTORY, FILE, LINK, OTHER, Entry
from paraduxd.core.primitives.timestamps import moment
from paraduxd.core.runs.orders import Progress

EMPTY = ".paradux-empty"
"""The one directory in a version of an empty dataset: restic makes no snapshot of nothing."""

_SHORT = 8
"""Characters of an id that 0.14 prints after a backup and that people type."""


_KINDS = {"file": FILE, "dir": DIRECTORY, "symlink": LINK}


def parsed(line: str) -> dict[str, object]:
    """The JSON object on a line; an empty one when there is none."""
    if not line.startswith("{"):
        return {}
    try:
        value = bounded_json.parse(line, "a line of restic's")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def progress(message: dict[str, object]) -> Progress | None:
    """The progress that a "status" message of backup or restore tells."""
    if message.get("message_type") != "status":
        return None
    done, moved = message.get("percent_done", 0), message.get("bytes_done", message.get("bytes_restored", 0))
    percent = 100.0 * done if isinstance(done, int | float) and 0 <= done <= 1 else None
    return Progress(percent, count(moved) or 0, count(message.get("seconds_remaining")))


def short(snapshot: str) -> str:
    """The id of a version for a snapshot's id, short or long."""
    return snapshot[:_SHORT]


def rfc3339(time: str) -> str:
    """A time of restic's (nanoseconds, any offset) in UTC and whole seconds; the epoch for one that no calendar has."""
    try:
        return moment(re.sub(r"\.\d+", "", time)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return "1970-01-01T00:00:00Z"


def count(value: object) -> int | None:
    """A count that restic tells; `None` where it tells none."""
    return value if type(value) is int and value >= 0 else None


def time_option(now: str) -> str:
    """What `restic backup --time` wants for `now` (RFC 3339), in a process whose time zone is UTC."""
    return moment(now).strftime("%Y-%m-%d %H:%M:%S")


GROUPS = 256
"""In so many groups at most restic reads the data of a repository."""


def group_of(part: int, parts: int) -> tuple[int, int] | None:
    """Which of how many groups (from 1) `restic check` reads for the `part`th (from 0) of so many parts; `None`: none."""
    groups = min(parts, GROUPS)
    group = part * groups // parts
    return None if part and group == (part - 1) * groups // parts else (group + 1, groups)


class Listing:
    """Counts what `restic ls --json` lists of a version, or of some paths in it: regular files, bytes, entries of any kind."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._missing = {_as_listed(path): path for path in paths}
        self._wanted = frozenset(self._missing)
        self.version_found = False
        self.files = self.bytes = self.entries = 0

    def take(self, message: dict[str, object]) -> None:
        """Count one line; the first is the version itself (0.14 ends well when there is none)."""
        self.version_found |= message.get("struct_type") == "snapshot"
        path = str(message.get("path", ""))
        if message.get("struct_type") != "node" or path == f"/{EMPTY}" or not self._is_wanted(path):
            return
        self.entries += 1
        if message.get("type") == "file":
            self.files += 1
            self.bytes += count(message.get("size")) or 0

    def missing(self) -> str | None:
        """A path that was not listed."""
        return next(iter(self._missing.values()), None)

    def _is_wanted(self, path: str) -> bool:
        if not self._wanted:
            return True
        self._missing.pop(path, None)
        ends = (match.start() for match in re.finditer("/", path[1:] + "/"))
        return any(path[: end + 1] in self._wanted for end in ends)


def entry(message: Mapping[str, object]) -> Entry | None:
    """The entry that a line of `ls --json` tells; `None` for other lines and for what is there only because nothing else is."""
    path = str(message.get("path", "")).lstrip("/")
    if message.get("struct_type") != "node" or path in ("", EMPTY):
        return None
    kind = _KINDS.get(str(message.get("type")), OTHER)
    modified = int(moment(rfc3339(str(message.get("mtime", "")))).timestamp())
    return Entry(path, kind, (count(message.get("size")) or 0) if kind == FILE else None, modified)


def _as_listed(path: str) -> str:
    """A path as `ls --json` shows it: from the root, each byte that is not UTF-8 as U+FFFD."""
    return re.sub("[\udc80-\udcff]", "\ufffd", f"/{path}")


def include_pattern(path: str) -> str:
    """The pattern of `restic restore --include` that matches this path and nothing else (Go's `filepath.Match`)."""
    return "/" + re.sub(r"([\\*?\[])", r"\\\1", path)
