"""Has workers started and follows them to their end: one thread for all of them, asleep while nothing happens.

A worker that is a child dies with the *thread* that started it (PR_SET_PDEATHSIG, set by the worker itself), so that thread lives as long
as the daemon.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from paraduxd.api import phrases
from paraduxd.core.runs.orders import Done, Failed, Held, Order, Progress, Report
from paraduxd.effects.process import last_words
from paraduxd.effects.process.worker_hosts import Host, Running
from paraduxd.effects.process.worker_reports import OverlongError, ReportLines

log = logging.getLogger("paradux.launch")

Final = Done | Held | Failed

_LONGEST_LINE = 16 * 1024 * 1024
_PIECE = 1 << 16

PAUSE = 0.1


class Listener(Protocol):
    """Who is told how a run goes; called from the launcher's thread, never twice at the same time."""

    def progress(self, run: int, progress: Progress) -> None:
        """How far it is."""

    def ended(self, run: int, final: Final) -> None:
        """It has ended, and nothing of it runs any more; the last call for this run."""


class Workers(Protocol):
    """What runs the orders: `Launcher`. No method calls the listener before it returns, `stop` excepted."""

    def start(self, order: Order, listener: Listener) -> None: ...
    def cancel(self, run: int) -> None: ...
    def stop(self) -> None: ...


@dataclass(frozen=True)
class Patience:
    """Seconds. `inactivity`: without a sign of life a worker is ended; `grace`: from SIGTERM, or from its last report, to SIGKILL."""

    inactivity: float = 6 * 3600.0
    grace: float = 5.0


@dataclass
class _Worker:
    order: Order
    listener: Listener
    running: Running
    stdout: int
    stderr: int
    active: float
    lines: ReportLines = field(default_factory=lambda: ReportLines(_LONGEST_LINE))
    errors: bytearray = field(default_factory=bytearray)
    progress: Progress | None = None
    final: Final | None = None
    kill_at: float | None = None
    """Infinite when it was killed and has not ended yet."""
    reaped: bool = False
    complained: bool = False


