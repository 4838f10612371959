"""`paraductl lock`"""

from __future__ import annotations

import argparse

from paraductl.context import Context
from paraduxd.api.errors import ExitCode, ParaduxError

HELP = "close the vault now"

EXAMPLES = (("Close the vault before the time is over", "paraductl lock"),)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes: nothing."""


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Lock; locked already is fine."""
    try:
        context.supervisor().lock()
    except ParaduxError as error:
        if error.code != "not-allowed":
            raise
        _close(context)
    context.terminal.line("Locked.")
    context.terminal.document({"locked": True})
    return ExitCode.DONE


def _close(context: Context) -> None:
    """Close what we opened ourselves; what others opened, with the passphrase. A keeper that is gone has locked."""
    try:
        context.keeper().lock()
    except ParaduxError as error:
        if error.code == "not-allowed":
            _close_all(context)
        elif error.code != "closed":
            raise


def _close_all(context: Context) -> None:
    context.authorize()
    try:
        context.keeper().lock()
    except ParaduxError as error:
        if error.code != "closed":
            raise
