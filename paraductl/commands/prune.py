"""`paraductl prune`"""

from __future__ import annotations

import argparse

from paraductl.context import Context
from paraductl.follow import finish

HELP = "remove the versions that keep does not want, without waiting"

EXAMPLES = (("Make room on a disk that is full", "paraductl prune photos --destination bank"),)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("dataset", metavar="DATASET", help="whose versions are removed")
    parser.add_argument("--destination", metavar="ID", help="only at this one")
    parser.add_argument("--no-wait", action="store_true", help="start it and return")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Start and follow."""
    reply = context.secret_call(
        lambda keeper: keeper.prune(dataset=arguments.dataset, destination=arguments.destination)
    )
    return finish(context, reply.runs, wait=not arguments.no_wait)
