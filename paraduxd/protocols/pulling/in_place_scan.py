"""The guard for a source that is pushed in place: one walk of the tree, compared with what the last accepted walk saw.

The index is a file of sorted 16-byte records: 8 bytes of BLAKE2b of the path, 8 bytes of BLAKE2b of size and mtime. A million
files take 16 MB. Two paths with the same hash (one chance in 10^7 for a million files) would only be counted as one.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.core.primitives.left_out_rules import LeftOut
from paraduxd.core.runs import unread
from paraduxd.effects.files import existence
from paraduxd.effects.files.atomic import write_atomically
from paraduxd.protocols.base import Omitted, PullRequest, PullResult
from paraduxd.protocols.pulling import left_out_paths
from paraduxd.protocols.pulling.mounted_disks import Inside
from paraduxd.protocols.pulling.mounted_disks import held as held_for
from paraduxd.protocols.pulling.rsync_pull import missing
from paraduxd.protocols.pulling.verdict import as_error, verdict

EVERYTHING, NOTHING = LeftOut(), Omitted()

_RECORD = 16
_KEY = 8


@dataclass(frozen=True)
class Difference:
    """Counts of regular files."""

    removed: int
    changed: int
    added: int


@dataclass(frozen=True)
class _Seen:
    """One walk: regular files, their bytes, the index, and paths below the root that could not be read."""

    files: int
    size: int
    index: bytes
    unread: list[bytes]


def pull_in_place(root: Path, request: PullRequest, what: LeftOut = EVERYTHING) -> PullResult:
    """Look at the source, but for what it leaves out, and apply the guard; the index is renewed only when the guard agrees."""
    if not existence.is_folder(root):
        raise missing(str(root), request.known_files)
    inside = Inside(root, root)
    away = () if what.one_file_system else inside.away(request.known_mounts)
    before = _read(request.index)
    seen = _walk(root, left_out_paths.found(what, root))
    difference = compare(before, seen.index)
    removed = difference.removed if before else max(len(away), (request.known_files or 0) - seen.files)
    if away and removed > request.allowed_removed:
        raise held_for(away, removed)
    _ask_guard(request, removed, difference.changed, seen)
    if request.index is not None and seen.index != before:
        request.index.parent.mkdir(mode=0o700, exist_ok=True)
        write_atomically(request.index, seen.index, 0o600)
    return PullResult(
        files=seen.files,
        bytes=seen.size,
        transferred_files=difference.changed + difference.added,
        removed=difference.removed,
        changed=difference.changed,
        unread=unread.shown(seen.unread),
        unread_count=len(seen.unread),
        mounts=() if what.one_file_system else inside.remembered(),
    )


def _ask_guard(request: PullRequest, removed: int, changed: int, seen: _Seen) -> None:
    """Raises `HeldError`. What cannot be read any more counts as removed: the engines would leave it out."""
    held = verdict(request, removed=removed, changed=changed, files=seen.files)
    if held and seen.unread:
        held = replace(held, text=f"{held.text}; {unread.shown(seen.unread)[0]} cannot be read")
    if held:
        raise as_error(held)


def compare(before: bytes, now: bytes) -> Difference:
    """What changed between two indexes, by one merge of the two."""
    removed = changed = added = old = new = 0
    if before == now:
        return Difference(0, 0, 0)
    while old < len(before) or new < len(now):
        old_key, new_key = before[old : old + _KEY], now[new : new + _KEY]
        if not new_key or (old_key and old_key < new_key):
            removed, old = removed + 1, old + _RECORD
        elif not old_key or new_key < old_key:
            added, new = added + 1, new + _RECORD
        else:
            changed += before[old : old + _RECORD] != now[new : new + _RECORD]
            old, new = old + _RECORD, new + _RECORD
    return Difference(removed, changed, added)


def _walk(root: Path, omitted: Omitted = NOTHING) -> _Seen:
    """Count the regular files below a directory, and index them."""
    size = 0
    records: list[bytes] = []
    top = os.fsencode(root)
    unreadable: list[bytes] = []
    for path, status in _files(top, unreadable, omitted):
        size += status.st_size
        seen = struct.pack("<qq", status.st_size, status.st_mtime_ns)
        records.append(blake2b(path, digest_size=_KEY).digest() + blake2b(seen, digest_size=_KEY).digest())
    records.sort()
    return _Seen(len(records), size, b"".join(records), sorted(path[len(top) :].lstrip(b"/") for path in unreadable))


def _files(root: bytes, unreadable: list[bytes], omitted: Omitted) -> Iterator[tuple[bytes, os.stat_result]]:
    """Every regular file below `root` with its status; what vanishes meanwhile is left out, links are not followed.

    The paths of what cannot be read go to `unreadable`; raises `ParaduxError` "unreadable" when that is the root itself.
    """
    directories, below = [root], len(root.rstrip(b"/")) + 1
    while directories:
        folder = directories.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.path[below:] in omitted.paths:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        directories.append(entry.path)
                    elif (status := _status(entry, unreadable)) and stat.S_ISREG(status.st_mode):
                        yield entry.path, status
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as problem:
            if folder == root:
                text = f"the source {os.fsdecode(root)} cannot be read: {problem.strerror}"
                raise ParaduxError("unreadable", text, "check its permissions") from None
            unreadable.append(folder)


def _status(entry: os.DirEntry[bytes], unreadable: list[bytes]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError:
        unreadable.append(entry.path)
        return None


def _read(index: Path | None) -> bytes:
    """The last accepted index; a missing or damaged one is empty."""
    try:
        content = index.read_bytes() if index else b""
    except OSError:
        return b""
    return content if len(content) % _RECORD == 0 else b""
