"""GNU tar and zstd as two ends of a pipe: a directory to a compressed stream, and back. GNU tar manual, "Incremental Dumps".

The stream is the same, byte for byte, for the same files and the same snapshot file, so that an interrupted upload can be taken up.
tar's recognition of renamed directories is switched off (`forget_devices`): it saves nothing that would be worth an archive that cannot
be restored in parts. And a device whose number changes with every boot does not make everything look new.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.effects.files import bounded
from paraduxd.effects.process import run

LEVEL = "-3"
"""zstd's own default; twice the time of -1 for a tenth less, far from binding."""

_KEEP_EVERYTHING = ("--acls", "--xattrs", "--xattrs-include=*", "--numeric-owner")
_CREATE = (
    *(
        "--create",
        "--file=-",
        "--format=posix",
        "--sparse",
        "--sparse-version=0.0",
        "--no-check-device",
        *_KEEP_EVERYTHING,
    ),
    "--pax-option=exthdr.name=pax,delete=atime,delete=ctime",
)
_EXTRACT = (
    *("--extract", "--file=-", "--blocking-factor=2048"),
    *("--listed-incremental=/dev/null", "--preserve-permissions", "--delay-directory-restore"),
    *_KEEP_EVERYTHING,
)

_DECOMPRESS = ("--quiet", "--decompress", "--memory=128MiB", "--stdout", "-")
"""What was compressed with LEVEL needs 8 MiB; what somebody else made could ask for 2 GiB."""

_CHANGED = 1
"""Files changed or vanished while tar read them: a warning."""

_LINES = 200
_LONGEST_LINE = 20_000
"""Characters: of a path each byte may be written as four."""

_LATER_RUN = re.compile(r": (Not found in archive|Cannot hard link to .*: No such file or directory)$")
"""What is no error when only some paths are unpacked: another run has them, or has them again."""

_COMPLAINT = re.compile(r"^\S*tar: (.*): (Cannot [a-z ]+|Read error at byte [^:]*|Unable to [a-z ]+): [^:]*$")
"""How GNU tar says that something was not packed: the path, what could not be done, and why."""

MOST_UNREAD = 10_000
"""Names that are told; of what is beyond, only that it is there."""

_LAST_WORDS = re.compile(r"^\S*tar: (Exiting with failure status|Error is not recoverable)")


_HARMLESS = (
    *("file changed as we read it", "File removed before we read it", "socket ignored", "Removing leading"),
    *("; padding with zeros", "Unknown file type; file ignored", "file is on a different filesystem", ": Warning: "),
)
"""What is said of files that are packed all the same, or that nobody could pack."""

_SNAPSHOT = re.compile(rb"GNU tar-[^-\n]+-2\n[^\0]*\0[^\0]*\0")
"""The beginning of a snapshot file of format 2: seconds and nanoseconds come after the first line."""

_END = b"\0\0\0"
"""Of a directory in it: no field before is empty."""

_DEVICE, _INODE, _FOLDER, _ENTRIES = 3, 4, 5, 6
"""Fields of a directory."""

_ESCAPED = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
"""How GNU tar shows bytes that are not printable."""


@dataclass(frozen=True)
class Unread:
    """What could not be read and is missing in the archive: paths relative to its root. `whole`: these are all of them.

    `padded`: those that were cut off in the middle; the archive has zeros in place of what is missing.
    """

    names: tuple[bytes, ...] = ()
    padded: tuple[bytes, ...] = ()
    whole: bool = True


class _Words:
    """What a program says on standard error: the first lines, read as they come, by nobody else."""

    def __init__(self, program: subprocess.Popen[bytes], most: int = _LINES) -> None:
        self._most = most
        assert program.stderr is not None  # noqa: S101  (it is a pipe)
        stream, program.stderr = program.stderr, None
        self.lines: list[str] = []
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            for line in bounded.lines(stream, _LONGEST_LINE):
                if len(self.lines) < self._most:
                    self.lines.append(line.decode(errors="replace").rstrip("\n"))

    def all(self) -> list[str]:
        """The lines; call it when the program has ended."""
        self._thread.join(10)
        return self.lines


