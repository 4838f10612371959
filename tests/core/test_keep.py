from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from paraduxd.core.keep import to_remove
from paraduxd.core.plan import Keep

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOW = "2027-01-01T00:00:00Z"


@dataclass(frozen=True)
class Entry:
    id: str
    time: str


def at(*hours: float) -> list[Entry]:
    """Versions so many hours after the start."""
    times = [(START + timedelta(hours=hour)).isoformat() for hour in hours]
    return [Entry(f"v{number}", time) for number, time in enumerate(times)]


def kept(versions: list[Entry], keep: Keep, now: str = NOW) -> list[str]:
    gone = to_remove(versions, keep, now)
    return [version.id for version in versions if version not in gone]


def test_no_rule_keeps_everything() -> None:
    assert to_remove(at(1, 2, 3), Keep(), NOW) == ()


def test_last_counts_versions() -> None:
    assert kept(at(1, 2, 3, 4), Keep(last=2)) == ["v2", "v3"]


def test_the_newest_stays_whatever_is_asked() -> None:
    assert kept(at(1, 2, 3), Keep(last=0)) == ["v2"]


def test_a_period_keeps_its_newest_version() -> None:
    assert kept(at(0, 1, 24, 25, 48), Keep(daily=2)) == ["v3", "v4"]
    assert kept(at(0, 0.5, 1, 1.5), Keep(hourly=5)) == ["v1", "v3"]


def test_periods_without_versions_take_no_place() -> None:
    assert kept(at(0, 24 * 40, 24 * 200), Keep(monthly=2)) == ["v1", "v2"]
    assert kept(at(0, 24 * 8, 24 * 9), Keep(weekly=2)) == ["v0", "v2"]
    assert kept(at(0, 24, 24 * 200), Keep(yearly=3)) == ["v2"]


def test_weeks_at_the_turn_of_the_year_are_one_week() -> None:
    versions = [Entry("wednesday", "2025-12-31T12:00:00Z"), Entry("thursday", "2026-01-01T12:00:00Z")]
    assert kept(versions, Keep(weekly=2)) == ["thursday"]


def test_rules_add_up() -> None:
    assert kept(at(0, 24, 48, 49, 50), Keep(last=2, daily=3)) == ["v0", "v1", "v3", "v4"]


def test_times_are_compared_as_points_in_time() -> None:
    versions = [Entry("later", "2026-01-01T10:00:00-05:00"), Entry("earlier", "2026-01-01T12:00:00Z")]
    assert kept(versions, Keep(last=1)) == ["later"]


def test_a_version_from_the_future_stays_and_takes_no_place() -> None:
    versions = [*at(0, 1), Entry("future", "2099-01-01T00:00:00Z")]
    assert kept(versions, Keep(last=1)) == ["v1", "future"]
    assert kept(versions, Keep(last=1), now="1970-01-01T00:00:00Z") == ["v0", "v1", "future"]


counts = st.none() | st.integers(0, 5)


@given(
    st.lists(st.integers(0, 20_000), max_size=40, unique=True),
    st.builds(Keep, counts, counts, counts, counts, counts, counts),
)
def test_the_newest_always_stays_and_removing_twice_removes_no_more(hours: list[int], keep: Keep) -> None:
    versions = at(*sorted(hours))
    now = "2099-01-01T00:00:00Z"
    gone = to_remove(versions, keep, now)
    left = [version for version in versions if version not in gone]
    assert left[-1:] == versions[-1:]
    assert to_remove(left, keep, now) == ()
    assert len(left) >= min(len(versions), keep.last or 0)
