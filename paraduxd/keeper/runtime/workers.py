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
from typing import assert_never

from paraduxd.api.calls import JsonObject
from paraduxd.api.errors import ParaduxError
from paraduxd.core.runs.orders import LONG, Done, Failed, Held, Order, Progress, Report
from paraduxd.effects.process import last_words
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
    with _started(order, pass_fds) as (reports, said):
        for report in _reports(reports, said, deadline, cancelled or threading.Event()):
            match report:
                case Done():
                    return report.result
                case Failed():
                    kind = TransientError if report.retry else ParaduxError
                    raise kind(report.code, report.message, report.hint)
                case Held():
                    raise ParaduxError("held", report.text)
                case Progress():
                    on_progress(report)
                case None:  # a line that is no report
                    pass
                case _:
                    assert_never(report)
        why = said.reason()
    raise ParaduxError(
        "worker-crashed",
        f"the worker ended without a report{f': {why}' if why else ''}",
        "see whether memory or disk is full and all parts of Paradux are of one version, and try again",
    )


class _Said:
    """What a worker writes on standard error: it goes on to ours, and its end is kept."""

    def __init__(self, reading: int) -> None:
        os.set_blocking(reading, False)
        self.reading = reading
        self._end = b""

    def take(self) -> bool:
        """A piece of what is there now; false where there is none."""
        try:
            piece = os.read(self.reading, _PIECE)
        except BlockingIOError:
            return False
        with contextlib.suppress(OSError):
            os.write(sys.stderr.fileno(), piece)
        self._end = (self._end + piece)[-last_words.KEPT :]
        return bool(piece)

    def reason(self) -> str:
        """Why it ended too early, as far as that can be told."""
        while self.take():
            pass
        return last_words.reason(self._end)


@contextlib.contextmanager
def _started(order: Order, descriptors: Sequence[int]) -> Iterator[tuple[int, _Said]]:
    """What the worker reports, as a descriptor, and what it says; nothing of it runs any more when the context ends."""
    with _pipe() as (reports, reporting), _pipe() as (errors, saying):
        try:
            worker = place.host.start(order, reporting, saying, descriptors)
        except OSError as problem:
            raise TransientError(
                "worker-not-started", f"cannot start a worker: {problem.strerror}", "try again in a moment"
            ) from None
        finally:
            os.close(reporting)
            os.close(saying)
        try:
            yield reports, _Said(errors)
        finally:
            _end(worker)


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    """The reading end, closed at the end of the context, and the writing one, which is not."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        yield reading, writing
    finally:
        os.close(reading)


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


def _start_child(
    command: Sequence[str], *, stdin: int, stdout: int, stderr: int, pass_fds: Sequence[int]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=environment(QUICK_START),
        cwd=NOWHERE,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        pass_fds=pass_fds,
        start_new_session=True,
    )


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


def _reports(output: int, said: _Said, deadline: float, cancelled: threading.Event) -> Iterator[Report | None]:
    """What the worker reports until it closes its output; `None` for a line that is no report."""
    lines = ReportLines(LONG.size)
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        selector.register(said.reading, selectors.EVENT_READ)
        while True:
            if cancelled.is_set():
                raise ParaduxError("cancelled", "it was cancelled")
            if time.monotonic() > deadline:
                raise ParaduxError("timeout", "there was no answer in time", "try again later")
            ready = {key.fd for key, _ in selector.select(LOOK)}
            if said.reading in ready and not said.take():
                selector.unregister(said.reading)
            if output not in ready:
                continue
            piece = os.read(output, _PIECE)
            if not piece:
                return
            try:
                yield from lines.take(piece)
            except OverlongError:
                return
