"""What the calls answer that start, follow and end runs."""

from __future__ import annotations

from collections.abc import Mapping

from paraduxd.api.frozen import dataclass


@dataclass(frozen=True)
class Nothing:
    """Of calls that have nothing to tell."""


@dataclass(frozen=True)
class Started:
    """The numbers of the runs, at once; the client follows them with `runs`."""

    runs: tuple[int, ...] = ()


@dataclass(frozen=True)
class ReadingStarted:
    """`needs_key`: at these places the worker waits for the key of encrypted archives."""

    runs: tuple[int, ...]
    needs_key: tuple[str, ...] = ()


@dataclass(frozen=True)
class Left:
    """The runs that were not ended, because others have asked for them."""

    left: tuple[int, ...] = ()


@dataclass(frozen=True)
class Waited:
    """Whether the call waited; False where too many of this user's wait already."""

    waited: bool


@dataclass(frozen=True)
class RunError:
    """Why a run did not end well."""

    code: str = ""
    message: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Run:
    """One run. Times are RFC 3339; `state`: queued, running, done, failed, held, interrupted or cancelled.

    `trigger`: schedule, manual, retry, catch-up or drill. `result`: that of the step (`api/replies/results.py`), once it is done.
    """

    run: int
    dataset: str
    step: str
    location: str
    trigger: str
    state: str
    requested: str
    started: str | None = None
    ended: str | None = None
    percent: float | None = None
    bytes: int | None = None
    eta: int | None = None
    error: RunError | None = None
    result: Mapping[str, object] | None = None


@dataclass(frozen=True)
class Runs:
    """Runs, by number or newest first."""

    runs: tuple[Run, ...] = ()
