"""`restore --all`: each dataset from the newest version that is left anywhere, and from the next place when that one fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import field
from datetime import UTC, datetime

from paraductl.terminal import wording
from paraductl.terminal.table import TableCell
from paraduxd.api import phrases
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.results import Listed, RestoredVersion, read
from paraduxd.api.replies.state import DatasetState
from paraduxd.api.replies.transfer_runs import Run

STAGING = "staging"

Start = Callable[[str, str, str], Sequence[int]]
"""Starts a restore of a dataset into a folder from a place, and gives its runs."""

Follow = Callable[[Sequence[int]], Sequence[Run]]


@dataclass(frozen=True)
class Copy:
    """One version that may be restored: where it is, of when (RFC 3339), and how many files it must have at least, if that is known."""

    location: str
    time: str
    files: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one dataset: `location` empty when it is lost; `failures` says why each place gave nothing."""

    dataset: str
    location: str = ""
    time: str = ""
    files: int | None = None
    bytes: int | None = None
    to: str = ""
    failures: tuple[str, ...] = field(default=())

    @property
    def lost(self) -> bool:
        """Nothing, or not all of one version, came back."""
        return not self.location

    def to_json_value(self) -> dict[str, object]:
        """For programs."""
        names = ("dataset", "location", "time", "files", "bytes", "to", "lost")
        return {**{name: getattr(self, name) for name in names}, "failures": list(self.failures)}


def copies(dataset: DatasetState, listed: Sequence[Run]) -> list[Copy]:
    """The newest version of each place, newest first, from a dataset's status and from what its destinations have listed, in order.

    What is dated in the future is of an unknown age and comes last. Staging comes before a destination with the same version; a held
    dataset's is not trusted before any destination's.
    """
    found = [
        Copy(run.location, there.versions[-1].time)
        for run in listed
        if run.dataset == dataset.id
        and run.state == "done"
        and isinstance(there := read(run.step, run.result), Listed)
        and there.versions
    ]
    pulled, files = dataset.source.last_success, dataset.staging.files
    here = [Copy(STAGING, pulled, files)] if pulled and files else []
    now = datetime.now(UTC)
    ordered = sorted([*here, *found], key=lambda copy: (_moment(copy.time) <= now, _moment(copy.time)), reverse=True)
    return ordered if dataset.state != "held" else [*(copy for copy in ordered if copy not in here), *here]


class BringingBack:
    """Restores datasets, each into a folder of its own below `folder`."""

    def __init__(self, folder: str, start: Start, follow: Follow) -> None:
        self._folder = folder
        self._start = start
        self._follow = follow

    def dataset(self, name: str, places: Sequence[Copy]) -> Outcome:
        """Try place after place until one gives the whole version; what a failed one has left stays there.

        A place that opens with a passphrase only, which nobody can give, is one that fails: others open without. Raises `ParaduxError`
        "not-empty" when the folder for it was not empty before.
        """
        failures: list[str] = []
        for place in places:
            try:
                run, target = self._try(name, place, again=bool(failures))
            except ParaduxError as refusal:
                if refusal.exit_code != ExitCode.NOT_AUTHORIZED:
                    raise
                failures.append(f"{place.location}: {refusal.message}")
                continue
            if problem := _problem(run, place):
                failures.append(f"{place.location}: {problem}")
                continue
            back = _restored(run)
            time = place.time if place.location == STAGING else back.time
            return Outcome(name, place.location, time, back.files, back.bytes, target, tuple(failures))
        return Outcome(name, failures=tuple(failures) or ("no place has a version of it",))

    def _try(self, name: str, place: Copy, *, again: bool) -> tuple[Run, str]:
        """Restore from one place; beside the folder of the dataset when an earlier attempt has left something in that."""
        target = os.path.join(self._folder, name)  # noqa: PTH118  the daemon decides about links
        (run,) = self._follow(self._start(name, target, place.location))
        if run.error is None or run.error.code != "not-empty":
            return run, target
        if not again:
            raise ParaduxError("not-empty", f"{target} is not empty", "give a new or an empty directory with --to")
        target += f".from-{place.location}"
        (run,) = self._follow(self._start(name, target, place.location))
        return run, target


def _restored(run: Run) -> RestoredVersion:
    found = read(run.step, run.result)
    return found if isinstance(found, RestoredVersion) else RestoredVersion()


def _problem(run: Run, place: Copy) -> str:
    """Why a run has not brought back what the place should have, or nothing."""
    if run.state != "done":
        return wording.failure(run)[0].removeprefix(f"cannot {wording.doing(run)}: ")
    files = _restored(run).files or 0
    if place.files is not None and files < place.files:
        return f"it holds {phrases.count(files, 'file')} only, of {place.files:,}"
    return ""


def rows(outcomes: Sequence[Outcome], now: datetime) -> list[list[TableCell]]:
    """The table in the end: what came from where and how old it is."""
    head = [TableCell(text, ("bold",)) for text in ("DATASET", "FROM", "AS OF", "AGE", "FILES", "SIZE", "IN")]
    return [head, *(_row(outcome, now) for outcome in outcomes)]


def _row(outcome: Outcome, now: datetime) -> list[TableCell]:
    if outcome.lost:
        return [TableCell(text, ("red",)) for text in (outcome.dataset, "LOST", "-", "-", "-", "-", "-")]
    age = max((now - _moment(outcome.time)).total_seconds(), 0)
    known = "-" if outcome.bytes is None else phrases.size(outcome.bytes)
    files = "-" if outcome.files is None else f"{outcome.files:,}"
    texts = (
        outcome.dataset,
        outcome.location,
        wording.local_time(outcome.time),
        phrases.span(age),
        files,
        known,
        outcome.to,
    )
    return [TableCell(text) for text in texts]


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
