"""`paraductl restore`"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from paraductl import sudo
from paraductl.arguments import dataset_version, joined_moment, owner, usage
from paraductl.context import Context
from paraductl.follow import follow, report
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.listing_questions import RestoreOptions
from paraduxd.api.replies.state import DatasetState
from paraduxd.api.replies.transfer_runs import Run

if TYPE_CHECKING:
    from paraductl.recovery.restore_all import Outcome


@dataclass(frozen=True)
class Wanted:
    """One restore, as the call takes it."""

    dataset: str
    to: str
    source: str | None = None
    at: str | None = None
    paths: tuple[str, ...] = ()
    options: RestoreOptions = field(default_factory=RestoreOptions)


WIDTH = 120
"""Columns of the table in the end; it is worth keeping, so it does not depend on the terminal."""

HELP = "restore a dataset into a folder"

EXAMPLES = (
    ("Bring back a whole dataset", "paraductl restore photos --to /tmp/photos"),
    (
        "Bring back one folder as it was on a day, from one place",
        "paraductl restore photos --to /tmp/photos --from friend --at 2026-11-20 2019/italy",
    ),
    ("Bring back some letters of one version", "paraductl restore photos#12 'letters/*.txt' --to /tmp/letters"),
    ("Put back what is missing in the source", "paraductl restore photos#12 --in-place letters"),
    (
        "Bring back files of another machine, for a user of this one",
        "paraductl restore photos --to /home/anna/photos --map-owner 1000=anna",
    ),
    ("Bring back everything, after a recovery", "paraductl restore --all --to /srv/restored"),
)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "dataset",
        metavar="DATASET[#N]",
        nargs="?",
        help="what to restore: the newest, or a version as `versions` names it",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="restore every dataset below DIR, each from the newest version that is left anywhere",
    )
    parser.add_argument("paths", metavar="PATH", nargs="*", help="only these files and folders, or patterns (*.txt)")
    parser.add_argument("--to", metavar="DIR", help="the folder to restore into, new or empty")
    parser.add_argument(
        "--in-place", action="store_true", help="write what is missing into the source itself, after showing it"
    )
    parser.add_argument("--newer", action="store_true", help="with --in-place: also replace files that are older there")
    parser.add_argument("--dry-run", action="store_true", help="only show what would be written")
    parser.add_argument("--yes", action="store_true", help="with --in-place: do not ask")
    parser.add_argument(
        "--map-owner",
        metavar="OLD=NEW",
        action="append",
        default=[],
        help="give files of user OLD to NEW (names or numbers; * is everyone else); can be repeated",
    )
    parser.add_argument("--from", dest="source", metavar="ID", help="from this destination, or from staging")
    parser.add_argument("--at", metavar="TIME", help="as it was then: any time that Paradux prints, or 2026-11-20")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Start and follow."""
    if arguments.all:
        return _all(context, arguments)
    if arguments.dataset is None:
        raise usage("say which dataset, or --all", "see: paraductl restore --help")
    wanted = _wanted(arguments)
    if arguments.in_place or arguments.dry_run:
        from paraductl.restoring_in_place import restore

        return restore(
            context,
            lambda options: _start(context, replace(wanted, options=options)),
            wanted.options,
            ask=not (arguments.yes or arguments.dry_run),
            write=not arguments.dry_run,
        )
    return _one(context, wanted)


def _one(context: Context, wanted: Wanted) -> int:
    """From the place that was asked for; else from the newest copy, and where that does not give it, from the next."""
    from paraductl.recovery import next_place

    tried = follow(context, _start(context, wanted), lambda run: report(context, run))
    if wanted.source is None and not wanted.options.version and next_place.may_help(tried[-1], wanted.paths):
        (dataset,) = context.supervisor().status(dataset=wanted.dataset).datasets
        for place in next_place.places(dataset, [tried[-1].location]):
            try:
                tried += _from(context, wanted, place)
            except ParaduxError as refusal:
                if refusal.exit_code != ExitCode.NOT_AUTHORIZED:
                    raise
                context.terminal.note(f"{place} needs the passphrase: {refusal.message}")
                continue
            if not next_place.may_help(tried[-1], wanted.paths):
                break
    context.terminal.document({"runs": tried})
    return ExitCode.DONE if tried[-1].state == "done" else ExitCode.FAILED


def _from(context: Context, wanted: Wanted, place: str) -> tuple[Run, ...]:
    """From another place; beside the folder when an earlier attempt has left something in that."""
    context.terminal.note(f"Trying {place}, which has a copy, too")
    runs = follow(context, _start(context, replace(wanted, source=place)), lambda _: None)
    if runs[-1].error is not None and runs[-1].error.code == "not-empty":
        beside = replace(wanted, source=place, to=f"{wanted.to}.from-{place}")
        runs = follow(context, _start(context, beside), lambda _: None)
    for run in runs:
        report(context, run)
    return runs


def _wanted(arguments: argparse.Namespace) -> Wanted:
    """What one restore is asked for; raises a usage error."""
    dataset, version = dataset_version(arguments.dataset)
    at, paths = joined_moment(arguments.at, arguments.paths)
    if at and version:
        raise usage("a version and --at exclude each other")
    if bool(arguments.to) == arguments.in_place:
        raise usage("say where to: --to DIR, or --in-place", "see: paraductl restore --help")
    options = RestoreOptions(
        version=version,
        in_place=arguments.in_place,
        newer=arguments.newer,
        owners=tuple(map(owner, arguments.map_owner)),
    )
    to = os.path.abspath(arguments.to or "/")  # noqa: PTH100 - resolves no links: the daemon decides about those
    return Wanted(dataset, to, arguments.source, at, tuple(paths), options)


def _start(context: Context, wanted: Wanted) -> tuple[int, ...]:
    """Who may not write wherever they like as the daemon's user has to know the passphrase."""
    caller = sudo.caller()
    started = context.member_call(
        lambda daemon: daemon.restore(
            dataset=wanted.dataset,
            to=wanted.to,
            source=wanted.source,
            at=wanted.at,
            paths=wanted.paths,
            options=wanted.options,
            on_behalf_of=caller,
        )
    )
    return started.runs


def _all(context: Context, arguments: argparse.Namespace) -> int:
    """Every dataset that can be had; ends with what came from where, and what is lost."""
    from paraductl.recovery.restore_all import BringingBack, copies

    if not arguments.to or arguments.in_place or arguments.dry_run or arguments.map_owner:
        raise usage("--all needs --to DIR, and takes neither --in-place, --dry-run nor --map-owner")
    if arguments.dataset or arguments.source or arguments.at or arguments.paths:
        raise usage("--all takes the newest of everything: leave out DATASET, PATH, --from and --at")
    datasets = context.supervisor().status().datasets
    listed = _listed(context, datasets)

    def start(dataset: str, to: str, source: str) -> tuple[int, ...]:
        return _start(context, Wanted(dataset, to, source))

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
