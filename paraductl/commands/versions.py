"""`paraductl versions`"""

from __future__ import annotations

import argparse

from paraductl.context import Context
from paraductl.follow import follow, report
from paraductl.terminal.wording import local_time
from paraduxd.api import phrases
from paraduxd.api.errors import ExitCode
from paraduxd.api.replies.results import Listed, read
from paraduxd.api.replies.transfers import Run

HELP = "list what can be restored"

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
    for version in versions:
        files, bytes_ = version.files, version.bytes
        numbers = (f"{files:,} files" if files is not None else "", phrases.size(bytes_) if bytes_ is not None else "")
        context.terminal.line(
            f"  {local_time(version.time)}  {version.id}  {'  '.join(filter(None, numbers))}".rstrip()
        )
    if not versions:
        context.terminal.line("  nothing yet")
