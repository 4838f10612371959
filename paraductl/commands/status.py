"""`paraductl status`"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import time
from datetime import UTC, datetime
from functools import partial

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
    parser.add_argument(
        "--watch", action="store_true", help="show it again and again until q is pressed; arrows scroll"
    )
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
    if arguments.watch:
        return _watch(context, arguments.dataset, document)
    _show(context, document)
    return document.exit_code


def _watch(context: Context, dataset: str | None, document: Status) -> int:
    """Until a person has had enough; where there is none at a terminal, one page after the other."""
    from paraductl.terminal.full_screen import FullScreen, is_possible

    with contextlib.suppress(KeyboardInterrupt):
        if not is_possible():
            while True:
                _show(context, document)
                time.sleep(WATCH_PAUSE)
                document = context.supervisor().status(dataset=dataset)
        with FullScreen() as screen:
            while screen.show(partial(_page, context, document), WATCH_PAUSE):
                document = context.supervisor().status(dataset=dataset)
    return document.exit_code


def _page(context: Context, document: Status, width: int) -> str:
    from paraductl.terminal.status_page import render

    return render(document, context.terminal.colour, datetime.now(UTC), width)


def _print_metrics(context: Context, document: Status) -> int:
    """What is wrong is in the metrics; any other exit code would keep scripts from using them."""
    from paraductl.terminal.prometheus import exposition

    context.terminal.raw(exposition(document))
    return ExitCode.DONE


def _show(context: Context, document: Status) -> None:
    if context.terminal.as_json:
        context.terminal.document(document)
        return
    text = _page(context, document, shutil.get_terminal_size().columns)
    context.terminal.raw(text.rstrip("\n") + "\n")
