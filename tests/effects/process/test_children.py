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
from paraduxd.effects.process.children import Children
from paraduxd.effects.process import orphans
children = Children()
child = children.start(["/bin/sh", "-c", sys.argv[1]])
pidfile = Path(sys.argv[2])
while not (pidfile.exists() and pidfile.read_text()):
    time.sleep(0.01)
before = time.monotonic()
print(children.end(child), {each.pid for each in orphans.processes() if each.parent == os.getpid()} or "none")
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
    assert done.stdout.strip() == "-9 none", how
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
from paraduxd.effects.process.children import Children
children = Children()
child = children.start(["/bin/sh", "-c", "exit 7"])
child.wait()
print(children.end(child))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "7"


ADOPTS = """
import subprocess, sys, time
from paraduxd.effects.process import orphans
orphans.adopt()
subprocess.run(["setsid", "--fork", "sh", "-c", "echo $$ > " + sys.argv[1] + "; exec sleep 1000"], check=True)
time.sleep(1000)
"""

TWO = """
import os, sys, time
from pathlib import Path
from paraduxd.effects.process.children import Children
children, pidfile = Children(), Path(sys.argv[2])
keeper, worker = children.start([sys.executable, "-c", sys.argv[1], str(pidfile)]), children.start(["/bin/sleep", "1000"])
while not (pidfile.exists() and pidfile.read_text()):
    time.sleep(0.01)
servant = Path("/proc", pidfile.read_text().strip())
children.end(worker)
print("lives" if servant.exists() else "killed")
children.end(keeper)
print("lives" if servant.exists() else "killed")
"""


def test_the_end_of_one_leaves_the_servants_of_another_alone(tmp_path: Path) -> None:
    """A worker that ends must not take the living keeper's gpg-agent along."""
    argv = [sys.executable, "-c", TWO, ADOPTS, str(tmp_path / "pid")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["lives", "killed"]


def test_adopted_dead_are_buried_and_no_others() -> None:
    script = """
import os, subprocess, time
from paraduxd.effects.process import orphans
def ours():
    return {each.pid for each in orphans.processes() if each.parent == os.getpid()}
orphans.adopt()
subprocess.run(["setsid", "--fork", "sleep", "0.1"], check=True)
own = subprocess.Popen(["true"])
while {each.state for each in orphans.processes() if each.parent == os.getpid()} != {"Z"}:
    time.sleep(0.01)
print(len(ours()))
orphans.reap("sleep")
print(ours() == {own.pid}, own.wait())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split() == ["2", "True", "0"]
