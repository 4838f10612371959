"""`paraductl status`"""

from __future__ import annotations

import argparse
import shutil
import time
from datetime import UTC, datetime

from paraductl.arguments import usage
from paraductl.context import Context
from paraduxd.api.errors import ExitCode
from paraduxd.api.replies.state import Status

HELP = "show whether everything could be recovered today (exit code 10 warning, 20 critical)"

EXAMPLES = (
    ("The headline, and what to do", "paraductl status"),
    ("For a script or a monitor", "paraductl status --json"),
    ("Watch transfers", "paraductl status --watch"),
    ("Metrics for Prometheus", "paraductl status --prometheus"),
)

WATCH_PAUSE = 2.0
"""Seconds."""


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("dataset", metavar="DATASET", nargs="?", help="only this one")
    parser.add_argument("--watch", action="store_true", help="show it again and again until Ctrl-C")
    parser.add_argument(
        "--prometheus", action="store_true", help="print metrics for Prometheus instead (exit code 0 whatever they say)"
    )


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Ask and show."""
    if context.terminal.as_json + arguments.watch + arguments.prometheus > 1:
        raise usage("--watch, --json and --prometheus exclude each other")
    document = context.supervisor().status(dataset=arguments.dataset)
    if arguments.prometheus:
        return _print_metrics(context, document)
    try:
        while arguments.watch:
            _show(context, document, clear=True)
            time.sleep(WATCH_PAUSE)
            document = context.supervisor().status(dataset=arguments.dataset)
    except KeyboardInterrupt:
        context.terminal.line()
    else:
        _show(context, document, clear=False)
    return document.exit_code


def _print_metrics(context: Context, document: Status) -> int:
    """What is wrong is in the metrics; any other exit code would keep scripts from using them."""
    from paraductl.terminal.prometheus import exposition

    context.terminal.raw(exposition(document))
    return ExitCode.DONE


def _show(context: Context, document: Status, *, clear: bool) -> None:
    if context.terminal.as_json:
        context.terminal.document(document)
        return
    from paraductl.terminal.status_page import render

    colour = context.terminal.colour
    text = render(document, colour, datetime.now(UTC), shutil.get_terminal_size().columns)
    context.terminal.raw(("\x1b[H\x1b[J" if clear and colour else "") + text.rstrip("\n") + "\n")
