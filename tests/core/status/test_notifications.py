"""When the owner is told, and what."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from paraduxd.core.status import notifications
from paraduxd.core.status.notifications import News, Notice, Rules, Sighting
from paraduxd.core.status.problems import Problem

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GRACE = 900
LATE = Problem("warning", "destination-overdue", "home/bank", "home/bank is late for 3 days", "plug it in")
LATER = Problem("warning", "destination-overdue", "home/bank", "home/bank is late for 9 days", "plug it in")
WORSE = Problem("critical", "destination-overdue", "home/bank", "home/bank is lost", "")
GONE = Problem("critical", "dataset-no-copy", "photos", "no copy of photos", "")


class Owner:
    """One address, and the journal's facts, over time."""

    def __init__(self, digest: int | None = None) -> None:
        self.rules = Rules(GRACE, digest)
        self.now = START
        self.seen: notifications.Seen = {}
        self.told = notifications.baseline(News("", (), {"home/old": "2026-01-01T00:00:00Z"}), START)
        self.reachable = True

    def look(self, *troubles: Problem, after: float = 0, safe: dict[str, str] | None = None) -> Notice | None:
        """What is sent so many minutes later."""
        self.now += timedelta(minutes=after)
        self.seen = notifications.watch(self.seen, troubles, self.now, GRACE)
        news = News("Recoverable", troubles, {"home/old": "2026-01-01T00:00:00Z", **(safe or {})})
        found = notifications.notice(news, self.seen, self.told, self.rules, self.now)
        if found and self.reachable:
            self.told = found.told
        return found


def test_trouble_is_told_once_when_it_stays() -> None:
    owner = Owner()
    assert owner.look(LATE) is None
    assert owner.look(LATE, after=14) is None
    found = owner.look(LATE, after=1)
    assert found and "home/bank is late for 3 days" in found.body and "plug it in" in found.body
    assert "warning: home/bank" in found.title
    for _ in range(50):
        assert owner.look(LATER, after=300) is None


def test_what_ends_before_the_grace_time_is_never_told() -> None:
    owner = Owner()
    assert [owner.look(LATE), owner.look(after=10), owner.look(after=60), owner.look(after=600)] == [None] * 4


def test_recovery_is_told_once() -> None:
    owner = Owner()
    owner.look(LATE)
    assert owner.look(LATE, after=15)
    assert owner.look(after=60) is None, "not before it stays away"
    found = owner.look(after=16)
    assert found and "over: home/bank is late" in found.body
    assert owner.look(after=600) is None


def test_what_comes_and_goes_is_one_trouble() -> None:
    owner = Owner()
    owner.look(LATE)
    told = [owner.look(*([LATE] if step % 2 else []), after=10) for step in range(40)]
    assert len([each for each in told if each]) == 1


def test_a_change_of_level_is_told_and_is_no_recovery() -> None:
    owner = Owner()
    owner.look(LATE)
    assert owner.look(LATE, after=15)
    owner.look(WORSE, after=120)
    found = owner.look(WORSE, after=15)
    assert found and "home/bank is lost" in found.body and "over:" not in found.body
    assert owner.look(WORSE, after=30) is None


def test_many_at_once_are_one_short_message() -> None:
    many = [Problem("warning", "destination-overdue", f"d{n}/nas", f"d{n}/nas is late", "") for n in range(200)]
    owner = Owner()
    owner.look(*many)
    found = owner.look(*many, after=15)
    assert found and len(found.body) < 2000 and "190 more" in found.body and "199 more" in found.title
    assert owner.look(*many, after=600) is None


def test_one_after_the_other_is_no_avalanche() -> None:
    many = [Problem("warning", "destination-overdue", f"d{n}/nas", f"d{n}/nas is late", "") for n in range(60)]
    owner = Owner()
    told = [owner.look(*many[:n], after=1) for n in range(60)]
    assert len([each for each in told if each]) == 1
    assert owner.look(*many, GONE, after=30) and owner.look(*many, GONE, after=15), "what is critical does not wait"


def test_nothing_is_lost_while_nobody_can_be_told() -> None:
    owner = Owner()
    owner.reachable = False
    owner.look(LATE)
    assert owner.look(LATE, after=15)
    owner.look(LATE, GONE, after=15)
    owner.reachable = True
    found = owner.look(LATE, GONE, after=15)
    assert found and LATE.text in found.body and GONE.text in found.body


def test_a_digest_comes_if_wanted_and_only_then() -> None:
    owner, week = Owner(digest=7 * 86400), 7 * 24 * 60
    owner.look(LATE)
    assert owner.look(LATE, after=15)
    found = owner.look(LATER, after=week)
    assert found and found.title == "Paradux: digest" and LATER.text in found.body and "Recoverable" in found.body
    assert owner.look(LATER, after=week - 1) is None
    assert owner.look(LATER, after=1)
    assert Owner().look(after=week * 9) is None


def test_a_disk_is_said_to_be_safe_to_remove_once() -> None:
    owner = Owner()
    found = owner.look(safe={"home/bank": "2026-11-23T11:59:00Z"})
    assert found and "safe to remove" in found.title and "home/bank" in found.body and "home/old" not in found.body
    assert owner.look(after=600, safe={"home/bank": "2026-11-23T11:59:00Z"}) is None


@pytest.mark.parametrize("odd", ["never", "2126-01-01T00:00:00Z"])
def test_an_odd_record_does_not_silence(odd: str) -> None:
    owner = Owner()
    owner.seen = {notifications.ident(LATE): Sighting(odd, odd)}
    owner.told = replace(owner.told, digest=odd, sent=odd)
    found = owner.look(LATE)
    assert found and LATE.text in found.body
