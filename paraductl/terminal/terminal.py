"""Everything that is printed or asked: text for people, or one JSON document for programs."""

from __future__ import annotations

import json
import os
import sys
from typing import IO

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ParaduxError


class OutputClosedError(Exception):
    """Whoever read our output has stopped reading (`| head`)."""


class Terminal:
    """Standard input, output and error of one command. With `as_json`, text for people is left out."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        self._progress = 0

    @property
    def interactive(self) -> bool:
        """Whether there is somebody to ask."""
        return not self.as_json and sys.stdin.isatty() and sys.stderr.isatty()

    @property
    def colour(self) -> bool:
        """Whether output may be coloured: only for a person, and not with NO_COLOR (no-color.org)."""
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def line(self, text: str = "") -> None:
        """A line of the result."""
        if not self.as_json:
            self.raw(printable(text) + "\n")

    def raw(self, text: str) -> None:
        """Text as it is, colour sequences included: only what is made of our own words."""
        self.progress("")
        _write(sys.stdout, text)

    def document(self, document: object) -> None:
        """The result for programs."""
        if self.as_json:
            _write(sys.stdout, json.dumps(to_json_value(document), indent=2) + "\n")

    def note(self, text: str) -> None:
        """A remark that is not part of the result."""
        self.progress("")
        _write(sys.stderr, printable(text) + "\n")

    def progress(self, text: str) -> None:
        """Show this in place of the last progress line, or take that away; only on a terminal."""
        if not (text or self._progress) or not sys.stderr.isatty():
            return
        import shutil

        shown = printable(text)[: shutil.get_terminal_size().columns - 1]
        _write(sys.stderr, "\r" + shown.ljust(self._progress) + ("" if shown else "\r"))
        self._progress = len(shown)

    def error(self, error: ParaduxError) -> None:
        """Say what failed, why, and what to do; to programs as {"error": ...}."""
        if self.as_json:
            self.document({"error": error.to_wire()})
        self.failure(error.message, error.hint)

    def failure(self, message: str, hint: str) -> None:
        """One sentence on standard error and, on the next line, what to do."""
        self.note(f"paraductl: {one_line(message)}" + (f"\n  {one_line(hint)}" if hint else ""))

    def ask(self, question: str) -> str:
        """One line from the person at the terminal; raises `EOFError` when they are gone."""
        self.progress("")
        _write(sys.stderr, printable(question) + " ")
        answer = sys.stdin.readline()
        if not answer:
            raise EOFError
        return answer.strip()

    def ask_secret(self, question: str) -> str:
        """The same, without showing what is typed."""
        import getpass

        self.progress("")
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


def one_line(text: str) -> str:
    """The text without line feeds: what a server said must not look like a line of ours."""
    return " ".join(text.splitlines())


def printable(text: str) -> str:
    """The text with control characters (which could steer a terminal) made visible."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def _write(stream: IO[str], text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        # What is still buffered must not fail again when Python shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise OutputClosedError from None
