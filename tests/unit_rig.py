"""Sockets that start a worker for each connection, as systemd does for units with `Accept=yes`; for machines that it has not started."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from paraduxd.effects.process.children import kill_session
from paraduxd.effects.process.run import environment
from paraduxd.effects.process.worker_hosts import DISK, LIFE_LINE, TRANSFER

COMMAND = (sys.executable, "-m", "paraduxd.worker.unit_main")


class SocketUnits:
    """`folder` has the sockets while the context lasts; `started` tells which one every worker came through."""

    def __init__(self, folder: Path, command: Sequence[str] = COMMAND) -> None:
        self.folder = folder
        self.started: list[str] = []
        self._command = tuple(command)
        self._listeners: list[socket.socket] = []
        self._units: list[threading.Thread] = []

    def __enter__(self) -> SocketUnits:
        self.folder.mkdir(exist_ok=True)
        for name in (TRANSFER, DISK):
            listener = socket.socket(socket.AF_UNIX, LIFE_LINE)
            listener.bind(str(self.folder / name))
            listener.listen()
            self._listeners.append(listener)
            threading.Thread(target=self._accept, args=(listener, name), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for listener in self._listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for unit in self._units:
            unit.join()

    def _accept(self, listener: socket.socket, name: str) -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            self.started.append(name)
            self._units.append(threading.Thread(target=self._run, args=(line,), daemon=True))
            self._units[-1].start()

    def _run(self, line: socket.socket) -> None:
        """One unit: the line is closed when nothing of it runs any more."""
        with line:
            worker = subprocess.Popen(
                self._command, stdin=line, stdout=subprocess.DEVNULL, env=environment(), start_new_session=True
            )
            worker.wait()
            kill_session(worker.pid)
