"""Runs, sizes and times in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from paraductl.speeds import Speed
from paraductl.terminal.text import clipped, columns, one_line
from paraduxd.api import phrases
from paraduxd.api.replies import results
from paraduxd.api.replies.transfer_runs import Run, RunError

NARROW = 60
"""Columns; with no more, bars are shorter."""

MOST_LINES = 8
"""Of runs that go on."""

_VERBS = {
    "pull": "pull {dataset}",
    "push": "push {dataset} to {location}",
    "prune": "remove old versions of {dataset} at {location}",
    "verify": "verify {dataset} at {location}",
    "versions": "list the versions of {dataset} at {location}",
    "list": "look into the versions of {dataset} at {location}",
    "restore": "restore {dataset} from {location}",
    "publish": "publish the config to {location}",
    "rehearse": "rehearse a recovery of {dataset} from {location}",
    "kit-check": "check the kit of {location}",
    "notify": "send a notice to {location}",
    "heartbeat": "call {location}",
}

_PAST = {
    "pull": "{dataset}: pulled",
    "push": "{dataset}: pushed to {location}",
    "prune": "{dataset}: old versions removed at {location}",
    "verify": "{dataset}: verified at {location}",
    "versions": "{dataset}: versions listed at {location}",
    "list": "{dataset}: looked into versions at {location}",
    "restore": "{dataset}: restored from {location}",
    "publish": "{location}: config published",
    "rehearse": "{dataset}: a sample restored from {location} and compared",
    "kit-check": "the kit of {location}: checked",
    "notify": "{location}: the notice was taken",
    "heartbeat": "{location}: called",
}


def local_time(text: str | None) -> str:
    """RFC 3339 as local time, to the second, as `--at` takes it; with the offset where the clock shows it twice, when summer ends.

    What is no time stays as it is.
    """
    try:
        when = datetime.fromisoformat(text or "").astimezone()
    except (ValueError, OverflowError):
        return text or "-"
    shown = when.strftime("%Y-%m-%d %H:%M:%S")
    naive = when.replace(tzinfo=None)
    twice = naive.astimezone().utcoffset() != naive.replace(fold=1).astimezone().utcoffset()
    return shown + when.isoformat()[19:] if twice else shown


def doing(run: Run) -> str:
    """What a run does, as an order: `push home to friend`."""
    return _named(_VERBS, run)


def success(run: Run) -> str:
    """What a run has done, with its numbers."""
    found = results.read(run.step, run.result)
    if isinstance(found, results.RestoredVersion) and found.dry_run:
        return f"{run.dataset}: nothing written, only shown what a restore from {run.location} would write"
    return ": ".join(part for part in (_named(_PAST, run), _numbers(run)) if part)


def failure(run: Run) -> tuple[str, str]:
    """Why a run has not done its work, and what to do: a sentence and a hint."""
    if run.state == "cancelled":
        return f"cancelled: {doing(run)}", ""
    error = run.error or RunError()
    if run.state == "held":
        why = error.message or "the guard stopped it"
        hint = error.hint or f"if it is right: paraductl approve {run.dataset}"
        return f"held: {doing(run)}: {one_line(why)}", one_line(hint)
    why = error.message or ("it was interrupted" if run.state == "interrupted" else "no reason was given")
    return f"cannot {doing(run)}: {one_line(why)}", one_line(error.hint)


def progress(runs: Sequence[Run], speed_of: Callable[[Run], Speed], width: int) -> list[str]:
    """A line for each run that goes on now, and one for those that wait."""
    lines = [_progress_of(run, speed_of(run), width) for run in runs if run.state == "running"][:MOST_LINES]
    more = sum(run.state == "running" for run in runs) - len(lines)
    waiting = sum(run.state == "queued" for run in runs)
    counts = [f"{count} {what}" for count, what in ((more, "more running"), (waiting, "waiting")) if count]
    return [*lines, *([" · ".join(counts)] if counts else [])]


def _progress_of(run: Run, speed: Speed, width: int) -> str:
    """What does not fit is left out: bytes first, then the bar, the rate and the time."""
    parts = {
        "percent": f"{run.percent:.0f} %" if run.percent is not None else "",
        "left": f"{phrases.span(speed.left)} left" if speed.left is not None else "",
        "rate": f"{phrases.size(speed.rate)}/s" if speed.rate else "",
        "bar": phrases.bar(run.percent, 20 if width > NARROW else 10) if run.percent is not None else "",
        "bytes": phrases.size(run.bytes) if run.bytes else "",
    }
    for without in ("", "bytes", "bar", "rate", "left"):
        parts.pop(without, None)
        told = "  ".join(parts[name] for name in ("bar", "percent", "bytes", "rate", "left") if parts.get(name))
        line = "  ".join(filter(None, (doing(run), told)))
        if columns(line) <= width:
            return line
    return f"{clipped(doing(run), max(12, width - columns(told) - 2))}  {told}".rstrip()


def _named(forms: dict[str, str], run: Run) -> str:
    form = forms.get(run.step, f"{run.step} {{dataset}}")
    return form.format(dataset=run.dataset or "-", location=run.location or "-")


def _numbers(run: Run) -> str:
    """The numbers in a result, as far as they are known."""
    return ", ".join(_parts(run, results.read(run.step, run.result)))


def _parts(run: Run, found: results.Result) -> Iterator[str]:
    match found:
        case results.Pushed() if run.step == "prune":
            yield f"{len(found.removed)} removed, {len(found.versions or ())} left"
        case results.Pushed(files=count, bytes=amount, added_bytes=added):
            yield from _amounts(count, amount)
            yield from () if added is None else (f"{phrases.size(added)} added",)
        case results.Pulled(files=count, bytes=amount, transferred_bytes=new):
            yield from _amounts(count, amount)
            yield from () if new is None else (f"{phrases.size(new)} new",)
        case results.Verified(checked=checked, bytes=amount):
            yield from () if checked is None else (f"{checked:,} objects" + (", all data read" if found.deep else ""),)
            yield from _amounts(None, amount)
        case results.RestoredVersion(files=count, bytes=amount, time=time, number=number):
            yield from _amounts(count, amount)
            named = f"{run.dataset}#{number}, " if number else ""
            yield from (f"{named}as of {local_time(time)}",) if time else ()
        case results.Published(serial=serial) | results.KitChecked(serial=serial) | results.Rehearsal(serial=serial):
            yield from () if serial is None else (f"serial {serial}, read back and compared",)
            yield from () if isinstance(found, results.Published) else _amounts(found.files, found.bytes)


def _amounts(count: int | None, amount: int | None) -> Iterator[str]:
    if count is not None:
        yield phrases.count(count, "file")
    if amount is not None:
        yield phrases.size(amount)
