"""Pulling with rclone, under the guard.

A rehearsal (`rclone sync --dry-run`) tells what a pull would copy and remove; when the guard agrees, the pull itself may remove no
more files than that. What was copied then is counted once more: the source may have changed meanwhile.

A file that cannot be read does not stop the rest: its earlier copy stays. rclone removes nothing then, so that what the rehearsal has found
gone is removed here. As long as a directory cannot be listed, nothing is known to be gone, and nothing is removed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from paraduxd.api import bounded_json
from paraduxd.api.errors import ParaduxError
from paraduxd.core.runs import unread
from paraduxd.core.runs.orders import Progress
from paraduxd.effects.files import bounded
from paraduxd.effects.files.walk import walk
from paraduxd.effects.tools import rclone
from paraduxd.effects.tools.rclone_errors import of_one_file
from paraduxd.protocols.base import Context, PullRequest, PullResult, TransientError
from paraduxd.protocols.pulling.rsync_pull import changed_before, missing
from paraduxd.protocols.pulling.set_aside import put_back, set_aside
from paraduxd.protocols.pulling.verdict import as_error, verdict

_COPIED = re.compile(r"(?:Multi-thread )?Copied \(.*?(new|replaced existing).*\)")
_OF_A_NAME = re.compile(r"Failed to copy: |error reading source directory|error listing")
_SUMMARY = re.compile(
    r"([\d/]+ [\d:]+ (ERROR : )?)?(Attempt \d+/\d+ failed|Failed to (sync|copy)\b|not deleting \w+ as there were IO errors)"
)
_TOO_MANY = "--max-delete threshold reached"
_CONTROL_PICTURES = {0x2400 + code: code for code in range(1, 32)} | {0x2421: 127}
"""How rclone writes control characters in names."""


_ENTRY = 100
"""Bytes that a name takes in memory besides itself."""


@dataclass
class _Log:
    """What the lines of one run told: names that it would copy (a rehearsal only), counts of files, and complaints."""

    context: Context
    to_copy: list[str] = field(default_factory=list)
    to_remove: list[str] = field(default_factory=list)
    created: int = 0
    replaced: int = 0
    removed: int = 0
    size: int = 0
    complaints: list[str] = field(default_factory=list)
    room: int = bounded.LONGEST_LISTING
    unread: dict[str, str] = field(default_factory=dict)

    def take(self, line: bytes) -> None:
        """One line; one that is no JSON is a complaint."""
        try:
            entry = bounded_json.parse_object(line, "a line of rclone's")
            message = str(entry["msg"])
        except (ValueError, KeyError, TypeError):
            self._complain(line.decode(errors="replace"), "")
            return
        if entry.get("level") in {"error", "critical", "fatal"} or _SUMMARY.match(message):
            self._complain(message, str(entry.get("object") or ""))
        elif match := _COPIED.fullmatch(message):
            self.created += match[1] == "new"
            self.replaced += match[1] != "new"
        elif "skipped" in entry:
            self._would(str(entry["skipped"]), str(entry.get("object", "")))
        elif isinstance(stats := entry.get("stats"), dict):
            self._counted(stats)

    def _complain(self, message: str, name: str) -> None:
        """What is wrong with one file, or with the whole; summaries of other lines are left out."""
        if name and _OF_A_NAME.match(message):
            self.unread[name] = message
        elif not (self.unread and _SUMMARY.match(message)):
            self.complaints.append(message)

    @property
    def copied(self) -> int:
        """Files that were copied."""
        return self.created + self.replaced

    def all_said(self) -> str:
        """The first complaints, those about single files among them."""
        return "\n".join([*self.complaints, *self.unread.values()][:100])

    def only_unread(self) -> bool:
        """Whether nothing is wrong but that some files cannot be read."""
        return bool(self.unread) and not self.complaints and all(map(of_one_file, self.unread.values()))

    def _would(self, what: str, name: str) -> None:
        self.room -= len(name) + _ENTRY
        if self.room < 0:
            raise bounded.too_large("the list of what rclone would change")
        if what == "copy":
            self.to_copy.append(name)
        if what == "delete":
            self.to_remove.append(name)

    def _counted(self, stats: dict[str, object]) -> None:
        self.size, self.removed, total, eta = (
            _count(stats.get(name)) for name in ("bytes", "deletes", "totalBytes", "eta")
        )
        if total:
            self.context.progress(Progress(min(100.0, 100 * self.size / total), self.size, eta or None))


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
        if code == 0 or log.only_unread():
            return
        complaints = log.all_said()
        if _TOO_MANY in complaints:
            text = f"{self.source.where} changed while it was read: more files are gone there than when the pull began"
            raise TransientError("source-changed", text, "the next pull looks again")
        raise rclone.failure(self.source, code, complaints.encode() or last)

    @cached_property
    def passes(self) -> tuple[tuple[str, ...], ...]:
        """The commands that find all that is new.

        A remote that keeps no times of files has those of their last upload: what is younger than its copy here is copied again.
        """
        return (("sync",),) if rclone.features(self.source).times else (("sync",), ("copy", "--update"))

    def rehearse(self) -> _Log:
        """What a pull would do."""
        log = _Log(self.context)
        for options in self.passes:
            self.run(log, *options, "--dry-run")
        return log

    def transfer(self, replaced: Sequence[str], gone: Sequence[str]) -> _Log:
        """Copy what is new, and remove what is gone."""
        log = _Log(self.context)
        with set_aside(self.staging, replaced):
            for options in self.passes:
                self.run(log, *options, f"--max-delete={len(gone)}")
        if log.unread:
            _remove(self.staging, gone)
        return log

    def verdict(self, *, removed: int, changed: int, files: int) -> None:
        """Raises `HeldError` when the guard says so."""
        changed = max(changed, changed_before(self.staging, files, self.request))
        held = verdict(self.request, removed=removed, changed=changed, files=files)
        if held:
            raise as_error(held)


def pull(
    source: rclone.Remote, staging: Path, exclude: Sequence[str], request: PullRequest, context: Context
) -> PullResult:
    """Make `staging` equal to `source`; the obligations are those of `Source.pull`, for files and directories."""
    this = _Pull(source, staging, exclude, request, context)
    put_back(staging)
    before, _ = _counted(staging)
    expected = this.rehearse()
    gone = () if expected.unread else tuple(expected.to_remove)
    replaced = [name for each in set(expected.to_copy) if (name := _file_of(staging, each))]
    new = len(set(expected.to_copy)) - len(replaced)
    this.verdict(removed=len(gone), changed=len(replaced), files=before - len(gone) + new)
    for name in expected.to_copy:
        _make_way(staging, name)
    done = this.transfer(replaced, gone)
    files, size = _counted(staging)
    this.verdict(removed=len(gone), changed=done.copied - new, files=files)
    names = sorted({*expected.unread, *done.unread})
    if names and not files:
        raise rclone.failure(source, 1, (done.all_said() or expected.all_said()).encode())
    return PullResult(
        files=files,
        bytes=size,
        transferred_files=done.copied,
        transferred_bytes=done.size,
        removed=len(gone),
        changed=max(done.replaced, sum(name not in done.unread for name in replaced)),
        unread=unread.shown([name.encode(errors="surrogateescape") for name in names]),
        unread_count=len(names),
    )


def _count(told: object) -> int:
    """A count that rclone tells; 0 for what is none."""
    return int(told) if isinstance(told, int | float) and told >= 0 else 0


def _remove(staging: Path, names: Sequence[str]) -> None:
    """Remove files that are gone from the source; the guard has agreed to it."""
    for name in names:
        if found := _file_of(staging, name):
            (staging / found).unlink(missing_ok=True)


def _counted(folder: Path) -> tuple[int, int]:
    """Regular files below a directory, and their bytes."""
    files = size = 0
    for place, _, names in walk(folder):
        for name in names:
            status = os.lstat(os.path.join(place, name))  # noqa: PTH118  (a million times)
            if stat.S_ISREG(status.st_mode):
                files, size = files + 1, size + status.st_size
    return files, size


def _file_of(staging: Path, name: str) -> str:
    """Which regular file of staging rclone means by a name; "" if none."""
    found = (each for each in (name, name.translate(_CONTROL_PICTURES)) if ".." not in Path(each).parts)
    return next((each for each in found if not each.startswith("/") and (staging / each).is_file()), "")


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
