"""Subcommands are modules: those in `paraductl/commands/`, found by being there, and those an administrator has dropped in.

A module has `HELP` (one line), `options(parser)` and `run(context, arguments) -> int`, and may have `ALIASES`, other names for it.
"""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Iterator
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


def find(name: str) -> Command | None:
    """The module of the subcommand `name`, or `None`; imports no other when it is a built-in."""
    if name in _built_in():
        return _import(name)
    return all_commands().get(name) or next((command for _, command in _aliased(name)), None)


def all_commands() -> dict[str, Command]:
    """Every subcommand by name."""
    dropped = _dropped_in() if DROP_INS.is_dir() else {}
    return dict(sorted((dropped | {name: _import(name) for name in _built_in()}).items()))


def _aliased(name: str) -> Iterator[tuple[str, Command]]:
    return (pair for pair in all_commands().items() if name in getattr(pair[1], "ALIASES", ()))


def _built_in() -> set[str]:
    """Names of the built-in subcommands: `create_steward_device.py` is `create-steward-device`."""
    return {
        entry.removesuffix(".py").replace("_", "-")
        for entry in os.listdir(BUILT_IN)
        if entry.endswith(".py") and not entry.startswith("_")
    }


def _import(name: str) -> Command:
    return cast(Command, importlib.import_module(f"paraductl.commands.{name.replace('-', '_')}"))