class Packing:
    """A directory that is being read; make it with `packed`."""

    def __init__(self, folder: Path, snapshot: Path) -> None:
        self._tar = run.start(["tar", *_CREATE, f"--directory={folder}", f"--listed-incremental={snapshot}", "."])
        self._words = _Words(self._tar, MOST_UNREAD)
        assert self._tar.stdout is not None  # noqa: S101  (it is a pipe)
        try:
            self._zstd = run.start(
                ["zstd", "--quiet", LEVEL, "--threads=0", "--stdout", "-"],
                stdin=run.widen(self._tar.stdout).fileno(),
                stderr=subprocess.DEVNULL,
            )
        except BaseException:
            run.kill_group(self._tar)
            raise
        self._tar.stdout.close()
        assert self._zstd.stdout is not None  # noqa: S101  (it is a pipe)
        self.stream = cast(BufferedReader, run.widen(self._zstd.stdout))

    def written(self) -> int:
        """Bytes that tar has written so far, before compression."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int(Path(f"/proc/{self._tar.pid}/io").read_text().split("wchar:")[1].split()[0])
        return 0

    def finish(self) -> Unread:
        """After the end of the stream: what could not be read.

        Raises `ParaduxError` "archive-failed", and "unreadable" when the directory itself could not be read.
        """
        code, packed = self._tar.wait(), self._zstd.wait()
        if code in (0, _CHANGED) and packed == 0:
            return Unread()
        lines = self._words.all()
        if packed or code < 0 or any("not recoverable" in line for line in lines):
            text = f"tar or zstd ended before its work was done: {_reason(lines)}"
            raise ParaduxError("archive-failed", text, "see whether memory or disk is full, and try again")
        unread = _unread(lines)
        if b"." in unread.names:
            raise ParaduxError("unreadable", f"nothing could be read: {_reason(lines)}", "see its permissions")
        return unread

    def end(self) -> None:
        """Kill what still runs."""
        for program in (self._tar, self._zstd):
            run.kill_group(program)


@contextlib.contextmanager
def packed(folder: Path, snapshot: Path) -> Iterator[Packing]:
    """The compressed stream of a directory.

    `snapshot` is what tar remembers: where it does not exist everything is packed, else what has changed since; it is replaced
    while tar works.
    """
    packing = Packing(folder, snapshot)
    try:
        yield packing
    finally:
        packing.end()


class Unpacking:
    """One run that is being unpacked; make it with `unpacked`."""

    def __init__(self, to: Path, paths: Sequence[str]) -> None:
        self._selected = bool(paths)
        self._zstd = run.start(["zstd", *_DECOMPRESS], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._zstd.stdout is not None  # noqa: S101  (it is a pipe)
        listed = b"".join(os.fsencode(f"./{path}") + b"\0" for path in paths)
        only = ("--null", "--verbatim-files-from", "--no-wildcards") if paths else ()
        try:
            with run.sealed_file(listed) as (descriptor, path):
                chosen = (*only, f"--files-from={path}") if paths else ()
                # By its path tar would open the directory only when it has something to write: one that outlives a killed worker for a
                # moment would write into that of the next restore.
                self._tar = run.start(
                    ["tar", *_EXTRACT, *chosen],
                    stdin=run.widen(self._zstd.stdout).fileno(),
                    stdout=subprocess.DEVNULL,
                    pass_fds=(descriptor,),
                    cwd=to,
                )
        except BaseException:
            run.kill_group(self._zstd)
            raise
        self._zstd.stdout.close()
        self._words = _Words(self._tar)
        assert self._zstd.stdin is not None  # noqa: S101  (it is a pipe)
        self.descriptor = run.widen(self._zstd.stdin).fileno()

    def has_given_up(self) -> bool:
        """Whether nothing is taken any more; what has just ended may need a moment to be seen."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._zstd.wait(1)
            return True
        return False

    def finish(self) -> None:
        """After the last volume. Raises `ParaduxError` "damaged" or "restore-failed"."""
        assert self._zstd.stdin is not None  # noqa: S101  (it is a pipe)
        with contextlib.suppress(BrokenPipeError):
            self._zstd.stdin.close()
        code, unpacked_code = self._tar.wait(), self._zstd.wait()
        lines = [line for line in self._words.all() if not _LAST_WORDS.search(line)]
        if self._selected:
            lines = [line for line in lines if not _LATER_RUN.search(line)]
        if unpacked_code or code < 0:
            raise ParaduxError("damaged", "the archive cannot be decompressed", "try another version or place")
        if code and (lines or not self._selected):
            text = f"tar could not restore everything: {_reason(lines)}"
            full = any("No space left on device" in line for line in lines)
            raise ParaduxError("disk-full" if full else "restore-failed", text, "see the target directory and its disk")

    def end(self) -> None:
        """Kill what still runs."""
        for program in (self._zstd, self._tar):
            run.kill_group(program)


@contextlib.contextmanager
def unpacked(to: Path, paths: Sequence[str] = ()) -> Iterator[Unpacking]:
    """Unpacks what is written to `descriptor` into `to`: everything, or `paths` (relative; directories with what is in them).

    A path that is not in this run is no error. What the run says was removed is removed, below `paths`. A directory among them that was
    another's name, or becomes something else, comes out right only where everything is unpacked.
    """
    unpacking = Unpacking(to, paths)
    try:
        yield unpacking
    finally:
        unpacking.end()


