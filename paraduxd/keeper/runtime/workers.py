"""Workers that the keeper starts itself, for what must not pass the supervisor: shares in kits, credentials of a config that is recovered.

It is the same program with the same orders as the supervisor's workers. A worker ends with the keeper at the latest: a child of it dies
with the thread that started it, and in a unit of its own it notices that the line to it was closed.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.core.runs.orders import LONG, Done, Failed, Held, Order, Progress, report_from_json
from paraduxd.effects.process.children import QUICK_START, kill_session
from paraduxd.effects.process.run import NOWHERE, environment
from paraduxd.effects.process.worker_hosts import WORKER, ChildHost, Host, Running
from paraduxd.protocols.base import TransientError

_LONGEST_OUTPUT = LONG.size
_PIECE = 1 << 20

LOOK = 0.2
"""Seconds between two looks at whether it was cancelled."""

GRACE = 3.0
"""Seconds from SIGTERM to SIGKILL."""

OnProgress = Callable[[Progress], None]


def run_order(
    order: Order,
    on_progress: OnProgress = lambda _: None,
    *,
    pass_fds: Sequence[int] = (),
    timeout: float = 600.0,
    cancelled: threading.Event | None = None,
) -> dict[str, Any]:
    """Run one worker to its end and give its result; `pass_fds` are files in memory that the order names.

    Raises the `ParaduxError` that the worker reports, "timeout" after so many seconds, "cancelled", and "worker-crashed".
    """
    deadline = time.monotonic() + timeout
    with _started(order, pass_fds) as reports:
        for line in _lines(reports, deadline, cancelled or threading.Event()):
            report = _report(line)
            if isinstance(report, Done):
                return report.result
            if isinstance(report, Failed):
                kind = TransientError if report.retry else ParaduxError
                raise kind(report.code, report.message, report.hint)
            if isinstance(report, Held):
                raise ParaduxError("held", report.text)
            if report is not None:
                on_progress(report)
    raise ParaduxError("worker-crashed", "the worker ended without a report", "see the daemon's log")


@contextlib.contextmanager
def _started(order: Order, descriptors: Sequence[int]) -> Iterator[int]:
    """What the worker reports, as a descriptor; nothing of it runs any more when the context ends."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    with os.fdopen(reading, "rb", buffering=0):
        try:
            worker = place.host.start(order, writing, sys.stderr.fileno(), descriptors)
        except OSError as problem:
            raise TransientError(
                "worker-not-started", f"cannot start a worker: {problem.strerror}", "see the daemon's log"
            ) from None
        finally:
            os.close(writing)
        try:
            yield reading
        finally:
            _end(worker)


def _end(worker: Running) -> None:
    """Ask it to end, so that it can put away what it has begun; then kill what is left of it."""
    worker.ask_to_end()
    if not _ends_within(worker, GRACE):
        worker.kill()
        _ends_within(worker, GRACE)
    worker.reap()


def _ends_within(worker: Running, seconds: float) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(worker.ended, selectors.EVENT_READ)
        selector.select(seconds)
    return worker.has_ended()


def _start_child(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=environment(QUICK_START), cwd=NOWHERE, start_new_session=True, **options)


def _end_child(child: subprocess.Popen[bytes]) -> int:
    child.kill()
    code = child.wait()
    kill_session(child.pid)
    return code


@dataclass
class Place:
    """Where the workers of this process run."""

    host: Host


def child_host(private: Sequence[Path] = ()) -> Host:
    """Workers as children of this process; `private` as in `Order`."""
    return ChildHost(_start_child, _end_child, WORKER, private)


place = Place(child_host())


def _lines(reports: int, deadline: float, cancelled: threading.Event) -> Iterator[bytes]:
    """What the worker writes, line by line, until it closes its output."""
    rest = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(reports, selectors.EVENT_READ)
        while True:
            if cancelled.is_set():
                raise ParaduxError("cancelled", "it was cancelled")
            if time.monotonic() > deadline:
                raise ParaduxError("timeout", "there was no answer in time", "try again later")
            if not selector.select(LOOK):
                continue
            piece = os.read(reports, _PIECE)
            if not piece:
                return
            first, *more = piece.split(b"\n")
            rest += first
            for following in more:
                yield bytes(rest)
                rest = bytearray(following)
            if len(rest) > _LONGEST_OUTPUT:
                return


def _report(line: bytes) -> Done | Failed | Held | Progress | None:
    try:
        return report_from_json(line)
    except ValueError:
        return None
