"""Pulling with rclone, under the guard.

A rehearsal (`rclone sync --dry-run`) tells what a pull would copy and remove; when the guard agrees, the pull itself may remove no
more files than that. What was copied then is counted once more: the source may have changed meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.core import guard
from paraduxd.core.orders import Progress
from paraduxd.effects import rclone
from paraduxd.protocols.base import Context, PullRequest, PullResult, TransientError
from paraduxd.protocols.pulling import as_error, changed_before, missing

_COPIED = re.compile(r"(?:Multi-thread )?Copied \(.*?(new|replaced existing).*\)")
_TOO_MANY = "--max-delete threshold reached"
_CONTROL_PICTURES = {0x2400 + code: code for code in range(1, 32)} | {0x2421: 127}
"""How rclone writes control characters in names."""


@dataclass
class _Log:
    """What the lines of one run told: names that it would copy (a rehearsal only), counts of files, and complaints."""

    context: Context
    to_copy: list[str] = field(default_factory=list)
    to_remove: int = 0
    created: int = 0
    replaced: int = 0
    removed: int = 0
    size: int = 0
    complaints: list[str] = field(default_factory=list)

    def take(self, line: bytes) -> None:
        """One line; one that is no JSON is a complaint."""
        try:
            entry = json.loads(line)
            message = str(entry["msg"])
        except (ValueError, KeyError, TypeError):
            self.complaints.append(line.decode(errors="replace"))
            return
        if entry.get("level") in {"error", "critical", "fatal"}:
            self.complaints.append(message)
        elif match := _COPIED.fullmatch(message):
            self.created += match[1] == "new"
            self.replaced += match[1] != "new"
        elif "skipped" in entry:
            self._would(str(entry["skipped"]), str(entry.get("object", "")))
        elif isinstance(stats := entry.get("stats"), dict):
            self._counted(stats)

    def _would(self, what: str, name: str) -> None:
        if what == "copy":
            self.to_copy.append(name)
        self.to_remove += what == "delete"

    def _counted(self, stats: dict[str, Any]) -> None:
        self.size, self.removed = int(stats.get("bytes", 0)), int(stats.get("deletes", 0))
        if total := int(stats.get("totalBytes", 0)):
            eta = stats.get("eta")
            self.context.progress(Progress(min(100.0, 100 * self.size / total), self.size, eta and int(eta)))


@dataclass(frozen=True)
class _Pull:
    """One pull."""

    source: rclone.Remote
    staging: Path
    exclude: Sequence[str]
    request: PullRequest
    context: Context

    def run(self, log: _Log, *options: str) -> None:
        """One run of rclone. Raises the failure; `HeldError` when the source is missing."""
        command = [*options, "-v", "--use-json-log", "--stats=1s", "--create-empty-src-dirs", "--delete-excluded"]
        if self.context.bandwidth:
            command.append(f"--bwlimit={self.context.bandwidth}B")
        argv = [*command, "--", self.source.address(), str(self.staging)]
        code, last = rclone.follow(self.source, argv, self.exclude, log.take)
        if code == rclone.NO_DIRECTORY:
            raise missing(self.source.where, self.request.known_files)
        if code == 0:
            return
        complaints = "\n".join(log.complaints[:100])
        if _TOO_MANY in complaints:
            text = f"{self.source.where} changed while it was read: more files are gone there than when the pull began"
            raise TransientError("source-changed", text, "the next pull looks again")
        raise rclone.failure(self.source, code, complaints.encode() or last)

    def passes(self) -> tuple[tuple[str, ...], ...]:
        """The commands that find all that is new.

        A remote that keeps no times of files has those of their last upload: what is younger than its copy here is copied again.
        """
        return (("sync",),) if rclone.features(self.source).times else (("sync",), ("copy", "--update"))

    def verdict(self, *, removed: int, changed: int, files: int) -> None:
        """Raises `HeldError` when the guard says so."""
        held = guard.decide(
            self.request.known_files,
            removed=removed,
            changed=max(changed, changed_before(self.staging, files, self.request)),
            files=files,
            guard=self.request.guard,
            allowed_removed=self.request.allowed_removed,
            allowed_changed=self.request.allowed_changed,
        )
        if held:
            raise as_error(held)


def pull(
    source: rclone.Remote, staging: Path, exclude: Sequence[str], request: PullRequest, context: Context
) -> PullResult:
    """Make `staging` equal to `source`; the obligations are those of `Source.pull`, for files and directories."""
    this = _Pull(source, staging, exclude, request, context)
    before, _ = _count(staging)
    passes = this.passes()
    expected = _Log(context)
    for options in passes:
        this.run(expected, *options, "--dry-run")
    changed = sum(_is_file(staging, name) for name in set(expected.to_copy))
    new = len(set(expected.to_copy)) - changed
    this.verdict(removed=expected.to_remove, changed=changed, files=before - expected.to_remove + new)
    for name in expected.to_copy:
        _make_way(staging, name)
    done = _Log(context)
    for options in passes:
        this.run(done, *options, f"--max-delete={expected.to_remove}")
    files, size = _count(staging)
    this.verdict(removed=expected.to_remove, changed=done.replaced, files=files)
    return PullResult(
        files=files,
        bytes=size,
        transferred_files=done.created + done.replaced,
        transferred_bytes=done.size,
        removed=expected.to_remove,
        changed=max(done.replaced, changed),
    )


def _count(folder: Path) -> tuple[int, int]:
    """Regular files below a directory, and their bytes."""
    files = size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            status = os.lstat(os.path.join(place, name))  # noqa: PTH118  (a million times)
            if stat.S_ISREG(status.st_mode):
                files, size = files + 1, size + status.st_size
    return files, size


def _is_file(staging: Path, name: str) -> bool:
    """Whether a name of rclone's is a regular file of staging."""
    return any((staging / each).is_file() for each in {name, name.translate(_CONTROL_PICTURES)})


def _make_way(staging: Path, name: str) -> None:
    """Remove what stands in the way of a file: a directory of its name, or a file in the place of a directory above it.

    rclone does not remove it before it has copied everything. The guard has agreed to its removal.
    """
    parts = Path(name).parts
    if ".." in parts or name.startswith("/"):
        return
    target = staging / name
    for above in [*target.parents][: len(parts) - 1]:
        if above.is_symlink() or above.is_file():
            above.unlink()
    if target.is_dir() and not target.is_symlink():
        try:
            shutil.rmtree(target)
        except OSError as problem:
            text = f"cannot replace the directory {target} by a file: {problem.strerror}"
            raise ParaduxError("bad-staging", text, "see what is in its place") from None
    with contextlib.suppress(OSError):
        if target.is_symlink():
            target.unlink()
