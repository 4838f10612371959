"""Writes a kit into a folder again and again, killed at one file operation after the other: `python -m tests.sticks.kill_points`.

The operations are those that Python announces to audit hooks (PEP 578). Each attempt is a process of its own that ends by SIGKILL; what
it left is kept beside. With "renaming" the file system is taken to be one that cannot exchange two names, as exFAT.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sys
from pathlib import Path

from paraduxd.core.runs.orders import order_from_json
from paraduxd.effects.devices import kit_files
from paraduxd.worker.run_order import perform

CHANGES = frozenset({"os.mkdir", "os.rename", "os.remove", "os.rmdir"})


def is_change(event: str, arguments: tuple[object, ...]) -> bool:
    """Whether the folder is about to be changed, or a file was opened in it to be written."""
    if event == "open":
        flags = arguments[2]
        return isinstance(flags, int) and bool(flags & os.O_CREAT)
    return event in CHANGES


def killed_at(number: int) -> None:
    """From now on this process ends when it is about to make this change."""
    changes = itertools.count()

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if is_change(event, arguments) and next(changes) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def main(folder: Path, before: Path, renaming: bool) -> None:
    """Order on standard input; `folder` is the stick, `before` what is on it; what is left is `folder`-0, -1, ... until one ends well."""
    order = order_from_json(sys.stdin.read())
    if renaming:
        kit_files._exchanged = lambda *_: False
    for number in itertools.count():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(before, folder)
        child = os.fork()
        if child == 0:
            killed_at(number)
            perform(order, lambda _: None)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        shutil.move(folder, folder.with_name(f"{folder.name}-{number}"))
        if status == 0:
            return
        if os.WTERMSIG(status) != signal.SIGKILL:
            raise AssertionError(f"the attempt ended by itself with status {status}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "renaming")
