"""Following runs until they end. The daemon does the work: whoever stops following stops nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from paraductl.context import Context
from paraductl.speeds import Speeds
from paraductl.terminal import wording
from paraductl.terminal.terminal import terminal_width
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.replies.transfer_runs import Run

ENDED = {"done", "failed", "held", "interrupted", "cancelled"}

CROWDED_PAUSE = 0.25
"""Seconds between two looks where the daemon lets no more of us wait for the end of a run."""


def finish(
    context: Context, numbers: Sequence[int], *, wait: bool = True, cancel: bool = False, **more: object
) -> ExitCode:
    """The end of every command that has started runs: follow and report them. `more` goes into the JSON document."""
    terminal = context.terminal
    if not wait:
        terminal.line(f"Started {_names(numbers)}; follow it with: paraductl status" if numbers else "Nothing to do.")
        terminal.document({**more, "runs": numbers})
        return ExitCode.DONE
    runs = follow(context, numbers, lambda run: report(context, run), cancel=cancel)
    if not runs and not more:
        terminal.line("Nothing to do.")
    terminal.document({**more, "runs": runs})
    return ExitCode.DONE if all(run.state == "done" for run in runs) else ExitCode.FAILED


def follow(
    context: Context, numbers: Sequence[int], on_end: Callable[[Run], None], *, cancel: bool = False
) -> tuple[Run, ...]:
    """The runs when all have ended; `on_end` gets each as it does. Ctrl-C leaves them to the daemon, or cancels them."""
    try:
        return _watch(context, numbers, on_end)
    except KeyboardInterrupt:
        context.terminal.progress()
        if not cancel:
            raise ParaduxError(
                "interrupted", "interrupted; the daemon goes on", "see how far it is: paraductl status"
            ) from None
    cancel_runs(context, numbers)
    return _watch(context, numbers, on_end)


def cancel_runs(context: Context, numbers: Sequence[int]) -> None:
    """End what we asked for; what others asked for as well, with the passphrase."""
    left = context.supervisor(fresh=True).cancel(runs=numbers).left
    if left:
        context.terminal.note(f"others have asked for {_names(left)}, too: cancelling needs the passphrase")
        context.secret_call(lambda keeper: keeper.cancel(runs=left))


def report(context: Context, run: Run) -> None:
    """A line about a run that has ended."""
    if run.state == "done":
        context.terminal.line(wording.success(run))
    else:
        context.terminal.failure(*wording.failure(run))


def _watch(context: Context, numbers: Sequence[int], on_end: Callable[[Run], None]) -> tuple[Run, ...]:
    told, speeds = set[int](), Speeds()
    while numbers:
        runs = context.supervisor().runs(runs=numbers).runs
        if missing := set(numbers) - {run.run for run in runs}:
            raise ParaduxError("no-such-run", f"the daemon does not know {_names(sorted(missing))}")
        for run in runs:
            if run.state in ENDED and run.run not in told:
                told.add(run.run)
                on_end(run)
        if len(told) == len(runs):
            return runs
        context.terminal.progress(*wording.progress(runs, speeds.of, terminal_width()))
        _await_news(context, [run.run for run in runs if run.run not in told])
    return ()


def _await_news(context: Context, numbers: Sequence[int]) -> None:
    """Until one of these runs has ended, or it is time to show how far they are."""
    if not context.supervisor().await_end(runs=numbers).waited:
        time.sleep(CROWDED_PAUSE)


def _names(numbers: Sequence[int]) -> str:
    return ("run " if len(numbers) == 1 else "runs ") + ", ".join(map(str, numbers))
