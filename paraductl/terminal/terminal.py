"""Everything that is printed or asked: text for people, or one JSON document for programs."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import IO

from paraductl.terminal.text import clipped, one_line, printable, wrapped
from paraduxd.api import phrases
from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ParaduxError

SILENCE = 0.3
"""Seconds after which something must be seen."""

FEWEST_ROWS = 4
"""Of a terminal that work is shown in with more than one line."""


class OutputClosedError(Exception):
    """Nothing more can be printed: whoever read it has stopped reading (`| head`), or for the reason given (`>&-`, a full disk)."""


class Terminal:
    """Standard input, output and error of one command. With `as_json`, text for people is left out."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        self._progress = 0
        self._taken = False
        self._lock = threading.RLock()

    @property
    def interactive(self) -> bool:
        """Whether there is somebody to ask."""
        return not self.as_json and _is_terminal(sys.stdin) and _is_terminal(sys.stderr)

    @property
    def colour(self) -> bool:
        """Whether output may be coloured: only for a person, and not with NO_COLOR (no-color.org)."""
        return _is_terminal(sys.stdout) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def line(self, text: str = "") -> None:
        """A line of the result; on a terminal broken between words."""
        if not self.as_json:
            self.raw(_fitting(sys.stdout, text) + "\n")

    def raw(self, text: str) -> None:
        """Text as it is, colour sequences included: only what is made of our own words."""
        with self._lock:
            self.progress()
            _write(sys.stdout, text)

    def document(self, document: object) -> None:
        """The result for programs."""
        if self.as_json:
            _write(sys.stdout, json.dumps(to_json_value(document), indent=2) + "\n")

    def note(self, text: str) -> None:
        """A remark that is not part of the result; nowhere, where standard error is closed."""
        with self._lock, contextlib.suppress(OutputClosedError):
            self.progress()
            _write(sys.stderr, _fitting(sys.stderr, text) + "\n")

    def has_room_for(self, notes: Sequence[str]) -> bool:
        """Whether all of these can be seen at once; where nobody looks at a terminal there is room."""
        rows = sum(_fitting(sys.stderr, note).count("\n") + 1 for note in notes)
        return not _is_terminal(sys.stderr) or rows <= _size()[1]

    def progress(self, *lines: str) -> None:
        """Show these in place of the last ones, or take those away; only on a terminal that can."""
        with self._lock:
            if not (lines or self._progress) or not _is_terminal(sys.stderr) or _is_dumb():
                return
            width, rows = _size()
            shown = [clipped(printable(line), width - 1) for line in lines[: rows - 1 if rows >= FEWEST_ROWS else 1]]
            back = f"\x1b[{self._progress - 1}A" if self._progress > 1 else ""
            _write(sys.stderr, f"\r{back}\x1b[J" + "\n".join(shown))
            self._progress = len(shown)

    @contextlib.contextmanager
    def busy(self, what: str) -> Iterator[None]:
        """Say what goes on, and for how long by now, as soon as it has taken 0.3 s; what is printed meanwhile stands before it.

        Nothing is said where work is shown already, on this screen or on one of its own.
        """
        if not _is_terminal(sys.stderr) or self._progress or self._taken:
            yield
            return
        ended = threading.Event()
        thread = threading.Thread(target=self._tell_busy, args=(what, ended), daemon=True, name="busy")
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self.progress()

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """The terminal shows a page that fills it: nothing else may be written there."""
        self._taken = True
        try:
            yield
        finally:
            self._taken = False

    def _tell_busy(self, what: str, ended: threading.Event) -> None:
        seconds = 0
        with contextlib.suppress(OutputClosedError, OSError):
            while not ended.wait(1.0 if seconds else SILENCE):
                if _is_dumb() and not seconds:
                    self.note(f"{what} ...")
                self.progress(f"{what} ..." + (f" {phrases.span(seconds)}" if seconds else ""))
                seconds += 1

    def error(self, error: ParaduxError) -> None:
        """Say what failed, why, and what to do; to programs as {"error": ...}."""
        try:
            self.document({"error": error.to_wire()})
        finally:
            self.failure(error.message, error.hint)

    def failure(self, message: str, hint: str) -> None:
        """One sentence on standard error and, on the next line, what to do."""
        self.note(f"paraductl: {one_line(message)}" + (f"\n  {one_line(hint)}" if hint else ""))

    def ask(self, question: str) -> str:
        """One line from the person at the terminal; raises `EOFError` when they are gone."""
        self.progress()
        _write(sys.stderr, _fitting(sys.stderr, question) + " ")
        with _interrupted_on_a_line_of_its_own():
            answer = sys.stdin.readline()
        if not answer:
            raise EOFError
        return answer.strip()

    def ask_secret(self, question: str) -> str:
        """The same, without showing what is typed."""
        import getpass

        self.progress()
        with _interrupted_on_a_line_of_its_own():
            return getpass.getpass(printable(question) + " ")

    def choose(self, question: str, choices: str) -> str:
        """The letter of `choices` that was answered; the last one when the person is gone."""
        while True:
            try:
                answer = self.ask(question).lower()[:1]
            except EOFError:
                return choices[-1]
            if answer and answer in choices:
                return answer


@contextlib.contextmanager
def _interrupted_on_a_line_of_its_own() -> Iterator[None]:
    """After Ctrl-C the terminal stands behind a question and a ^C: what is said then begins on the next line."""
    try:
        yield
    except KeyboardInterrupt:
        with contextlib.suppress(OutputClosedError):
            _write(sys.stderr, "\n")
        raise


def _is_terminal(stream: IO[str] | None) -> bool:
    return stream is not None and stream.isatty()


def _is_dumb() -> bool:
    """Whether the terminal can do nothing but show one character after the other."""
    return os.environ.get("TERM", "dumb") == "dumb"


def _size() -> tuple[int, int]:
    import shutil

    size = shutil.get_terminal_size()
    return max(size.columns, 20), size.lines


def terminal_width() -> int:
    """Columns of a line that does not break."""
    return _size()[0] - 1


def _fitting(stream: IO[str] | None, text: str) -> str:
    return wrapped(printable(text), _size()[0]) if _is_terminal(stream) else printable(text)


def _write(stream: IO[str] | None, text: str) -> None:
    if stream is None:
        raise OutputClosedError("it is closed")
    try:
        stream.write(text)
        stream.flush()
    except OSError as problem:
        _abandon(stream)
        reason = () if isinstance(problem, BrokenPipeError) else (str(problem.strerror),)
        raise OutputClosedError(*reason) from None


def _abandon(stream: IO[str]) -> None:
    """What is still buffered must not fail again when Python shuts down."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
