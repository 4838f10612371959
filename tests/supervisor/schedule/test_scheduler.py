"""What runs by itself and when: intervals, downtime, failures, holds, publishing, cron, clocks that jump."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from paraduxd.core.plan.model import Timing
from paraduxd.core.runs.guard.rules import MANY_CHANGED
from paraduxd.core.runs.orders import Failed, Order
from paraduxd.supervisor.runs.launcher import Listener
from paraduxd.supervisor.schedule.scheduler import has_jumped
from tests.fakes import Workers
from tests.supervisor.runs.running import DAILY, HOURLY, Rig, dataset, destination, plan, without_timing

HOME = dataset("home", [destination("disk", DAILY)])
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def live(rig: Rig, hours: float, **result: int) -> Counter[str]:
    """Let time pass with everything ending well at once; what was started how often."""
    before = len(rig.workers.orders)
    for _ in range(int(hours * 60)):
        rig.clock.advance(minutes=1)
        rig.scheduler.tick()
        rig.workers.all_done(**{"files": 10, **result})
    return Counter(rig.workers.history()[before:])


# Regular life


def test_a_day_of_hourly_pulls_and_a_daily_push(rig: Rig) -> None:
    rig.run_by(plan(HOME))
    assert live(rig, 24) == {"pull home": 24, "push home/disk": 1}
    assert {run.trigger for run in rig.dispatcher.history()} == {"schedule"}
    assert live(rig, 24) == {"pull home": 24, "push home/disk": 1}


def test_the_first_push_waits_for_the_first_good_pull(rig: Rig) -> None:
    rig.run_by(plan(HOME))
    assert rig.next_for("home", "push", "disk") is None
    rig.pass_time(200)
    assert rig.workers.steps() == ["pull home"]
    rig.workers.done("home", "pull", files=3)
    rig.pass_time(200)
    assert rig.workers.steps() == ["push home/disk"]


def test_next_dates_are_known_and_gone_while_it_waits_or_runs(rig: Rig) -> None:
    rig.run_by(plan(HOME))
    rig.pulled("home")
    assert rig.next_for("home", "pull", "source") == rig.clock() + timedelta(hours=1)
    rig.clock.advance(hours=1)
    rig.scheduler.tick()
    assert rig.next_for("home", "pull", "source") is None
    rig.workers.all_done(files=3)
    assert rig.scheduler.next_runs()[("home", "pull", "source")] == "2026-11-23T14:00:00Z"


def test_a_manual_run_counts(rig: Rig) -> None:
    rig.run_by(plan(HOME))
    live(rig, 1)
    rig.dispatcher.backup()
    rig.workers.all_done(files=3)
    assert rig.next_for("home", "pull", "source") == rig.clock() + timedelta(hours=1)
    assert rig.next_for("home", "push", "disk") == rig.clock() + timedelta(days=1)


def test_a_run_longer_than_its_interval_is_not_doubled(rig: Rig) -> None:
    rig.run_by(plan(HOME))
    rig.pass_time(5 * 3600, step=60)
    assert rig.workers.history() == ["pull home"]
    rig.workers.done("home", "pull", files=3)
    rig.pass_time(300)
    assert Counter(rig.workers.history()) == {"pull home": 2}


def test_what_the_guard_holds_is_pulled_but_not_pushed(rig: Rig) -> None:
    rig.run_by(plan(HOME))
    live(rig, 1)
    rig.dispatcher.backup(pull_only=True)
    rig.workers.hold("home", MANY_CHANGED, changed=8)
    assert rig.next_for("home", "push", "disk") is None
    assert live(rig, 48) == {"pull home": 48}
    rig.dispatcher.approve("home")
    rig.workers.all_done(files=3)
    assert rig.next_for("home", "push", "disk") == rig.clock() + timedelta(days=1)


# Timings that are left out


def test_destination_without_timing_follows_pulls_that_changed_something(rig: Rig) -> None:
    rig.run_by(plan(dataset("home", [destination("disk", None)])))
    assert live(rig, 3, transferred_files=0) == {"pull home": 3, "push home/disk": 1}, "once, as it never had any"
    assert live(rig, 3, transferred_files=5) == {"pull home": 3, "push home/disk": 3}


def test_destination_without_timing_is_tried_again_after_failure(rig: Rig) -> None:
    rig.run_by(plan(dataset("home", [destination("disk", None)], timing=DAILY)))
    rig.pulled("home")
    rig.scheduler.tick()
    rig.workers.fail("home", "push")
    rig.pass_time(50)
    assert rig.workers.steps() == []
    rig.pass_time(30)
    assert rig.workers.steps() == ["push home/disk"]
    rig.workers.all_done()
    assert live(rig, 5) == {}


def test_source_without_timing_is_pulled_for_each_push(rig: Rig) -> None:
    rig.run_by(plan(without_timing(HOME)))
    assert live(rig, 24 * 3) == {"pull home": 3, "push home/disk": 3}


def test_source_without_timing_that_fails_is_tried_with_back_off(rig: Rig) -> None:
    rig.run_by(plan(without_timing(HOME)))
    for _ in range(24 * 60):
        rig.clock.advance(minutes=1)
        rig.scheduler.tick()
        for run in list(rig.workers.living):
            rig.workers.end(run, Failed("offline", "no answer"))
    assert 8 <= len(rig.workers.history()) <= 14 and set(rig.workers.history()) == {"pull home"}


def test_neither_has_a_timing_so_only_by_hand(rig: Rig) -> None:
    rig.run_by(plan(without_timing(dataset("home", [destination("disk", None)]))))
    assert live(rig, 48) == {}


def test_removable_destination_is_left_to_whoever_sees_it_inserted(rig: Rig) -> None:
    rig.run_by(plan(dataset("home", [destination("stick", HOURLY, protocol="removable", place="removable:1234-ABCD")])))
    assert live(rig, 3) == {"pull home": 3}


# Downtime, sleep, failure


def many(count: int, timing: Timing = HOURLY) -> tuple:  # type: ignore[type-arg]
    return tuple(dataset(f"d{number}", [destination("disk", DAILY)], timing) for number in range(count))


def test_two_weeks_of_sleep_are_one_catch_up_each_and_no_storm(rig: Rig) -> None:
    rig.run_by(plan(*many(40)))
    live(rig, 2)
    rig.clock.advance(days=14)
    assert has_jumped(timedelta(days=14), 30.0)
    rig.scheduler.clock_jumped()
    before = len(rig.workers.orders)
    rig.scheduler.tick()
    assert len(rig.workers.orders) - before <= 8
    caught_up = live(rig, 0.5)
    assert len(caught_up) == 80 and set(caught_up.values()) == {1}
    assert {run.trigger for run in rig.dispatcher.history(limit=80)} == {"catch-up"}
    assert live(rig, 0.25) == {}


def test_two_weeks_switched_off_are_one_catch_up_each(rig: Rig) -> None:
    datasets = plan(*many(20))
    rig.run_by(datasets)
    live(rig, 2)
    rig.clock.advance(days=14)
    rig.restart(datasets)
    assert rig.workers.history() == []
    caught_up = live(rig, 0.5)
    assert len(caught_up) == 40 and set(caught_up.values()) == {1}


def test_two_weeks_offline_are_a_handful_of_attempts_then_one_run(rig: Rig) -> None:
    class Offline(Workers):
        def start(self, order: Order, listener: Listener) -> None:
            super().start(order, listener)

        def all_fail(self) -> None:
            for run in list(self.living):
                self.end(run, Failed("unreachable", "no route to host"))

    rig.dispatcher.engine._workers = rig.workers = Offline()
    rig.run_by(plan(dataset("home", [destination("disk", DAILY)], Timing(every=86_400))))
    rig.pulled("home")
    for _ in range(14 * 24 * 12):
        rig.clock.advance(minutes=5)
        rig.scheduler.tick()
        rig.workers.all_fail()
    attempts = Counter(rig.workers.history())
    assert attempts["push home/disk"] < 70 and attempts["pull home"] < 70
    assert live(rig, 12) == {"pull home": 1, "push home/disk": 1}


def test_a_thousand_datasets_are_scheduled_in_a_second(rig: Rig) -> None:
    datasets = plan(*many(1000))
    began = time.process_time()
    rig.run_by(datasets)
    first = time.process_time() - began
    began = time.process_time()
    rig.run_by(replace(datasets, serial=2, datasets=(*datasets.datasets[1:], dataset("new"))))
    print(f"1,000 datasets: {first:.2f} s of CPU, changing one: {time.process_time() - began:.2f} s")
    assert len(rig.scheduler.next_runs()) == 1000
    starts = set(rig.scheduler.next_runs().values())
    assert len(starts) > 100


def test_what_cannot_be_queued_is_tried_again_a_minute_later(rig: Rig) -> None:
    rig.run_by(plan(HOME))
    rig.pulled("home")
    rig.clock.advance(hours=1)
    rig.journal._database.execute("PRAGMA query_only = 1")
    rig.scheduler.tick()
    assert rig.workers.steps() == []
    assert rig.next_for("home", "pull", "source") == rig.clock() + timedelta(minutes=1)
    rig.journal._database.execute("PRAGMA query_only = 0")
    rig.pass_time(60)
    assert rig.workers.steps() == ["pull home"]


# Clocks


@pytest.mark.parametrize("days", [-400, -1, 1, 400])
def test_a_clock_that_is_set_means_at_most_one_run_each_and_life_goes_on(rig: Rig, days: int) -> None:
    rig.run_by(plan(HOME))
    live(rig, 30)
    rig.clock.advance(days=days)
    rig.scheduler.clock_jumped()
    assert live(rig, 0.9) <= Counter({"pull home": 1, "push home/disk": 1})
    assert live(rig, 24)["pull home"] == 24


def test_jumps_are_noticed_and_ordinary_waiting_is_none() -> None:
    assert not has_jumped(timedelta(seconds=30.2), 30.0)
    assert has_jumped(timedelta(seconds=-3600), 30.0)
    assert has_jumped(timedelta(seconds=300), 30.0)


# Locked


def test_nothing_runs_while_locked_and_unlocking_catches_up_pulls_first(rig: Rig) -> None:
    rig.run_by(plan(HOME, dataset("photos"), stashes=["friend"]))
    live(rig, 26, serial=1, epoch=1)
    rig.run_by(plan(HOME, dataset("photos"), stashes=["friend"], serial=2), ready=False)
    before = len(rig.workers.orders)
    rig.pass_time(3 * 86_400, step=600)
    assert len(rig.workers.orders) == before
    rig.dispatcher.engine.set_ready(True)
    caught_up = live(rig, 0.9, serial=2, epoch=1)
    assert set(caught_up.values()) == {1} and len(caught_up) == 5
    order = rig.workers.history()[before:]
    assert order.index("pull home") < order.index("push home/disk")


# New plans


def test_a_new_plan_touches_only_what_changed(rig: Rig) -> None:
    rig.run_by(plan(HOME, dataset("photos")))
    live(rig, 2)
    before = rig.scheduler.next_runs()
    faster = replace(HOME, source=replace(HOME.source, timing=Timing(every=1800)))
    rig.clock.advance(seconds=7)
    rig.run_by(plan(faster, dataset("photos"), dataset("new"), serial=2))
    after = rig.scheduler.next_runs()
    assert {key for key in after if after[key] != before.get(key)} == {
        ("home", "pull", "source"),
        ("new", "pull", "source"),
    }
    rig.run_by(plan(faster, serial=3))
    assert {key[0] for key in rig.scheduler.next_runs()} == {"home"}


def test_a_bad_cron_expression_stops_only_its_own(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.run_by(plan(dataset("bad", timing=Timing(cron="never mind")), HOME))
    rig.pulled("bad")
    assert rig.next_for("bad", "pull", "source") is None
    assert rig.next_for("home", "pull", "source") is not None
    assert "bad/pull/source" in caplog.text


# Publishing


def test_publishing_is_tried_until_every_stash_has_the_newest_config(rig: Rig) -> None:
    rig.run_by(plan(stashes=["friend", "nas"], serial=5))
    rig.scheduler.tick()
    rig.workers.done("", "publish", "nas", serial=5, epoch=1)
    rig.workers.fail("", "publish", "friend", code="http-403")
    assert rig.next_for("", "publish", "nas") is None
    attempts = 0
    for _ in range(24 * 60):
        rig.clock.advance(minutes=1)
        rig.scheduler.tick()
        if "publish /friend" in rig.workers.steps():
            attempts += 1
            rig.workers.fail("", "publish", "friend", code="http-403")
    assert 8 <= attempts <= 14
    rig.pass_time(7 * 3600, step=60)
    rig.workers.done("", "publish", "friend", serial=5, epoch=1)
    rig.pass_time(86_400, step=600)
    assert "publish /friend" not in rig.workers.steps()
    rig.run_by(plan(stashes=["friend", "nas"], serial=6))
    rig.scheduler.tick()
    assert {"publish /friend", "publish /nas"} <= set(rig.workers.steps())


def test_a_stash_that_stays_behind_is_not_published_to_in_a_loop(rig: Rig) -> None:
    rig.run_by(plan(stashes=["friend"], serial=5))
    assert live(rig, 1, serial=4, epoch=1)["publish /friend"] <= 60


# With APScheduler's own clock


def test_the_alarm_starts_what_is_due(tmp_path: Path) -> None:
    started = threading.Event()

    class Ringing(Workers):
        def start(self, order: Order, listener: Listener) -> None:
            super().start(order, listener)
            started.set()

    rig = Rig(tmp_path, workers=Ringing())
    rig.scheduler._clock = rig.dispatcher._clock = lambda: datetime.now(UTC)
    rig.scheduler.start()
    try:
        rig.run_by(plan(dataset("home", timing=Timing(every=2))))
        for _ in range(2):
            assert started.wait(30)
            started.clear()
            rig.workers.all_done(files=1)
    finally:
        rig.scheduler.stop()


def test_a_thousand_datasets_wait_on_one_alarm(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.clock.time = datetime.now(UTC) + timedelta(days=1)
    rig.run_by(plan(*many(1000)))
    rig.scheduler.start()
    try:
        jobs = {job.id: job.next_run_time for job in rig.scheduler._alarms.get_jobs()}
        assert jobs.keys() == {"alarm", "clean-up"}
        assert jobs["alarm"] == min(date.at for date in rig.scheduler._dates.values())
        rig.dispatcher.engine.set_ready(False)
        assert [job.id for job in rig.scheduler._alarms.get_jobs()] == ["clean-up"]
    finally:
        rig.scheduler.stop()
