"""`paraductl publish`"""

from __future__ import annotations

import argparse

from paraductl.context import Context
from paraductl.follow import finish

HELP = "publish the encrypted config again to every metadata stash"

EXAMPLES = (("Send the config again after a metadata stash was out of reach", "paraductl publish"),)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes: nothing."""


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Start and follow."""
    return finish(context, context.supervisor().publish().runs)
