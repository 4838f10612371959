"""Readable stand-ins for what tests do not want to wait for: a clock that is set by hand, workers that end when told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from paraduxd.core.runs.orders import Done, Failed, Held, Order, Progress
from paraduxd.supervisor.runs.launcher import Final, Listener


class Clock:
    """A wall clock that stands still until it is moved."""

    def __init__(self, start: str = "2026-11-23T12:00:00+00:00") -> None:
        self.time = datetime.fromisoformat(start).astimezone(UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **duration: float) -> None:
        """Move on (or back): `advance(hours=1)`."""
        self.time += timedelta(**duration)


class Workers:
    """Workers that run until the test ends them; keeps every order it was ever given."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.living: dict[int, tuple[Order, Listener]] = {}
        self.cancelled: list[int] = []

    def start(self, order: Order, listener: Listener) -> None:
        self.orders.append(order)
        self.living[order.run] = (order, listener)

    def cancel(self, run: int) -> None:
        self.cancelled.append(run)

    def stop(self) -> None:
        for run in list(self.living):
            self.end(run, Failed("worker-crashed", "the worker ended without a report (exit code 143)"))

    def progress(self, run: int, progress: Progress) -> None:
        self.living[run][1].progress(run, progress)

    def end(self, run: int, final: Final) -> None:
        """The worker reports this and is gone."""
        _, listener = self.living.pop(run)
        listener.ended(run, final)

    def find(self, dataset: str, step: str, location: str | None = None) -> Order:
        """The living worker's order for this target."""
        orders = [order for order, _ in self.living.values() if (order.dataset, order.step) == (dataset, step)]
        (found,) = [order for order in orders if location in (None, order.location)]
        return found

    def done(self, dataset: str, step: str, location: str | None = None, **result: Any) -> None:
        """The one living worker for this target ends well."""
        self.end(self.find(dataset, step, location).run, Done(result))

    def fail(self, dataset: str, step: str, location: str | None = None, **why: Any) -> None:
        self.end(self.find(dataset, step, location).run, Failed(**{"code": "offline", "message": "no answer", **why}))

    def hold(self, dataset: str, reason: str, **counts: int) -> None:
        self.end(self.find(dataset, "pull").run, Held(reason, f"the guard says {reason}", **counts))

    def all_done(self, **result: Any) -> int:
        """End well whatever runs, and what that lets start, until nothing runs; how many ended."""
        ended = 0
        while self.living:
            self.end(next(iter(self.living)), Done(result))
            ended += 1
        return ended

    def steps(self) -> list[str]:
        """What runs now, in the order of the starts: "pull home", "push home/disk"."""
        return [_words(order) for order, _ in self.living.values()]

    def history(self) -> list[str]:
        """What was ever started."""
        return [_words(order) for order in self.orders]


def _words(order: Order) -> str:
    where = "" if order.location == "source" else f"/{order.location}"
    return f"{order.step} {order.dataset}{where}"
