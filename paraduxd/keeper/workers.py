"""Workers that the keeper starts itself, for what must not pass the supervisor: shares in kits, credentials of a config that is recovered.

It is the same program with the same orders as the supervisor's workers. A worker dies with the thread that started it, so with the
keeper at the latest.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.core.orders import Done, Failed, Held, Order, Progress, report_from_json
from paraduxd.effects.children import kill_session
from paraduxd.effects.process import environment, sealed_file
from paraduxd.protocols.base import TransientError

COMMAND = (sys.executable, "-m", "paraduxd.worker.main")

_LONGEST_OUTPUT = 64 * 1024 * 1024
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
    with _started(order, pass_fds) as worker:
        for line in _lines(worker, deadline, cancelled or threading.Event()):
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
def _started(order: Order, pass_fds: Sequence[int]) -> Iterator[subprocess.Popen[bytes]]:
    """The worker; nothing of it runs any more when the context ends."""
    extra = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    with sealed_file(order.to_json().encode()) as (stdin, _):
        worker = subprocess.Popen(
            COMMAND,
            env=environment({"PYDANTIC_DISABLE_PLUGINS": "__all__", **extra}),
            stdin=stdin,
            stdout=subprocess.PIPE,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
    try:
        yield worker
    finally:
        _end(worker)


def _end(worker: subprocess.Popen[bytes]) -> None:
    """Ask it to end, so that it can put away what it has begun; then kill what is left of its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        worker.wait(GRACE)
    worker.kill()
    worker.wait()
    kill_session(worker.pid)
    if worker.stdout is not None:
        worker.stdout.close()


def _lines(worker: subprocess.Popen[bytes], deadline: float, cancelled: threading.Event) -> Iterator[bytes]:
    """What the worker writes, line by line, until it closes its output."""
    assert worker.stdout is not None  # noqa: S101  (it is a pipe)
    rest = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(worker.stdout, selectors.EVENT_READ)
        while True:
            if cancelled.is_set():
                raise ParaduxError("cancelled", "it was cancelled")
            if time.monotonic() > deadline:
                raise ParaduxError("timeout", "there was no answer in time", "try again later")
            if not selector.select(LOOK):
                continue
            piece = os.read(worker.stdout.fileno(), _PIECE)
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
        return report_from_json(line.decode())
    except (ValueError, RecursionError):
        return None
