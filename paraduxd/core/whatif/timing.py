"""How old a copy is, how old it may get, and how long it takes until it is back: from what was measured, never from a guess."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.results import Pushed, Rehearsal, RestoredVersion
from paraduxd.core.plan.model import DestinationPlan
from paraduxd.core.primitives import disks, timestamps
from paraduxd.core.runs.conditions import Condition, versions_of, whole
from paraduxd.core.runs.facts import Facts, Latest

SAMPLE = 1_000_000
"""Bytes; less is no measure of a rate, unless it was half of all there is."""

_NOTHING = Latest()


@dataclass(frozen=True)
class Span:
    """A length of time in seconds, or what it cannot be told for."""

    seconds: int | None
    lacking: tuple[str, ...] = ()


AT_ONCE = Span(0)


def age(condition: Condition, now: datetime, staged: Condition | None = None) -> int | None:
    """Seconds since what the newest version holds was at its source; a time in the future says nothing.

    `staged`: the source of what is pulled into staging first. A version that is pushed from there is as old as what lay there.
    """
    made = _newest(condition) or condition.success or condition.answer
    if staged is not None and made is not None:
        made = min(made, _pulled(condition) or staged.success or made)
    seconds = None if made is None else (now - made).total_seconds()
    return None if seconds is None or seconds < 0 else int(seconds)


def worst_age(condition: Condition, staged: Condition | None = None) -> int | None:
    """How old its newest version may get before anything is told as overdue: a period and a half, and at least one and an hour.

    What is pulled into staging first may be as old as that when it is pushed.
    """
    period = condition.period
    before = 0 if staged is None else worst_age(staged)
    return None if period is None or before is None else before + period + max(period // 2, timestamps.HOUR)


def restore_time(name: str, plan: DestinationPlan, condition: Condition, facts: Facts) -> Span:
    """Until a dataset is back from this destination, once there is a config: fetching it, then reading all of it."""
    if disks.uuid_of(plan.place) and plan.fetch is None:
        return Span(None, (f"fetch of {name}",))
    fetch = plan.fetch or 0
    if plan.needs_no_config:
        return Span(fetch)  # in hand, as it is
    seconds = _reading(plan, condition, facts)
    return Span(None, (f"a measured rate of {name}",)) if seconds is None else Span(fetch + seconds)


def together(*spans: Span) -> Span:
    """When all that is waited for at once is there: the slowest."""
    lacking = tuple(dict.fromkeys(word for span in spans for word in span.lacking))
    return Span(None, lacking) if lacking else Span(max((span.seconds or 0 for span in spans), default=0))


def one_after_the_other(*spans: Span) -> Span:
    """When one waits for the other."""
    lacking = tuple(dict.fromkeys(word for span in spans for word in span.lacking))
    return Span(None, lacking) if lacking else Span(sum(span.seconds or 0 for span in spans))


def fastest(spans: Sequence[Span]) -> Span:
    """The first of several ways; one without a figure is no claim, but the others stand."""
    known = [span.seconds for span in spans if span.seconds is not None]
    return Span(min(known)) if known else (spans[0] if spans else Span(None))


def _reading(plan: DestinationPlan, condition: Condition, facts: Facts) -> int | None:
    size = condition.bytes
    if size is None:
        return None
    steps = ("restore", "rehearse")
    found = [facts.latest.get((condition.dataset, step, plan.id), _NOTHING) for step in steps]
    read = sorted(found, key=lambda each: each.last_success or "", reverse=True)
    for latest in (*read, condition.latest):
        if (seconds := _by_sample(size, latest)) is not None:
            return seconds
    return None if plan.bandwidth is None else max(1, -(-size // plan.bandwidth))


def _by_sample(size: int, latest: Latest) -> int | None:
    """So many bytes at the rate of this run; `None`: it is no measure."""
    moved, seconds = whole(_moved(latest)), whole(latest.seconds)
    if not moved or not seconds or (moved < SAMPLE and 2 * moved < size):
        return None
    return max(seconds, -(-size * seconds // moved))


def _moved(latest: Latest) -> int | None:
    """The bytes that came or went over the line."""
    match latest.result:
        case RestoredVersion(bytes=read) | Rehearsal(bytes=read):
            return read
        case Pushed(added_bytes=sent):
            return sent
        case _:
            return None


def _pulled(condition: Condition) -> datetime | None:
    """When the staging was filled that the last push went from, as far as that push has told it."""
    told = condition.latest.result
    return timestamps.parse(told.pulled) if isinstance(told, Pushed) else None


def _newest(condition: Condition) -> datetime | None:
    """When the newest known version was made."""
    versions = versions_of(condition.latest)
    return timestamps.parse(versions[-1].time) if versions else None
