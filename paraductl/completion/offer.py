"""What can stand at the cursor: words, or names of files or folders, which the shell lists best."""

from __future__ import annotations

import argparse
import enum
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from paraduxd.api.frozen import dataclass


class Kind(enum.StrEnum):
    """What the shell shows."""

    WORDS = "words"
    FILES = "files"
    DIRECTORIES = "directories"


@dataclass(frozen=True)
class Word:
    """One word that can stand there, and what it means."""

    value: str
    help: str = ""


@dataclass(frozen=True)
class Offer:
    """What can stand at the cursor. `prefix`: what of the word stays in front, like `--to=`."""

    kind: Kind
    words: tuple[Word, ...] = ()
    prefix: str = ""


NOTHING = Offer(Kind.WORDS)

Chosen = Mapping[str, Sequence[str]]
"""What stands before the cursor, by the destination of each argument."""

Source = Callable[[Chosen], Iterable[Word]]
"""Live names of one sort, given what was chosen before: the destinations of a dataset, for example."""

_FREE = frozenset({"TIME", "N", "M", "CODE", "PATH", "PATTERN", "GLOB", "TEXT", "NAME", "USER", "URL"})
"""What only a person knows: nothing is offered, not even files."""


def values_of(action: argparse.Action, sources: Mapping[str, Source], chosen: Chosen) -> Offer:
    """What a value of this argument can be: by its choices, else by the capital words of its metavar (`RUN|DATASET`)."""
    if action.choices is not None:
        return Offer(Kind.WORDS, tuple(Word(str(choice)) for choice in action.choices))
    names = _names(action)
    if "DIR" in names:
        return Offer(Kind.DIRECTORIES)
    known = [sources[name] for name in names if name in sources]
    if not known:
        return NOTHING if names and _FREE.issuperset(names) else Offer(Kind.FILES)
    words = [word for source in known for word in source(chosen)]
    if "staging" in (action.help or "") and "ID" in names:
        words.append(Word("staging", "the copy on this machine"))
    return Offer(Kind.WORDS, tuple(words))


def _names(action: argparse.Action) -> list[str]:
    metavars = action.metavar if isinstance(action.metavar, tuple) else (action.metavar or action.dest.upper(),)
    return [name for metavar in metavars for name in re.findall(r"[A-Z]+", metavar)]
