"""When something runs next: intervals, catching up, back-off, clocks that jump."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from paraduxd.core.plan.model import Timing
from paraduxd.core.primitives import timestamps
from paraduxd.core.runs import backoff
from paraduxd.core.runs import next_run as due
from paraduxd.core.runs.facts import Latest
from paraduxd.core.runs.orders import Failed

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOURLY = Timing(every=3600)
NIGHTLY = Timing(cron="30 3 * * *")


def ago(**duration: float) -> str:
    return timestamps.stamp(NOW - timedelta(**duration)) or ""


def cron_next(expression: str, after: datetime) -> datetime | None:
    """03:30 UTC, whatever the expression; never for "never"."""
    if expression == "never":
        return None
    date = after.replace(hour=3, minute=30, second=0)
    return date if date > after else date + timedelta(days=1)


def next_run(timing: Timing, latest: Latest, seed: str = "home") -> due.Due | None:
    return due.next_run(timing, latest, NOW, seed, cron_next)


def success(**duration: float) -> Latest:
    return Latest(last_success=ago(**duration), last_attempt=ago(**duration), state="done")


def test_interval_counts_from_start_of_last_success() -> None:
    assert next_run(HOURLY, success(minutes=20)) == due.Due(NOW + timedelta(minutes=40), "schedule")


def test_no_timing_never_runs() -> None:
    assert next_run(Timing(), success(days=9)) is None


def test_missed_runs_are_one_catch_up_soon() -> None:
    date = next_run(HOURLY, success(days=14))
    assert date is not None and date.trigger == "catch-up"
    assert NOW <= date.at <= NOW + timedelta(seconds=120)


def test_catch_ups_of_many_datasets_do_not_start_together() -> None:
    dates = [next_run(HOURLY, success(days=14), f"dataset-{number}") for number in range(1000)]
    seconds = {date.at.replace(microsecond=0) for date in dates if date}
    assert len(seconds) > 100
    assert dates == [next_run(HOURLY, success(days=14), f"dataset-{number}") for number in range(1000)]


def test_spread_is_small_for_short_intervals() -> None:
    dates = [next_run(Timing(every=20), success(days=1), f"dataset-{number}") for number in range(100)]
    assert all(date and date.at <= NOW + timedelta(seconds=1) for date in dates)


def test_what_never_ran_is_due_at_once_also_by_cron() -> None:
    for timing in (HOURLY, NIGHTLY):
        date = next_run(timing, Latest())
        assert date is not None and date.at <= NOW + timedelta(seconds=120) and date.trigger == "schedule"


@pytest.mark.parametrize(("failures", "minutes"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (60, 60)])
def test_failures_back_off_up_to_the_interval(failures: int, minutes: int) -> None:
    date = next_run(HOURLY, Latest(ago(days=2), ago(seconds=0), failures, state="failed"))
    assert date is not None and date.trigger == "retry"
    assert NOW + timedelta(minutes=minutes) <= date.at <= NOW + timedelta(minutes=minutes) * 1.1


def test_back_off_is_never_longer_than_six_hours_for_rare_runs() -> None:
    date = next_run(Timing(every=90 * 86400), Latest(None, ago(seconds=0), 99, state="failed"))
    assert date is not None and timedelta(hours=6) <= date.at - NOW <= timedelta(hours=6.6)


def test_hopeless_failure_waits_longest_at_once() -> None:
    error = Failed("bad-credentials", "", retry=False)
    date = next_run(HOURLY, Latest(ago(days=2), ago(seconds=0), 1, error, state="failed"))
    assert date is not None and date.at >= NOW + timedelta(hours=1)


def test_failed_manual_run_does_not_bring_the_regular_one_forward() -> None:
    date = next_run(HOURLY, Latest(ago(minutes=10), ago(minutes=5), 1, state="failed"))
    assert date is not None and date.at == NOW + timedelta(minutes=50)


@pytest.mark.parametrize("state", ["held", "cancelled"])
def test_held_or_cancelled_run_waits_for_the_next_interval(state: str) -> None:
    date = next_run(HOURLY, Latest(ago(days=2), ago(minutes=1), 0, state=state))
    assert date == due.Due(NOW + timedelta(minutes=59), "schedule")


def test_cron_runs_at_its_next_time_and_catches_up_a_missed_one() -> None:
    assert next_run(NIGHTLY, success(hours=2)) == due.Due(
        NOW.replace(hour=3, minute=30) + timedelta(days=1), "schedule"
    )
    missed = next_run(NIGHTLY, success(days=3))
    assert missed is not None and missed.trigger == "catch-up" and missed.at < NOW + timedelta(minutes=3)


def test_cron_that_never_comes_again_is_no_run() -> None:
    assert next_run(Timing(cron="never"), success(days=3)) is None


def test_success_in_the_future_is_unknown_so_due_now() -> None:
    date = next_run(HOURLY, success(days=-400))
    assert date is not None and date.at <= NOW + timedelta(minutes=2)


def test_failure_in_the_future_does_not_block() -> None:
    date = next_run(HOURLY, Latest(None, ago(days=-400), 5, state="failed"))
    assert date is not None and date.at <= NOW + timedelta(minutes=2)


def test_unreadable_times_are_unknown() -> None:
    date = next_run(HOURLY, Latest("yesterday", "", 0))
    assert date is not None and date.at <= NOW + timedelta(minutes=2)


def test_wanted_without_timing_is_due_now_or_after_the_pause() -> None:
    assert due.when_allowed(Latest(), NOW, "x") == due.Due(NOW, "schedule")
    assert due.when_allowed(success(days=1), NOW, "x").at == NOW
    failed = due.when_allowed(Latest(None, ago(seconds=0), 1, state="failed"), NOW, "x")
    assert failed.trigger == "retry" and failed.at >= NOW + timedelta(minutes=1)
    assert due.when_allowed(Latest(None, ago(minutes=1), 0, state="cancelled"), NOW, "x").at > NOW + timedelta(hours=5)


def test_back_off_grows_and_ends() -> None:
    assert [backoff.delay(failures) for failures in (0, 1, 2, 3)] == [0, 60, 120, 240]
    assert backoff.delay(10_000) == backoff.LONGEST
    assert backoff.delay(5, longest=10) == 10
