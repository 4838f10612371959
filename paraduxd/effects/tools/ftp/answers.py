"""FTP sessions whose server can answer neither without an end nor for ever: what ftplib leaves open."""

from __future__ import annotations

import ftplib
import socket
import threading
from collections.abc import Callable
from typing import cast

from paraduxd.effects.files import bounded

_MOST_LINES = 1000
"""Lines of one answer."""


class BoundedAnswers(ftplib.FTP):
    """A session in clear; with TLS it is put before `ftplib.FTP_TLS`."""

    _lines = 0
    _data: socket.socket | None = None

    def getmultiline(self) -> str:
        """One answer."""
        self._lines = 0
        with bounded.hanging_up(cast("socket.socket", self.sock)):
            return super().getmultiline()

    def retrlines(self, cmd: str, callback: Callable[[str], object] | None = None) -> str:
        """A listing."""
        timer = threading.Timer(bounded.patience.listing, self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            return super().retrlines(cmd, callback)
        finally:
            timer.cancel()

    def transfercmd(self, cmd: str, rest: int | str | None = None) -> socket.socket:
        """The connection for data."""
        self._data = super().transfercmd(cmd, rest)
        return self._data

    def _hang_up(self) -> None:
        for connection in (self._data, cast("socket.socket", self.sock)):
            if connection is not None:
                bounded.hang_up(connection)

    def getline(self) -> str:
        """One line of an answer."""
        self._lines += 1
        if self._lines > _MOST_LINES:
            raise ftplib.error_proto("the answer is too long")  # noqa: S321
        return super().getline()
