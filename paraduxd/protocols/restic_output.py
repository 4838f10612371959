"""What restic 0.14 and 0.18 say, as values and sentences. Pure: text in, values out.

Formats: https://restic.readthedocs.io/en/stable/075_scripting.html. Failures of 0.14 are exit code 1 with text on standard error;
0.18 has exit codes (10 no repository, 11 locked, 12 wrong password) and JSON. Both end with 3 after an incomplete backup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.core.keep import in_order, moment
from paraduxd.core.orders import Progress
from paraduxd.protocols.base import Version

INCOMPLETE = 3
"""Exit code of a backup that left something out."""

EMPTY = ".paradux-empty"
"""The one directory in a version of an empty dataset: restic makes no snapshot of nothing."""

_SHORT = 8
"""Characters of an id that 0.14 prints after a backup and that people type."""


def parsed(line: str) -> dict[str, Any]:
    """The JSON object on a line; an empty one when there is none."""
    if not line.startswith("{"):
        return {}
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def progress(message: dict[str, Any]) -> Progress | None:
    """The progress that a "status" message of backup or restore tells."""
    if message.get("message_type") != "status":
        return None
    left = message.get("seconds_remaining")
    moved = message.get("bytes_done", message.get("bytes_restored", 0))
    return Progress(100.0 * float(message.get("percent_done", 0)), int(moved), None if left is None else int(left))


def short(snapshot: str) -> str:
    """The id of a version for a snapshot's id, short or long."""
    return snapshot[:_SHORT]


