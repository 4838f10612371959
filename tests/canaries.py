"""Looking for secrets where none may be: memory of processes, files, command lines, environments."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.rigs.starts import Starts

CHUNK = 1 << 24


def in_memory(pid: int, needles: Iterable[bytes]) -> set[bytes]:
    """Which of the needles stand in the readable memory of a process."""
    wanted, found = set(needles), set()
    with contextlib.suppress(OSError), Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            fields = line.split()
            if "r" not in fields[1] or (len(fields) > 5 and fields[5] in ("[vvar]", "[vsyscall]")):
                continue
            start, end = (int(part, 16) for part in fields[0].split("-"))
            found |= _in_range(memory, start, end, wanted)
    return found


def _in_range(memory, start: int, end: int, wanted: set[bytes]) -> set[bytes]:  # type: ignore[no-untyped-def]
    found: set[bytes] = set()
    overlap = max(map(len, wanted), default=1)
    tail = b""
    with contextlib.suppress(OSError, OverflowError, ValueError):
        memory.seek(start)
        while start < end:
            piece = memory.read(min(CHUNK, end - start))
            if not piece:
                break
            start += len(piece)
            found |= {needle for needle in wanted if needle in tail + piece}
            tail = piece[-overlap:]
    return found


def files_below(root: Path) -> Iterator[Path]:
    """The regular files there, by name. Others may remove theirs while it looks: `os.walk` goes on then, and `rglob` would not."""
    for folder, _, names in os.walk(root):
        yield from (path for name in sorted(names) if (path := Path(folder, name)).is_file() and not path.is_symlink())


def in_files(roots: Iterable[Path], needles: Iterable[bytes]) -> dict[Path, set[bytes]]:
    """Which regular files below the roots hold which needles."""
    wanted, found = set(needles), {}
    for root in roots:
        for path in files_below(root):
            with contextlib.suppress(OSError):
                content = path.read_bytes()
                if hits := {needle for needle in wanted if needle in content}:
                    found[path] = hits
    return found


class CommandLines(Starts):
    """While it is open, `seen` takes which programs of this machine show which needles in argv or environment."""

    def __init__(self, needles: Iterable[bytes]) -> None:
        super().__init__(self._read)
        self._wanted = set(needles)
        self.seen: dict[str, set[bytes]] = {}

    def _read(self, pid: int) -> None:
        for path in (Path(f"/proc/{pid}/cmdline"), Path(f"/proc/{pid}/environ")):
            with contextlib.suppress(OSError):
                content = path.read_bytes()
                if hits := {needle for needle in self._wanted if needle in content}:
                    self.seen[str(path)] = hits
