"""`paraductl history`"""

from __future__ import annotations

import argparse
from datetime import datetime

from paraductl.context import Context
from paraductl.terminal import wording
from paraduxd.api import phrases
from paraduxd.api.errors import ExitCode
from paraduxd.api.replies.transfer_runs import Run

HELP = "list past runs, the newest first"

EXAMPLES = (
    ("What failed lately", "paraductl history --failed"),
    ("The last five runs of one dataset", "paraductl history photos --limit 5"),
)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("dataset", metavar="DATASET", nargs="?", help="only runs of this dataset")
    parser.add_argument("--failed", action="store_true", help="only runs that did not end well")
    parser.add_argument("--limit", metavar="N", type=int, default=100, help="show at most N (default: 100)")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Ask and list."""
    reply = context.supervisor().history(dataset=arguments.dataset, failed=arguments.failed, limit=arguments.limit)
    for past in reply.runs:
        context.terminal.line(_line(past))
    if not reply.runs and arguments.dataset:
        context.supervisor().status(dataset=arguments.dataset)  # says so where there is no such dataset
    if not reply.runs:
        context.terminal.line("Nothing has failed." if arguments.failed else "Nothing has run yet.")
    context.terminal.document(reply)
    return ExitCode.DONE


def _line(run: Run) -> str:
    when = wording.local_time(run.started or run.requested)
    line = f"{when}  {run.run:>6}  {run.state:<11}  {_what(run)}"
    took = _seconds(run)
    return line if took is None else f"{line}  ({phrases.span(took)})"


def _what(run: Run) -> str:
    if run.state == "done":
        return wording.success(run)
    return wording.doing(run) if run.state in ("queued", "running") else wording.failure(run)[0]


def _seconds(run: Run) -> float | None:
    if not run.started or not run.ended:
        return None
    return (datetime.fromisoformat(run.ended) - datetime.fromisoformat(run.started)).total_seconds()
