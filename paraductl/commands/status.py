"""`paraductl status`"""

from __future__ import annotations

import argparse
import shutil
import time
from datetime import UTC, datetime

from paraductl.arguments import usage
from paraductl.context import Context, Reply
from paraduxd.api.errors import ExitCode

HELP = "say whether everything could be recovered today (exit code 10: warning, 20: critical)"

EXAMPLES = (
    ("The headline, and what to do", "paraductl status"),
    ("For a script or a monitor", "paraductl status --json"),
    ("Watch transfers", "paraductl status --watch"),
)

WATCH_PAUSE = 2.0
"""Seconds."""

_EXIT_CODES = {"ok": ExitCode.DONE, "warning": ExitCode.WARNING, "critical": ExitCode.CRITICAL}


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("dataset", metavar="DATASET", nargs="?", help="only this one")
    parser.add_argument("--watch", action="store_true", help="show it again and again until Ctrl-C")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Ask and show."""
    if arguments.watch and context.terminal.as_json:
        raise usage("--watch and --json exclude each other")
    document = context.supervisor().call("status", dataset=arguments.dataset)
    try:
        while arguments.watch:
            _show(context, document, clear=True)
            time.sleep(WATCH_PAUSE)
            document = context.supervisor().call("status", dataset=arguments.dataset)
    except KeyboardInterrupt:
        context.terminal.line()
    else:
        _show(context, document, clear=False)
    return _EXIT_CODES.get(document["level"], ExitCode.CRITICAL)


def _show(context: Context, document: Reply, *, clear: bool) -> None:
    if context.terminal.as_json:
        context.terminal.document(document)
        return
    from paraductl.terminal.status_page import render

    colour = context.terminal.colour
    text = render(document, colour, datetime.now(UTC), shutil.get_terminal_size().columns)
    context.terminal.raw(("\x1b[H\x1b[J" if clear and colour else "") + text.rstrip("\n") + "\n")
