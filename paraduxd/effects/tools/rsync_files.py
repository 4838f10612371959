"""What rsync tells of single files: which ones it linked, wrote or read, and the checksums of what it sent or read.

A line is one file, in the format `%i %C %n`: eleven characters that say what happened, an MD5 sum or blanks, and the path, in which
every byte that is not printable is written `\\#ooo` (octal digits).
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterator, Sized
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import ClassVar

from paraduxd.api.replies.listings import DIRECTORY, FILE, LINK, OTHER, Entry
from paraduxd.effects.files import bounded
from paraduxd.effects.process import memory_limits
from paraduxd.effects.tools import rsync
from paraduxd.effects.tools.rsync import Place, Ran
from paraduxd.effects.tools.rsync_complaints import unescaped

FORMAT = "--out-format=%i %C %n"
MD5 = "--checksum-choice=md5"

UNREADABLE = "0" * 32
"""The sum of a file that the sender could not read."""

_SENT = re.compile(rb"([>h<c.]f.{9}) ([0-9a-f]{32}| {32}) (.*)", re.DOTALL)
_READ = re.compile(rb"[>h<.]f\S+ ([0-9a-f]{32}) (.*)")
_LISTED = re.compile(rb".([fdLDS])\S+ (\d{1,19}) (\d{4,6}/\d\d/\d\d-\d\d:\d\d:\d\d) (.+)", re.DOTALL)
_KINDS = {b"f": FILE, b"d": DIRECTORY, b"L": LINK}
_LINE_END = re.compile(rb"[\r\n]")
_DIGITS = 20
_LONGEST_LINE = 64 * 1024
"""Bytes; of a path each byte may be written as five."""
_LINKED = b"hf" + b" " * 9
_UNTOUCHED = b".f" + b" " * 9


@dataclass
class Report:
    """What a transfer did with each regular file: path -> `None` when it was linked to a tree to compare with, else the MD5 sum of what was
    sent ("" where rsync does not tell it, as for a copy that was made at the target). More than one run can be added."""

    files: dict[bytes, str | None] = field(default_factory=dict)
    _rest: bytes = b""

    def add(self, piece: bytes) -> None:
        """The next piece of rsync's output."""
        *lines, rest = _LINE_END.split(self._rest + piece)
        self._rest = rest[:_LONGEST_LINE]
        _stop_at_too_many(self.files)
        for line in lines:
            if match := _SENT.fullmatch(line):
                path = unescaped(match[3])
                if match[1] == _LINKED:
                    self.files[path] = None
                elif match[1] != _UNTOUCHED or path not in self.files:
                    self.files[path] = match[2].decode().strip()


@dataclass
class Contents:
    """What was read of a tree: the MD5 sums of all files, and a sum over paths and sums in any order, as 0.1.0 remembered it."""

    files: dict[bytes, str] = field(default_factory=dict)
    total: int = 0
    _rest: bytes = b""

    def add(self, piece: bytes) -> None:
        """The next piece of rsync's output."""
        *lines, rest = (self._rest + piece).split(b"\n")
        self._rest = rest[:_LONGEST_LINE]
        _stop_at_too_many(self.files)
        for line in lines:
            if match := _READ.fullmatch(line):
                self.total = (self.total + int.from_bytes(sha256(line).digest())) % (1 << 256)
                self.files[unescaped(match[2])] = match[1].decode()

    def text(self) -> str:
        """The sum over everything, in hexadecimal digits."""
        return f"{self.total:064x}"


@dataclass
class Sizes:
    """Counts what a run fetches, in the format `Sizes.FORMAT`; raises `ParaduxError` "too-large" as soon as it is too much.

    `most_entries` and `most_bytes`: so many files and directories, and so many bytes in files.
    """

    FORMAT: ClassVar[str] = "--out-format=%l"
    where: str
    most_entries: int
    most_bytes: int
    _rest: bytes = b""

    def add(self, piece: bytes) -> None:
        """The next piece of rsync's output."""
        *lines, rest = _LINE_END.split(self._rest + piece)
        self._rest = rest[:_LONGEST_LINE]
        for line in lines:
            self.most_entries -= 1
            self.most_bytes -= int(line) if line.isdigit() and len(line) < _DIGITS else 0
        if self.most_entries < 0 or self.most_bytes < 0:
            raise bounded.too_large(f"the list of what lies at {self.where}")


@dataclass
class Listing:
    """Everything below a directory, as a run that copies all of it into an empty one would tell, in the format `Listing.FORMAT`."""

    FORMAT: ClassVar[str] = "--out-format=%i %l %M %n"
    entries: list[Entry] = field(default_factory=list)
    _rest: bytes = b""

    def add(self, piece: bytes) -> None:
        """The next piece of rsync's output."""
        *lines, rest = _LINE_END.split(self._rest + piece)
        self._rest = rest[:_LONGEST_LINE]
        _stop_at_too_many(self.entries)
        for line in lines:
            if (match := _LISTED.fullmatch(line)) and match[4] != b"./":
                self.entries.append(_entry(match))


def _entry(match: re.Match[bytes]) -> Entry:
    kind = _KINDS.get(match[1], OTHER)
    path = os.fsdecode(unescaped(match[4]).rstrip(b"/"))
    try:
        modified = int(datetime.strptime(match[3].decode(), "%Y/%m/%d-%H:%M:%S").replace(tzinfo=UTC).timestamp())
    except (ValueError, OverflowError):
        modified = 0
    return Entry(path, kind, int(match[2]) if kind == FILE else None, modified)


def list_tree(tree: Place, empty: Place) -> tuple[Ran, list[Entry]]:
    """What is in a tree, without reading any file; `empty` is a directory without anything. In UTC, as programs are started here."""
    listing = Listing()
    options = ("--recursive", "--links", "--devices", "--specials", "--times", "--dry-run", Listing.FORMAT)
    return rsync.run_once(tree, empty, options, on_output=listing.add), listing.entries


def _stop_at_too_many(files: Sized) -> None:
    if len(files) > memory_limits.most_names():
        raise bounded.too_large("the list of the files of a version")


@contextlib.contextmanager
def these(paths: Collection[bytes]) -> Iterator[rsync.Listed]:
    """What restricts a run to these paths; `./` keeps a path from being a comment or a host."""
    with rsync.listed("--files-from=-", [f"./{path.decode(errors='surrogateescape')}" for path in paths]) as given:
        yield given


def read_contents(tree: Place, empty: Place, given: rsync.Listed = rsync.NOTHING_LISTED) -> tuple[Ran, Contents]:
    """Read every byte of a tree (or of what is `given`) where it is, and count its files; only the sums travel.

    `empty` is a directory without files: every file that is new at the receiver is listed with its checksum, which the sender makes by
    reading it; one that it cannot read gets `UNREADABLE`.
    """
    contents = Contents()
    options = (*rsync.FAITHFUL, "--dry-run", "--checksum", MD5, FORMAT)
    return rsync.run_once(tree, empty, options, given=given, on_output=contents.add), contents
