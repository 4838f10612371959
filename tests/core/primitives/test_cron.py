"""When cron expressions hold: as in crontab(5), and by Debian's rule on the days on which the clock is changed."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from paraduxd.core.primitives.cron import following

BERLIN = ZoneInfo("Europe/Berlin")


def cron(expression: str, after: str) -> str:
    date = following(expression, datetime.fromisoformat(after).replace(tzinfo=BERLIN), BERLIN)
    return date.astimezone(BERLIN).strftime("%a %Y-%m-%d %H:%M") if date else "never"


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("30 3 * * *", "2026-11-23 12:00", "Tue 2026-11-24 03:30"),
        ("30 3 * * *", "2026-11-23 03:30", "Tue 2026-11-24 03:30"),
        ("0 4 * * 0", "2026-11-23 12:00", "Sun 2026-11-29 04:00"),
        ("0 4 * * 7", "2026-11-23 12:00", "Sun 2026-11-29 04:00"),
        ("0 4 * * 1", "2026-11-23 12:00", "Mon 2026-11-30 04:00"),
        ("0 4 * * fri-sun", "2026-11-23 12:00", "Fri 2026-11-27 04:00"),
        ("*/20 * * * *", "2026-11-23 12:05", "Mon 2026-11-23 12:20"),
        ("0 */24 * * *", "2026-11-23 12:05", "Tue 2026-11-24 00:00"),
        ("0 0 */31 * *", "2026-11-23 12:05", "Tue 2026-12-01 00:00"),
        ("0 0 13 * fri", "2026-11-23 12:05", "Fri 2026-11-27 00:00"),
        ("0 0 29 2 *", "2026-11-23 12:05", "Tue 2028-02-29 00:00"),
        ("0 0 * jan mon", "2026-11-23 12:05", "Mon 2027-01-04 00:00"),
    ],
)
def test_cron_as_in_crontab(expression: str, after: str, expected: str) -> None:
    assert cron(expression, after) == expected


def test_cron_in_the_hour_that_comes_twice_runs_once() -> None:
    first = following("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=BERLIN), BERLIN)
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert following("30 2 * * *", first, BERLIN) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_cron_every_half_hour_goes_on_through_the_hour_that_comes_twice() -> None:
    moment, gaps = datetime(2026, 10, 24, 23, 0, tzinfo=UTC), set()
    for _ in range(8):
        next_one = following("*/30 * * * *", moment, BERLIN)
        assert next_one is not None
        gaps.add(next_one - moment)
        moment = next_one
    assert gaps == {timedelta(minutes=30)}


def test_cron_without_a_zone_is_local_time() -> None:
    after = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    date = following("* * * * *", after)
    assert date == after + timedelta(minutes=1)


def test_bad_cron_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="minute"):
        following("61 * * * *", datetime.now(UTC))


# Days on which the clock is changed


def runs(expression: str, zone: ZoneInfo, first: date, last: date) -> list[datetime]:
    """All runs (UTC) from the beginning of the first day to that of the last, local."""
    moment = datetime.combine(first, time(), zone).astimezone(UTC) - timedelta(seconds=1)
    end, found = datetime.combine(last, time(), zone).astimezone(UTC), []
    while (next_one := following(expression, moment, zone)) and next_one < end:
        assert next_one > moment
        found.append(moment := next_one)
    return found


@pytest.mark.parametrize(
    ("zone", "day", "runs_at"),
    [
        ("Africa/Cairo", "2026-04-24", "01:00"),
        ("America/Havana", "2026-03-08", "01:00"),
        ("America/Santiago", "2026-09-06", "01:00"),
        ("Asia/Beirut", "2026-03-29", "01:00"),
        ("Europe/Berlin", "2026-03-29", "00:00"),
    ],
)
def test_midnight_that_is_left_out_is_the_first_moment_after_it(zone: str, day: str, runs_at: str) -> None:
    local, chosen = ZoneInfo(zone), date.fromisoformat(day)
    found = runs("0 0 * * *", local, chosen - timedelta(days=2), chosen + timedelta(days=3))
    assert [moment.astimezone(local).date() for moment in found] == [chosen + timedelta(days=n) for n in range(-2, 3)]
    assert found[2].astimezone(local).strftime("%H:%M") == runs_at


def test_two_times_in_one_gap_run_once_at_its_end() -> None:
    found = runs("10,40 2,3 * * *", BERLIN, date(2026, 3, 29), date(2026, 3, 30))
    assert [moment.astimezone(BERLIN).strftime("%H:%M") for moment in found] == ["03:00", "03:10", "03:40"]


def test_every_hour_follows_the_clock() -> None:
    spring = runs("30 * * * *", BERLIN, date(2026, 3, 29), date(2026, 3, 30))
    autumn = runs("30 * * * *", BERLIN, date(2026, 10, 25), date(2026, 10, 26))
    assert (len(spring), len(autumn)) == (23, 25)
    assert all(after - before == timedelta(hours=1) for before, after in pairwise(autumn))


YEARS = (2024, 2025, 2026)


def _change_days(zone: ZoneInfo) -> list[date]:
    """Local days of these years on which the clock is not the same at the beginning and at the end."""
    days = [date(YEARS[0], 1, 1) + timedelta(days=n) for n in range(366 * len(YEARS))]
    offsets = [datetime.combine(day, time(12), UTC).astimezone(zone).utcoffset() for day in days]
    return [day for day, before, after in zip(days[1:], offsets, offsets[1:], strict=False) if before != after]


def _first_time(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first minute at which the clock shows this time or a later one: found by going through the minutes."""
    moment = min(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)) - timedelta(minutes=2)
    while moment.astimezone(zone).replace(tzinfo=None) < wall:
        moment += timedelta(minutes=1)
    return moment


@pytest.mark.parametrize("at", ["00:00", "00:30", "01:30", "02:00", "02:30", "23:30", "23:59"])
def test_in_every_zone_each_day_around_a_change_has_exactly_one_run(at: str) -> None:
    looked_at = 0
    hour, minute = map(int, at.split(":"))
    for name in sorted(zoneinfo.available_timezones()):
        zone = ZoneInfo(name)
        for change in _change_days(zone):
            looked_at += 1
            walls = [datetime.combine(change + timedelta(days=n), time(hour, minute)) for n in range(-3, 4)]
            expected = [_first_time(wall, zone) for wall in walls]
            found = [expected[0]]
            while (next_one := following(f"{minute} {hour} * * *", found[-1], zone)) and next_one <= expected[-1]:
                found.append(next_one)
            assert found == expected, (name, change)
    assert looked_at > 500


@pytest.mark.parametrize(
    "name", ["Africa/Cairo", "America/Havana", "Europe/Berlin", "Australia/Lord_Howe", "Antarctica/Troll"]
)
@pytest.mark.parametrize("expression", ["0 0 * * *", "15 2 * * mon", "0 0 1 * *", "45 1 13 * fri"])
def test_every_day_of_three_years(name: str, expression: str) -> None:
    zone = ZoneInfo(name)
    first, last = date(2024, 1, 1), date(2027, 1, 1)
    found = [moment.astimezone(zone).date() for moment in runs(expression, zone, first, last)]
    rules = {
        "0 0 * * *": lambda day: True,
        "15 2 * * mon": lambda day: day.isoweekday() == 1,
        "0 0 1 * *": lambda day: day.day == 1,
        "45 1 13 * fri": lambda day: day.day == 13 or day.isoweekday() == 5,
    }
    days = [first + timedelta(days=n) for n in range((last - first).days)]
    assert found == [day for day in days if rules[expression](day)]
