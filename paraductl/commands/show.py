"""`paraductl show`"""

from __future__ import annotations

import argparse

from paraductl.context import Context
from paraduxd.api import bounded_json
from paraduxd.api.errors import ExitCode

HELP = "print the config or a part of it, secrets masked"

EXAMPLES = (
    ("Print the config without secrets", "paraductl show"),
    ("Print what one destination is", "paraductl show datasets[0].destinations[1]"),
)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("path", metavar="PATH", nargs="?", default="", help="a part, like owner.name or datasets[0]")
    parser.add_argument("--secrets", action="store_true", help="print secrets as well; make sure nobody is watching")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Authorize and print."""
    text = context.secret_call(lambda keeper: keeper.show(path=arguments.path, secrets=arguments.secrets)).text
    context.terminal.line(text.rstrip("\n"))
    context.terminal.document(bounded_json.parse(text, "the config", bounded_json.CONFIG))
    return ExitCode.DONE
