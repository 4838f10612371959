"""`paraductl backup`"""

from __future__ import annotations

import argparse

from paraductl.context import Context
from paraductl.follow import finish

HELP = "pull and push now"

EXAMPLES = (
    ("Pull and push everything now", "paraductl backup"),
    (
        "Push one dataset to one place, without pulling it first",
        "paraductl backup photos --destination friend --push-only",
    ),
)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("datasets", metavar="DATASET", nargs="*", help="only these; otherwise all")
    parser.add_argument("--destination", metavar="ID", help="push to this destination only")
    halves = parser.add_mutually_exclusive_group()
    halves.add_argument("--pull-only", action="store_true", help="only from the source to staging")
    halves.add_argument("--push-only", action="store_true", help="only from staging to the destinations")
    ends = parser.add_mutually_exclusive_group()
    ends.add_argument("--no-wait", action="store_true", help="start it and return")
    ends.add_argument(
        "--cancel", action="store_true", help="let Ctrl-C cancel the transfers instead of leaving them running"
    )


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Start and follow."""
    reply = context.supervisor().backup(
        datasets=arguments.datasets,
        destination=arguments.destination,
        pull_only=arguments.pull_only,
        push_only=arguments.push_only,
    )
    return finish(context, reply.runs, wait=not arguments.no_wait, cancel=arguments.cancel)