def rfc3339(time: str) -> str:
    """A time in UTC, whole seconds."""
    return moment(_to_microseconds(time)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _to_microseconds(time: str) -> str:
    """restic writes nanoseconds, and leaves out trailing zeros."""
    return re.sub(r"\.\d+", "", time)


def time_option(now: str) -> str:
    """What `restic backup --time` wants for `now` (RFC 3339), in a process whose time zone is UTC."""
    return moment(now).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def versions(snapshots: Iterable[dict[str, Any]]) -> tuple[Version, ...]:
    """The list of `restic snapshots --json`, oldest first; counts are there since 0.17."""
    return in_order(_version(snapshot) for snapshot in snapshots)


def _version(snapshot: dict[str, Any]) -> Version:
    summary = snapshot.get("summary") or {}
    files, size = summary.get("total_files_processed"), summary.get("total_bytes_processed")
    return Version(short(str(snapshot["id"])), rfc3339(str(snapshot["time"])), files, size)


class Listing:
    """Counts what `restic ls --json` lists of a version, or of some paths in it: regular files, bytes, entries of any kind."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._missing = {_as_listed(path): path for path in paths}
        self._wanted = frozenset(self._missing)
        self.files = self.bytes = self.entries = 0

    def take(self, message: dict[str, Any]) -> None:
        """Count one line."""
        path = str(message.get("path", ""))
        if message.get("struct_type") != "node" or path == f"/{EMPTY}" or not self._is_wanted(path):
            return
        self.entries += 1
        if message.get("type") == "file":
            self.files += 1
            self.bytes += int(message.get("size", 0))

    def missing(self) -> str | None:
        """A path that was not listed."""
        return next(iter(self._missing.values()), None)

    def _is_wanted(self, path: str) -> bool:
        if not self._wanted:
            return True
        self._missing.pop(path, None)
        ends = (match.start() for match in re.finditer("/", path[1:] + "/"))
        return any(path[: end + 1] in self._wanted for end in ends)


def _as_listed(path: str) -> str:
    """A path as `ls --json` shows it: from the root, each byte that is not UTF-8 as U+FFFD."""
    return re.sub("[\udc80-\udcff]", "\ufffd", f"/{path}")


def include_pattern(path: str) -> str:
    """The pattern of `restic restore --include` that matches this path and nothing else (Go's `filepath.Match`)."""
    return "/" + re.sub(r"([\\*?\[])", r"\\\1", path)


def unread(errors: Iterable[str]) -> tuple[str, ...]:
    """The paths that a backup could not read, as restic names them: absolute, or relative to where it ran."""
    messages = map(parsed, errors)
    return tuple(str(message.get("item", "")) for message in messages if message.get("during") == "archival")


def sentences(errors: Iterable[str]) -> tuple[str, ...]:
    """Standard error without JSON and empty lines."""
    texts = (_sentence(line) for line in errors)
    return tuple(part.strip() for text in texts for part in text.splitlines() if part.strip())


def _sentence(line: str) -> str:
    message = parsed(line)
    error = message.get("error")
    if isinstance(error, dict):
        return str(error.get("message", ""))
    text = str(message.get("message", "")) if message else line
    return re.sub(r"^.* returned error, retrying after [^:]*: ", "", text)


_LOCKED = ("repository is already locked",)
_WRONG_PASSWORD = ("wrong password or no key found",)
_FULL = ("no space left on device", "disk quota exceeded", "ssh_fx_failure")
_NO_ACCESS = ("permission denied", "operation not permitted", "read-only file system", "not a directory")
_DAMAGED = (
    "repository contains errors",
    "ciphertext verification failed",
    "invalid data returned",
    "loadindex returned errors",
    "is damaged",
    "supported kdf",
    "hash does not match",
    "unexpected eof",
)
_NO_VERSION = ("no matching id found",)


def problem(code: int, errors: Sequence[str], where: str) -> ParaduxError:
    """Why restic failed at the repository `where`, from its exit code and standard error."""
    texts = sentences(errors)
    text = "\n".join(texts).lower()

    def says(words: Iterable[str]) -> bool:
        return any(word in text for word in words)

    if code == 11 or says(_LOCKED):
        return busy(where)
    if code == 12 or says(_WRONG_PASSWORD):
        return _wrong_password(where)
    if code == 10 or _lacks_config(text):
        return no_repository(where)
    if says(_FULL):
        return full(where)
    if says(_DAMAGED) or re.search(r"/data/../[0-9a-f]{64}: no such file", text):
        return damaged(where, texts)
    return _other(code, texts, text, where, says(_NO_ACCESS), says(_NO_VERSION))


def _lacks_config(text: str) -> bool:
    """0.14 says so; a config that is there but may not be read is another matter."""
    return bool(re.search(r"unable to open config file: .*(no such file|not exist)", text))


def _other(code: int, texts: tuple[str, ...], text: str, where: str, no_access: bool, no_version: bool) -> ParaduxError:
    last = _readable(texts[-1]) if texts else f"exit code {code}"
    if "already contains keys" in text:
        return ParaduxError(
            "unfinished-repository",
            f"the repository {where} has a key but no config: its creation was interrupted, or its config was lost",
            "if nothing was ever kept there, remove that directory; else bring its file config back",
        )
    if no_version:
        return ParaduxError("not-found", f"there is no such version in {where}", "see: paraductl versions DATASET")
    if no_access:
        return ParaduxError("unusable-repository", f"cannot use {where}: {last}", "check the path and its permissions")
    if code < 0:
        return TransientError("interrupted", f"restic was ended at {where} (signal {-code})", "the next run goes on")
    return ParaduxError("restic-failed", f"restic failed at {where}: {last}", "see the daemon's log")


def _readable(text: str) -> str:
    """One line for a person: no control characters, not endless."""
    text = re.sub(r"^(Fatal|error): ", "", re.sub(r"[\x00-\x1f\x7f]", "?", text))
    return text if len(text) <= 300 else text[:300] + "..."


def busy(where: str) -> TransientError:
    """Another living process works in the repository."""
    return TransientError("busy", f"the repository {where} is in use by another process", "it will be tried again")


def _wrong_password(where: str) -> ParaduxError:
    return ParaduxError(
        "wrong-repository-password",
        f"the password does not open the repository {where}",
        "correct credentials.password, or give the destination a new repository, with paraductl edit",
    )


def no_repository(where: str) -> ParaduxError:
    """There is nothing yet, or nothing any more."""
    return ParaduxError("no-repository", f"there is no repository in {where}", "push to it first: paraductl backup")


def full(where: str) -> TransientError:
    """No room."""
    return TransientError("disk-full", f"the disk of {where} is full", "make room there, or keep fewer versions")


def damaged(where: str, texts: Sequence[str]) -> ParaduxError:
    """Something in the repository is not what it should be; names the first thing."""
    first = _readable(texts[0]) if texts else "restic found errors"
    return ParaduxError(
        "damaged",
        f"the repository {where} is damaged: {first}",
        "check its disk; then repair it as restic's troubleshooting guide says, or give the destination a new repository",
    )


def incomplete(paths: Sequence[str], snapshot: str) -> ParaduxError:
    """A backup left files out."""
    first = f", the first is {_readable(paths[0])!r}" if paths else ""
    return ParaduxError(
        "incomplete",
        f"{max(len(paths), 1)} files or directories could not be read{first}, so this push does not count",
        f"make them readable; what could be read is in restic's snapshot {short(snapshot)}, tagged paradux-incomplete",
    )
