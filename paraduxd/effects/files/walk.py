"""Walking a tree of others: as deep as it is, and never by calling oneself, which ends at a thousand levels."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

OnError = Callable[[OSError], object]


def walk(top: Path | str, on_error: OnError | None = None) -> Iterator[tuple[str, list[str], list[str]]]:
    """As os.walk(3): each directory, what directories it has (links are none) and what else. From the top; a caller that takes
    directories out of the list does not go there."""
    for folder, folders, names in walk_bytes(os.fsencode(top), on_error):
        texts = [os.fsdecode(name) for name in folders]
        yield os.fsdecode(folder), texts, [os.fsdecode(name) for name in names]
        folders[:] = [os.fsencode(name) for name in texts]


def walk_bytes(top: bytes, on_error: OnError | None = None) -> Iterator[tuple[bytes, list[bytes], list[bytes]]]:
    """Likewise, with names as bytes."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        folders, names = list[bytes](), list[bytes]()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    (folders if entry.is_dir(follow_symlinks=False) else names).append(entry.name)
        except OSError as problem:
            if on_error:
                on_error(problem)
            continue
        yield folder, folders, names
        waiting += [folder + b"/" + name for name in reversed(folders)]
