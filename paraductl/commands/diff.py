"""`paraductl diff`"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, field

from paraductl.arguments import dataset_version, usage
from paraductl.context import Context
from paraductl.version_questions import Looking, version_text
from paraduxd.api import phrases
from paraduxd.api.errors import ExitCode
from paraduxd.api.listing_questions import DIFF, Question
from paraduxd.api.replies.listings import DIRECTORY, Change, Page, VersionName, shown

HELP = "show what changed between two versions"

EXAMPLES = (
    ("What was changed since a version", "paraductl diff photos#12"),
    ("Between two versions, below one folder", "paraductl diff photos#11 photos#12 2019"),
)

_MARKS = {"added": "+", "removed": "-", "changed": "M"}


@dataclass
class Difference:
    """For programs."""

    dataset: str
    place: str | None = None
    version: VersionName | None = None
    other: VersionName | None = None
    changes: list[Change] = field(default_factory=list)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("dataset", metavar="DATASET#N", help="the earlier version")
    parser.add_argument(
        "words", metavar="[DATASET#M] [PATH]", nargs="*", help="the later one (default: the newest); below PATH"
    )
    parser.add_argument("--from", dest="source", metavar="ID", help="at this destination")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Ask and list."""
    dataset, version = dataset_version(arguments.dataset)
    if version is None:
        raise usage("diff needs a version", f"name it as paraductl versions {dataset} does: {dataset}#1")
    other, path = _second(dataset, arguments.words)
    looking = Looking(context, dataset, arguments.source, Question(DIFF, version, other, path=path))
    document = Difference(dataset)
    for place, pages in looking.answers():
        for number, page in enumerate(pages):
            if not number:
                document.place, document.version, document.other = place, page.version, page.other
                _head(context, dataset, place, page)
            document.changes += page.changes if context.terminal.as_json else ()
            for change in page.changes:
                context.terminal.line(_line(change))
    context.terminal.document(document)
    return ExitCode.FAILED if looking.failed else ExitCode.DONE


def _second(dataset: str, words: list[str]) -> tuple[str | None, str]:
    """The other version and the path that the words mean."""
    other = None
    if words and words[0].startswith(f"{dataset}#"):
        _, other = dataset_version(words[0])
        words = words[1:]
    if words and re.fullmatch(r"[^/#\s]+#[0-9]+", words[0]):
        raise usage("diff takes two versions of one dataset", f"if {words[0]} is a path, write ./{words[0]}")
    if len(words) > 1:
        raise usage("diff takes two versions of one dataset, and one path", "see: paraductl diff --help")
    return other, "".join(words)


def _head(context: Context, dataset: str, place: str, page: Page) -> None:
    note = context.terminal.note
    if page.version and page.other:
        note(f"from {version_text(dataset, page.version)}, at {place}")
        note(f"to   {version_text(dataset, page.other)}: {phrases.count(page.total, 'difference')}")
    if page.vague:
        note("sizes and times of files are not known for one of them: only what was added or removed is listed")


def _line(change: Change) -> str:
    path = shown(change.path) + ("/" if change.kind == DIRECTORY else "")
    was, now = (phrases.size_or_nothing(each) for each in (change.was, change.size))
    sizes = f"  ({was} to {now})" if was and now and was != now else f"  ({now or was})" if now or was else ""
    return f"{_MARKS.get(change.change, '?')} {path}{sizes}"
