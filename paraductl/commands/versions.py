"""`paraductl versions`"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence

from paraductl.context import Context
from paraductl.follow import follow, report
from paraductl.terminal.table import TableCell, table
from paraductl.terminal.wording import local_time
from paraduxd.api import phrases
from paraduxd.api.errors import ExitCode
from paraduxd.api.replies.results import Listed, Other, Version, read
from paraduxd.api.replies.transfer_runs import Run

HELP = "list what can be restored"

WIDTH = 120
"""Columns where nobody looks on."""

RIGHT = (2, 3)
DROPPABLE = (5, 3, 2)
"""Columns that are aligned to the right, and those that go first where there is no room."""

EXAMPLES = (
    ("What can be restored, and from where", "paraductl versions photos"),
    ("What lay in a repository before Paradux used it as well", "paraductl versions photos --all"),
)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("dataset", metavar="DATASET", help="of which dataset")
    parser.add_argument("--destination", metavar="ID", help="only at this destination")
    parser.add_argument(
        "--all", action="store_true", help="also versions from before Paradux, and those made by others"
    )


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Let the destinations be asked, and list what they say."""
    asked = {"dataset": arguments.dataset, "destination": arguments.destination}
    numbers = context.supervisor().versions(**asked, others=arguments.all).runs
    runs = follow(context, numbers, lambda run: _report(context, run))
    context.terminal.document({"runs": runs})
    return ExitCode.DONE if all(run.state == "done" for run in runs) else ExitCode.FAILED


def _report(context: Context, run: Run) -> None:
    if run.state != "done":
        report(context, run)
        return
    context.terminal.line(f"{run.dataset} at {run.location}")
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
    if isinstance(found, Listed):
        _report_others(context, run, found.others, width)


def _report_others(context: Context, run: Run, others: Sequence[Other], width: int) -> None:
    """What is neither counted nor removed."""
    if not others:
        return
    context.terminal.line("  not made by this Paradux: can be restored, is never counted or removed")
    rows = [row for other in others for row in _other_rows(run.dataset, other)]
    for line in table(rows, width - 2, False, RIGHT, DROPPABLE):
        context.terminal.line(f"  {line}".rstrip())
    context.terminal.note(
        f"  get one back: paraductl restore {run.dataset}#{others[-1].id} --from {run.location} --to DIR"
    )


def _other_rows(dataset: str, other: Other) -> list[list[TableCell]]:
    version = Version(other.id, other.time, other.files, other.bytes)
    return [_row(dataset, version), [TableCell(f"    {other.origin}")]]


def _row(dataset: str, version: Version) -> list[TableCell]:
    """Its name, which can be typed back, when it was made, how much it holds."""
    return [
        TableCell(f"{dataset}#{_name(version)}"),
        TableCell(local_time(version.time)),
        TableCell(phrases.count(version.files, "file") if version.files is not None else ""),
        TableCell(phrases.size_or_nothing(version.bytes)),
        TableCell(f"incomplete: {phrases.count(version.missing, 'file')} missing" if version.missing else ""),
        TableCell(version.id if version.number else ""),
    ]


def _name(version: Version) -> str:
    return str(version.number or version.id)
