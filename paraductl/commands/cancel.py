"""`paraductl cancel`"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from paraductl.context import Context
from paraductl.follow import cancel_runs, follow
from paraductl.terminal import wording
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.replies.transfer_runs import Run

HELP = "stop what runs or waits"

EXAMPLES = (
    ("Stop one transfer, by the number that status and history show", "paraductl cancel 17"),
    ("Stop everything of one dataset", "paraductl cancel photos"),
    ("Stop everything", "paraductl cancel"),
)

TOO_LONG = 16
"""Digits that no number of a run has."""


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "words", metavar="RUN|DATASET", nargs="*", help="these runs, or all of a dataset (default: all)"
    )


def run(context: Context, arguments: argparse.Namespace) -> int:
    """End them, and say what became of each."""
    unfinished = context.supervisor().unfinished().runs
    chosen = _chosen(context, arguments.words, unfinished) if arguments.words else unfinished
    numbers = sorted({run.run for run in chosen})
    if numbers:
        cancel_runs(context, numbers)
    else:
        context.terminal.line("That has ended already." if arguments.words else "Nothing runs.")
    ended = follow(context, numbers, lambda run: _report(context, run))
    context.terminal.document({"runs": ended})
    return ExitCode.DONE


def _chosen(context: Context, words: Sequence[str], unfinished: Sequence[Run]) -> list[Run]:
    """What the words mean; a run that has ended already counts as done."""
    chosen: list[Run] = []
    for word in words:
        number = word.removeprefix("#")
        fitting = [run for run in unfinished if word == run.dataset or number == str(run.run)]
        if not fitting and not _was(context, word, number):
            if number.isdecimal():
                raise ParaduxError("not-found", f"there is no run {word}", "see what runs: paraductl status")
            context.supervisor().status(dataset=word)  # says so where there is no such dataset
            raise ParaduxError("not-found", f"nothing of {word} runs", "see what runs: paraductl status")
        chosen += fitting
    return chosen


def _was(context: Context, word: str, number: str) -> bool:
    """Whether there was such a run, or one of this dataset."""
    supervisor = context.supervisor()
    if number.isdecimal() and len(number) < TOO_LONG and supervisor.runs(runs=[int(number)]).runs:
        return True
    return bool(supervisor.history(dataset=word, limit=1).runs)


def _report(context: Context, run: Run) -> None:
    if run.state == "cancelled":
        context.terminal.line(f"cancelled: {wording.doing(run)} (run {run.run})")
    else:
        how = wording.success(run) if run.state == "done" else wording.failure(run)[0]
        context.terminal.line(f"ended before it was cancelled: {how}")
