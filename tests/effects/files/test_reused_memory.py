"""Files in memory that are used again hold what was written last, and nothing of what was there before."""

from __future__ import annotations

import contextlib
import os

import pytest

from paraduxd.effects.files.reused_memory import ReusedMemory


def content(descriptor: int) -> bytes:
    return os.pread(descriptor, 1000, 0)


def test_a_file_that_is_used_again_holds_nothing_of_before() -> None:
    with contextlib.closing(ReusedMemory("paradux-test")) as memory:
        with memory.filling() as first:
            os.write(first, b"a long one")
        with memory.filling() as second:
            os.write(second, b"another")
        assert first != second
        memory.give_back(first)
        with memory.filling() as again:
            os.write(again, b"short")
        assert (again, content(again), content(second)) == (first, b"short", b"another")


def test_a_file_that_could_not_be_filled_is_used_again() -> None:
    with contextlib.closing(ReusedMemory("paradux-test")) as memory:
        with pytest.raises(ValueError, match="half"), memory.filling() as first:
            os.write(first, b"half")
            raise ValueError("half")
        with memory.filling() as again:
            pass
        assert (again, content(again)) == (first, b"")


def test_all_are_closed_whoever_has_them() -> None:
    with contextlib.closing(ReusedMemory("paradux-test")) as memory, memory.filling() as kept:
        pass
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(kept)
