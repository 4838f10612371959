"""What the supervisor starts is ended with everything that it has started, wherever that has fled to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import os, subprocess, sys, time
from pathlib import Path
from paraduxd.effects.children import Children, children_of
children = Children()
child = children.start(["/bin/sh", "-c", sys.argv[1]])
while not Path(sys.argv[2]).exists():
    time.sleep(0.01)
before = time.monotonic()
print(children.end(child), children_of(os.getpid()))
"""


@pytest.mark.parametrize(
    ("how", "command"),
    [
        ("in its group", "sleep 1000 & echo $! > PIDFILE; wait"),
        ("in a group of its own", "setsid --fork sh -c 'echo $$ > PIDFILE; exec sleep 1000'; sleep 1000"),
        ("as an orphan", "(sleep 1000 & echo $! > PIDFILE) ; sleep 1000"),
        ("ignoring signals", "trap '' TERM HUP INT; (trap '' TERM; sleep 1000 & echo $! > PIDFILE); sleep 1000"),
    ],
)
def test_a_grandchild_dies_too(tmp_path: Path, how: str, command: str) -> None:
    pidfile = tmp_path / "pid"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, command.replace("PIDFILE", str(pidfile)), str(pidfile)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.strip() == "-9 set()", how
    grandchild = int(pidfile.read_text())
    for _ in range(100):
        if not Path(f"/proc/{grandchild}").exists() or "Z" in Path(f"/proc/{grandchild}/stat").read_text():
            break
        time.sleep(0.02)
    else:
        os.kill(grandchild, 9)
        raise AssertionError(f"a process {how} lives on")


def test_a_child_that_has_ended_gives_its_code() -> None:
    script = """
from paraduxd.effects.children import Children
children = Children()
child = children.start(["/bin/sh", "-c", "exit 7"])
child.wait()
print(children.end(child))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "7"
