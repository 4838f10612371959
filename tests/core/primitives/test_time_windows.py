"""Windows: midnight, and the nights on which the clock is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraduxd.core.primitives import time_windows

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold)


@pytest.mark.parametrize(
    ("window", "time", "is_open"),
    [
        ("22:00-06:00", "21:59", False),
        ("22:00-06:00", "22:00", True),
        ("22:00-06:00", "23:59", True),
        ("22:00-06:00", "00:00", True),
        ("22:00-06:00", "05:59", True),
        ("22:00-06:00", "06:00", False),
        ("09:30-17:00", "09:29", False),
        ("09:30-17:00", "09:30", True),
        ("09:30-17:00", "17:00", False),
        ("00:00-06:00", "00:00", True),
        ("22:00-00:00", "23:59", True),
        ("22:00-00:00", "00:00", False),
    ],
)
def test_a_window_is_open_from_its_start_until_before_its_end(window: str, time: str, is_open: bool) -> None:
    assert time_windows.parse(window).is_open(at(f"2026-11-23T{time}"), BERLIN) is is_open


@pytest.mark.parametrize(
    ("window", "now", "opening"),
    [
        ("22:00-06:00", "2026-11-23T12:34:56", "2026-11-23T22:00:00"),
        ("22:00-06:00", "2026-11-23T06:00:00", "2026-11-23T22:00:00"),
        ("09:00-10:00", "2026-12-31T11:00:00", "2027-01-01T09:00:00"),
        # Spring: 02:00 to 03:00 is skipped on 29 March 2026.
        ("02:00-02:30", "2026-03-28T12:00:00", "2026-03-30T02:00:00"),
        ("02:30-06:00", "2026-03-28T12:00:00", "2026-03-29T03:00:00"),
        ("04:00-06:00", "2026-03-28T12:00:00", "2026-03-29T04:00:00"),
        ("22:00-02:30", "2026-03-29T03:00:00", "2026-03-29T22:00:00"),
        # Autumn: 02:00 to 03:00 comes twice on 25 October 2026.
        ("04:00-06:00", "2026-10-24T12:00:00", "2026-10-25T04:00:00"),
        ("02:30-03:00", "2026-10-25T01:00:00", "2026-10-25T02:30:00"),
    ],
)
def test_the_next_opening(window: str, now: str, opening: str) -> None:
    assert time_windows.parse(window).opens(at(now), BERLIN) == at(opening).astimezone(UTC)


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    window = time_windows.parse("02:00-02:30")
    assert window.is_open(at("2026-10-25T02:10"), BERLIN)
    assert not window.is_open(at("2026-10-25T02:40"), BERLIN)
    assert window.is_open(at("2026-10-25T02:10", fold=1), BERLIN)
    assert window.opens(at("2026-10-25T02:40"), BERLIN) == at("2026-10-25T02:00", fold=1).astimezone(UTC)


def test_without_a_window_it_is_always_time() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert time_windows.is_open(None, now)
    assert time_windows.opens(None, now) == now


@pytest.mark.parametrize(
    "text", ["", "22-6", "22:00", "24:00-06:00", "22:00-22:00", "22:60-06:00", " 22:00-06:00", "22:00-06:00\n"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected hours of the day"):
        time_windows.parse(text)


MINUTES = st.integers(0, 1439)


@given(MINUTES, MINUTES.filter(bool), st.integers(0, 366 * 24 * 60))
def test_an_opening_is_open_and_nothing_between_is(start: int, length: int, minutes: int) -> None:
    window = time_windows.Window(start, (start + length) % 1440)
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes, seconds=30)
    opening = window.opens(now, BERLIN)
    assert now <= opening <= now + timedelta(days=2, hours=1)
    assert window.is_open(opening, BERLIN)
    if opening > now:
        assert not window.is_open(now, BERLIN)
        assert not window.is_open(opening - timedelta(minutes=1), BERLIN)
