"""Writes the manual pages of paraductl and paraduxd, and completions for bash and zsh, all made from the parsers of their command lines.

Usage: python contrib/manuals.py DIR; DIR gets man/man1, man/man8, bash-completion/completions and zsh/site-functions.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import shtab
from argparse_manpage.manpage import Manpage

from paraductl.main import DESCRIPTION
from paraductl.modules import Commands
from paraductl.options import add_global_options
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
    """A manual page."""
    about = {
        "project_name": "paradux",
        "version": VERSION,
        "manual_section": section,
        "manual_title": "Paradux",
        "description": (parser.description or "").partition(":")[0].rstrip("."),
        "long_description": parser.description,
        "extra_sections": [{"heading": "SEE ALSO", "content": see}],
    }
    return str(Manpage(parser, about, format="single-commands-section"))


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
