"""Reads a command line that is not finished, by the parsers, and finds out what can stand at its end."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from paraductl.command_loader import Commands
from paraductl.completion.offer import NOTHING, Kind, Offer, Source, Word, values_of
from paraductl.main import command_parser, outer_parser

_ONE_OR_MORE = ("*", "+", argparse.REMAINDER)


@dataclass
class _Reader:
    """Goes through the words before the cursor; says what each is for."""

    parser: argparse.ArgumentParser
    chosen: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    used: list[argparse.Action] = field(default_factory=list)
    waiting: argparse.Action | None = None
    """The option whose value comes next."""
    options_end: bool = False

    def read(self, word: str) -> argparse.Action | None:
        """Take one word; gives the option or argument that it belongs to."""
        if word == "--" and not self.options_end:
            self.options_end, self.waiting = True, None
            return None
        if self.is_option(word):
            return self._read_option(word)
        action = self.waiting or self.next_argument()
        if action is not None:
            self.chosen[action.dest].append(word)
            if self.waiting is not None and action.nargs not in _ONE_OR_MORE:
                self.waiting = None
        return action

    def is_option(self, word: str) -> bool:
        """Whether a word is read as an option where the reader stands."""
        needs_value = self.waiting is not None and self.waiting.nargs not in ("?", *_ONE_OR_MORE)
        return word.startswith("-") and word != "-" and not self.options_end and not needs_value

    def _read_option(self, word: str) -> argparse.Action | None:
        name, equals, value = word.partition("=")
        action = self.parser._option_string_actions.get(name)
        self.waiting = None
        if action is not None:
            self.used.append(action)
            if equals:
                self.chosen[action.dest].append(value)
            elif action.nargs != 0:
                self.waiting = action
        return action

    def next_argument(self) -> argparse.Action | None:
        """The argument that a further plain word belongs to."""
        for action in self.parser._get_positional_actions():
            if action.nargs in _ONE_OR_MORE or not self.chosen.get(action.dest):
                return action
        return None

    def options(self) -> Iterator[Word]:
        """Options that can still be given."""
        gone = {id(action) for action in self.used if not isinstance(action, argparse._AppendAction)}
        for group in self.parser._mutually_exclusive_groups:
            if any(action in group._group_actions for action in self.used):
                gone |= {id(action) for action in group._group_actions}
        for action in self.parser._actions:
            if action.option_strings and id(action) not in gone and action.help != argparse.SUPPRESS:
                yield Word(max(action.option_strings, key=len), _help(action, self.parser))


def offer(words: Sequence[str], commands: Commands, sources: Mapping[str, Source]) -> Offer:
    """What can stand at the cursor, at the end of the last of `words`, which follow the name of the program."""
    *before, current = words or [""]
    outer = _Reader(outer_parser())
    for number, word in enumerate(before):
        action = outer.read(word)
        if action is not None and action.dest == "command":
            command = commands.find(word)
            if command is None:
                return NOTHING
            inner = _Reader(command_parser(word, command), outer.chosen)
            for each in before[number + 1 :]:
                inner.read(each)
            return _at_cursor(inner, current, sources)
    if outer.waiting is None and not _begins_option(outer, current):
        return Offer(Kind.WORDS, tuple(Word(name, command.HELP) for name, command in commands.all().items()))
    return _at_cursor(outer, current, sources)


def _at_cursor(reader: _Reader, current: str, sources: Mapping[str, Source]) -> Offer:
    if _begins_option(reader, current):
        name, equals, _ = current.partition("=")
        action = reader.parser._option_string_actions.get(name)
        if not equals:
            return Offer(Kind.WORDS, tuple(reader.options()))
        if action is None or action.nargs == 0:
            return NOTHING
        return replace(values_of(action, sources, reader.chosen), prefix=f"{name}=")
    action = reader.waiting or reader.next_argument()
    if action is None:
        return Offer(Kind.WORDS, () if current or reader.options_end else tuple(reader.options()))
    return values_of(action, sources, reader.chosen)


def _begins_option(reader: _Reader, current: str) -> bool:
    return reader.is_option(current) or (current == "-" and reader.is_option("--"))


def _help(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    return (action.help or "") % {**vars(action), "prog": parser.prog}
