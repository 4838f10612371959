"""Windows: scheduled transfers start inside them only, whatever had kept them waiting; those asked for start at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from paraduxd.core.plan.model import DatasetPlan
from tests.supervisor.runs.running import DAILY, Rig, dataset, destination, plan

NIGHT = "22:00-06:00"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
OPENING = datetime(2026, 11, 23, 21, tzinfo=UTC)  # 22:00 in Berlin


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    it = Rig(tmp_path)
    assert it.clock() == NOON
    return it


def at_night(source: bool = False, pushes: bool = True) -> DatasetPlan:
    it = dataset("home", [destination("disk", DAILY, window=NIGHT if pushes else None)], timing=DAILY)
    return replace(it, source=replace(it.source, window=NIGHT if source else None))


def test_what_is_due_waits_for_the_window(rig: Rig) -> None:
    rig.run_by(plan(at_night()))
    rig.pulled()
    assert rig.next_for("home", "push", "disk") == OPENING
    rig.pass_time(8.5 * 3600, step=600)
    assert "push home/disk" not in rig.workers.history()
    rig.clock.time = OPENING
    rig.scheduler.tick()
    assert "push home/disk" in rig.workers.history()


def test_a_pull_waits_too_and_a_push_waits_for_the_pull(rig: Rig) -> None:
    rig.run_by(plan(at_night(source=True, pushes=False)))
    rig.pass_time(8.5 * 3600, step=600)
    assert rig.workers.history() == []
    rig.clock.time = OPENING
    rig.scheduler.tick()
    assert rig.workers.history() == ["pull home"]


def test_what_is_asked_for_by_hand_goes_at_once(rig: Rig) -> None:
    rig.run_by(plan(at_night(source=True)))
    rig.dispatcher.backup()
    rig.workers.all_done(files=10)
    assert rig.workers.history() == ["pull home", "push home/disk"]


def test_a_machine_that_slept_through_the_window_waits_for_the_next(rig: Rig) -> None:
    rig.run_by(plan(at_night()))
    rig.pulled()
    rig.clock.time = OPENING + timedelta(hours=10)
    rig.scheduler.tick()
    assert "push home/disk" not in rig.workers.history()
    assert rig.next_for("home", "push", "disk") == OPENING + timedelta(days=1)


def test_what_queued_until_the_window_closed_waits_in_the_queue(rig: Rig) -> None:
    others = [dataset("other", [destination("nas", DAILY)])]
    rig.run_by(plan(at_night(), *others, transfers=1, per_place=1))
    rig.pulled("home")
    rig.dispatcher.backup(["other"], pull_only=True)
    rig.clock.time = OPENING
    rig.scheduler.tick()
    rig.clock.time = OPENING + timedelta(hours=10)
    rig.workers.done("other", "pull", files=3)
    assert "push home/disk" not in rig.workers.history()
    rig.clock.time = OPENING + timedelta(days=1)
    for _ in range(4):
        rig.dispatcher.engine.beat()
        rig.workers.all_done(files=3)
    assert "push home/disk" in rig.workers.history()


def test_a_transfer_that_has_begun_goes_on_when_the_window_closes(rig: Rig) -> None:
    rig.run_by(plan(at_night()))
    rig.pulled()
    rig.clock.time = OPENING + timedelta(hours=7, minutes=59)
    rig.scheduler.tick()
    rig.pass_time(3600, step=60)
    (run,) = [run for run in rig.dispatcher.history() if run.step == "push"]
    assert run.state == "running"


def test_another_window_takes_effect_at_once(rig: Rig) -> None:
    rig.run_by(plan(at_night()))
    rig.pulled()
    rig.run_by(plan(at_night(pushes=False), serial=2))
    rig.pass_time(300)
    assert "push home/disk" in rig.workers.history()
