"""`paraductl restore`"""

from __future__ import annotations

import argparse
import os

from paraductl.context import Context, Reply
from paraductl.follow import finish
from paraductl.options import moment
from paraduxd.api.errors import ParaduxError

HELP = "bring a dataset back into a folder"


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("dataset", metavar="DATASET", help="what to restore")
    parser.add_argument("paths", metavar="PATH", nargs="*", help="only these files and folders inside the dataset")
    parser.add_argument("--to", metavar="DIR", required=True, help="the folder that gets it")
    parser.add_argument("--from", dest="source", metavar="ID", help="from this destination, or from staging")
    parser.add_argument(
        "--at", metavar="TIME", type=moment, help="as it was then: 2026-11-20, '2026-11-20 10:00' or RFC 3339"
    )


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Start and follow."""
    wanted = {
        "dataset": arguments.dataset,
        "to": os.path.abspath(arguments.to),  # noqa: PTH100 - resolves no links: the daemon decides about those
        "source": arguments.source,
        "at": arguments.at,
        "paths": arguments.paths,
    }
    return finish(context, _start(context, wanted)["runs"])


def _start(context: Context, wanted: Reply) -> Reply:
    """Who may not write wherever they like as the daemon's user has to know the passphrase."""
    try:
        return context.supervisor().call("restore", **wanted)
    except ParaduxError as error:
        if error.code != "not-allowed":
            raise
    return context.secret_call("restore", **wanted)
