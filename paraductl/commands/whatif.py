"""`paraductl whatif`"""

from __future__ import annotations

import argparse
import shutil

from paraductl.context import Context
from paraduxd.api.errors import ExitCode
from paraduxd.api.replies.what_if import WhatIf, as_document

HELP = "show what a loss or an intruder would take (exit code 20: something is lost)"

EXAMPLES = (
    ("What each single loss would take, and what would help most", "paraductl whatif"),
    ("Fire, and the cloud provider closes the account", "paraductl whatif --lose place:house --lose account:aws"),
    ("Somebody has broken into the server", "paraductl whatif --compromise machine"),
    ("A loss that has a name in the config", "paraductl whatif burglary"),
    ("Everything that would help, the best first", "paraductl whatif --advice all"),
)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("scenario", metavar="SCENARIO", nargs="?", help="a loss that has a name in the config")
    parser.add_argument(
        "--lose", metavar="FATE", action="append", default=[], help="this is lost, like place:house; several at once"
    )
    parser.add_argument(
        "--compromise",
        metavar="THING",
        action="append",
        default=[],
        help="somebody else controls this: a fate, a steward, an inventory entry, machine or credentials",
    )
    parser.add_argument(
        "--worst", action="store_true", help="show how old copies may get by their schedule, not how old they are now"
    )
    parser.add_argument(
        "--advice",
        metavar="all",
        nargs="?",
        const="best",
        default="",
        choices=["best", "all"],
        help="what helps most; all: everything that helps",
    )
    parser.add_argument("--html", metavar="FILE", help="also write the picture as a page")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Ask and show."""
    answer = context.supervisor().whatif(
        lose=arguments.lose,
        compromise=arguments.compromise,
        scenario=arguments.scenario or "",
        advice=arguments.advice,
    )
    if arguments.html:
        from paraductl.commands.report import write_page

        write_page(context, answer, arguments.html)
    if context.terminal.as_json:
        context.terminal.document(as_document(answer))
    else:
        from paraductl.terminal.whatif_page import render

        width = shutil.get_terminal_size().columns
        if arguments.html:
            context.terminal.line(f"Written: {arguments.html}")
        context.terminal.raw(render(answer, context.terminal.colour, width, worst=arguments.worst))
    return _exit_code(answer)


def _exit_code(answer: WhatIf) -> int:
    """20 when something is lost; a word that names nothing is never answered with "nothing is lost"."""
    if answer.loses:
        return ExitCode.CRITICAL
    return ExitCode.USAGE if answer.unknown else ExitCode.DONE
