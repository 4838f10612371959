"""Typing a share at a terminal: TAB completes words of the list, a wrong word is pointed at, what was right is kept.

Pure but for `Prompt`: each line that a person types gives the words so far and what to say about them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from paraduxd.api.frozen import dataclass
from paraduxd.shares import words as wordlist

COUNT = 33
"""Words of a share."""

_CORRECTION = re.compile(r"\s*([0-9]{1,2})\s*[.=: ]\s*([a-zA-Z]+)\s*")


@dataclass(frozen=True)
class Typed:
    """The words so far, all in the list; `complete`: they are a whole share without a mistake. `say`: sentences for the person."""

    words: tuple[str, ...] = ()
    complete: bool = False
    say: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Typed({len(self.words)} words)"

    @property
    def text(self) -> str:
        """The share as text."""
        return " ".join(self.words)


def is_word(text: str) -> bool:
    """Whether this is one word of the list."""
    return wordlist.full_word(text.lower()) in wordlist.wordlist()


def take(typed: Typed, line: str) -> Typed:
    """The words after one more line: words or their first four letters, numbered or not, in any case, or "7 word" to correct one."""
    correction = _CORRECTION.fullmatch(line)
    if correction and 1 <= int(correction[1]) <= len(typed.words):
        return _corrected(typed, int(correction[1]), wordlist.full_word(correction[2].lower()))
    known = set(wordlist.wordlist())
    words = typed.words
    for word in wordlist.parse_words(line):
        if word not in known:
            return Typed(words, say=(_unknown(len(words) + 1, word), "Type on from this word."))
        words = (*words, word)
    return _judged(words)


def _corrected(typed: Typed, position: int, word: str) -> Typed:
    if word not in wordlist.wordlist():
        return Typed(typed.words, say=(_unknown(position, word),))
    return _judged((*typed.words[: position - 1], word, *typed.words[position:]))


def _judged(words: tuple[str, ...]) -> Typed:
    if len(words) < COUNT:
        return Typed(words, say=(f"{len(words)} of {COUNT} words; type on.",))
    if len(words) > COUNT:
        return Typed((), say=(f"these are {len(words)} words, a share has {COUNT}; begin again with the first one.",))
    from paraduxd.shares.slip39 import ShareError, read_share

    try:
        read_share(words)
    except ShareError as problem:
        return Typed(words, say=(f"{str(problem).rstrip('.')}.", *_advice(words)))
    return Typed(words, complete=True)


def _advice(words: tuple[str, ...]) -> tuple[str, ...]:
    """Which single word may be the wrong one; the numbers and words of the sheet decide."""
    fitting = wordlist.pinpoint(words)[:5]
    if not fitting:
        return ("More than one word is wrong. Compare them with the sheet; correct one with its number: 7 word",)
    shown = ", or ".join(f"word {position} is {word!r} (typed: {words[position - 1]!r})" for position, word in fitting)
    return (f"It would be right if {shown}.", "Look at the sheet, then correct it with its number, for example: 7 word")


def _unknown(position: int, word: str) -> str:
    near = ", ".join(wordlist.suggest(word)[:3])
    return f"word {position} ({word[:20]!r}) is not in the list of words" + (f"; perhaps: {near}?" if near else "")


class Prompt:
    """Lines from a person at the terminal, with TAB completing the words of the list. No line is kept in a history."""

    def __init__(self, ask: Callable[[str], str]) -> None:
        self._ask = ask

    def line(self, question: str) -> str:
        """One line; raises `EOFError` when the person is gone."""
        try:
            import readline
        except ImportError:  # a Python without it: typing works, completing does not
            return self._ask(question)
        readline.set_auto_history(False)
        readline.set_completer_delims(" \t\n")
        readline.set_completer(_complete)
        readline.parse_and_bind("tab: complete")
        try:
            return input(f"{question} ")
        finally:
            readline.set_completer(None)


def _complete(text: str, state: int) -> str | None:
    """The completer of readline: words of the list, then names of files."""
    fitting = [f"{word} " for word in wordlist.complete(text.lower())] if text.isalpha() else []
    return fitting[state] if state < len(fitting) else None
