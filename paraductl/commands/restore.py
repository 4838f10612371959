"""`paraductl restore`"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from paraductl import sudo
from paraductl.arguments import moment, usage
from paraductl.context import Context
from paraductl.follow import finish, follow, report
from paraduxd.api.errors import ExitCode
from paraduxd.api.replies.state import DatasetState
from paraduxd.api.replies.transfers import Run

if TYPE_CHECKING:
    from paraductl.recovery.restore_all import Outcome

WIDTH = 120
"""Columns of the table in the end; it is worth keeping, so it does not depend on the terminal."""

HELP = "restore a dataset into a folder"

EXAMPLES = (
    ("Bring back a whole dataset", "paraductl restore photos --to /tmp/photos"),
    (
        "Bring back one folder as it was on a day, from one place",
        "paraductl restore photos --to /tmp/photos --from friend --at 2026-11-20 2019/italy",
    ),
    ("Bring back everything, after a recovery", "paraductl restore --all --to /srv/restored"),
)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("dataset", metavar="DATASET", nargs="?", help="what to restore")
    parser.add_argument(
        "--all",
        action="store_true",
        help="restore every dataset below DIR, each from the newest version that is left anywhere",
    )
    parser.add_argument("paths", metavar="PATH", nargs="*", help="only these files and folders inside the dataset")
    parser.add_argument("--to", metavar="DIR", required=True, help="the folder to restore into")
    parser.add_argument("--from", dest="source", metavar="ID", help="from this destination, or from staging")
    parser.add_argument(
        "--at", metavar="TIME", type=moment, help="as it was then: 2026-11-20, '2026-11-20 10:00' or RFC 3339"
    )


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Start and follow."""
    if arguments.all:
        return _all(context, arguments)
    if arguments.dataset is None:
        raise usage("say which dataset, or --all", "see: paraductl restore --help")
    to = os.path.abspath(arguments.to)  # noqa: PTH100 - resolves no links: the daemon decides about those
    runs = _start(context, arguments.dataset, to, arguments.source, at=arguments.at, paths=arguments.paths)
    return finish(context, runs)


def _start(
    context: Context, dataset: str, to: str, source: str | None, *, at: str | None = None, paths: Sequence[str] = ()
) -> tuple[int, ...]:
    """Who may not write wherever they like as the daemon's user has to know the passphrase."""
    caller = sudo.caller()
    started = context.member_call(
        lambda daemon: daemon.restore(dataset=dataset, to=to, source=source, at=at, paths=paths, on_behalf_of=caller)
    )
    return started.runs


def _all(context: Context, arguments: argparse.Namespace) -> int:
    """Every dataset that can be had; ends with what came from where, and what is lost."""
    from paraductl.recovery.restore_all import BringingBack, copies

    if arguments.dataset or arguments.source or arguments.at or arguments.paths:
        raise usage("--all takes the newest of everything: leave out DATASET, PATH, --from and --at")
    datasets = context.supervisor().status().datasets
    listed = _listed(context, datasets)

    def start(dataset: str, to: str, source: str) -> tuple[int, ...]:
        return _start(context, dataset, to, source)

    back = BringingBack(
        os.path.abspath(arguments.to),  # noqa: PTH100 - as above
        start,
        lambda numbers: follow(context, numbers, lambda run: report(context, run)),
    )
    outcomes: list[Outcome] = [back.dataset(dataset.id, copies(dataset, listed)) for dataset in datasets]
    return _report(context, outcomes)


def _listed(context: Context, datasets: Sequence[DatasetState]) -> tuple[Run, ...]:
    """What every destination says that it has."""
    numbers: list[int] = []
    for dataset in datasets:
        numbers += context.supervisor().versions(dataset=dataset.id).runs
    return follow(context, numbers, lambda _: None)


def _report(context: Context, outcomes: list[Outcome]) -> int:
    """A table of what came back, then what did not."""
    from paraductl.recovery.restore_all import rows
    from paraductl.terminal.table import table

    terminal = context.terminal
    terminal.line()
    for line in table(rows(outcomes, datetime.now(UTC)), WIDTH, terminal.colour):
        terminal.raw(line + "\n") if not terminal.as_json else None
    lost = [outcome for outcome in outcomes if outcome.lost]
    terminal.document(
        {"datasets": [outcome.to_json_value() for outcome in outcomes], "lost": [each.dataset for each in lost]}
    )
    if not lost:
        return ExitCode.DONE
    for outcome in lost:
        terminal.failure(f"{outcome.dataset} is lost", "; ".join(outcome.failures))
    return ExitCode.FAILED
