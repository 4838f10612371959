"""The journal: what it remembers, and that it survives damage, SIGKILL and full disks."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.results import Pulled, Pushed, Version
from paraduxd.core.runs.facts import Latest
from paraduxd.core.runs.guard.holds import Approval, Hold
from paraduxd.core.runs.orders import Failed
from paraduxd.effects.journal import days as days_of_runs
from paraduxd.effects.journal import thinning
from paraduxd.effects.journal.journal import Ending, Journal

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PULL = ("home", "pull", "source")
PUSH = ("home", "push", "disk")
OFFLINE = Failed("offline", "no answer")


def at(minute: int) -> str:
    return f"2026-11-23T12:{minute:02}:00Z"


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite", NOW)


def ran(journal: Journal, minute: int, state: str, key: tuple[str, str, str] = PULL, **more: object) -> int:
    """One run of 30 seconds that started at this minute."""
    run = journal.add(key, "schedule", at(minute))
    journal.start(run.number, at(minute))
    journal.finish(run.number, Ending(state, at(minute).replace(":00Z", ":30Z"), **more))  # type: ignore[arg-type]
    return run.number


def pruned(journal: Journal, now: datetime) -> int:
    """Everything that is due is forgotten; gives in how many pieces."""
    return 1 + sum(1 for _ in iter(lambda: journal.prune(now), False))


def test_a_run_from_request_to_end(journal: Journal) -> None:
    run = journal.add(PULL, "manual", at(0))
    assert (run.state, run.trigger, run.key) == ("queued", "manual", PULL)
    journal.start(run.number, at(1))
    assert journal.get([run.number])[0].state == "running"
    journal.finish(run.number, Ending("done", at(2), None, {"files": 3}, 100, 3))
    (ended,) = journal.get([run.number, 999])
    assert (ended.state, ended.requested, ended.started, ended.ended) == ("done", at(0), at(1), at(2))
    assert (ended.bytes, ended.files, ended.error, ended.result) == (100, 3, None, {"files": 3})


def test_an_ended_run_stays_as_it_is(journal: Journal) -> None:
    number = ran(journal, 0, "done", result={"files": 3})
    journal.finish(number, Ending("failed", at(9), OFFLINE))
    assert journal.get([number])[0].state == "done"
    assert journal.latest(PULL).failures == 0


def test_latest_after_success_failures_and_hold(journal: Journal) -> None:
    assert journal.latest(PULL) == Latest()
    ran(journal, 0, "done", result={"files": 3})
    assert journal.latest(PULL) == Latest(at(0), at(0), 0, None, Pulled(files=3), "done", 30)
    ran(journal, 5, "failed", error=OFFLINE)
    ran(journal, 10, "failed", error=OFFLINE)
    latest = journal.latest(PULL)
    assert (latest.last_success, latest.failures, latest.error, latest.result) == (
        at(0),
        2,
        OFFLINE,
        Pulled(files=3),
    )
    assert latest.last_attempt == "2026-11-23T12:10:30Z"
    ran(journal, 15, "held", error=Failed("held", ""))
    latest = journal.latest(PULL)
    assert (latest.failures, latest.state, latest.last_attempt) == (0, "held", at(15))


def test_the_last_days_of_each_target(journal: Journal) -> None:
    ended = [
        (0, "failed"),
        (0, "done"),
        (1, "failed"),
        (1, "held"),
        (3, "done"),
        (13, "done"),
        (14, "done"),
        (40, "done"),
    ]
    with journal.batch():
        for ago, state in sorted(ended, reverse=True):
            time = (NOW - timedelta(days=ago, hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
            journal.finish(journal.add(PUSH, "schedule", time).number, Ending(state, time))
        journal.finish(journal.add(PULL, "schedule", at(0)).number, Ending("cancelled", at(0), Failed("cancelled", "")))
        journal.add(PULL, "schedule", at(0))
    days = ["ok", "", "", "", "", "", "", "", "", "", "ok", "", "failed", "ok"]
    assert journal.days(NOW) == {PUSH: tuple(days)}
    journal.use_places({("home", "disk"): journal.named("", "home", "disk").strip("/"), ("letters", "disk"): "f" * 32})
    assert journal.days(NOW, ["home"]) == {PUSH: tuple(days)} and journal.days(NOW, ["letters"]) == {}


def test_days_are_counted_anew_when_something_was_written_or_a_minute_has_passed(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[datetime] = []
    ended = days_of_runs.ended
    monkeypatch.setattr(
        days_of_runs, "ended", lambda database, now, *more: counted.append(now) or ended(database, now, *more)
    )
    later = [NOW + timedelta(seconds=seconds) for seconds in (59, 60, 30)]
    ran(journal, 0, "failed", PUSH)
    assert journal.days(NOW) == journal.days(later[0]) and counted == [NOW]
    journal.days(later[1])
    journal.days(later[2])  # the clock was set back
    assert counted == [NOW, *later[1:]]
    ran(journal, 0, "done", PUSH)
    assert journal.days(later[2])[PUSH][-1] == "ok" and counted == [NOW, *later[1:], later[2]]


def test_days_that_are_taken_back_are_not_remembered(journal: Journal) -> None:
    with pytest.raises(ParaduxError, match="taken back"), journal.batch():
        ran(journal, 0, "done", PUSH)
        assert journal.days(NOW + timedelta(minutes=1))[PUSH][-1] == "ok"
        raise ParaduxError("test", "taken back")
    assert journal.days(NOW + timedelta(minutes=1)) == {}


def test_a_push_that_did_not_run_after_a_failed_pull_counts_as_failure(journal: Journal) -> None:
    run = journal.add(PUSH, "schedule", at(0))
    journal.finish(run.number, Ending("cancelled", at(1), Failed("not-run", "")))
    assert journal.latest(PUSH).failures == 1
    run = journal.add(PUSH, "manual", at(2))
    journal.finish(run.number, Ending("cancelled", at(3), Failed("cancelled", "")))
    assert (journal.latest(PUSH).failures, journal.latest(PUSH).last_attempt) == (1, at(3))


def test_latest_of_a_thousand_datasets_is_one_cheap_query(journal: Journal) -> None:
    versions = [{"id": f"v{number}", "time": at(0), "files": 1, "bytes": 1} for number in range(30)]
    with journal.batch():
        for number in range(1000):
            for step, location in (("pull", "source"), ("push", "disk"), ("push", "cloud")):
                ran(journal, 0, "done", (f"d{number}", step, location), result={"versions": versions})
    began = time.process_time()
    latest = journal.latest_by_target()
    print(f"3,000 targets: {time.process_time() - began:.3f} s of CPU")
    assert len(latest) == 3000 and latest[("d7", "push", "cloud")].last_success == at(0)


def test_history_newest_first_and_failed_only(journal: Journal) -> None:
    first = ran(journal, 0, "done")
    second = ran(journal, 1, "failed", error=OFFLINE)
    third = ran(journal, 2, "done", ("photos", "pull", "source"))
    assert [run.number for run in journal.history()] == [third, second, first]
    assert [run.number for run in journal.history("home", limit=1)] == [second]
    assert [run.number for run in journal.history(failed=True)] == [second]
    last = journal.last(PULL, ["done"])
    assert last is not None and last.number == first
    assert journal.last(PUSH, ["done"]) is None


def test_heartbeats_fill_no_history(journal: Journal) -> None:
    beat = ("", "heartbeat", "watchdog")
    for state in ("done", "failed", "done"):
        ran(journal, 1, state, beat, error=OFFLINE if state == "failed" else None)
    assert [(run.step, run.state) for run in journal.history()] == [("heartbeat", "failed")]


def test_what_was_unfinished_is_interrupted_at_the_next_start(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite", NOW)
    ran(journal, 0, "done", result={})
    running, queued = journal.add(PULL, "schedule", at(1)), journal.add(PUSH, "manual", at(1))
    journal.start(running.number, at(1))
    journal.close()
    journal = Journal(tmp_path / "journal.sqlite", NOW)
    interrupted = journal.mark_interrupted(at(5))
    assert [(run.number, run.state) for run in interrupted] == [
        (running.number, "interrupted"),
        (queued.number, "interrupted"),
    ]
    assert journal.latest(PULL).last_attempt == at(0)
    assert journal.mark_interrupted(at(6)) == ()


def test_what_a_later_version_has_told_outlives_a_failure(journal: Journal, tmp_path: Path) -> None:
    ran(journal, 0, "done", result={"files": 3, "later": [1]})
    ran(journal, 5, "failed", error=OFFLINE)
    journal.close()
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        (kept,) = database.execute("SELECT result FROM latest").fetchone()
    assert json.loads(kept) == {"files": 3, "later": [1], "seconds": 30}


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ('{"code": "offline", "message": "no answer", "hint": ""}', OFFLINE),
        (
            '{"code": "gone", "message": "no", "hint": "look", "retry": false}',
            Failed("gone", "no", "look", retry=False),
        ),
        ('{"code": null, "message": 5}', Failed("", "5")),
    ],
)
def test_errors_of_earlier_versions_are_read(journal: Journal, tmp_path: Path, kept: str, expected: Failed) -> None:
    ran(journal, 0, "failed", error=OFFLINE)
    journal.close()
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        database.execute("UPDATE latest SET error = ?", (kept,))
    assert Journal(tmp_path / "journal.sqlite", NOW).latest(PULL).error == expected


def test_holds_approvals_and_facts(journal: Journal) -> None:
    journal.set_hold("home", Hold("removed", removed=7))
    assert journal.holds() == {"home": Hold("removed", removed=7)}
    journal.clear_hold("home")
    journal.clear_hold("home")
    assert journal.holds() == {}
    journal.set_approval("home", 7, 1)
    assert journal.approval("home") == Approval(7, 1)
    journal.clear_approval("home")
    assert journal.approval("home") is None
    journal.set_fact("x", [1, "two"])
    assert journal.fact("x") == [1, "two"]
    journal.set_fact("x", None)
    assert journal.fact("x") is None


def test_batch_is_all_or_nothing(journal: Journal) -> None:
    with pytest.raises(RuntimeError), journal.batch():
        journal.set_fact("x", 1)
        journal.add(PULL, "manual", at(0))
        raise RuntimeError
    assert journal.fact("x") is None and journal.history() == ()
    journal.set_fact("x", 2)
    assert journal.fact("x") == 2


def test_a_busy_dataset_takes_nothing_of_the_year_of_a_quiet_one(journal: Journal) -> None:
    quiet = ("photos", "push", "disk")
    with journal.batch():
        old = journal.add(quiet, "schedule", "2025-12-24T00:00:00Z")
        journal.finish(old.number, Ending("done", at(0), None, {"files": 1}))
        for _ in range(10_005):
            journal.finish(journal.add(PUSH, "schedule", at(0)).number, Ending("done", at(1)))
    pruned(journal, NOW)
    assert len(journal.history(limit=20_000)) == 10_006
    assert [run.number for run in journal.history("photos")] == [old.number]


def test_after_a_year_a_run_of_each_week_stays_and_after_five_none(journal: Journal) -> None:
    with journal.batch():
        times = [f"2025-03-{day:02}T0{hour}:00:00Z" for day in range(3, 17) for hour in range(3)]
        runs = [journal.add(PULL, "schedule", time).number for time in times]
        for number in runs:
            journal.finish(number, Ending("done", at(0)))
        unfinished = journal.add(PULL, "schedule", "2020-01-01T00:00:00Z").number
    pruned(journal, NOW)
    assert sorted(run.number for run in journal.history(limit=1000)) == [runs[0], runs[21], unfinished]
    pruned(journal, NOW + timedelta(days=5 * 366))
    assert [run.number for run in journal.history()] == [unfinished]
    assert journal.latest(PULL).state == "done"


def test_looks_go_after_a_month_and_lists_in_results_after_a_week(journal: Journal) -> None:
    result = {"files": 3, "versions": [{"id": "a", "time": at(0)}], "unread": ["x"]}
    with journal.batch():
        push = journal.add(PUSH, "schedule", "2026-11-01T00:00:00Z").number
        journal.finish(push, Ending("done", at(0), None, result))
        fresh = journal.add(PUSH, "schedule", at(0)).number
        journal.finish(fresh, Ending("done", at(0), None, result))
        for time in ("2026-09-01T00:00:00Z", at(0)):
            journal.finish(journal.add(("home", "versions", "disk"), "manual", time).number, Ending("done", at(0)))
    pruned(journal, NOW)
    kept = {run.number: run for run in journal.history()}
    assert kept[push].result == {"files": 3} and kept[fresh].result == result
    assert [run.requested for run in kept.values() if run.step == "versions"] == [at(0)]
    assert journal.latest(PUSH).result == Pushed(files=3, versions=(Version("a", at(0)),), unread=("x",))


def history_of_weeks(journal: Journal) -> list[str]:
    """Three runs a day of two places for three weeks, two years ago; gives when those ran that are to stay: the first of each week."""
    days = [datetime(2024, 11, 4, tzinfo=UTC) + timedelta(days=day) for day in range(21)]
    times = [f"{day:%Y-%m-%d}T0{hour}:00:00Z" for day in days for hour in range(3)]
    with journal.batch():
        for time in times:
            for key in (PULL, PUSH):
                result = {"files": 3, "unread": ["x"]}
                journal.finish(journal.add(key, "schedule", time).number, Ending("done", time, None, result))
    return [times[week * 21] for week in range(3)]


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_what_is_old_goes_in_pieces_whatever_their_size(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(thinning, "PIECE", piece)
    stays = history_of_weeks(journal)
    pieces = pruned(journal, NOW)
    kept = journal.history(limit=1000)
    assert sorted(run.requested for run in kept) == sorted(stays * 2)
    assert all(run.result == {"files": 3} for run in kept)
    assert (pieces > 20) == (piece < 10)
    assert pruned(journal, NOW) == 1, "nothing is looked at twice"
    assert pruned(journal, NOW + timedelta(days=5 * 366)) > 1 and journal.history() == ()


def test_a_clean_up_goes_on_where_the_last_daemon_ended(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thinning, "PIECE", 10)
    stays = history_of_weeks(journal)
    assert journal.prune(NOW) and journal.prune(NOW)
    before = len(journal.history(limit=1000))
    journal.close()
    again = Journal(tmp_path / "journal.sqlite", NOW)
    assert again.prune(NOW) and len(again.history(limit=1000)) < before
    pruned(again, NOW)
    assert sorted(run.requested for run in again.history(limit=1000)) == sorted(stays * 2)


def test_what_0_1_0_has_slimmed_is_not_slimmed_again(journal: Journal) -> None:
    long_ago = "2026-06-01T00:00:00Z"
    numbers = [journal.add(PULL, "schedule", long_ago).number for _ in range(2)]
    for number in numbers:
        journal.finish(number, Ending("done", long_ago, None, {"unread": ["x"]}))
    journal.set_fact(thinning.SLIMMED, numbers[0])
    pruned(journal, NOW)
    assert [run.result for run in journal.get(numbers)] == [{"unread": ["x"]}, {}]


def test_a_run_that_a_wrong_clock_dated_in_the_future_stays(journal: Journal) -> None:
    times = ["2024-11-04T00:00:00Z", "2031-01-01T00:00:00Z", "2024-11-05T00:00:00Z", at(0)]
    for when in times:
        journal.finish(journal.add(PULL, "schedule", when).number, Ending("done", when))
    pruned(journal, NOW)
    assert {"2024-11-04T00:00:00Z", "2031-01-01T00:00:00Z", at(0)} <= {run.requested for run in journal.history()}


@pytest.mark.parametrize("damage", ["garbage", "flipped pages", "empty tables"])
def test_a_damaged_journal_is_set_aside(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal(path, NOW)
    with journal.batch():
        for minute in range(50):
            ran(journal, minute, "done", result={"text": "x" * 500})
    assert not journal.damaged()
    journal.close()
    content = bytearray(path.read_bytes())
    if damage == "garbage":
        content = bytearray(b"no database at all" * 100)
    elif damage == "flipped pages":
        content[4096:12288] = bytes(8192)
    else:
        content[18:100] = bytes(82)
    path.write_bytes(content)
    journal = Journal(path, NOW)
    assert journal.damaged() and journal.history() == ()
    assert (tmp_path / "journal.sqlite.damaged-20261123T120000Z").read_bytes() == bytes(content)
    ran(journal, 0, "done")
    journal.close()
    assert len(Journal(path, NOW).history()) == 1


def test_empty_file_becomes_a_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").touch()
    journal = Journal(tmp_path / "journal.sqlite", NOW)
    assert journal.history() == () and not journal.damaged()


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    Journal(tmp_path / "journal.sqlite", NOW)
    assert (tmp_path / "journal.sqlite").stat().st_mode & 0o077 == 0


def test_a_full_disk_is_said_as_an_error_of_ours(journal: Journal) -> None:
    journal._database.execute("PRAGMA max_page_count = 12")
    with pytest.raises(ParaduxError) as failure:
        for _ in range(1000):
            ran(journal, 0, "done", result={"text": "x" * 4000})
    assert failure.value.code == "journal-failed" and "full" in failure.value.message
    journal._database.execute("PRAGMA max_page_count = 1000000")
    ran(journal, 1, "done")


def test_it_cannot_be_opened_in_a_directory_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ParaduxError) as failure:
        Journal(tmp_path / "nowhere" / "journal.sqlite", NOW)
    assert failure.value.code == "journal-failed"


def test_many_threads_share_it(journal: Journal) -> None:
    def work() -> None:
        for minute in range(20):
            ran(journal, minute, "done")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [run.number for run in journal.history()] == list(range(80, 0, -1))


WRITER = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from paraduxd.effects.journal import days as days_of_runs
from paraduxd.effects.journal.journal import Ending, Journal
journal = Journal(Path(sys.argv[1]), datetime.now(UTC))
while True:
    run = journal.add(("home", "pull", "source"), "schedule", "2026-11-23T12:00:00Z")
    journal.start(run.number, "2026-11-23T12:00:00Z")
    journal.finish(run.number, Ending("done", "2026-11-23T12:00:01Z", None, {"files": run.number}))
    print(run.number, flush=True)
"""


@pytest.mark.slow
def test_sigkill_at_any_moment_loses_no_finished_run(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    dice = random.Random(19)
    finished: set[int] = set()
    for _ in range(30):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            said = [writer.stdout.readline()]
            time.sleep(dice.uniform(0, 0.05))
            os.kill(writer.pid, signal.SIGKILL)
            said += writer.stdout.read().splitlines()
        finished |= {int(line) for line in said if line.strip()}
        journal = Journal(path, NOW)
        assert not journal.damaged()
        runs = {run.number: run for run in journal.history(limit=100_000)}
        assert all(runs[number].state == "done" and runs[number].result == {"files": number} for number in finished)
        assert len([run for run in runs.values() if run.state in ("queued", "running")]) <= 1
        newest = journal.last(PULL, ["done"])
        assert newest is not None and journal.latest(PULL).result == Pulled(files=newest.number)
        journal.mark_interrupted(at(59))
        journal.close()
    assert len(finished) >= 30
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
