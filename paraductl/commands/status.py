"""`paraductl status`"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import time
from datetime import UTC, datetime
from functools import partial

from paraductl.arguments import usage
from paraductl.context import Context
from paraduxd.api import phrases
from paraduxd.api.errors import ExitCode
from paraduxd.api.replies.state import Overview, Status

HELP = "show whether everything could be recovered today (exit code 10 warning, 20 critical)"

EXAMPLES = (
    ("The headline, and what to do", "paraductl status"),
    ("For a script or a monitor", "paraductl status --json"),
    ("Watch transfers", "paraductl status --watch"),
    ("Metrics for Prometheus", "paraductl status --prometheus"),
)

_LEVELS = {"critical": "critical", "warning": "warnings"}
"""What several problems of a level are called."""

MANY = 20
"""With more datasets than this, those that are well are only counted."""

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
    if arguments.prometheus:
        return _print_metrics(context, context.supervisor().status(dataset=arguments.dataset))
    if context.terminal.as_json:
        document = context.supervisor().status(dataset=arguments.dataset)
        context.terminal.document(document)
        return document.exit_code
    overview = _ask(context, arguments.dataset)
    if arguments.watch:
        return _watch(context, arguments.dataset, overview)
    _show(context, overview)
    return overview.status.exit_code


def _ask(context: Context, dataset: str | None) -> Overview:
    """What a page shows: a thousand datasets that are well are only counted there, so nobody has to tell of each."""
    if dataset is not None:
        return Overview(context.supervisor().status(dataset=dataset))
    return context.supervisor().overview(most=MANY)


def _watch(context: Context, dataset: str | None, overview: Overview) -> int:
    """Until a person has had enough; where there is none at a terminal, one page after the other."""
    from paraductl.terminal.full_screen import FullScreen, is_possible

    with contextlib.suppress(KeyboardInterrupt):
        if not is_possible():
            while True:
                _show(context, overview)
                time.sleep(WATCH_PAUSE)
                overview = _ask(context, dataset)
        with context.terminal.taken(), FullScreen() as screen:
            while screen.show(partial(_page, context, overview), WATCH_PAUSE):
                overview = _ask(context, dataset)
    return overview.status.exit_code


def _page(context: Context, overview: Overview, width: int) -> str:
    from paraductl.terminal.status_page import render

    return render(overview, context.terminal.colour, datetime.now(UTC), width)


def _print_metrics(context: Context, document: Status) -> int:
    """What is wrong is in the metrics; any other exit code would keep scripts from using them."""
    from paraductl.terminal.prometheus import exposition

    context.terminal.raw(exposition(document))
    return ExitCode.DONE


def _show(context: Context, overview: Overview) -> None:
    size = shutil.get_terminal_size()
    text = _page(context, overview, size.columns).rstrip("\n") + "\n"
    context.terminal.raw(text)
    document = overview.status
    if sys.stdout.isatty() and text.count("\n") >= size.lines and document.headline:
        # What matters most has scrolled away.
        context.terminal.line(f"\n{document.headline.rstrip('.')}{_count(document)}")


def _count(document: Status) -> str:
    levels = [problem.level for problem in document.problems]
    told = [phrases.count(levels.count(level), level, many) for level, many in _LEVELS.items() if level in levels]
    return f" (above: {', '.join(told)})" if told else ""
