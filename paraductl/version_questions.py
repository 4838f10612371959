"""Asking what is in versions: the runs of one question, and their answers, page after page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from paraductl.context import Context
from paraductl.follow import follow, report
from paraductl.terminal.wording import local_time
from paraduxd.api.listing_questions import Question
from paraduxd.api.replies.listings import Page, VersionName, shown
from paraduxd.api.replies.transfer_runs import Run

NEEDS_KEY = "needs-key"
"""How a place answers that keeps encrypted archives, and of which this machine does not remember the names."""


class Looking:
    """One question. `failed`: a place has not answered, which was said."""

    def __init__(self, context: Context, dataset: str, source: str | None, question: Question) -> None:
        self._context = context
        self._dataset = dataset
        self._source = source
        self._question = question
        self.failed = False

    def answers(self) -> Iterator[tuple[str, Iterator[Page]]]:
        """Each place that answered, with the pages of its answer; read them before the next place."""
        for run in self._asked(self._source, self._question):
            yield run.location, self._pages(run)

    def _pages(self, run: Run) -> Iterator[Page]:
        page = self._page(run)
        yield page
        while page.following is not None:
            more = self._asked(run.location, replace(self._question, after=page.following))
            if not more:
                return
            page = self._page(more[0])
            yield page

    def _page(self, run: Run) -> Page:
        return self._context.supervisor().page(run=run.run)

    def _asked(self, source: str | None, question: Question) -> list[Run]:
        """The runs that ended well; others are told, once those that only lacked a key were tried with it."""
        started = self._context.member_call(
            lambda daemon: daemon.look(dataset=self._dataset, question=question, source=source)
        )
        runs = follow(self._context, started.runs, lambda _: None, cancel=True)
        done = [self._with_key(question, run) if _needs_key(run) else run for run in runs]
        for run in done:
            if run.state != "done":
                self.failed = True
                report(self._context, run)
        return [run for run in done if run.state == "done"]

    def _with_key(self, question: Question, run: Run) -> Run:
        started = self._context.secret_call(
            lambda keeper: keeper.look(dataset=self._dataset, question=question, source=run.location)
        )
        (again,) = follow(self._context, started.runs, lambda _: None, cancel=True)
        return again


def _needs_key(run: Run) -> bool:
    return run.state == "failed" and run.error is not None and run.error.code == NEEDS_KEY


def version_text(dataset: str, version: VersionName) -> str:
    """A version as it can be typed back, and when it was made."""
    return f"{dataset}#{version.name}, {local_time(version.time)}"


def restore_command(dataset: str, version: str, path: str, place: str) -> str:
    """What brings a path back, to be typed or pasted."""
    return f"paraductl restore {dataset}#{version} {shown(path)} --from {place} --to {dataset}-{version}"
