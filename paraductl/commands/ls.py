"""`paraductl ls`"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from datetime import UTC, datetime

from paraductl.arguments import dataset_version, joined_moment, usage
from paraductl.context import Context
from paraductl.terminal.wording import local_time
from paraductl.version_questions import Looking, version_text
from paraduxd.api import phrases
from paraduxd.api.errors import ExitCode
from paraduxd.api.listing_questions import LS, Question
from paraduxd.api.replies.listings import DIRECTORY, Entry, Page, VersionName, shown

HELP = "list what is in a version"

EXAMPLES = (
    ("What the newest version holds", "paraductl ls photos"),
    ("One folder of an earlier version, with everything below it", "paraductl ls photos#12 2019/italy --recursive"),
    ("As it was on a day, at one place", "paraductl ls photos --at 2026-11-20 --from friend"),
)


@dataclass
class Listing:
    """For programs."""

    dataset: str
    place: str | None = None
    version: VersionName | None = None
    entries: list[Entry] = field(default_factory=list)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("dataset", metavar="DATASET[#N]", help="a dataset, or one version of it as `versions` names it")
    parser.add_argument("paths", metavar="PATH", nargs="*", help="a folder or a file in it")
    parser.add_argument("--recursive", "-r", action="store_true", help="include everything below")
    parser.add_argument("--from", dest="source", metavar="ID", help="at this destination, or in staging")
    parser.add_argument("--at", metavar="TIME", help="as it was then: any time that Paradux prints")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Ask and list."""
    dataset, version = dataset_version(arguments.dataset)
    at, paths = joined_moment(arguments.at, arguments.paths)
    if len(paths) > 1:
        raise usage("ls takes one path", "see: paraductl ls --help")
    question = Question(LS, version, at=at, path="".join(paths), recursive=arguments.recursive)
    looking = Looking(context, dataset, arguments.source, question)
    document = Listing(dataset)
    for place, pages in looking.answers():
        for number, page in enumerate(pages):
            if not number:
                document.place, document.version = place, page.version
                context.terminal.note(_heading(dataset, place, page))
            document.entries += page.entries if context.terminal.as_json else ()
            for entry in page.entries:
                context.terminal.line(_line(entry))
    context.terminal.document(document)
    return ExitCode.FAILED if looking.failed else ExitCode.DONE


def _heading(dataset: str, place: str, page: Page) -> str:
    """What is listed; not part of the list."""
    version = page.version
    what = dataset if place == "staging" or version is None else version_text(dataset, version)
    missing = version.missing if version else 0
    lacking = f"; {phrases.count(missing, 'file')} could not be read and are not in it" if missing else ""
    return f"{what}, at {place}{lacking}"


def _line(entry: Entry) -> str:
    when = local_time_of(entry.modified)
    folder = entry.kind == DIRECTORY
    bytes_ = "" if folder else phrases.size(entry.size) if entry.size is not None else "-"
    return f"{bytes_:>10}  {when:19}  {shown(entry.path)}{'/' if folder else ''}"


def local_time_of(seconds: int | None) -> str:
    """A time of a file in local time."""
    if seconds is None:
        return "-"
    try:
        return local_time(datetime.fromtimestamp(seconds, UTC).isoformat())
    except (ValueError, OverflowError, OSError):
        return "-"
