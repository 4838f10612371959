"""What differs between shells: how they split a line, how they want an answer, and the script that asks."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from paraductl.completion.offer import Offer, Word
from paraduxd.api.frozen import dataclass

SHELLS = ("bash", "zsh", "fish")
_SCRIPTS = Path(__file__).parent / "scripts"


def script(shell: str, program: str) -> str:
    """What the shell reads, so that it asks `program` whenever TAB is pressed behind `paraductl`."""
    text = (_SCRIPTS / f"paraductl.{shell}").read_text(encoding="utf-8")
    return text.replace("@PROGRAM@", shlex.quote(program))


@dataclass(frozen=True)
class Line:
    """A command line up to the cursor: its words without quotes, and how much of the last one bash takes for finished."""

    words: tuple[str, ...]
    finished: int = 0


def split_bash(text: str, breaks: str) -> Line:
    """Split a line as bash does. `breaks`: its COMP_WORDBREAKS; after one of `:=@` in a word, bash completes what follows only."""
    words, word, quote, started, finished = [], "", "", False, 0
    characters = iter(text)
    for each in characters:
        if each == "\\" and quote != "'":
            word, started = word + next(characters, ""), True
        elif quote:
            word, quote = (word, "") if each == quote else (word + each, quote)
        elif each in "'\"":
            quote, started = each, True
        elif each.isspace():
            words += [word] if started else []
            word, started, finished = "", False, 0
        else:
            word, started = word + each, True
            finished = len(word) if each in ":=@" and each in breaks else finished
    while words and re.match(r"[A-Za-z_]\w*\+?=", words[0]):
        words.pop(0)  # a variable for this one command
    return Line((*words[1:], word), 0 if quote else finished)


def answer(shell: str, offer: Offer, line: Line) -> Iterator[str]:
    """The lines that the script of a shell reads: what to show, then the words."""
    yield f"{offer.kind}"
    current = line.words[-1] if line.words else ""
    for word in filter(_is_plain, offer.words):
        value = offer.prefix + word.value
        if shell == "bash":
            if value.startswith(current):
                yield value[line.finished :]
        elif shell == "zsh":
            yield f"{word.value.replace(':', chr(92) + ':')}:{_summary(word)}"
        else:
            yield f"{value}\t{_summary(word)}"


def _is_plain(word: Word) -> bool:
    """Names of others must not end a line, or do anything else in a terminal."""
    return word.value.isprintable() and not re.search(r"[\s'\"\\$`;&|<>(){}*?!]", word.value)


def _summary(word: Word) -> str:
    """One line of plain text."""
    return "".join(each if each.isprintable() else " " for each in word.help)
