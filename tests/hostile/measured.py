"""A process of the tests' with everything that it starts: what each of them has taken of memory at most, by program."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.rig import clean_environment
from tests.rigs import forking, program_line

MOST = 300
"""MiB that a process may take, ours or a tool's."""

LOOK = 0.02
"""Seconds between two looks; the kernel keeps the highest value of each process (VmHWM), so that little is missed."""


@dataclass(frozen=True)
class Case:
    """What one attack came to."""

    name: str
    told: str
    peaks: Mapping[str, int]

    def line(self) -> str:
        """For the table."""
        peaks = ", ".join(
            f"{program} {peak}" for program, peak in sorted(self.peaks.items(), key=lambda each: -each[1])
        )
        return f"{self.name:<44} | {peaks:<34} | {self.told[:150]}"


CASES: list[Case] = []
"""All of this session, for its summary."""


@dataclass
class Watch:
    """Follows a process and all its descendants from a thread of its own."""

    pid: int
    peaks: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._ended.wait(LOOK):
            for pid in _descendants(self.pid):
                self._look(pid)

    def _look(self, pid: int) -> None:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return
        found = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        if "VmHWM" in found:
            name = found["Name"]
            self.peaks[name] = max(self.peaks[name], int(found["VmHWM"].split()[0]) // 1024)


def _descendants(top: int) -> list[int]:
    found, waiting = [], [top]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208  (fifty times a second)
                waiting += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
        except OSError:
            continue
    return found


def run(
    name: str,
    command: Sequence[str],
    *,
    data: str = "",
    allowed: Sequence[int] = (0,),
    timeout: float = 50.0,
    **options: Any,
) -> str:
    """Run a program to its end, measured; gives what it wrote. Fails when any process was too large, and for other exit codes."""
    program = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    with Watch(program.pid) as watch:
        try:
            written, errors = program.communicate(data, timeout=timeout)
        finally:
            program.kill()
    assert program.returncode in allowed, errors[-3000:]
    told = written or errors
    _judge(name, told.strip().replace("\n", " "), watch)
    return str(told)


def taken(name: str, order: Mapping[str, object], *, timeout: float = 50.0) -> str:
    """What a worker's code says of a place (`taking.py`)."""
    folder = _forking()
    with Watch(int((folder / forking.PID).read_text())) as watch:
        code, told, errors = program_line.ask(folder, [], json.dumps(order).encode(), timeout)
    assert code == 0, errors.decode()[-3000:]
    answer = json.loads(told)
    watch.peaks["python"] = max(watch.peaks["python"], answer["peak"])  # it may have ended between two looks
    _judge(name, answer["told"], watch)
    return str(answer["told"])


@functools.cache
def _forking() -> Path:
    return forking.start("tests.hostile.taking", clean_environment())


def _judge(name: str, told: str, watch: Watch) -> None:
    CASES.append(Case(name, told, dict(watch.peaks)))
    assert watch.peaks and max(watch.peaks.values()) < MOST, CASES[-1].line()
