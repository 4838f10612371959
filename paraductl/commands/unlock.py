"""`paraductl unlock`"""

from __future__ import annotations

import argparse

from paraductl.arguments import duration
from paraductl.context import Context
from paraductl.terminal.wording import local_time
from paraduxd.api.errors import ExitCode

HELP = "open the vault for a while, so that the passphrase is not asked for again"

EXAMPLES = (("Work for an hour without giving the passphrase again", "paraductl unlock --for 1h"),)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--for", dest="seconds", metavar="TIME", type=duration, help="how long, like 15m or 2h")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Authorize and open the window."""
    until = context.secret_call(lambda keeper: keeper.unlock(seconds=arguments.seconds)).until
    context.terminal.line(f"Unlocked until {local_time(until)}; close it earlier with: paraductl lock")
    context.terminal.document({"until": until})
    return ExitCode.DONE
