"""What is queued, started, recorded and refused, with workers that end when the test says so."""

from __future__ import annotations

import contextlib
import itertools
import queue
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.state import RunningState
from paraduxd.api.replies.transfer_runs import RunError
from paraduxd.core.plan.terms import Keep
from paraduxd.core.primitives.place_identity import legacy_uid
from paraduxd.core.runs.guard.rules import MANY_CHANGED
from paraduxd.core.runs.orders import Done, Failed, Held, Order, Progress
from paraduxd.core.runs.queue import Request, conflict
from paraduxd.effects.process.children import Children
from paraduxd.effects.process.worker_hosts import ChildHost
from paraduxd.supervisor.runs.launcher import Launcher
from tests.supervisor.runs.running import DAILY, Rig, dataset, destination, plan, without_timing

TWO = dataset("home", [destination("disk"), destination("cloud")])


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def code_of(call: object, *arguments: object, **named: object) -> str:
    with pytest.raises(ParaduxError) as failure:
        call(*arguments, **named)  # type: ignore[operator]
    assert failure.value.message
    return failure.value.code


def step_arguments(order: Order) -> dict[str, object]:
    """Those of the step alone."""
    return {name: value for name, value in order.arguments.items() if name not in ("cache", "identity")}


# Backups


def test_backup_pulls_then_pushes_everywhere(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    numbers = rig.dispatcher.backup()
    assert len(numbers) == 3 and rig.workers.steps() == ["pull home"]
    rig.workers.done("home", "pull", files=10)
    assert rig.workers.steps() == ["push home/disk", "push home/cloud"]
    rig.workers.all_done()
    assert [rig.state(number) for number in numbers] == ["done"] * 3


def test_one_destination_pull_only_push_only(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    assert len(rig.dispatcher.backup(["home"], pull_only=True)) == 1
    rig.workers.all_done(files=1)
    rig.dispatcher.backup(["home"], "cloud", push_only=True)
    assert rig.workers.steps() == ["push home/cloud"]


def test_unknown_names_and_contradictions_are_refused(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    with pytest.raises(ParaduxError) as failure:
        rig.dispatcher.backup(["hom"])
    assert (failure.value.code, failure.value.hint) == ("not-found", "did you mean home?")
    assert code_of(rig.dispatcher.backup, ["home"], "clud") == "not-found"
    assert code_of(rig.dispatcher.backup, pull_only=True, push_only=True) == "bad-request"
    assert rig.workers.orders == [] and rig.dispatcher.history() == []


def test_the_same_request_is_not_queued_twice_and_becomes_manual(rig: Rig) -> None:
    rig.run_by(plan(TWO, dataset("photos"), transfers=1))
    pull, push = rig.dispatcher.backup(["photos"])
    scheduled = rig.dispatcher.backup(["home"], trigger="schedule")
    later_pull, same_push = rig.dispatcher.backup(["photos"])
    assert later_pull > pull, "what runs already does not see what comes after"
    assert same_push == push
    assert rig.dispatcher.backup(["home"]) == scheduled
    rig.workers.done("photos", "pull", files=1)
    assert rig.workers.steps() == ["pull home"]


def test_a_thousand_datasets_are_queued_and_done(rig: Rig) -> None:
    rig.run_by(plan(*(dataset(f"d{number}", [destination("a"), destination("b")]) for number in range(1000))))
    began = time.process_time()
    numbers = rig.dispatcher.backup()
    print(f"queueing 3,000 runs: {time.process_time() - began:.2f} s of CPU")
    assert len(numbers) == 3000 and len(rig.workers.living) == 8
    rig.dispatcher.engine.cancel(numbers)
    for run in list(rig.workers.living):
        rig.workers.end(run, Done({}))
    assert rig.dispatcher.engine.pending() == set()


# Failures


def test_failed_pull_means_the_pushes_do_not_run_and_say_why(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    pull, *pushes = rig.dispatcher.backup()
    rig.workers.fail("home", "pull", code="offline", message="no answer from laptop")
    assert rig.state(pull) == "failed" and rig.workers.steps() == []
    for run in rig.dispatcher.runs(pushes):
        assert run.state == "cancelled" and run.error.code == "not-run"
        assert "no answer from laptop" in run.error.message


def test_nothing_is_pushed_from_a_staging_that_was_never_filled(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    assert code_of(rig.dispatcher.backup, ["home"], push_only=True) == "not-run"
    rig.dispatcher.scheduled([(("home", "push", "disk"), "schedule")])
    assert rig.workers.orders == []
    rig.pulled("home")
    moved = replace(TWO, staging="/srv/elsewhere")
    rig.run_by(plan(moved))
    assert code_of(rig.dispatcher.backup, ["home"], push_only=True) == "not-run"


def test_crash_of_a_worker_is_a_failed_run(rig: Rig) -> None:
    rig.run_by(plan())
    (number,) = rig.dispatcher.backup(pull_only=True)
    rig.workers.fail("home", "pull", code="worker-crashed", message="the worker ended without a report (signal 11)")
    (run,) = rig.dispatcher.runs([number])
    assert run.error == RunError("worker-crashed", "the worker ended without a report (signal 11)")


def test_the_end_of_a_run_is_recorded_later_when_the_disk_is_full(rig: Rig) -> None:
    rig.run_by(plan())
    (number,) = rig.dispatcher.backup(pull_only=True)
    rig.journal._database.execute("PRAGMA query_only = 1")
    rig.workers.done("home", "pull", files=3)
    assert code_of(rig.dispatcher.backup) == "journal-failed"
    rig.dispatcher.engine.beat()
    rig.journal._database.execute("PRAGMA query_only = 0")
    assert rig.state(number) == "done", "it has ended, whether that is recorded or not"
    assert rig.journal.last(("home", "pull", "source"), ["done"]) is None
    rig.dispatcher.engine.beat()
    assert rig.state(number) == "done"
    assert rig.journal.last(("home", "pull", "source"), ["done"]) is not None
    assert rig.dispatcher.backup(push_only=True)


def test_a_hold_that_cannot_be_recorded_holds_all_the_same(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    rig.pulled("home")
    pull, *pushes = rig.dispatcher.backup()
    rig.journal._database.execute("PRAGMA query_only = 1")
    rig.workers.hold("home", MANY_CHANGED, changed=800)
    assert rig.workers.steps() == []
    rig.journal._database.execute("PRAGMA query_only = 0")
    rig.dispatcher.engine.beat()
    assert rig.workers.steps() == [] and [rig.error(push) for push in pushes] == ["held", "held"]
    assert rig.state(pull) == "held"


# The guard


def test_held_pull_holds_pushes_until_a_good_pull(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    rig.pulled("home")
    pull, *pushes = rig.dispatcher.backup()
    rig.workers.hold("home", "many-removed", removed=900, files=1000)
    assert rig.state(pull) == "held" and [rig.error(push) for push in pushes] == ["held", "held"]
    assert rig.journal.holds()["home"].removed == 900
    assert code_of(rig.dispatcher.backup, ["home"], push_only=True) == "held"
    rig.dispatcher.scheduled([(("home", "push", "disk"), "schedule")])
    assert rig.workers.steps() == []
    rig.dispatcher.backup()
    rig.workers.done("home", "pull", files=10)
    assert rig.journal.holds() == {} and rig.workers.steps() == ["push home/disk", "push home/cloud"]


def test_a_hold_for_changed_files_ends_only_by_approval(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    rig.pulled("home")
    rig.dispatcher.backup()
    rig.workers.hold("home", MANY_CHANGED, changed=800, files=1000)
    pull, *pushes = rig.dispatcher.backup()
    rig.workers.done("home", "pull", files=10)
    assert rig.state(pull) == "done" and [rig.error(push) for push in pushes] == ["held", "held"]
    rig.dispatcher.backup()
    rig.workers.hold("home", "empty")
    assert rig.journal.holds()["home"].reason == MANY_CHANGED


def test_approval_lets_the_counts_that_were_seen_pass_once(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    assert code_of(rig.dispatcher.approve, "home") == "not-held"
    rig.pulled("home")
    assert rig.workers.orders[-1].arguments["allowed"] is None
    rig.dispatcher.backup()
    rig.workers.hold("home", MANY_CHANGED, removed=5, changed=800, files=1000)
    numbers = rig.dispatcher.approve("home")
    assert len(numbers) == 3
    assert rig.workers.find("home", "pull").arguments["allowed"] == {"removed": 5, "changed": 800}
    rig.workers.fail("home", "pull")
    rig.dispatcher.backup()
    assert rig.workers.find("home", "pull").arguments["allowed"] is not None, "a failed pull has not used it up"
    rig.workers.done("home", "pull", files=10)
    rig.workers.all_done()
    rig.dispatcher.backup(pull_only=True)
    assert rig.workers.find("home", "pull").arguments["allowed"] is None


def test_pushes_after_an_approval_keep_all_versions(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    rig.dispatcher.backup()
    rig.workers.hold("home", "many-removed", removed=5)
    rig.dispatcher.approve("home")
    rig.workers.done("home", "pull", files=5)
    assert rig.workers.find("home", "push", "disk").arguments["held"] is True
    rig.workers.all_done()
    rig.dispatcher.backup(push_only=True)
    assert rig.workers.find("home", "push", "disk").arguments["held"] is False


# Orders


def test_a_pull_after_one_that_was_cut_off_knows_when_the_last_good_one_ended(rig: Rig) -> None:
    rig.run_by(plan(dataset("home")))
    rig.pulled("home")
    (good,) = [run for run in rig.dispatcher.history("home") if run.state == "done"]
    rig.dispatcher.backup(["home"], pull_only=True)
    assert rig.workers.find("home", "pull").arguments["since"] is None
    rig.workers.fail("home", "pull")
    rig.dispatcher.backup(["home"], pull_only=True)
    assert rig.workers.find("home", "pull").arguments["since"] == good.ended
    rig.restart(plan(dataset("home")))
    assert rig.workers.find("home", "pull").arguments["since"] == good.ended, "killed in mid-pull"
    rig.workers.done("home", "pull", files=10)
    rig.dispatcher.backup(["home"], pull_only=True)
    assert rig.workers.find("home", "pull").arguments["since"] is None


@pytest.mark.parametrize("cut_off_after", [0, 1, 2])
def test_what_a_source_in_place_has_seen_gets_into_its_directory(rig: Rig, tmp_path: Path, cut_off_after: int) -> None:
    folder = tmp_path / "index" / legacy_uid("home", "")
    folder.parent.mkdir()
    (folder if cut_off_after == 0 else folder.with_name(f"{folder.name}.moving")).write_bytes(b"seen so far")
    if cut_off_after == 2:
        folder.mkdir()
    rig.run_by(plan(dataset("home")))
    rig.dispatcher.backup(pull_only=True)
    assert Path(rig.workers.find("home", "pull").arguments["index"]).read_bytes() == b"seen so far"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_orders_are_made_from_plan_and_journal(rig: Rig, tmp_path: Path) -> None:
    keep = Keep(last=3)
    rig.run_by(plan(dataset("home", [destination("disk", keep=keep)])))
    rig.dispatcher.backup()
    pull = rig.workers.find("home", "pull")
    assert (pull.transport, pull.staging) == (str(tmp_path / "transport/source-home"), "/srv/home")
    assert pull.arguments["known_files"] is None and pull.arguments["guard"]["max_removed"] == 0.25
    assert pull.arguments["index"] == str(tmp_path / "index" / legacy_uid("home", "") / "seen") and (
        pull.in_place,
        pull.pulled,
        pull.staging_uid,
    ) == (False, False, legacy_uid("home", "staging"))
    rig.workers.done("home", "pull", files=10)
    push = rig.workers.find("home", "push")
    assert push.transport == str(tmp_path / "transport/dest-disk")
    assert push.arguments["keep"]["last"] == 3 and push.arguments["known_versions"] == []
    assert push.arguments["pushed_before"] is False
    versions = [{"id": "v1", "time": "2026-11-23T12:00:00Z", "files": 10, "bytes": 5}]
    rig.workers.done("home", "push", versions=versions)
    rig.dispatcher.backup()
    assert rig.workers.find("home", "pull").arguments["known_files"] == 10
    rig.workers.done("home", "pull", files=11)
    assert rig.workers.find("home", "push").arguments["known_versions"] == [
        {**each, "number": None, "missing": 0} for each in versions
    ]
    assert rig.workers.find("home", "push").arguments["pushed_before"] is True
    rig.workers.all_done(versions=versions)
    rig.clock.advance(minutes=1)
    rig.dispatcher.versions("home")
    rig.workers.done("home", "versions", versions=[])
    rig.dispatcher.backup(push_only=True)
    assert rig.workers.find("home", "push").arguments["known_versions"] == [], "the newer report counts"


def test_a_listing_is_no_push(rig: Rig) -> None:
    """A recovered machine lists what there is, and restores it, before it pushes for the first time."""
    rig.run_by(plan(dataset("home", [destination("disk")])))
    rig.dispatcher.versions("home")
    rig.workers.done("home", "versions", versions=[{"id": "v1", "time": "2026-11-23T12:00:00Z"}])
    rig.dispatcher.backup()
    rig.workers.done("home", "pull", files=10)
    arguments = rig.workers.find("home", "push").arguments
    assert len(arguments["known_versions"]) == 1 and arguments["pushed_before"] is False


def test_space_is_reclaimed_once_a_day_per_destination(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    rig.pulled("home")
    wanted = []
    for hours in (0, 1, 22, 2, -48):
        rig.clock.advance(hours=hours)
        rig.dispatcher.backup(destination="disk", push_only=True)
        wanted.append(rig.workers.find("home", "push").arguments["prune"])
        rig.workers.all_done(pruned=True)
    assert wanted == [True, False, False, True, True]
    rig.dispatcher.backup(destination="cloud", push_only=True)
    assert rig.workers.find("home", "push").arguments["prune"] is True


def test_publish_order_has_outbox_serial_and_epoch(rig: Rig, tmp_path: Path) -> None:
    rig.run_by(plan(serial=7, stashes=["friend", "nas"]))
    assert len(rig.dispatcher.publish()) == 2
    order = rig.workers.find("", "publish", "friend")
    expected = {"outbox": str(tmp_path / "outbox"), "serial": 7, "epochs": [1], "ended": [], "known_serial": None}
    assert step_arguments(order) == expected
    assert order.transport == str(tmp_path / "transport/metadata-friend")
    assert order.arguments["identity"] == {
        "owner": "fred",
        "place": legacy_uid("", "friend"),
        "formerly": "",
        "beside": [],
        "instance": "one",
        "generation": 1,
        "outbox": str(tmp_path / "outbox"),
        "marked": False,
    }


def test_transport_directory_can_lie_elsewhere(rig: Rig) -> None:
    rig.dispatcher.engine.apply_plan(plan(), Path("/dev/shm/x"))
    rig.dispatcher.engine.set_ready(True)
    rig.dispatcher.backup()
    assert rig.workers.find("home", "pull").transport == "/dev/shm/x/source-home"


# Verify, versions, restore, host keys


def test_verify_deep_is_another_request_than_a_quick_one(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    quick, deep = rig.dispatcher.verify("home"), rig.dispatcher.verify("home", deep=True)
    assert len(set(quick) | set(deep)) == 4
    assert [order.arguments["deep"] for order, _ in rig.workers.living.values()] == [False, False]


def test_restore_chooses_staging_then_the_newest_destination(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    rig.dispatcher.restore("home", "/tmp/out")
    assert rig.workers.orders[-1].location in ("disk", "cloud"), "nothing is known yet: any destination"
    rig.workers.all_done()
    rig.pulled("home")
    rig.dispatcher.restore("home", "/tmp/out", paths=["a", "b"])
    order = rig.workers.find("home", "restore")
    assert (order.location, order.transport, order.staging) == ("staging", "", "/srv/home")
    assert order.arguments.items() >= {"to": "/tmp/out", "at": None, "paths": ["a", "b"]}.items()
    rig.workers.all_done()
    rig.dispatcher.backup(destination="cloud", push_only=True)
    rig.workers.all_done()
    rig.dispatcher.restore("home", "/tmp/out", at="2026-11-22T00:00:00Z")
    assert rig.workers.find("home", "restore").location == "cloud"


def test_encrypted_archives_are_restored_with_a_key_only(rig: Rig) -> None:
    rig.run_by(plan(dataset("home", [replace(destination("disk"), encryption="gpg"), destination("cloud")])))
    assert code_of(rig.dispatcher.restore, "home", "/tmp/out", "disk") == "not-allowed"
    rig.dispatcher.restore("home", "/tmp/out", "disk", key="/state/handover-1-x")
    assert rig.workers.find("home", "restore").arguments["key"] == "/state/handover-1-x"
    rig.workers.all_done()
    rig.dispatcher.restore("home", "/tmp/out", "cloud")
    assert "key" not in rig.workers.find("home", "restore").arguments


def test_restore_of_what_does_not_make_sense_is_refused(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    assert code_of(rig.dispatcher.restore, "home", "relative/path", "disk") == "bad-request"
    assert code_of(rig.dispatcher.restore, "home", "/tmp/x", "dsk") == "not-found"
    assert code_of(rig.dispatcher.restore, "home", "/tmp/x", "staging", "2026-11-22T00:00:00Z") == "bad-request"
    assert code_of(rig.dispatcher.restore, "hom", "/tmp/x") == "not-found"


def test_host_keys_need_neither_plan_nor_credentials(rig: Rig) -> None:
    (number,) = rig.dispatcher.hostkeys([("friend.example", 22)])
    assert step_arguments(rig.workers.find("", "hostkeys")) == {"hosts": [["friend.example", 22]]}
    rig.workers.all_done(hosts={})
    assert rig.state(number) == "done"


# Locked


def test_before_setup_and_while_locked_requests_fail_fast(rig: Rig) -> None:
    assert code_of(rig.dispatcher.backup) == "not-set-up"
    rig.run_by(plan(TWO), ready=False)
    for call in (rig.dispatcher.backup, rig.dispatcher.publish, rig.dispatcher.verify):
        assert code_of(call) == "locked"
    assert code_of(rig.dispatcher.approve, "home") == "locked"
    assert rig.workers.orders == []


def test_restore_from_staging_works_while_locked(rig: Rig) -> None:
    rig.run_by(plan(TWO), ready=False)
    rig.dispatcher.restore("home", "/tmp/out", "staging")
    assert rig.workers.steps() == ["restore home/staging"]


# Cancelling, progress, what is shown


def test_progress_of_a_run_is_shown(rig: Rig) -> None:
    rig.run_by(plan())
    pull, push = rig.dispatcher.backup()
    rig.workers.progress(pull, Progress(41.0, 1000, 12))
    assert rig.dispatcher.running() == (RunningState(pull, "home", "pull", "source", 41.0, 1000, 12),)
    shown = rig.dispatcher.runs([pull, push])
    assert [(run.state, run.percent) for run in shown] == [("running", 41.0), ("queued", None)]
    rig.workers.done("home", "pull", files=3, bytes=5000, transferred_bytes=2000)
    (run,) = rig.dispatcher.runs([pull])
    assert (run.state, run.percent, run.bytes, run.result["files"]) == ("done", 100.0, 2000, 3)
    assert run.requested == run.started == run.ended == "2026-11-23T12:00:00Z"


def test_cancel_of_queued_and_running(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    pull, *pushes = rig.dispatcher.backup()
    rig.dispatcher.engine.cancel([pull, 999])
    assert rig.workers.cancelled == [pull] and [rig.state(push) for push in pushes] == ["cancelled"] * 2
    rig.workers.fail("home", "pull", code="worker-crashed", message="signal 15")
    assert (rig.state(pull), rig.error(pull)) == ("cancelled", "cancelled")
    assert rig.journal.latest(("home", "pull", "source")).failures == 0
    rig.dispatcher.engine.cancel([pull])
    assert rig.state(pull) == "cancelled"


def test_what_was_done_before_the_cancel_arrived_is_done(rig: Rig) -> None:
    rig.run_by(plan())
    (number,) = rig.dispatcher.backup(pull_only=True)
    rig.dispatcher.engine.cancel([number])
    rig.workers.done("home", "pull", files=3)
    assert rig.state(number) == "done"


# A new plan


def test_new_plan_does_not_disturb_runs_of_untouched_datasets(rig: Rig) -> None:
    photos = dataset("photos")
    rig.run_by(plan(TWO, photos))
    numbers = rig.dispatcher.backup()
    changed = replace(TWO, description="other words", destinations=(*TWO.destinations, destination("new")))
    rig.run_by(plan(changed, photos, dataset("more"), serial=2))
    assert rig.workers.cancelled == []
    rig.workers.all_done(files=1)
    assert {rig.state(number) for number in numbers} == {"done"}


def test_runs_of_what_is_no_longer_in_the_plan_are_cancelled(rig: Rig) -> None:
    photos = dataset("photos", [destination("disk"), destination("old")])
    rig.run_by(plan(TWO, photos, transfers=2))
    rig.pulled("photos")
    pull, *queued = rig.dispatcher.backup(["home"])
    disk, old = rig.dispatcher.backup(["photos"], push_only=True)
    rig.run_by(plan(dataset("photos"), serial=2))
    assert rig.workers.cancelled == [pull] and [rig.state(number) for number in queued] == ["cancelled"] * 2
    assert rig.state(old) == "cancelled" and rig.state(disk) == "running"
    rig.workers.fail("home", "pull", code="worker-crashed")
    assert rig.state(pull) == "cancelled"


def test_a_running_pull_into_another_staging_starts_again(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    pull, push, _ = rig.dispatcher.backup()
    rig.run_by(plan(replace(TWO, staging="/srv/new"), serial=2))
    assert rig.workers.cancelled == [pull] and rig.state(push) == "queued"
    rig.workers.fail("home", "pull", code="worker-crashed")
    assert rig.workers.find("home", "pull").staging == "/srv/new"
    rig.workers.done("home", "pull", files=1)
    assert rig.state(push) == "running"


# Stopping and starting


def test_orderly_stop_marks_runs_interrupted_and_the_next_start_takes_them_up(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    pull, push, _ = rig.dispatcher.backup()
    rig.restart(plan(TWO), killed=False)
    assert (rig.state(pull), rig.state(push)) == ("interrupted", "interrupted")
    assert rig.journal.latest(("home", "pull", "source")).failures == 0
    assert rig.workers.steps() == ["pull home"]
    again = rig.dispatcher.history(limit=3)
    assert {run.trigger for run in again} == {"catch-up"}
    rig.workers.done("home", "pull", files=3)
    assert rig.workers.steps() == ["push home/disk", "push home/cloud"]


def test_after_sigkill_transfers_run_again_but_nothing_that_needs_a_person(rig: Rig) -> None:
    rig.run_by(plan(TWO, stashes=["friend"]))
    rig.pulled("home")
    rig.dispatcher.backup(push_only=True)
    rig.dispatcher.publish()
    rig.dispatcher.restore("home", "/tmp/out", "staging")
    rig.restart(plan(TWO, stashes=["friend"]))
    assert rig.workers.steps() == ["push home/disk", "push home/cloud", "publish /friend"]
    assert rig.dispatcher.history(limit=4)[-1].state == "interrupted"


def test_interrupted_runs_of_removed_datasets_are_forgotten(rig: Rig) -> None:
    rig.run_by(plan(TWO, dataset("photos")))
    rig.dispatcher.backup()
    rig.restart(plan(dataset("photos")))
    assert rig.workers.steps() == ["pull photos"]


# What is due


def test_source_without_timing_is_pulled_before_each_push_that_is_due(rig: Rig) -> None:
    rig.run_by(plan(without_timing(TWO)))
    due = [(("home", "push", name), "schedule") for name in ("disk", "cloud")]
    rig.dispatcher.scheduled(due)
    assert rig.workers.steps() == ["pull home"]
    rig.workers.done("home", "pull", files=3)
    assert rig.workers.steps() == ["push home/disk", "push home/cloud"]
    rig.workers.all_done()
    rig.clock.advance(minutes=2)
    rig.dispatcher.scheduled(due[:1])
    assert rig.workers.steps() == ["push home/disk"], "it is fresh"
    rig.workers.all_done()
    rig.clock.advance(minutes=10)
    rig.dispatcher.scheduled(due[:1])
    assert rig.workers.steps() == ["pull home"]


def test_source_with_timing_is_not_pulled_for_a_push(rig: Rig) -> None:
    rig.run_by(plan(TWO))
    rig.pulled("home")
    rig.dispatcher.scheduled([(("home", "push", "disk"), "schedule"), (("gone", "push", "disk"), "schedule")])
    assert rig.workers.steps() == ["push home/disk"]


def test_datasets_whose_runs_ended_are_told(rig: Rig) -> None:
    told: list[set[str]] = []
    rig.run_by(plan(TWO, dataset("photos", [destination("disk", DAILY)])))
    rig.dispatcher.engine.on_change = told.append
    rig.pulled("photos")
    assert told == [{"photos"}]


# Everything at once


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_nothing_conflicts_and_nothing_is_stuck(rig: Rig, seed: int) -> None:
    dice = random.Random(seed)
    names = ["a", "b", "c", "d"]
    destinations = [destination("disk"), destination("cloud", None)]

    def some_plan() -> None:
        chosen = [dataset(name, destinations) for name in names if dice.random() < 0.8]
        chosen = [without_timing(each) if dice.random() < 0.3 else each for each in chosen]
        chosen = [replace(each, staging=dice.choice(["/srv/1", "/srv/2"])) for each in chosen]
        rig.run_by(plan(*chosen, stashes=["friend"], serial=dice.randrange(1, 99), transfers=3, per_place=2))

    def ask(call: Callable[[], object]) -> None:
        with contextlib.suppress(ParaduxError):
            call()

    def end_one() -> None:
        if rig.workers.living:
            run = dice.choice(list(rig.workers.living))
            outcomes = [Done({"files": 5, "removed": dice.randrange(2)})] * 3 + [Failed("offline", "no answer")]
            held = Held(dice.choice([MANY_CHANGED, "many-removed", "empty"]), "held", 1, 1, 5)
            pulled = rig.workers.living[run][0].step == "pull"
            rig.workers.end(run, dice.choice([*outcomes, held] if pulled else outcomes))

    actions: list[Callable[[], object]] = [
        some_plan,
        *[end_one] * 8,
        lambda: ask(lambda: rig.dispatcher.backup([dice.choice(names)], push_only=dice.random() < 0.2)),
        lambda: ask(lambda: rig.dispatcher.verify(dice.choice(names), deep=dice.random() < 0.5)),
        lambda: ask(lambda: rig.dispatcher.restore(dice.choice(names), "/tmp/out", dice.choice(["staging", "disk"]))),
        lambda: ask(lambda: rig.dispatcher.approve(dice.choice(names))),
        lambda: ask(rig.dispatcher.publish),
        lambda: rig.dispatcher.engine.cancel([dice.randrange(1, 200)]),
        lambda: rig.pass_time(dice.choice([60, 4000])),
        lambda: rig.dispatcher.engine.set_ready(dice.random() < 0.9),
    ]
    some_plan()
    for _ in range(400):
        dice.choice(actions)()
        _check_what_runs([running.request for running in rig.dispatcher.engine._running.values()])
    rig.dispatcher.engine.set_ready(True)
    while rig.workers.living:
        end_one()
    assert rig.dispatcher.engine.pending() == set()
    assert rig.journal.mark_interrupted("2026-11-24T00:00:00Z") == ()


def _check_what_runs(running: list[Request]) -> None:
    assert not any(conflict(one, other) for one, other in itertools.combinations(running, 2))
    transfers = [request for request in running if request.step in ("pull", "push", "verify")]
    assert len(transfers) <= 3
    places = Counter(request.place for request in transfers if request.place != "local")
    assert all(count <= 2 for count in places.values())


# With real processes


WORKER = """
import json, sys, time
order = json.load(sys.stdin)
print(json.dumps({"event": "progress", "percent": 50.0, "bytes": 7}), flush=True)
if order["step"] == "push":
    time.sleep(60)
print(json.dumps({"event": "done", "result": {"files": 3}}), flush=True)
"""


def test_with_real_workers_a_pull_is_done_and_a_push_is_cancelled(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    children = Children()
    launcher = Launcher(ChildHost(children.start, children.end, [sys.executable, str(script)]))
    rig = Rig(tmp_path, workers=launcher)  # type: ignore[arg-type]
    ended: queue.Queue[set[str]] = queue.Queue()
    rig.run_by(plan())
    rig.dispatcher.engine.on_change = ended.put
    pull, push = rig.dispatcher.backup()
    ended.get(timeout=20)
    assert rig.state(pull) == "done" and rig.state(push) == "running"
    rig.dispatcher.engine.cancel([push])
    ended.get(timeout=20)
    assert rig.state(push) == "cancelled"
    (again,) = rig.dispatcher.backup(push_only=True)
    rig.dispatcher.engine.stop()
    assert [run.number for run in rig.journal.mark_interrupted("2026-11-23T13:00:00Z")] == [again]


def test_what_version_0_1_0_remembered_by_name_is_found_by_uid_also_after_a_rename(rig: Rig, tmp_path: Path) -> None:
    before = plan(dataset("home", [destination("disk")]))
    (tmp_path / "index/home.disk").mkdir(parents=True)
    (tmp_path / "index/home.disk/state.json").write_text("{}")
    rig.run_by(before)
    rig.pulled("home")
    rig.dispatcher.backup(push_only=True)
    index = Path(rig.workers.find("home", "push").arguments["index"])
    assert index.name == legacy_uid("home", "disk")
    assert (index / "state.json").exists()
