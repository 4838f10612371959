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

from paraduxd.api.calls import JsonObject
from paraduxd.api.errors import ParaduxError
from paraduxd.core.runs.orders import LONG, Done, Failed, Held, Order, Progress, Report
from paraduxd.effects.process.children import QUICK_START, kill_session
from paraduxd.effects.process.run import NOWHERE, environment
from paraduxd.effects.process.worker_hosts import WORKER, ChildHost, Host, Running
from paraduxd.effects.process.worker_reports import OverlongError, ReportLines
from paraduxd.protocols.base import TransientError

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
) -> JsonObject:
    """Run one worker to its end and give its result; `pass_fds` are files in memory that the order names.

    Raises the `ParaduxError` that the worker reports, "timeout" after so many seconds, "cancelled", and "worker-crashed".
    """
    deadline = time.monotonic() + timeout
    with _started(order, pass_fds) as reports:
        for report in _reports(reports, deadline, cancelled or threading.Event()):
            if isinstance(report, Done):
                return report.result
            if isinstance(report, Failed):
                kind = TransientError if report.retry else ParaduxError
                raise kind(report.code, report.message, report.hint)
            if isinstance(report, Held):
                raise ParaduxError("held", report.text)
            if report is not None:
                on_progress(report)
    raise ParaduxError(
        "worker-crashed", "the worker ended without a report", "see whether memory or disk is full, and try again"
    )


@contextlib.contextmanager
def _started(order: Order, descriptors: Sequence[int]) -> Iterator[int]:
    """What the worker reports, as a descriptor; nothing of it runs any more when the context ends."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    with os.fdopen(reading, "rb", buffering=0):
        try:
            worker = place.host.start(order, writing, sys.stderr.fileno(), descriptors)
        except OSError as problem:
            raise TransientError(
                "worker-not-started", f"cannot start a worker: {problem.strerror}", "try again in a moment"
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


def _reports(output: int, deadline: float, cancelled: threading.Event) -> Iterator[Report | None]:
    """What the worker reports until it closes its output; `None` for a line that is no report."""
    lines = ReportLines(LONG.size)
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while True:
            if cancelled.is_set():
                raise ParaduxError("cancelled", "it was cancelled")
            if time.monotonic() > deadline:
                raise ParaduxError("timeout", "there was no answer in time", "try again later")
            if not selector.select(LOOK):
                continue
            piece = os.read(output, _PIECE)
            if not piece:
                return
            try:
                yield from lines.take(piece)
            except OverlongError:
                return
