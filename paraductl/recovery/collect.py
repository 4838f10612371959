"""Collecting what stewards bring to a recovery: from options, from a person at the terminal, from sticks that are plugged in."""

from __future__ import annotations

import contextlib
import shlex
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from paraductl.context import Context
from paraductl.recovery import materials
from paraductl.recovery.share_entry import COUNT, Prompt, Typed, is_word, take
from paraduxd.api.calls import Material as Brought
from paraduxd.api.contract import KeeperCalls
from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.recovery import Collected
from paraduxd.shares.collection import Material

Reply = TypeVar("Reply")

Bring = Callable[[KeeperCalls], Collected]
"""Hands something to a keeper."""

INTRODUCTION = """\
Bring what your stewards have, in any order and as much as there is:
  plug in their sticks one after the other (where this machine reads them by itself), or
  give the folder of a kit or a file:  /media/bob/PARADUX  or
  type the words of a sheet, numbered or not; TAB completes a word; or scan the QR code into this line.
Enter alone goes on with what is there. Nothing is changed before the shares have proven what they open."""

LOOK = 1.0
"""Seconds between two looks at what sticks have brought."""

PATIENCE = 3600.0
"""Seconds after the last line for which sticks are looked for: later the keeper forgets what was brought."""


class Collection:
    """What the keeper has so far; each finding is shown once, whoever brought it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._brought: list[Bring] = []
        self._shown = 0
        self._showing = threading.Lock()
        self.state = Collected()

    def look(self) -> None:
        """Show what was brought before, by an interrupted command or by sticks."""
        self.take_in(self.call(lambda keeper: keeper.recover_state()))

    def call(self, ask: Callable[[KeeperCalls], Reply]) -> Reply:
        """A call that changes nothing on this machine. If the keeper has ended meanwhile, another gets again what was brought."""
        try:
            return ask(self._context.keeper())
        except ParaduxError as error:
            if error.code != "closed":
                raise
        keeper = self._context.new_keeper()
        for bring in self._brought:
            bring(keeper)
        return ask(keeper)

    def bring(self, found: Iterable[Material]) -> None:
        """Hand materials to the keeper, one by one: each may hold a whole config."""
        for material in found:
            self._hand_over(_bring_material(materials.as_plain(material)))

    def bring_kit(self, place: str) -> None:
        """A kit in a folder, or on a stick that is named by its device: that one the daemon has to read."""
        if Path(place).expanduser().is_block_device():
            self._hand_over(_bring_device(str(Path(place).expanduser().resolve())))
        else:
            self.bring(materials.kit(place))

    def _hand_over(self, bring: Bring) -> None:
        self.take_in(self.call(bring))
        self._brought.append(bring)

    def take_in(self, state: Collected) -> None:
        """Show what is new in a state."""
        with self._showing:
            new = state.findings[self._shown :]
            for finding in new:
                self._context.terminal.note(f"{_MARKS.get(finding.state, '-')} {finding.text}")
            if new:
                for sentence in state.report:
                    self._context.terminal.note(f"  {sentence}")
            self._shown, self.state = max(self._shown, len(state.findings)), state


def _bring_material(plain: Brought) -> Bring:
    return lambda keeper: keeper.recover_add(materials=[plain])


def _bring_device(device: str) -> Bring:
    return lambda keeper: keeper.recover_device(device=device)


_MARKS = {"good": "+", "duplicate": "="}


class Sticks:
    """While a person types, another thread shows what sticks have brought meanwhile."""

    def __init__(self, context: Context, collection: Collection) -> None:
        self._context = context
        self._collection = collection
        self._ending = threading.Event()
        self._until = 0.0

    def __enter__(self) -> Sticks:
        self.wait_on()
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()

    def wait_on(self) -> None:
        """Somebody is there."""
        self._until = time.monotonic() + PATIENCE

    def _watch(self) -> None:
        with contextlib.suppress(ParaduxError), self._context.another_keeper() as keeper:
            while not self._ending.wait(LOOK) and time.monotonic() < self._until:
                self._collection.take_in(keeper.recover_state())


def ask(context: Context, collection: Collection) -> None:
    """The dialogue; ends when the person says so and enough is there, or with `EOFError` when they are gone."""
    context.terminal.note(INTRODUCTION)
    prompt, typed = Prompt(context.terminal.ask), Typed()
    with Sticks(context, collection) as sticks:
        while True:
            line = prompt.line(_question(collection, typed)).strip()
            sticks.wait_on()
            if not line and typed.words:
                context.terminal.note(f"the {len(typed.words)} words typed so far are dropped")
                typed = Typed()
            elif not line:
                collection.look()
                if collection.state.ready:
                    return
                there = "; ".join(collection.state.report) or "no share was brought"
                context.terminal.note(
                    f"Not enough yet: {there}. Bring more, or stop with Ctrl-C: it is kept for an hour."
                )
            else:
                typed = _take(context, collection, typed, line)


def _question(collection: Collection, typed: Typed) -> str:
    if typed.words:
        return f"word {len(typed.words) + 1} of {COUNT}:" if len(typed.words) < COUNT else "correct (7 word):"
    return "another one, or Enter to go on:" if collection.state.ready else "words, folder or file:"


def _take(context: Context, collection: Collection, typed: Typed, line: str) -> Typed:
    """One line: a place, or words."""
    if (place := _place(line)) is not None:
        try:
            if place.is_block_device():
                collection.bring_kit(str(place))
            else:
                collection.bring(materials.anything(place))
        except ParaduxError as problem:
            context.terminal.failure(problem.message, problem.hint)
        return typed
    typed = take(typed, line)
    for sentence in typed.say:
        context.terminal.note(sentence)
    if not typed.complete:
        return typed
    collection.bring([Material("typed words", share_text=typed.text)])
    return Typed()


def _place(line: str) -> Path | None:
    """The folder or file that a line names, `None` when it is words. A file manager's quotes and backslashes may be around it."""
    if not line.isprintable():
        return None
    with contextlib.suppress(ValueError, OSError):
        if not Path(line).exists() and len(unquoted := shlex.split(line)) == 1:
            line = unquoted[0]
        if line.startswith(("/", "./", "../", "~")) or (Path(line).exists() and not is_word(line)):
            return _expanded(Path(line))
    return None


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # "~somebody" whom this machine does not know
        return path
