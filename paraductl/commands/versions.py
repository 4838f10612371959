"""`paraductl versions`"""

from __future__ import annotations

import argparse
import shutil

from paraductl.context import Context
from paraductl.follow import follow, report
from paraductl.terminal.table import Cell, table
from paraductl.terminal.wording import local_time
from paraduxd.api import phrases
from paraduxd.api.errors import ExitCode
from paraduxd.api.replies.results import Listed, Version, read
from paraduxd.api.replies.transfers import Run

HELP = "list what can be restored"

WIDTH = 120
"""Columns where nobody looks on."""

RIGHT = (2, 3)
DROPPABLE = (5, 3, 2)
"""Columns that are aligned to the right, and those that go first where there is no room."""

EXAMPLES = (("What can be restored, and from where", "paraductl versions photos"),)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("dataset", metavar="DATASET", help="of which dataset")
    parser.add_argument("--destination", metavar="ID", help="only at this destination")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Let the destinations be asked, and list what they say."""
    numbers = context.supervisor().versions(dataset=arguments.dataset, destination=arguments.destination).runs
    runs = follow(context, numbers, lambda run: _report(context, run))
    context.terminal.document({"runs": runs})
    return ExitCode.DONE if all(run.state == "done" for run in runs) else ExitCode.FAILED


def _report(context: Context, run: Run) -> None:
    report(context, run)
    if run.state != "done":
        return
    found = read(run.step, run.result)
    versions = found.versions if isinstance(found, Listed) else ()
    width = shutil.get_terminal_size((WIDTH, 24)).columns if context.terminal.colour else WIDTH
    lines = table([_row(run.dataset, version) for version in versions], width - 2, False, RIGHT, DROPPABLE)
    for line in lines:
        context.terminal.line(f"  {line}".rstrip())
    if not versions:
        context.terminal.line("  nothing yet")
    else:
        context.terminal.note(
            f"  what is in it: paraductl ls {run.dataset}#{_name(versions[-1])} --from {run.location}"
        )


def _row(dataset: str, version: Version) -> list[Cell]:
    """Its name, which can be typed back, when it was made, how much it holds."""
    return [
        Cell(f"{dataset}#{_name(version)}"),
        Cell(local_time(version.time)),
        Cell(phrases.count(version.files, "file") if version.files is not None else ""),
        Cell(phrases.size_or_nothing(version.bytes)),
        Cell(f"incomplete: {phrases.count(version.missing, 'file')} missing" if version.missing else ""),
        Cell(version.id if version.number else ""),
    ]


def _name(version: Version) -> str:
    return str(version.number or version.id)
