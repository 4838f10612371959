"""Writes the manual pages of paraductl and paraduxd, and completions for bash and zsh, all made from the parsers of their command lines.

Usage: python contrib/manuals.py DIR; DIR gets man/man1, man/man8, bash-completion/completions and zsh/site-functions.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import shtab

from paraductl.arguments import add_global_options
from paraductl.command_loader import Commands
from paraductl.main import DESCRIPTION
from paraduxd.supervisor import main as daemon
from paraduxd.version import VERSION

_SHELLS = {"bash": "bash-completion/completions/{}", "zsh": "zsh/site-functions/_{}"}


def client() -> argparse.ArgumentParser:
    """The whole command line of paraductl; the program itself reads one command's options only."""
    parser = argparse.ArgumentParser("paraductl", description=DESCRIPTION)
    add_global_options(parser)
    parser.add_argument("--version", action="version", version=f"paraductl {VERSION}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for name, command in Commands(warn=print, folder=Path("/nonexistent")).all().items():
        command.options(commands.add_parser(name, help=command.HELP, description=command.HELP))
    return parser


def manual(parser: argparse.ArgumentParser, section: int, see: str) -> str:
    """A manual page, in the macros that groff_man(7) describes."""
    about = (parser.description or "").partition(":")[0].rstrip(".")
    lines = [f'.TH {parser.prog.upper()} {section} "" "paradux {VERSION}" Paradux']
    lines += [".SH NAME", f"{parser.prog} \\- {_text(about)}"]
    lines += [".SH SYNOPSIS", _synopsis(parser), ".SH DESCRIPTION", _text(parser.description or "")]
    lines += [".SH OPTIONS", *_arguments(parser)]
    lines += _commands(parser)
    return "\n".join([*lines, ".SH SEE ALSO", see, ""])


def _commands(parser: argparse.ArgumentParser) -> list[str]:
    lines: list[str] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                lines += [f'.SS "{_text(name)}"', _synopsis(command), ".PP", _text(command.description or "")]
                lines += _arguments(command)
    return [".SH COMMANDS", *lines] if lines else []


def _arguments(parser: argparse.ArgumentParser) -> list[str]:
    lines: list[str] = []
    for action in parser._actions:
        if action.help == argparse.SUPPRESS or isinstance(action, argparse._SubParsersAction):
            continue
        names = ", ".join(f"\\fB{_text(name)}\\fR" for name in action.option_strings)
        value = "" if action.nargs == 0 else f"\\fI{_text(_metavar(action))}\\fR"
        lines += [".TP", f"{names} {value}".strip(), _text((action.help or "") % {**vars(action), "prog": parser.prog})]
    return lines


def _metavar(action: argparse.Action) -> str:
    choices = "|".join(map(str, action.choices)) if action.choices else action.dest.upper()
    return action.metavar if isinstance(action.metavar, str) else choices


def _synopsis(parser: argparse.ArgumentParser) -> str:
    usage = re.sub(r"\s+", " ", parser.format_usage().removeprefix("usage: ")).strip()
    return f"\\fB{_text(usage)}\\fR"


def _text(text: str) -> str:
    """Text that no macro and no escape is made from."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("\n", " ")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def main() -> None:
    """See the module."""
    target = Path(sys.argv[1])
    parsers = {"paraductl": (client(), 1, ".BR paraduxd (8)"), "paraduxd": (daemon.parser(), 8, ".BR paraductl (1)")}
    for name, (parser, section, see) in parsers.items():
        _write(target / f"man/man{section}/{name}.{section}", manual(parser, section, see))
        for shell, place in _SHELLS.items():
            _write(target / place.format(name), shtab.complete(parser, shell))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
