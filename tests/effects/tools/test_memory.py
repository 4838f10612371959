"""How much memory programs may take that read what others send."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator

import pytest

from paraduxd.effects.process import memory_limits, run


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    memory_limits.allow(None, None)
    yield
    memory_limits.allow(None, None)


def limit() -> int:
    return memory_limits.limit("restic") or 0


def test_what_is_known_of_the_files_and_what_the_owner_says_is_allowed() -> None:
    least = limit()
    memory_limits.allow(1_000_000, None)
    assert least + 900 < limit() < least + 1100
    memory_limits.allow(1_000_000, 4000)
    assert limit() == 4000
    memory_limits.allow("many", -1)
    assert limit() == least and memory_limits.limit("cat") is None


def test_a_recovered_machine_that_has_counted_nothing_may_take_half_of_its_memory() -> None:
    half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2 >> 20
    memory_limits.allow(None, 10, recovered=True)
    assert limit() == half
    memory_limits.allow(10, None, recovered=True)
    assert limit() < half


def test_a_program_keeps_the_limit_that_stops_core_dumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """0 would let a program that takes dumps through a pipe have them (`linux.no_core_dumps`)."""
    monkeypatch.setitem(memory_limits._LEAST, "sh", 200)
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (1, before[1]))
    try:
        told = run.run(["sh", "-c", "cat /proc/$$/limits"]).output.decode()
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    (line,) = [each for each in told.splitlines() if each.startswith("Max core file size")]
    (data,) = [each for each in told.splitlines() if each.startswith("Max data size")]
    assert line.split()[4] == "1" and data.split()[3] == str(200 << 20)
