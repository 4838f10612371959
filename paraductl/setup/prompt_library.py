"""The one door to the prompt library: editing of a line, and completion."""

from __future__ import annotations

import shutil
import sys

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, PathCompleter, WordCompleter, merge_completers
from prompt_toolkit.data_structures import Size
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output.color_depth import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.shortcuts import CompleteStyle

from paraductl.setup.prompts import BACK, BackError, LinePrompts, Prompt, wrapped
from paraductl.terminal.terminal import Terminal
from paraductl.terminal.text import printable

_WENT_BACK = "\x00back"


class LibraryPrompts(LinePrompts):
    """Questions with completion. What is not asked is printed as on any terminal."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(terminal)
        self._terminal = terminal
        # Without asking the terminal where its cursor is: not every one answers, and lines are slow.
        depth = ColorDepth.DEPTH_4_BIT if terminal.colour else ColorDepth.DEPTH_1_BIT
        self._output = Vt100_Output(sys.stderr, _size, default_color_depth=depth, enable_bell=False, enable_cpr=False)

    def ask(self, prompt: Prompt) -> str:
        """See `Prompts.ask`."""
        self.wait("")
        *lines, last = wrapped(f"{prompt.text}:")
        for line in lines:
            self._terminal.note(line)
        session: PromptSession[str] = PromptSession(output=self._output, key_bindings=_keys())
        answer = session.prompt(
            f"{printable(last)} ",
            is_password=prompt.hidden,
            completer=_completer(prompt),
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
            reserve_space_for_menu=0,
        )
        if answer in (_WENT_BACK, BACK):
            raise BackError
        return answer if prompt.hidden else answer.strip()


def _completer(prompt: Prompt) -> Completer | None:
    found: list[Completer] = []
    if prompt.words:
        found.append(WordCompleter(list(prompt.words), WORD=True))
    if prompt.paths:
        found.append(PathCompleter(expanduser=True))
    return merge_completers(found) if found else None


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("s-tab")
    @keys.add("escape", "left")
    def _(event: KeyPressEvent) -> None:
        event.app.exit(result=_WENT_BACK)

    return keys


def _size() -> Size:
    columns, rows = shutil.get_terminal_size()
    return Size(rows=rows, columns=columns)
