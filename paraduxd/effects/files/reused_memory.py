"""Files in memory that are used again and again: new pages from the kernel cost five times what it costs to write to old ones."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


class ReusedMemory:
    """As many files of one name as are in use at the same time. Any thread may give one back."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._all: list[int] = []
        self._free: list[int] = []

    @contextlib.contextmanager
    def filling(self) -> Iterator[int]:
        """A file (its descriptor) to write to from its beginning, which then holds that and no more; given back where this fails."""
        descriptor = self._free.pop() if self._free else self._made()
        try:
            os.lseek(descriptor, 0, os.SEEK_SET)
            yield descriptor
            os.ftruncate(descriptor, os.lseek(descriptor, 0, os.SEEK_CUR))
        except BaseException:
            self.give_back(descriptor)
            raise

    def give_back(self, descriptor: int) -> None:
        """Nobody reads it any more."""
        self._free.append(descriptor)

    def close(self) -> None:
        """Close all of them; nobody uses one any more."""
        while self._all:
            os.close(self._all.pop())

    def _made(self) -> int:
        self._all.append(os.memfd_create(self._name, os.MFD_CLOEXEC))
        return self._all[-1]
