"""Subcommands are modules: those in `paraductl/commands/`, found by being there, and those an administrator has dropped in.

A module has `HELP` (one line), `options(parser)` and `run(context, arguments) -> int`. It may have `ALIASES`, other names for it, and
`EXAMPLES`, pairs of a sentence and a command line.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from paraductl.context import Context

BUILT_IN = Path(__file__).parent / "commands"
DROP_INS = Path("/etc/paradux/commands.d")


class Command(Protocol):
    """What a subcommand's module offers."""

    HELP: str

    def options(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, context: Context, arguments: argparse.Namespace) -> int: ...


def examples_of(command: Command) -> tuple[tuple[str, str], ...]:
    """What each example does, and its command line."""
    return tuple(getattr(command, "EXAMPLES", ()))


class Commands:
    """The subcommands; `warn` gets a sentence about each dropped-in file that is left out."""

    def __init__(
        self, warn: Callable[[str], None], folder: Path = DROP_INS, owner_uids: frozenset[int] = frozenset({0})
    ) -> None:
        self._warn = warn
        self._folder = folder
        self._owner_uids = owner_uids

    def find(self, name: str) -> Command | None:
        """The subcommand `name`, or `None`; imports no other one when it is a built-in."""
        if name in _built_in():
            return _import(name)
        everything = self.all()
        aliased = (command for command in everything.values() if name in getattr(command, "ALIASES", ()))
        return everything.get(name) or next(aliased, None)

    def all(self) -> dict[str, Command]:
        """Every subcommand by name, in the order of the names."""
        return dict(sorted((self._dropped_in() | {name: _import(name) for name in _built_in()}).items()))

    def _dropped_in(self) -> dict[str, Command]:
        if not self._folder.exists():
            return {}
        from paraduxd.api.dropins import load_folder

        found = load_folder(self._folder, self._owner_uids)
        for sentence in found.refused:
            self._warn(sentence)
        usable: dict[str, Command] = {}
        for module in found.modules:
            name = _name(Path(module.__file__ or "").name)
            if problem := _problem(name, module):
                self._warn(f"{module.__file__} is ignored: {problem}")
            else:
                usable[name] = cast(Command, module)
        return usable


def _problem(name: str, module: object) -> str:
    if name in _built_in():
        return f"{name} is a command of paraductl itself"
    missing = [part for part in ("HELP", "options", "run") if not hasattr(module, part)]
    return f"it has no {' and no '.join(missing)}" if missing else ""


def _built_in() -> set[str]:
    return {_name(path.name) for path in BUILT_IN.glob("[!_]*.py")}


def _name(file: str) -> str:
    """`create_steward_device.py` is `create-steward-device`."""
    return file.removesuffix(".py").replace("_", "-")


def _import(name: str) -> Command:
    return cast(Command, importlib.import_module(f"paraductl.commands.{name.replace('-', '_')}"))
