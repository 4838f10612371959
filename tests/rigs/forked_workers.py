"""Workers that are forked, through the sockets by which systemd starts them.

With the few small files of a test, a worker spends nine tenths of its time on its start. What it does then is the same, in a process of
its own. Who needs workers that are children of the daemon says so (`Installation.own_workers`); with `contrib/test --all` all are.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pkgutil
import signal
import sys
from importlib import import_module
from pathlib import Path

import paraduxd.worker
from paraduxd import linux
from paraduxd.effects.process import orphans
from paraduxd.effects.process.children import QUICK_START
from paraduxd.effects.process.run import environment
from paraduxd.effects.process.worker_hosts import DISK, TRANSFER
from paraduxd.protocols import registry
from paraduxd.worker import main as worker
from paraduxd.worker import unit_main
from tests.rigs import forking


@functools.cache
def sockets() -> Path:
    """The folder with the sockets."""
    return forking.start("tests.rigs.forked_workers", environment(QUICK_START))


def _load() -> None:
    for module in pkgutil.walk_packages(paraduxd.worker.__path__, "paraduxd.worker."):
        import_module(module.name)
    for name in registry.SHIPPED:
        registry.find(name)


def main(folder: Path) -> None:
    """Be a unit and its worker for each connection. The line is closed when nothing of the unit runs any more, as systemd does."""
    _load()
    line = forking.connection(folder, (TRANSFER, DISK))
    linux.die_with_parent(os.getppid())
    linux.adopt_orphans()
    if started := os.fork():
        os.waitpid(started, 0)
        _kill_rest()
        os._exit(0)
    os.setsid()
    os.dup2(line.fileno(), 0)
    line.close()
    unit_main.main()
    worker.leave()


def _kill_rest() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            for each in orphans.processes():
                if each.parent == os.getpid():
                    os.kill(each.pid, signal.SIGKILL)
            os.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
