"""`paraductl notify`"""

from __future__ import annotations

import argparse

from paraductl.context import Context
from paraductl.follow import finish

HELP = "send a test through every address of `notify` and say what happened"

EXAMPLES = (("After a change of notify, or of a password of your mail account", "paraductl notify --test"),)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--test", action="store_true", required=True, help="send the test")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Start and follow."""
    return finish(context, context.supervisor().notify_test().runs)
