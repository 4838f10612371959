"""Walking a tree of others: as deep as it is, and never by calling oneself, which ends at a thousand levels."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Container, Iterator
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

OnError = Callable[[OSError], object]


def walk(top: Path | str, on_error: OnError | None = None) -> Iterator[tuple[str, list[str], list[str]]]:
    """As os.walk(3): each directory, what directories it has (links are none) and what else. From the top; a caller that takes
    directories out of the list does not go there."""
    for folder, folders, names in walk_bytes(os.fsencode(top), on_error):
        texts = [os.fsdecode(name) for name in folders]
        yield os.fsdecode(folder), texts, [os.fsdecode(name) for name in names]
        folders[:] = [os.fsencode(name) for name in texts]


def entries(top: Path, without: Container[bytes] = ()) -> Iterator[tuple[bytes, os.stat_result]]:
    """Everything below a directory whose owner may exchange what is in it: relative paths with their statuses, no link followed on the way.

    `without`: paths that are left out with what is below. What vanishes meanwhile, or cannot be entered, is left out.
    """
    waiting = [b""]
    while waiting:
        inner = waiting.pop()
        with contextlib.suppress(OSError), entered(os.fsencode(top), inner) as folder:
            for name in map(os.fsencode, os.listdir(folder)):  # noqa: PTH208  (a descriptor, not a path)
                if inner + name in without:
                    continue
                with contextlib.suppress(OSError):
                    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    yield inner + name, status
                    if stat.S_ISDIR(status.st_mode):
                        waiting.append(inner + name + b"/")


@contextlib.contextmanager
def entered(top: bytes, inner: bytes) -> Iterator[int]:
    """The descriptor of a directory below `top` (`inner` ends with a slash, or is empty), reached by no link."""
    descriptor = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in inner.split(b"/")[:-1]:
            further = os.open(name, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = further
        yield descriptor
    finally:
        os.close(descriptor)


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
