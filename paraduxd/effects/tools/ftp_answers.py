"""FTP sessions whose server can answer neither without an end nor for ever: what ftplib leaves open."""

from __future__ import annotations

import ftplib
import socket
from collections.abc import Callable
from typing import cast

from paraduxd.effects.files import bounded

_MOST_LINES = 1000
"""Lines of one answer."""


class BoundedAnswers(ftplib.FTP):
    """A session in clear; with TLS it is put before `ftplib.FTP_TLS`."""

    _lines = 0

    def getmultiline(self) -> str:
        """One answer."""
        self._lines = 0
        with bounded.hanging_up(cast("socket.socket", self.sock)):
            return super().getmultiline()

    def retrlines(self, cmd: str, callback: Callable[[str], object] | None = None) -> str:
        """A listing."""
        with bounded.hanging_up(cast("socket.socket", self.sock), bounded.patience.listing):
            return super().retrlines(cmd, callback)

    def getline(self) -> str:
        """One line of an answer."""
        self._lines += 1
        if self._lines > _MOST_LINES:
            raise ftplib.error_proto("the answer is too long")  # noqa: S321
        return super().getline()
