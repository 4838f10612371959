"""The answers to `ls`, `find` and `diff`, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.listing_questions import DIFF, FIND, Question
from paraduxd.api.replies import listings
from paraduxd.api.replies.listings import FILE, Change, Entry, Match, Page, Presence
from paraduxd.core.primitives import globs
from paraduxd.core.runs.orders import Order, Progress
from paraduxd.protocols.base import NAMES, Destination, Version
from paraduxd.worker.browse import choosing, contents, names_index
from paraduxd.worker.browse.contents import Contents, Reading, key_of
from paraduxd.worker.transfer import staged_data

T = TypeVar("T")


@dataclass(frozen=True)
class Looked:
    """The result of a look: a page for who asked alone."""

    page: Page


def question_of(order: Order) -> Question:
    """The question of an order."""
    return from_json_value(Question, order.arguments.get("question"))


def from_index(order: Order) -> Page | None:
    """The answer where this machine knows it already, so that the place need not even be there; `None` where it does not."""
    reading = Reading.of(order)
    if order.location == "staging" or not reading.versions or not (Path(reading.index or "") / NAMES).exists():
        return None
    with contents.of_destination(order, None) as there:
        question, root = question_of(order), _root(order)
        return None if there.lacks(_needed(question, there.versions)) else _page(question, there, root)


def answer(order: Order, open_place: Callable[[], Destination], progress: Callable[[Progress], None]) -> Page:
    """The answer; what is not known yet the place is asked for. Raises `ParaduxError` of `Destination.entries` and `choosing`."""
    question, root = question_of(order), _root(order)
    if order.location == "staging":
        version = Version("staging", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        with contents.of_staging(staged_data.to_read(order), version) as there:
            return _page(replace(question, version=None, at=None), there, root)
    with contents.of_destination(order, open_place) as there:
        there.progress = progress
        there.ask()
        there.fetch(_needed(question, there.versions))
        return _page(question, there, root)


def _root(order: Order) -> str:
    return Reading.of(order).root or ""


def _needed(question: Question, versions: Sequence[Version]) -> Sequence[Version]:
    if question.ask == FIND:
        return versions
    chosen = [choosing.choose(versions, question.at, question.version)]
    if question.ask == DIFF:
        chosen.append(choosing.choose(versions, None, question.other))
    return chosen


def _page(question: Question, there: Contents, root: str) -> Page:
    newest = choosing.named(there.versions[-1]) if there.versions else None
    page = Page(question.ask, newest=newest, versions=len(there.versions))
    if question.ask == FIND:
        return _found(question, there, page, root)
    first, *second = _needed(question, there.versions)
    page = replace(page, version=choosing.named(first))
    if question.ask == DIFF:
        question = replace(question, path=choosing.clean(question.path, root))
        return _differences(question, there, replace(page, other=choosing.named(second[0])), (first, second[0]))
    return _listed(question, there, page, first, root)


def _listed(question: Question, there: Contents, page: Page, version: Version, root: str) -> Page:
    path = choosing.clean(question.path, root)
    names = [entry.path for entry in there.entries(version)] if path else []
    (path,) = choosing.expand([path], lambda: names)[:1]
    entries = list(there.entries(version, path))
    if not question.recursive:
        inside = f"{path}/" if path else ""
        children = [each for each in entries if each.path != path and "/" not in each.path[len(inside) :]]
        entries = children or [each for each in entries if each.path == path and each.kind != listings.DIRECTORY]
    shown, following = part(entries, question.after, lambda entry: entry.path)
    return replace(page, entries=tuple(shown), following=following, total=len(entries), vague=_is_vague(entries))


def _is_vague(entries: Iterable[Entry]) -> bool:
    return any(entry.kind == FILE and entry.size is None for entry in entries)


def _found(question: Question, there: Contents, page: Page, root: str) -> Page:
    pattern = choosing.clean(question.pattern, root) if question.pattern.startswith("/") else question.pattern
    is_meant = globs.finder(pattern)
    paths = [path for path in there.index.paths(globs.contained(pattern)) if is_meant(path)]
    by_key = {key_of(version): version for version in there.versions}
    numbers = sorted(by_key)

    def match(path: str) -> Match:
        spans = names_index.merged(there.index.spans(path), numbers)
        return _match(path, spans, numbers, by_key)

    shown, following = part(paths, question.after, lambda path: path)
    matches = tuple(each for each in map(match, shown) if each.presences)
    return replace(page, matches=matches, following=following, total=len(paths))


def _match(path: str, spans: Sequence[names_index.Span], numbers: Sequence[int], versions: dict[int, Version]) -> Match:
    presences = tuple(
        Presence(
            choosing.named(versions[span.first]),
            choosing.named(versions[span.last]),
            numbers.index(span.last) - numbers.index(span.first) + 1,
            span.kind,
            span.size,
            span.modified,
        )
        for span in spans
    )
    later = numbers[numbers.index(spans[-1].last) + 1 :] if spans else []
    return Match(path, presences, choosing.named(versions[later[0]]) if later else None)


def _differences(question: Question, there: Contents, page: Page, pair: tuple[Version, Version]) -> Page:
    before, after = (list(there.entries(version, question.path)) for version in pair)
    if question.path and not (before or after):
        raise _in_neither(question.path, there, pair)
    changes = list(changed(before, after))
    shown, following = part(changes, question.after, lambda change: change.path)
    vague = _is_vague(before) or _is_vague(after)
    return replace(page, changes=tuple(shown), following=following, total=len(changes), vague=vague)


def _in_neither(path: str, there: Contents, pair: tuple[Version, Version]) -> ParaduxError:
    """The error for a path that two versions do not have; the name of a version is one for who forgot its #."""
    if any(choosing.named(version).name == path for version in there.versions):
        text = f"there is no {listings.shown(path)} in either version; a version is written like #{path}"
        return ParaduxError(
            "not-found", text, f"see: paraductl diff DATASET#{choosing.named(pair[0]).name} DATASET#{path}"
        )
    return choosing.not_found(path, (entry.path for version in pair for entry in there.entries(version)))


def changed(before: Iterable[Entry], after: Iterable[Entry]) -> Iterator[Change]:
    """What differs, sorted by path. Directories differ by being there or not; where sizes or times are unknown they are equal."""
    old, new = ({entry.path: entry for entry in entries} for entries in (before, after))
    for path in sorted({*old, *new}):
        one, other = old.get(path), new.get(path)
        if one is None and other is not None:
            yield Change("added", path, other.kind, other.size)
        elif other is None and one is not None:
            yield Change("removed", path, one.kind, None, one.size)
        elif one is not None and other is not None and differ(one, other):
            yield Change("changed", path, other.kind, other.size, one.size)


def differ(one: Entry, other: Entry) -> bool:
    """Whether the two are not the same file, as far as is known."""
    if one.kind != other.kind:
        return True
    if one.kind == listings.DIRECTORY:
        return False
    pairs = ((one.size, other.size), (one.modified, other.modified))
    return any(None not in pair and pair[0] != pair[1] for pair in pairs)


def part(items: Sequence[T], after: int, path_of: Callable[[T], str]) -> tuple[Sequence[T], int | None]:
    """A page of the items, and where the next one begins."""
    size, end = 0, after
    while end < len(items) and end - after < listings.PAGE_ENTRIES and size < listings.PAGE_BYTES:
        size += len(path_of(items[end])) + 100
        end += 1
    return items[after:end], end if end < len(items) else None
