"""A worker ends at once, and leaves nothing that it has promised to remove; and does nothing for one who has ended before it began."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from paraduxd.core.runs.orders import Order, Step
from paraduxd.effects.process.worker_hosts import WORKER
from tests.checkout import ROOT


def test_what_is_registered_for_the_end_is_done() -> None:
    script = "import atexit; from paraduxd.worker.main import leave; atexit.register(print, 'removed'); leave()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "removed\n"


def test_who_started_it_may_have_ended_while_it_was_loading() -> None:
    """Else it would push beside the worker of the next daemon: the same order, at the same place, in the same second."""
    order = Order(1, Step.HOSTKEYS, "", "", "", "", {"hosts": []}).to_json()

    def carried_out(parent: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*WORKER, str(parent)], input=order, capture_output=True, text=True, check=False)

    assert '"event": "done"' in carried_out(os.getpid()).stdout
    late = carried_out(os.getppid())
    assert (late.returncode, late.stdout) == (-signal.SIGKILL, "")
