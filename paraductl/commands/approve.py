"""`paraductl approve`"""

from __future__ import annotations

import argparse

from paraductl.context import Context
from paraductl.follow import finish

HELP = "release a push that the guard is holding"

EXAMPLES = (("The guard held `photos` after you had sorted them; push it", "paraductl approve photos"),)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("dataset", metavar="DATASET", help="whose push is held")
    parser.add_argument("--no-wait", action="store_true", help="start it and return")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Approve and follow."""
    reply = context.secret_call(lambda keeper: keeper.approve(dataset=arguments.dataset))
    return finish(context, reply.runs, wait=not arguments.no_wait)
