"""A worker ends at once, and leaves nothing that it has promised to remove."""

from __future__ import annotations

import subprocess
import sys

from tests.checkout import ROOT


def test_what_is_registered_for_the_end_is_done() -> None:
    script = "import atexit; from paraduxd.worker.main import leave; atexit.register(print, 'removed'); leave()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "removed\n"
