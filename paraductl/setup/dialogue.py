"""A dialogue that can go back and go on.

It is a plain function that asks one question after the other. To go back, the last answer is forgotten and the function begins again:
what is answered already is not asked. To go on after an interruption is the same, with the answers that were kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from paraductl.setup.kept_answers import KeptAnswers
from paraductl.setup.prompts import BackError, Prompt, Prompts
from paraduxd.api.typed.passwords_in_addresses import passwords_in

Result = TypeVar("Result")
Check = Callable[[str], str]
"""Why an answer cannot be taken, as a clause; "": it can."""

NOTHING = "-"
"""What a person types to take back what is offered in brackets."""


class AgainError(Exception):
    """Answers were forgotten: the function has to begin again."""


class Dialogue:
    """Asks, and remembers. `offered`: earlier answers, which Enter takes."""

    def __init__(self, prompts: Prompts, kept: KeptAnswers) -> None:
        self.kept = kept
        self._prompts = prompts
        self._offered: dict[str, str] = {}
        self._asked: list[str] = []
        self._unsaid: list[tuple[str, str]] = []

    def run(self, script: Callable[[Dialogue], Result]) -> Result:
        """What the function gives in the end; raises `EOFError` and `KeyboardInterrupt` when the person leaves."""
        while True:
            self._asked, self._unsaid = [], []
            try:
                return script(self)
            except BackError:
                self._go_back()
            except AgainError:
                pass

    def note(self, text: str, indent: str = "") -> None:
        """What is said with the next question that is asked; nothing when that is answered already."""
        self._unsaid.append((text, indent))

    def say(self, text: str, indent: str = "") -> None:
        """What is said at once."""
        self._prompts.say(text, indent)

    def wait(self, what: str) -> None:
        """Show what is being done."""
        self._prompts.wait(what)

    def ask(
        self,
        key: str,
        text: str,
        *,
        default: str = "",
        optional: bool = False,
        hidden: bool = False,
        secret: bool = False,
        words: Sequence[str] = (),
        paths: bool = False,
        check: Check = lambda _: "",
    ) -> str:
        """The answer. `default`: what Enter means; `hidden`: not shown while it is typed; `secret`: never written to the disk."""
        self._asked.append(key)
        if key in self.kept.answers:
            self._unsaid = []
            return self.kept.answers[key]
        self._speak()
        offered = self._offered.get(key, default)
        prompt = Prompt(text + _bracket(offered, optional, hidden), hidden, words, paths)
        while True:
            typed = self._prompts.ask(prompt)
            answer = "" if typed == NOTHING and optional else typed or offered
            problem = "this is needed" if not answer and not optional else check(answer) if answer else ""
            if not problem:
                self.kept.put(key, answer, secret=hidden or secret or bool(passwords_in(answer)))
                return answer
            self.say(problem, "  ")

    def choose(self, key: str, text: str, choices: Sequence[str], default: int = 1) -> int:
        """The index (from 0) of one of some choices, which are shown with numbers."""
        if key not in self.kept.answers:
            for number, each in enumerate(choices, 1):
                self.note(f"{number}. {each}", "  ")
        numbers = [str(number) for number in range(1, len(choices) + 1)]
        expected = f"a number from 1 to {len(choices)}"
        answer = self.ask(
            key, text, default=str(default), words=numbers, check=lambda typed: "" if typed in numbers else expected
        )
        return int(answer) - 1

    def agrees(self, key: str, text: str, *, default: bool = True) -> bool:
        """Yes or no."""
        letters = ("y", "yes", "n", "no")
        answer = self.ask(
            key,
            f"{text} (y/n)",
            default="y" if default else "n",
            words=("yes", "no"),
            check=lambda typed: "" if typed.lower() in letters else "yes or no",
        )
        return answer.lower().startswith("y")

    def at_once(self, text: str, letters: str) -> str:
        """One of these letters, for a question whose answer is not kept."""
        self._asked.append("")
        self._speak()
        while True:
            if (typed := self._prompts.ask(Prompt(text)).lower()[:1]) and typed in letters:
                return typed

    def change(self, place: str) -> None:
        """Ask all questions of a place again, and offer what was answered."""
        for key in [key for key in self.kept.answers if key == place or key.startswith(f"{place}.")]:
            self._forget(key)
        self.kept.write()
        raise AgainError

    def _go_back(self) -> None:
        before = next((key for key in reversed(self._asked[:-1]) if key in self.kept.answers), None)
        if before is None:
            self.say("this is the first question", "  ")
            return
        self._forget(before)
        self.kept.write()

    def _forget(self, key: str) -> None:
        answer = self.kept.take(key)
        if answer:
            self._offered[key] = answer

    def _speak(self) -> None:
        for text, indent in self._unsaid:
            self.say(text, indent)
        self._unsaid = []


def _bracket(offered: str, optional: bool, hidden: bool) -> str:
    """What Enter means."""
    if offered:
        shown = "as before" if hidden else offered
        return f" [{shown}; {NOTHING}: none]" if optional else f" [{shown}]"
    return " [none]" if optional else ""