class Launcher:
    """Runs workers; every method may be called from any thread and returns at once."""

    def __init__(self, host: Host, patience: Patience | None = None) -> None:
        self._host = host
        self._patience = patience or Patience()
        self._posted: deque[Callable[[], None]] = deque()
        self._workers: dict[int, _Worker] = {}
        self._stopping = False
        self._wakeup_reader, self._wakeup_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wakeup_reader, selectors.EVENT_READ, self._take_wakeup)
        self._thread = threading.Thread(target=self._follow, name="launcher", daemon=True)
        self._thread.start()

    def start(self, order: Order, listener: Listener) -> None:
        """Start a worker for the order; the listener hears of everything else, also when it cannot start."""
        self._post(lambda: self._begin(order, listener))

    def cancel(self, run: int) -> None:
        """Ask the worker to end, after the grace kill all that it has started. Unknown runs are ignored."""
        self._post(lambda: self._ask_to_end(run))

    def stop(self) -> None:
        """End all workers, tell their listeners, and wait for that."""
        self._post(self._stop)
        self._thread.join(self._patience.grace + 5.0)

    def _post(self, job: Callable[[], None]) -> None:
        self._posted.append(job)
        with contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
            os.write(self._wakeup_writer, b"!")

    def _follow(self) -> None:
        while not (self._stopping and not self._workers):
            for key, _ in self._selector.select(self._until_next_deadline()):
                with _survived("report", PAUSE):
                    key.data()
            while self._posted:
                with _survived("job"):
                    self._posted.popleft()()
            with _survived("deadline", PAUSE):
                self._enforce_deadlines()

    def _take_wakeup(self) -> None:
        os.read(self._wakeup_reader, _PIECE)

    def _stop(self) -> None:
        self._stopping = True
        for run in list(self._workers):
            self._ask_to_end(run)

    def _begin(self, order: Order, listener: Listener) -> None:
        if self._stopping:
            self._tell_end(listener, order.run, Failed("interrupted", "the daemon is ending"))
            return
        try:
            worker = self._started(order, listener)
            self._watch(worker)
        except OSError as problem:
            log.error("Cannot start a worker for run %d: %s", order.run, problem.strerror)
            failed = Failed("worker-not-started", f"cannot start a worker: {problem.strerror}", "try again later")
            self._tell_end(listener, order.run, failed)
            return

    def _watch(self, worker: _Worker) -> None:
        """Follow it from here on; when that is not possible, nothing of it goes on. Raises `OSError`."""
        try:
            self._selector.register(worker.stdout, selectors.EVENT_READ, lambda: self._read_reports(worker))
            self._selector.register(worker.stderr, selectors.EVENT_READ, lambda: self._read_errors(worker))
            self._selector.register(worker.running.ended, selectors.EVENT_READ, lambda: self._end(worker))
        except OSError:
            for descriptor in (worker.stdout, worker.stderr, worker.running.ended):
                self._forget(descriptor)
            worker.running.kill()
            worker.running.reap()
            os.close(worker.stdout)
            os.close(worker.stderr)
            raise
        self._workers[worker.order.run] = worker

    def _started(self, order: Order, listener: Listener) -> _Worker:
        with contextlib.ExitStack() as unless_started, contextlib.ExitStack() as given_away:
            stdout, stderr = (_pipe(unless_started, given_away) for _ in range(2))
            running = self._host.start(order, stdout[1], stderr[1])
            unless_started.pop_all()
        return _Worker(order, listener, running, stdout[0], stderr[0], time.monotonic())

    def _read_reports(self, worker: _Worker) -> bool:
        """Take what is there now; false at the end."""
        piece = self._read(worker, worker.stdout)
        try:
            for report in worker.lines.take(piece):
                self._take(worker, report)
        except OverlongError:
            worker.kill_at = time.monotonic()
        return bool(piece)

    def _read_errors(self, worker: _Worker) -> bool:
        piece = self._read(worker, worker.stderr)
        worker.errors = (worker.errors + piece)[-last_words.KEPT :]
        return bool(piece)

    def _read(self, worker: _Worker, descriptor: int) -> bytes:
        """A piece of what the worker has written; empty at the end of the pipe, or when there is nothing now."""
        if worker.reaped:
            return b""
        try:
            piece = os.read(descriptor, _PIECE)
        except BlockingIOError:
            return b""
        if not piece:
            self._forget(descriptor)
        return piece

    def _take(self, worker: _Worker, report: Report | None) -> None:
        """One line of the worker's: progress is passed on when there is any; after the final report nothing counts."""
        if report is None:
            self._complain(worker)
            return
        if worker.final is not None:
            return
        if not isinstance(report, Progress):
            worker.final = report
            self._end_by(worker, time.monotonic() + self._patience.grace)
        elif report != worker.progress:
            worker.progress, worker.active = report, time.monotonic()
            with _survived("progress"):
                worker.listener.progress(worker.order.run, report)

    def _complain(self, worker: _Worker) -> None:
        """Once for each worker: its lines may be without an end."""
        if not worker.complained:
            log.warning("The worker of run %d wrote a line that is no report", worker.order.run)
        worker.complained = True

    def _ask_to_end(self, run: int) -> None:
        worker = self._workers.get(run)
        if worker is not None:
            worker.running.ask_to_end()
            self._end_by(worker, time.monotonic() + self._patience.grace)

    def _end_by(self, worker: _Worker, moment: float) -> None:
        worker.kill_at = min(moment, worker.kill_at or moment)

    def _until_next_deadline(self) -> float | None:
        """Seconds to sleep at most; `None` while no worker runs."""
        deadlines = [worker.kill_at or worker.active + self._patience.inactivity for worker in self._workers.values()]
        first = min(deadlines, default=math.inf)
        return None if math.isinf(first) else max(0.0, first - time.monotonic())

    def _enforce_deadlines(self) -> None:
        now = time.monotonic()
        for worker in list(self._workers.values()):
            if worker.kill_at is None and worker.active + self._patience.inactivity <= now:
                worker.final = Failed(
                    "stalled",
                    f"no sign of life for {phrases.duration(now - worker.active)}",
                    "see that the place can be reached",
                )
                worker.kill_at = now
            if worker.kill_at is not None and worker.kill_at <= now:
                worker.kill_at = math.inf
                worker.running.kill()

    def _end(self, worker: _Worker) -> None:
        """Once the worker has ended: reap all that it has started, read what it left in its pipes, tell the listener."""
        if not worker.running.has_ended():
            return
        self._forget(worker.running.ended)
        code = None
        with _survived("burial"):
            code = worker.running.reap()
        while self._read_reports(worker) or self._read_errors(worker):
            pass
        worker.reaped = True
        for descriptor in (worker.stdout, worker.stderr):
            self._forget(descriptor)
            os.close(descriptor)
        del self._workers[worker.order.run]
        _log_words(worker)
        self._tell_end(worker.listener, worker.order.run, worker.final or _crash(worker, code))

    def _forget(self, descriptor: int) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(descriptor)

    def _tell_end(self, listener: Listener, run: int, final: Final) -> None:
        with _survived("end"):
            listener.ended(run, final)


def _pipe(unless_started: contextlib.ExitStack, given_away: contextlib.ExitStack) -> tuple[int, int]:
    """A pipe from a worker: the end that is read here without waiting, and the one that goes to the worker."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    unless_started.callback(os.close, reading)
    given_away.callback(os.close, writing)
    os.set_blocking(reading, False)
    return reading, writing


def _log_words(worker: _Worker) -> None:
    """What a worker that did report wrote besides: warnings, and where something unforeseen happened."""
    words = worker.errors.decode(errors="replace").strip()
    if worker.final is not None and words:
        log.warning("The worker of run %d said: %s", worker.order.run, words)


def _crash(worker: _Worker, code: int | None) -> Failed:
    """A worker that ended without a final report."""
    how = "" if code is None else f" (signal {-code})" if code < 0 else f" (exit code {code})"
    words = worker.errors.decode(errors="replace").strip()
    level = logging.WARNING if worker.kill_at is None else logging.DEBUG
    log.log(
        level, "The worker of run %d ended without a report%s: %s", worker.order.run, how, words or "it said nothing"
    )
    reason = last_words.reason(bytes(worker.errors))
    why = f": {reason}" if reason else ""
    hint = "see whether memory or disk is full and all parts of Paradux are of one version; it is tried again later"
    return Failed("worker-crashed", f"the worker ended without a report{how}{why}", hint)


@contextlib.contextmanager
def _survived(what: str, pause: float = 0.0) -> Iterator[None]:
    """Whatever fails here must not end the thread that all workers hang on. `pause`: seconds before it is tried again."""
    try:
        yield
    except Exception:
        log.exception("The %s of a run failed", what)
        time.sleep(pause)
