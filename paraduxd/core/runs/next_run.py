"""When something runs next: by its timing and by how its last runs ended. Pure: clock, seed and cron come as arguments.

An interval counts from the start of the last success, so that runs do not drift by their own length. What was missed runs once.
A record that lies in the future (the clock was wrong then, or is now) is treated as unknown: the run is due now.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import datetime, timedelta

from paraduxd.api.frozen import dataclass
from paraduxd.core.plan.model import Timing
from paraduxd.core.primitives import timestamps
from paraduxd.core.runs import backoff
from paraduxd.core.runs.facts import Latest

CronNext = Callable[[str, datetime], datetime | None]
"""The first moment after the given one at which a cron expression holds; `None`: never again. Raises `ValueError`."""

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far in the future a record may lie before it is distrusted."""

_MISSED = timedelta(minutes=1)
_SPREAD = 120.0
"""Seconds over which catch-ups are spread, so that a thousand datasets do not start in one."""


@dataclass(frozen=True)
class Due:
    """The next run: when (UTC), and why then: "schedule", "catch-up" or "retry"."""

    at: datetime
    trigger: str


def next_run(timing: Timing, latest: Latest, now: datetime, seed: str, cron_next: CronNext) -> Due | None:
    """When a target with this timing runs next; `None`: never by itself.

    After a success, a hold or a cancelled run the next one is a period (or the next cron time) later. After a failure it
    waits as `backoff` says, at most a period. What has never run is due at once, cron or not: having no copy is worse than an
    odd hour. `seed` (any text) spreads what is due at once.
    """
    if timing.every is None and timing.cron is None:
        return None
    success, attempt = known(latest.last_success, now), known(latest.last_attempt, now)
    since = success if latest.failures else (attempt or success)
    regular = _following(timing, since, cron_next) if since else now
    if regular is None:
        return None
    if latest.failures and attempt:
        return Due(max(regular, attempt + _pause(latest, timing.every, seed)), "retry")
    if regular > now - _MISSED and since:
        return Due(regular, "schedule")
    spread = timedelta(seconds=_fraction(seed) * min(_SPREAD, (timing.every or 86_400) / 20))
    return Due(now + spread, "catch-up" if since else "schedule")


def when_allowed(latest: Latest, now: datetime, seed: str) -> Due:
    """When something that is wanted now, and has no timing, may run: at once, or when the pause after a failure is over."""
    attempt = known(latest.last_attempt, now)
    if attempt and (latest.failures or latest.state in ("cancelled", "held")):
        return Due(max(now, attempt + _pause(latest, None, seed)), "retry")
    return Due(now, "schedule")


def _following(timing: Timing, since: datetime, cron_next: CronNext) -> datetime | None:
    if timing.every is not None:
        return since + timedelta(seconds=timing.every)
    return cron_next(timing.cron or "", since)


def _pause(latest: Latest, every: int | None, seed: str) -> timedelta:
    """How long to wait after the last attempt; as long as can be when trying again soon does not help."""
    longest = min(backoff.LONGEST, every or backoff.LONGEST)
    hopeless = latest.failures == 0 or (latest.error is not None and not latest.error.retry)
    seconds = longest if hopeless else backoff.delay(latest.failures, longest)
    return timedelta(seconds=seconds * (1 + _fraction(seed) / 10))


def known(text: str | None, now: datetime) -> datetime | None:
    """The recorded moment; `None` for none, and for one that lies in the future."""
    moment = timestamps.parse(text)
    return moment if moment is not None and moment <= now + CLOCK_TOLERANCE else None


def _fraction(seed: str) -> float:
    """The same number from 0 to 1 for the same seed."""
    return zlib.crc32(seed.encode(errors="surrogatepass")) / 2**32
