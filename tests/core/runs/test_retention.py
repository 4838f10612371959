from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from paraduxd.core.plan.terms import Keep
from paraduxd.core.runs.retention import in_order, next_number, protected_until, to_remove, why_removed

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOW = "2027-01-01T00:00:00Z"


@dataclass(frozen=True)
class Entry:
    id: str
    time: str
    number: int | None = None


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


def test_the_highest_number_is_the_newest_whatever_the_clock_said() -> None:
    versions = [
        Entry("c", "2028-01-01T00:00:00Z", 1),
        Entry("b", "2026-01-01T00:00:00Z", 3),
        Entry("a", START.isoformat(), 2),
    ]
    assert [version.number for version in in_order(versions)] == [1, 2, 3]
    assert next_number(versions) == 4


def test_versions_from_before_numbering_come_first_and_those_from_the_future_first_of_all() -> None:
    old, future, numbered = (
        Entry("old", "2026-01-01T00:00:00Z"),
        Entry("future", "2028-01-01T00:00:00Z"),
        Entry("new", NOW, 1),
    )
    assert [version.id for version in in_order([numbered, old, future], NOW)] == ["future", "old", "new"]
    assert [version.id for version in in_order([numbered, old, future])] == ["old", "future", "new"]


def test_no_rule_removes_what_is_younger_than_the_grace() -> None:
    versions = at(1, 2, 24 * 8, 24 * 9)
    now = (START + timedelta(hours=24 * 9)).isoformat()
    assert [version.id for version in to_remove(versions, Keep(last=1), now, 7 * 86400)] == ["v0", "v1"]
    assert [version.id for version in to_remove(versions, Keep(last=1), now, 0)] == ["v0", "v1", "v2"]


def test_a_file_deleted_in_the_morning_is_in_a_version_all_week() -> None:
    """With the rules that setup proposes, two later backups of the same day once took the only version that had the file."""
    versions = at(0, 1, 2)
    usual = Keep(daily=7, weekly=4, monthly=12)
    now = (START + timedelta(hours=3)).isoformat()
    assert to_remove(versions, usual, now, 7 * 86400) == ()
    assert [version.id for version in to_remove(versions, usual, now, 0)] == ["v0", "v1"]


def test_the_reason_of_a_removal_is_a_sentence() -> None:
    assert (
        why_removed(Keep(last=3, daily=7), 7 * 86400) == "keep holds the last 3, 7 daily, and it is older than 7 days"
    )
    assert why_removed(Keep(last=1)) == "keep holds the last 1"


def test_until_when_versions_are_protected() -> None:
    versions, now = at(0, 24, 48), (START + timedelta(hours=49)).isoformat()
    week = 7 * 86400
    assert protected_until(versions, Keep(last=1), now, week) == "2026-01-08T12:00:00Z", "the oldest may go first"
    assert protected_until(versions, Keep(last=1), now, 3600) is None, "two may go now"
    assert protected_until(versions, Keep(last=1), now, 3600, "2026-02-01T00:00:00Z") == "2026-02-01T00:00:00Z"
    assert protected_until(versions, Keep(last=3), now, week) is None, "none is to go"
