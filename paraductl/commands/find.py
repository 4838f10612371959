"""`paraductl find`"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field

from paraductl.arguments import dataset_version, usage
from paraductl.context import Context
from paraductl.terminal.wording import local_time
from paraductl.version_questions import Looking, restore_command
from paraduxd.api import phrases
from paraduxd.api.errors import ExitCode
from paraduxd.api.listing_questions import FIND, Question
from paraduxd.api.replies.listings import Match, Page, Presence, shown

HELP = "find a file in all versions and places of a dataset"

EXAMPLES = (
    ("Where is the letter that was deleted", "paraductl find photos 'letter*'"),
    ("Only below one folder, at one place", "paraductl find photos '2019/**/*.jpg' --from friend"),
)

FEW = 3
"""Of so many paths each gets the command that brings it back; of more, the first."""


@dataclass
class Place:
    """For programs: what was found at one place, which has so many versions."""

    place: str
    versions: int = 0
    matches: list[Match] = field(default_factory=list)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("dataset", metavar="DATASET", help="in which dataset")
    parser.add_argument(
        "pattern",
        metavar="PATTERN",
        help="a part of a name, or a pattern with * ? [] (** crosses folders), in any case",
    )
    parser.add_argument("--from", dest="source", metavar="ID", help="only at this destination")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Ask every place, and tell which versions have it."""
    dataset, version = dataset_version(arguments.dataset)
    if version is not None:
        raise usage("find looks into all versions", f"in one version: paraductl ls {arguments.dataset} --recursive")
    looking = Looking(context, dataset, arguments.source, Question(FIND, pattern=arguments.pattern))
    places: list[Place] = []
    for place, pages in looking.answers():
        found = Place(place)
        places.append(found)
        for page in pages:
            _show(context, dataset, place, page, first=not found.matches)
            found.versions = page.versions
            found.matches += page.matches
    if not any(each.matches for each in places) and not looking.failed:
        context.terminal.line(f"Nothing of this name is in any version of {dataset}.")
    context.terminal.document({"dataset": dataset, "pattern": arguments.pattern, "places": places})
    return ExitCode.FAILED if looking.failed else ExitCode.DONE


def _show(context: Context, dataset: str, place: str, page: Page, *, first: bool) -> None:
    line = context.terminal.line
    if first and page.matches:
        line(f"{place}, in {page.versions} versions:")
    for number, match in enumerate(page.matches):
        line(f"  {shown(match.path)}")
        for presence in match.presences:
            line(f"    {_presence(dataset, presence)}")
        if gone := match.gone:
            line(f"    gone since {dataset}#{gone.name}, {local_time(gone.time)}")
        if page.total <= FEW or (first and not number):
            last = match.presences[-1].last.name
            line(f"    get it back: {restore_command(dataset, last, match.path, place)}")


def _presence(dataset: str, presence: Presence) -> str:
    first, last = presence.first, presence.last
    names = f"{dataset}#{first.name}"
    times = local_time(first.time)
    if first.name != last.name:
        names, times = f"{names} to #{last.name}", f"{times} to {local_time(last.time)}"
    known = f", {phrases.size(presence.size)}" if presence.size is not None else ""
    return f"{names}{known}, {times}"
