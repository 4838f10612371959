"""How one question is put to a person: on lines, or by the prompt library where the terminal can do more than that."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Protocol

from paraductl.terminal.terminal import Terminal
from paraduxd.api.frozen import dataclass

BACK = "<"
"""What a person types to go back to the question before."""


class BackError(Exception):
    """The person wants to answer the question before again."""


@dataclass(frozen=True)
class Prompt:
    """One question. `hidden`: what is typed is not shown; `words` are completed, and with `paths` names of files and folders."""

    text: str
    hidden: bool = False
    words: Sequence[str] = ()
    paths: bool = False


class Prompts(Protocol):
    """Where questions are put."""

    def ask(self, prompt: Prompt) -> str:
        """What was typed, without blanks around it unless it is hidden; raises `BackError`, `EOFError` when the person is gone, and
        `KeyboardInterrupt`."""

    def say(self, text: str, indent: str = "") -> None:
        """Paragraphs, no wider than the terminal."""

    def wait(self, what: str) -> None:
        """Show that something is being done ("": no longer)."""


class LinePrompts:
    """On lines: for a dumb terminal, and wherever the library is missing."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def ask(self, prompt: Prompt) -> str:
        """See `Prompts.ask`."""
        *lines, last = wrapped(f"{prompt.text}:")
        for line in lines:
            self._terminal.note(line)
        answer = self._terminal.ask_secret(last) if prompt.hidden else self._terminal.ask(last)
        if answer == BACK:
            raise BackError
        return answer

    def say(self, text: str, indent: str = "") -> None:
        """See `Prompts.say`."""
        self._terminal.note("\n".join(wrapped(text, indent)))

    def wait(self, what: str) -> None:
        """See `Prompts.wait`."""
        self._terminal.progress(what)


def prompts_for(terminal: Terminal) -> Prompts:
    """The best that this terminal can do."""
    if os.environ.get("TERM", "dumb") != "dumb" and _is_terminal():
        try:
            from paraductl.setup.prompt_library import LibraryPrompts
        except ImportError:
            return LinePrompts(terminal)
        return LibraryPrompts(terminal)
    return LinePrompts(terminal)


def _is_terminal() -> bool:
    """Whether keys can be read one by one."""
    try:
        return os.isatty(sys.stdin.fileno())
    except (OSError, ValueError):
        return False


def wrapped(text: str, indent: str = "") -> list[str]:
    """Lines that break between words only, as far in as their paragraph, and leave room for an answer."""
    width = min(max(shutil.get_terminal_size().columns, 40), 100) - 1
    return [line for paragraph in text.split("\n") for line in _paragraph(paragraph, indent, width)]


def _paragraph(text: str, indent: str, width: int) -> list[str]:
    inner = indent + text[: len(text) - len(text.lstrip())]
    wrap = textwrap.TextWrapper(
        width, initial_indent=inner, subsequent_indent=inner, break_on_hyphens=False, break_long_words=False
    ).wrap
    return wrap(text.strip()) or [""]
