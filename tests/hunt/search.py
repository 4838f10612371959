"""Looking for many needles at once: in whatever is written down, in files, in the memory of processes."""

from __future__ import annotations

import bisect
import contextlib
import hashlib
import itertools
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from tests.canaries import files_below
from tests.hunt.needles import Canary, index

_PIECE, _EDGE = 1 << 17, 256
_ZEROS = bytes(_PIECE)
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}

Place = tuple[str, Iterable[bytes]]
"""What a place is called, and what it holds, in pieces."""


class Searcher:
    """Knows all canaries; `grep` does the work, several thousand needles in one pass."""

    def __init__(self) -> None:
        self.canaries: dict[str, Canary] = {}
        self._index: dict[bytes, str] | None = None
        self._mapped: set[str] = set()
        self._known: dict[Path, tuple[int, ...]] = {}
        self._clean: set[bytes] = set()

    def add(self, *canaries: Canary) -> None:
        """Look for these as well from now on."""
        self.canaries |= {canary.name: canary for canary in canaries}
        self._index = None

    def forget(self) -> None:
        """What was searched already is searched again: new canaries are older than it."""
        self._mapped.clear()
        self._known.clear()
        self._clean.clear()

    def find(self, places: Iterable[Place]) -> dict[str, set[str]]:
        """Place -> the canaries in it, for each place that has some. Everything is read in one pass.

        Of a piece that had nothing in it before, only its edges are searched: what is new is in no old piece.
        """
        fresh: dict[str, list[bytes]] = {}
        names: list[str] = []
        starts: list[int] = []
        position = 0
        found: dict[str, set[str]] = {}
        with in_memory("answer") as answer:
            with self._grep(answer) as entry:
                for name, pieces in places:
                    names.append(name)
                    starts.append(position)
                    for piece in _cut(pieces):
                        digest = hashlib.blake2b(piece, digest_size=16).digest()
                        known = digest in self._clean and len(piece) > 2 * _EDGE
                        position += entry.write(piece[:_EDGE] + piece[-_EDGE:] if known else piece)
                        fresh.setdefault(name, []).append(digest)
            answer.seek(0)
            for line in answer:
                offset, _, match = line.rstrip(b"\n").partition(b":")
                name = names[bisect.bisect_right(starts, int(offset)) - 1]
                found.setdefault(name, set()).add(self.needles()[match])
        self._clean.update(each for name, digests in fresh.items() if name not in found for each in digests)
        return found

    def in_bytes(self, data: bytes) -> set[str]:
        """The canaries in some bytes."""
        return self.find([("", [data])]).get("", set())

    def needles(self) -> dict[bytes, str]:
        """What is searched for, and whose it is."""
        if self._index is None:
            self._index = index(self.canaries.values())
        return self._index

    @contextlib.contextmanager
    def _grep(self, answer: IO[bytes]) -> Iterator[IO[bytes]]:
        """Takes what to search; `answer` gets "offset:needle". The needles are in memory: on a disk the hunter would find itself."""
        with in_memory("needles") as file:
            file.write(b"\n".join(self.needles()))
            file.flush()
            file.seek(0)
            number = file.fileno()
            command = ["grep", "-o", "-b", "-a", "-F", "-f", f"/proc/self/fd/{number}"]
            with subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=answer, env=_ENVIRONMENT, pass_fds=(number,)
            ) as process:
                assert process.stdin is not None
                yield process.stdin
                process.stdin.close()
                assert process.wait() in (0, 1), "grep failed"

    def files(self, roots: Iterable[Path], short: Path) -> Iterator[Place]:
        """Every regular file below the roots that is not as it was the last time."""
        for root in roots:
            for path in [root] if root.is_file() else files_below(root):
                with contextlib.suppress(OSError):
                    status = path.lstat()
                    state = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
                    if self._known.get(path) != state:
                        self._known[path] = state
                        yield f"file: {str(path).removeprefix(f'{short}/')}", [path.read_bytes()]

    def memory(self, pid: int) -> Iterator[bytes]:
        """Every readable page that is not empty. What is mapped from a file and cannot be written is the same for all, and read once."""
        with contextlib.suppress(OSError), Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
                span, rights, *rest = line.split(maxsplit=5)
                where = rest[3].strip() if len(rest) > 3 else ""
                if "r" not in rights or where in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                    continue
                if "w" not in rights and where.startswith("/"):
                    if line.partition(" ")[2] in self._mapped:
                        continue
                    self._mapped.add(line.partition(" ")[2])
                yield from _region(memory, *(int(part, 16) for part in span.split("-")))


def in_memory(name: str) -> IO[bytes]:
    """A file that is on no disk."""
    return open(os.memfd_create(name), "w+b")  # noqa: PTH123  (a descriptor, and the caller closes it)


def _cut(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of a size that is worth remembering, and what ends a line of the last one."""
    for piece in itertools.chain(pieces, (b"\n",)):
        yield from (piece[start : start + _PIECE] for start in range(0, len(piece), _PIECE))


def _region(memory: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    with contextlib.suppress(OSError, OverflowError, ValueError):
        memory.seek(start)
        while start < end and (piece := memory.read(min(_PIECE, end - start))):
            start += len(piece)
            if piece != _ZEROS[: len(piece)]:
                yield piece
    yield b"\n"


def unescape(text: bytes) -> bytes:
    r"""What `strace -xx` wrote as \x41\x42."""
    return re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes((int(match[1], 16),)), text)
