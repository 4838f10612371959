"""`restore --in-place` and `--dry-run`: show what would be written, ask, and do it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from paraductl.arguments import usage
from paraductl.context import Context
from paraductl.follow import follow, report
from paraduxd.api import phrases
from paraduxd.api.errors import ExitCode
from paraduxd.api.listing_questions import RestoreOptions
from paraduxd.api.replies.listings import DIRECTORY, Change, Page, shown
from paraduxd.api.replies.results import RestoredVersion, read
from paraduxd.api.replies.transfer_runs import Run

Start = Callable[[RestoreOptions], Sequence[int]]
"""Starts a restore with these options, and gives its runs."""

MEANWHILE = "it appeared meanwhile"
"""Why something is kept of which the look before did not know."""

MOST_SHOWN = 50
"""Lines for people; programs get what the daemon tells."""


def restore(context: Context, start: Start, options: RestoreOptions, *, ask: bool, write: bool) -> int:
    """Show; unless only that was wanted (`write`), ask (`ask`) and restore."""
    run, page = _run(context, start, replace(options, dry_run=True))
    if page is None:
        context.terminal.document({"runs": [run]})
        return ExitCode.FAILED
    result = _result(run)
    _show(context, result, page)
    anything = page.total > result.kept  # the page itself may be full of what is kept
    if write and anything and _may(context, run, ask=ask):
        run, page = _run(context, start, options)
        for change in page.changes if page else ():
            if change.change == "kept" and change.reason == MEANWHILE:
                context.terminal.line(_line(change))
    context.terminal.document({"runs": [run], "changes": page.changes if page else []})
    return ExitCode.DONE if page else ExitCode.FAILED


def _run(context: Context, start: Start, options: RestoreOptions) -> tuple[Run, Page | None]:
    """The run when it has ended, and what it has found if it ended well."""

    def tell(run: Run) -> None:
        if run.state != "done" or not options.dry_run:
            report(context, run)

    (run,) = follow(context, start(options), tell, cancel=True)
    return run, context.supervisor().page(run=run.run) if run.state == "done" else None


def _result(run: Run) -> RestoredVersion:
    found = read(run.step, run.result)
    return found if isinstance(found, RestoredVersion) else RestoredVersion()


def _show(context: Context, result: RestoredVersion, page: Page) -> None:
    for change in page.changes[:MOST_SHOWN]:
        context.terminal.line(_line(change))
    if page.total > MOST_SHOWN:
        context.terminal.line(f"  and {page.total - min(MOST_SHOWN, len(page.changes)):,} more")
    count = f"{phrases.count(result.files or 0, 'file')} ({phrases.size(result.bytes or 0)}) would be written"
    kept = f", {result.kept:,} stay as they are" if result.kept else ""
    context.terminal.line(f"{count}{kept}; nothing is removed.")


def _line(change: Change) -> str:
    mark = "+" if change.change == "written" else "="
    path = shown(change.path) + ("/" if change.kind == DIRECTORY else "")
    return f"{mark} {path}" + (f"  ({change.reason})" if change.reason else "")


def _may(context: Context, run: Run, *, ask: bool) -> bool:
    if not ask:
        return True
    if not context.terminal.interactive:
        raise usage("--in-place asks before it writes, and nobody can be asked", "say --yes, or --dry-run")
    if context.terminal.choose(f"Write into the source of {run.dataset}? [y/n]", "yn") == "y":
        return True
    context.terminal.line("Nothing was written.")
    return False
