"""The worker's entry: one order on standard input, reports as JSON lines on standard output, then the end."""

from __future__ import annotations

import gc

if __name__ == "__main__":
    gc.disable()  # what is imported stays: looking for garbage in it takes a fifth of the time of a start

import atexit
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from paraduxd import linux
from paraduxd.api.errors import HeldError, ParaduxError, TransientError, unforeseen
from paraduxd.core.runs.orders import Done, Failed, Held, Order, Progress, Report, order_from_json, report_to_json
from paraduxd.effects.process import hardening, orphans
from paraduxd.effects.process.log_lines import log_to_stderr
from paraduxd.worker import redaction
from paraduxd.worker.own_confinement import shut_in
from paraduxd.worker.run_order import carry_out

log = logging.getLogger("paradux.worker")

MAX_ORDER = 64 * 1024 * 1024
"""Bytes."""

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)

PROGRESS_EVERY = 0.5
"""Seconds between two reports of progress; nobody looks more often."""


class Reporter:
    """Writes reports to standard output; progress may come from any thread, as often as it likes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0.0

    def __call__(self, line: Report) -> None:
        """Write one report, unless it is progress that comes too soon."""
        with self._lock:
            if isinstance(line, Progress):
                if time.monotonic() < self._next:
                    return
                self._next = time.monotonic() + PROGRESS_EVERY
            sys.stdout.write(report_to_json(redaction.redacted_report(line)) + "\n")
            sys.stdout.flush()


def main(parent: int, when_shut_in: Callable[[], None] = lambda: None) -> None:
    """Carry out the order and end; exit code 0 whatever the outcome, which is in the last report.

    `parent`: the process id of who started it, which may have ended since: then it ends at once, and nothing is done that somebody else
    does again. `when_shut_in` may start threads, which are as confined as this one.
    """
    linux.die_with_parent(parent)
    orphans.adopt()
    linux.no_core_dumps()
    hardening.keep_files_private()
    for number in _ENDING:
        signal.signal(number, _end)
    log_to_stderr(redaction.Formatter())
    report = Reporter()
    order = order_from_json(sys.stdin.read(MAX_ORDER))
    report(_carry_out(order, report, when_shut_in))


def _carry_out(order: Order, report: Reporter, when_shut_in: Callable[[], None]) -> Report:
    try:
        confined = shut_in(order)
        when_shut_in()
        return Done(carry_out(confined, report))
    except HeldError as held:
        return Held(held.reason, held.text, held.removed, held.changed, held.files)
    except ParaduxError as problem:
        hint = problem.hint.replace("DATASET", order.dataset or "DATASET")
        return Failed(problem.code, problem.message, hint, isinstance(problem, TransientError))
    except Exception as problem:
        # The text of an unforeseen exception may repeat a credential: only its kind and place are told.
        places = [
            f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(problem.__traceback__)
        ]
        log.error("%s at %s", type(problem).__name__, ", ".join(places))
        told = unforeseen("the transfer failed unexpectedly", problem)
        return Failed(told.code, told.message, told.hint)


def leave() -> NoReturn:
    """End the process, and do what is to be done at the end. To take everything apart would take longer than many an order."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(0)


def _end(_signal: int, _frame: object) -> None:
    """Unwind, so that whoever has started a program, or put half an object somewhere, removes it; the supervisor kills what is left."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    main(int(sys.argv[1]))
    leave()
