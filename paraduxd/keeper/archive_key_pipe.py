"""Private keys of encrypted archives, for one restore or one look each.

The worker gets its key through a named pipe, unread by the supervisor.

The supervisor is told where the pipe is. What goes through it never lies on a disk; whoever can open it is this user, or root.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from paraduxd.api.calls import JsonObject
from paraduxd.api.frozen import dataclass

_PREFIX = "handover-"

PATIENCE = 60.0
"""Seconds within which the restore should begin; one that begins later finds no key, and says so."""


@dataclass(frozen=True)
class Handover:
    """The pipes, by name; of each, `taken` is set when a key went through it."""

    paths: Mapping[str, str]
    taken: Mapping[str, threading.Event]

    def wait(self, names: Iterable[str]) -> None:
        """Until these keys were taken, or nobody can be expected to take one any more."""
        until = time.monotonic() + PATIENCE
        for name in names:
            if name in self.taken:
                self.taken[name].wait(max(0.0, until - time.monotonic()))


@contextlib.contextmanager
def offered(keys: Mapping[str, JsonObject], folder: Path) -> Iterator[Handover]:
    """Offer each key through a pipe of its own below `folder`, a private directory, for as long as the context lasts."""
    _sweep(folder)
    taken, paths = {name: threading.Event() for name in keys}, {}
    for name, key in keys.items():
        path = folder / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(8)}"
        os.mkfifo(path, 0o600)
        paths[name] = str(path)
        threading.Thread(target=_give, args=(path, key, taken[name]), daemon=True).start()
    try:
        yield Handover(paths, taken)
    finally:
        for offer in paths.values():
            _withdraw(Path(offer))


def _give(path: Path, key: JsonObject, taken: threading.Event) -> None:
    """Wait for somebody to read, and write."""
    with contextlib.suppress(OSError), path.open("wb") as pipe:
        if path.exists():
            pipe.write(json.dumps(key).encode())
            taken.set()


def _withdraw(path: Path) -> None:
    """Remove a pipe, and let go of the thread that still waits at it."""
    with contextlib.suppress(OSError):
        waiting = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        path.unlink()
        os.close(waiting)


def _sweep(folder: Path) -> None:
    """Remove what a killed keeper left."""
    for path in folder.glob(f"{_PREFIX}*"):
        if path.name.split("-")[1] != str(os.getpid()):
            path.unlink(missing_ok=True)
