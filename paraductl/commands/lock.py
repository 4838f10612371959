"""`paraductl lock`"""

from __future__ import annotations

import argparse

from paraductl.context import Context
from paraduxd.api.errors import ExitCode

HELP = "close the vault now"


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes: nothing."""


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Lock; locked already is fine."""
    context.supervisor().call("lock")
    context.terminal.line("Locked.")
    context.terminal.document({"locked": True})
    return ExitCode.DONE
