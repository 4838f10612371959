"""A page that is shown again and again on a screen of its own (the alternate one), which keys scroll and leave.

Sequences: ECMA-48 and xterm's "ctlseqs". What was on the screen before comes back in the end, however that comes about.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import time
import tty
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import Self

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_LOOK = 0.2
"""Seconds after which a changed size is seen."""

_KEYS = {
    **dict.fromkeys((b"q", b"Q", b"\x04", b"\x1b"), "quit"),
    **dict.fromkeys((b"\x1b[A", b"\x1bOA", b"k"), "up"),
    **dict.fromkeys((b"\x1b[B", b"\x1bOB", b"j", b"\r", b"\n"), "down"),
    **dict.fromkeys((b"\x1b[5~", b"b"), "page up"),
    **dict.fromkeys((b"\x1b[6~", b" ", b"f"), "page down"),
    **dict.fromkeys((b"\x1b[H", b"\x1bOH", b"\x1b[1~", b"g"), "start"),
    **dict.fromkeys((b"\x1b[F", b"\x1bOF", b"\x1b[4~", b"G"), "end"),
}


def is_possible() -> bool:
    """Whether somebody sits at a terminal that can do this."""
    ends = (sys.stdin, sys.stdout)
    return os.environ.get("TERM", "dumb") != "dumb" and all(end is not None and end.isatty() for end in ends)


class FullScreen:
    """The screen, from entering to leaving the context. Ctrl-C ends it as anywhere."""

    def __init__(self) -> None:
        self._first = 0
        self._drawn: tuple[Sequence[str], int, os.terminal_size] | None = None

    def __enter__(self) -> Self:
        self._input = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._input)
        tty.setcbreak(self._input)
        self._write(_ENTER)
        self._handlers = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGHUP)}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._write(_LEAVE)
        termios.tcsetattr(self._input, termios.TCSADRAIN, self._before)

    def show(self, page: Callable[[int], str], seconds: float) -> bool:
        """Show the page that `page` makes for so many columns, for so long; `False` when the person has had enough."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            size = shutil.get_terminal_size()
            lines = page(size.columns).rstrip("\n").split("\n")
            self._draw(lines, size)
            if not self._obey(self._key(min(left, _LOOK)), len(lines), size.lines - 1):
                return False
        return True

    def _draw(self, lines: Sequence[str], size: os.terminal_size) -> None:
        rows = max(size.lines - 1, 1)
        self._first = max(0, min(self._first, len(lines) - rows))
        if (now := (lines, self._first, size)) == self._drawn:
            return
        self._drawn = now
        shown = lines[self._first : self._first + rows]
        last = f"{self._first + 1}-{self._first + len(shown)} of {len(lines)}: arrows scroll, q ends"
        foot = "q ends" if len(lines) <= rows else last
        text = "".join(f"{line}\x1b[K\r\n" for line in shown)
        self._write(f"\x1b[H{text}\x1b[J\x1b[{size.lines};1H\x1b[2m{foot[: size.columns - 1]}\x1b[0m")

    def _key(self, seconds: float) -> str:
        ready, _, _ = select.select([self._input], [], [], seconds)
        if not ready:
            return ""
        pressed = os.read(self._input, 16)
        return _KEYS.get(pressed, "quit" if not pressed else "")

    def _obey(self, key: str, lines: int, rows: int) -> bool:
        moves = {"up": -1, "down": 1, "page up": -rows, "page down": rows, "start": -lines, "end": lines}
        self._first = max(0, self._first + moves.get(key, 0))
        return key != "quit"

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def _end(number: int, _: FrameType | None) -> None:
    """A signal that ends the program lets the screen be left first."""
    raise SystemExit(128 + number)