@contextlib.contextmanager
def compressed(into: int) -> Iterator[IO[bytes]]:
    """A file to write to; what is written is compressed into the descriptor `into`."""
    zstd = run.start(["zstd", "--quiet", LEVEL, "--stdout", "-"], stdin=subprocess.PIPE, stdout=into)
    assert zstd.stdin is not None  # noqa: S101  (it is a pipe)
    try:
        yield zstd.stdin
        zstd.stdin.close()
        if zstd.wait():
            raise ParaduxError("archive-failed", "zstd ended before its work was done", "see whether the disk is full")
    finally:
        run.kill_group(zstd)


@contextlib.contextmanager
def decompressed(into: int | None, *, whole: bool = True) -> Iterator[int]:
    """A descriptor to write compressed data to; the data goes to `into`, or nowhere. Raises `ParaduxError` "damaged" at the end.

    Without `whole` the data may be cut off.
    """
    target = subprocess.DEVNULL if into is None else into
    zstd = run.start(
        ["zstd", *_DECOMPRESS],
        stdin=subprocess.PIPE,
        stdout=target,
        stderr=subprocess.DEVNULL,
    )
    assert zstd.stdin is not None  # noqa: S101  (it is a pipe)
    try:
        yield zstd.stdin.fileno()
        zstd.stdin.close()
        if zstd.wait() and whole:
            raise ParaduxError("damaged", "the archive cannot be decompressed", "try another version or place")
    finally:
        run.kill_group(zstd)


def forget(snapshot: Path, target: Path, unread: Collection[bytes] = ()) -> None:
    """Copy a snapshot file (format 2) with the device number of every directory set to 0, and without the entries that were not read.

    So the next run packs those as new ones. Raises `ValueError` for another format.
    """
    missing = {b"./" + name for name in unread}
    with target.open("wb") as file:
        file.writelines(_directories(snapshot, lambda fields: _forgotten(fields, missing)))
        file.flush()
        os.fsync(file.fileno())


def _forgotten(fields: list[bytes], missing: Collection[bytes]) -> list[bytes]:
    fields[_DEVICE] = b"0"
    if missing:
        folder = fields[_FOLDER]
        fields[_ENTRIES:] = [each for each in fields[_ENTRIES:] if b"%b/%b" % (folder, each[1:]) not in missing]
    return fields


def follow(snapshot: Path, target: Path, root: Path) -> None:
    """Copy a snapshot file (format 2) with the inode that the packed directory has now: it may have been moved.

    Else tar takes it, and all below it, for new. A file of another format is copied as it is.
    """
    inode = b"%d" % root.stat().st_ino

    def followed(fields: list[bytes]) -> list[bytes]:
        if fields[_FOLDER] == b".":
            fields[_INODE] = inode
        return fields

    try:
        with target.open("wb") as file:
            file.writelines(_directories(snapshot, followed))
    except ValueError:
        shutil.copyfile(snapshot, target)


def _directories(snapshot: Path, changed: Callable[[list[bytes]], list[bytes]]) -> Iterator[bytes]:
    """A snapshot file, one directory after the other, as it is after `changed`. Raises `ValueError` for another format than 2.

    Each directory is: NFS flag, seconds, nanoseconds, device, inode, name, then its entries and an empty one, then an empty one more; a NUL
    byte ends every field. An entry begins with one letter.
    """
    with snapshot.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    with content:
        head = _SNAPSHOT.match(content)
        if head is None:
            raise ValueError("not a snapshot file of format 2")
        yield head[0]
        start = head.end()
        while (end := content.find(_END, start)) >= 0:
            yield b"\0".join(changed(content[start:end].split(b"\0"))) + _END
            start = end + len(_END)
        if start != len(content):
            raise ValueError("not a snapshot file that is whole")


def _is_harmless(line: str) -> bool:
    return bool(_LAST_WORDS.search(line)) or any(word in line for word in _HARMLESS)


def _reason(lines: Sequence[str]) -> str:
    """The first line that tells of more than a file that changed."""
    telling = [line for line in lines if not _is_harmless(line)]
    return telling[0].partition("tar: ")[2] if telling else "tar gave no reason"


def _unread(lines: Sequence[str]) -> Unread:
    complaints = [(match[1], match[2]) for line in lines if (match := _COMPLAINT.match(line))]
    told = sum(not _is_harmless(line) for line in lines)
    names = {_path(shown): what.startswith("Read error") for shown, what in complaints}
    padded = tuple(sorted(name for name, partly in names.items() if partly))
    return Unread(tuple(sorted(names)), padded, len(complaints) == told and len(lines) < MOST_UNREAD)


def _path(shown: str) -> bytes:
    """A path as tar shows it (quoting style "escape"), relative to the root of what is packed; the root itself is "."."""
    return os.path.normpath(_ESCAPED.sub(_unescape, os.fsencode(shown)))


def _unescape(match: re.Match[bytes]) -> bytes:
    escaped = match[1]
    return bytes([int(escaped, 8)]) if len(escaped) == 3 else _LETTERS.get(escaped, escaped)
