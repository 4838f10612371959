"""`paraductl verify`"""

from __future__ import annotations

import argparse

from paraductl.context import Context
from paraductl.follow import finish

HELP = "check what the destinations hold"

EXAMPLES = (
    ("Check every destination quickly", "paraductl verify"),
    ("Read every byte that one dataset has anywhere", "paraductl verify photos --deep"),
)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("dataset", metavar="DATASET", nargs="?", help="only this one")
    parser.add_argument("--deep", action="store_true", help="read all data, which can take long and cost money")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Start and follow."""
    reply = context.member_call(lambda daemon: daemon.verify(dataset=arguments.dataset, deep=arguments.deep))
    return finish(context, reply.runs)
