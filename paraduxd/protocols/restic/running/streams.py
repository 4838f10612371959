"""What a restic says: its standard output as it comes, and the end of one that tries the same thing again and again."""

from __future__ import annotations

import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import IO

from paraduxd.api.frozen import dataclass
from paraduxd.effects.files import bounded
from paraduxd.protocols.restic import failures as restic_failures
from paraduxd.protocols.restic.rest import http_failures as rest_server

OnLine = Callable[[str], None]
OnPiece = Callable[[int], None]
Take = Callable[[IO[bytes] | None], tuple[str, ...]]
"""Reads standard output to its end, and gives the lines that nobody was told."""

_RETRIES = 5
"""So often restic may try one thing again; left alone, 0.14 goes on for 15 minutes, whatever the reason."""

_PATIENCE = 20.0
"""Seconds that it may announce to wait in all (0.18 waits longer than 0.14)."""

_PIECE = 1 << 20
"""Bytes of standard output that are read at once where nobody wants them."""

_FIRST_LINES, _LAST_LINES = 1000, 50
"""Lines of standard error that are kept."""


@dataclass(frozen=True)
class Ran:
    """How restic ended: exit code (negative: signal), standard output unless it was streamed, standard error.

    `dropped`: so many more files could not be read than the errors that were kept tell.
    """

    code: int
    output: tuple[str, ...]
    errors: tuple[str, ...]
    dropped: int = 0


class Errors:
    """Reads the standard error of a restic, and ends one that tries the same thing again and again."""

    def __init__(self, running: subprocess.Popen[bytes]) -> None:
        self._running = running
        self._first: list[str] = []
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        self.dropped = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def kept(self) -> tuple[str, ...]:
        """The first and the last lines, once restic has ended."""
        self._thread.join(timeout=5)
        return (*self._first, *self._last)

    def _read(self) -> None:
        retries, waiting = 0, 0.0
        for line in _lines(self._running.stderr):
            self._keep(line)
            if (pause := rest_server.retry_after(line)) is None:
                continue
            retries, waiting = retries + 1, waiting + pause
            if retries > _RETRIES or waiting > _PATIENCE or rest_server.hopeless(line):
                self._running.kill()

    def _keep(self, line: str) -> None:
        if len(self._first) < _FIRST_LINES:
            self._first.append(line)
            return
        if len(self._last) == _LAST_LINES:
            self.dropped += len(restic_failures.unread((self._last[0],)))
        self._last.append(line)


def each_line(on_line: OnLine | None) -> Take:
    """Tell every line as it comes; without anybody to tell, give them all."""

    def take(stream: IO[bytes] | None) -> tuple[str, ...]:
        lines: list[str] = []
        left = bounded.LONGEST_OUTPUT
        for line in _lines(stream, bounded.LONGEST_LINE if on_line else left):
            (on_line or lines.append)(line)
            left -= 0 if on_line else len(line) + 1
            if left <= 0:
                raise bounded.too_large("what restic tells")
        return tuple(lines)

    return take


def pieces(on_piece: OnPiece) -> Take:
    """Tell how much came, and drop it."""

    def take(stream: IO[bytes] | None) -> tuple[str, ...]:
        while stream is not None and (piece := stream.read(_PIECE)):
            on_piece(len(piece))
        return ()

    return take


def _lines(stream: IO[bytes] | None, longest: int = bounded.LONGEST_LINE) -> Iterator[str]:
    """The lines of a pipe, without line feeds; of one that is longer only the beginning."""
    if stream is not None:
        for line in bounded.lines(stream, longest):
            yield line.decode(errors="replace").rstrip("\n")
