"""`paraductl report`"""

from __future__ import annotations

import argparse
from pathlib import Path

from paraductl.context import Context
from paraduxd.api.errors import ExitCode
from paraduxd.api.replies.what_if import WhatIf

HELP = "write how everything is as a page for people, without secrets"

EXAMPLES = (("A page to print, or to show the family", "paraductl report paradux.html"),)

RUNS = 5000
"""So many runs of the past are looked at for the ages."""


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("file", metavar="FILE", help="the page to write, like paradux.html")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Ask everything, and write the page."""
    write_page(context, context.supervisor().whatif(advice="all"), arguments.file)
    context.terminal.document({"file": arguments.file})
    context.terminal.line(f"Written: {arguments.file}")
    return ExitCode.DONE


def write_page(context: Context, answer: WhatIf, file: str) -> None:
    """The page of an answer, with what the daemon knows of the rest."""
    from paraductl.report.age_chart import of_runs
    from paraductl.report.page import page
    from paraductl.report.write_file import write_file

    supervisor = context.supervisor()
    pushes = of_runs(supervisor.history(limit=RUNS).runs)
    write_file(Path(file), page(answer, supervisor.status(), supervisor.stewards(), pushes))
