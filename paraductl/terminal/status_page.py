"""The status document as text for people: headline, problems with what to do, what runs, then a table.

Whatever text comes from outside (messages of servers, names) is stripped of control characters before it reaches a terminal.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime

from paraductl.terminal.table import TableCell, painted, safe, table
from paraduxd.api import phrases
from paraduxd.api.replies.kits import SeenByCode
from paraduxd.api.replies.state import (
    DatasetState,
    DestinationState,
    Overview,
    ProblemState,
    RunningState,
    SourceState,
    StashState,
    StewardState,
)

DAYS = 14
WITH_DAYS = 50
"""Columns of a terminal with room for the days."""

_MARKS = {"ok": "#", "failed": "x", "": "-"}
_LEGEND = "# went well, x failed, - did not run"

ALIKE = 3
"""So many problems of one code are written out; the others are counted."""

_LEVELS = {"ok": "green", "warning": "yellow", "critical": "red"}
_STATES = {
    "ok": "green",
    "running": "cyan",
    "waiting": "cyan",
    "held": "yellow",
    "overdue": "yellow",
    "never": "yellow",
    "failed": "red",
}

_PLUGGED_IN = {
    "ok": "its disk is plugged in, unmounted, and safe to remove",
    "running": "its disk is in use: leave it plugged in",
}
"""Of a disk that is here, by the state of what is kept there."""


def render(overview: Overview, colour: bool, now: datetime, width: int = 80) -> str:
    """The text, lines ending with a line feed, at most `width` columns wide where words allow it; `now` has an offset."""
    page = _Page(safe(overview), colour, now, max(width, 40))
    sections = (page.headline(), page.problems(), page.running(), page.datasets(), page.foot())
    return "\n".join("".join(f"{line}\n" for line in lines) for lines in map(list, sections) if lines)


def by_code(seen: SeenByCode, now: datetime) -> str:
    """What a confirmation code has said: when, of how much, and whether it was new."""
    said = {"whole": "whole", "share": "share only", "words": "words of the sheet"}[seen.kind]
    return f"{phrases.ago(seen.heard, now)} ({said})" if seen.asked else f"of {seen.date} ({said}, not asked for)"


def _wrap(text: str, width: int) -> list[str]:
    """Lines that leave commands with hyphens in one piece."""
    return textwrap.wrap(text, width, break_on_hyphens=False)


class _Page:
    """One document on its way to lines."""

    def __init__(self, overview: Overview, colour: bool, now: datetime, width: int) -> None:
        self._document = overview.status
        self._left_out = overview.left_out
        self._colour = colour
        self._now = now
        self._width = width

    def headline(self) -> Iterator[str]:
        for line in _wrap(self._document.headline, self._width):
            yield self._paint(line, "bold", _LEVELS.get(self._document.level, "red"))

    def problems(self) -> Iterator[str]:
        kinds: dict[str, list[ProblemState]] = {}
        for problem in self._document.problems:
            kinds.setdefault(problem.code, []).append(problem)
        for alike in kinds.values():
            for problem in alike[:ALIKE]:
                yield from self._problem(problem)
            if len(alike) > ALIKE:
                rest = phrases.count(len(alike) - ALIKE, "more problem")
                yield self._paint(f"            and {rest} of this kind: paraductl --json status", "dim")

    def running(self) -> Iterator[str]:
        rows = [self._run(run) for run in self._document.running]
        if rows:
            yield self._paint("Running", "bold")
            yield from table(rows, self._width, self._colour, droppable=(3, 4))

    def datasets(self) -> Iterator[str]:
        shown = self._document.datasets
        if shown:
            heads = ("Datasets", "", "last", "next", "holds", "size", f"{DAYS} days" if self._days() else "")
            head = [TableCell(text, ("bold",) if text == "Datasets" else ("dim",)) for text in heads]
            rows = [head, *(row for dataset in shown for row in self._dataset(dataset))]
            yield from table(rows, self._width, self._colour, right={5}, droppable=(3, 5, 4, 6))
            if self._days() and self._width >= WITH_DAYS:
                for line in _wrap(f"{DAYS} days, the newest on the right: {_LEGEND}", self._width - 2):
                    yield self._paint(f"  {line}", "dim")
        if self._left_out:
            rest = f"{phrases.count(self._left_out, 'more dataset')}; one of them: paraductl status DATASET"
            yield self._paint(f"  {rest}", "dim")

    def foot(self) -> Iterator[str]:
        document = self._document
        if document.metadata_stashes:
            told = [(stash.id, self._stash(stash)) for stash in document.metadata_stashes]
            yield from self._together("Config", told)
        if document.stewards:
            yield from self._together("Stewards", [(who.id, self._steward(who)) for who in document.stewards])
        if assumed := document.recoverable.assumed:
            more = f" and {len(assumed) - ALIKE} more" if assumed[ALIKE:] else ""
            names = ", ".join(each.place for each in assumed[:ALIKE])
            yield from self._labelled("Assumed", f"{names}{more} die with this machine: no fate is given")
        yield from self._labelled("Vault", self._vault())

    def _problem(self, problem: ProblemState) -> Iterator[str]:
        level = problem.level
        indent = " " * 12
        first, *others = _wrap(problem.text, self._width - 12) or [""]
        yield f"  {self._paint(f'{level:<10}', _LEVELS.get(level, 'red'))}{first}"
        yield from (indent + line for line in others)
        hint = _wrap(problem.hint, self._width - 15)
        yield from (
            indent + self._paint(f"{'   ' if number else '-> '}{line}", "dim") for number, line in enumerate(hint)
        )

    def _run(self, run: RunningState) -> list[TableCell]:
        percent, eta = run.percent, run.eta
        return [
            TableCell(f"  {'/'.join(filter(None, (run.dataset, run.location)))}"),
            TableCell(run.step, ("cyan",)),
            TableCell(f"{phrases.bar(percent, 10)} {percent:3.0f} %" if percent is not None else ""),
            TableCell(phrases.size_or_nothing(run.bytes or None)),
            TableCell(f"{phrases.span(eta)} left" if eta is not None else ""),
        ]

    def _dataset(self, dataset: DatasetState) -> Iterator[list[TableCell]]:
        source, staging = dataset.source, dataset.staging
        count = staging.files
        name = TableCell(f"  {dataset.id}", ("bold",))
        yield self._row(
            name, dataset.state, source, "" if count is None else phrases.count(count, "file"), staging.bytes
        )
        yield from self._waiting(source, dataset.id)
        for each in dataset.destinations:
            versions = phrases.count(each.versions or 0, "version") if each.versions or not each.last_success else ""
            yield self._row(TableCell(f"    {each.id}"), each.state, each, versions, each.bytes)
            yield from self._waiting(each, f"{dataset.id}/{each.id}")
            if each.plugged_in and each.state in _PLUGGED_IN:
                yield [TableCell(f"      {_PLUGGED_IN[each.state]}", ("dim",))]

    def _row(
        self, name: TableCell, state: str, part: SourceState | DestinationState, holds: str, count: int | None
    ) -> list[TableCell]:
        return [
            name,
            TableCell(state, (_STATES.get(state, "red"),)),
            TableCell(phrases.ago(part.last_success, self._now)),
            TableCell(
                phrases.ahead(part.next or (part.due if isinstance(part, DestinationState) else None), self._now),
                ("dim",),
            ),
            TableCell(holds),
            TableCell(phrases.size_or_nothing(count)),
            TableCell("".join(_MARKS.get(day, "?") for day in part.days)),
        ]

    def _days(self) -> bool:
        """Whether anything is told of single days."""
        datasets = self._document.datasets
        return any(each.source.days or any(destination.days for destination in each.destinations) for each in datasets)

    def _waiting(self, part: SourceState | DestinationState, subject: str) -> Iterator[list[TableCell]]:
        """The error of a place that is out of reach but not late yet, which is no problem so far."""
        if part.error and all(problem.subject != subject for problem in self._document.problems):
            yield [TableCell(f"      last try: {part.error.message}", ("dim",))]

    def _stash(self, stash: StashState) -> str:
        if stash.serial is None:
            text = "nothing published yet"
        else:
            behind = "" if stash.current else " (behind)"
            text = f"serial {stash.serial}{behind}, {phrases.ago(stash.last_success, self._now)}"
        return f"{text}: {stash.error.message}" if stash.error else text

    def _steward(self, steward: StewardState) -> str:
        if steward.epoch is None:
            return "no kit yet"
        seen = f"seen {phrases.ago(steward.last_seen or steward.written, self._now)}"
        if steward.seen_by_code:
            seen += f"; by code {by_code(steward.seen_by_code, self._now)}"
        broken = steward.epoch == self._document.config.epoch
        return f"kit {'current' if steward.current else 'not whole' if broken else 'of an old epoch'}, {seen}"

    def _vault(self) -> str:
        daemon = self._document.daemon
        left = daemon.unlocked_until
        window = f", open for {phrases.span((phrases.moment(left) - self._now).total_seconds())} more" if left else ""
        state = "locked" if daemon.locked else f"unlocked{window}"
        started = (
            f", running for {phrases.span((self._now - phrases.moment(daemon.started)).total_seconds())}"
            if daemon.started
            else ""
        )
        wiped = {None: "", True: "; freed memory is wiped", False: "; freed memory is not wiped"}[daemon.init_on_free]
        opened = {"none": "no vault"}.get(daemon.vault, f"{state} ({daemon.vault})")
        return f"{opened}; paraduxd {daemon.version}{started}{wiped}"

    def _together(self, label: str, told: Sequence[tuple[str, str]]) -> Iterator[str]:
        """Names of whom the same is to be told, in one line."""
        names: dict[str, list[str]] = {}
        for name, text in told:
            names.setdefault(text, []).append(name)
        for text, same in names.items():
            yield from self._labelled(label, f"{', '.join(same)}: {text}")
            label = ""

    def _labelled(self, label: str, text: str) -> Iterator[str]:
        for line in _wrap(text, self._width - 10):
            yield self._paint(f"{label:<10}", "bold") + line
            label = ""

    def _paint(self, text: str, *styles: str) -> str:
        return painted(text, styles, self._colour)
