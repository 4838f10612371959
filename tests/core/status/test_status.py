"""What status says in the situations that matter."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.state import RunningState
from paraduxd.core.installation.health import Health
from paraduxd.core.plan.model import Plan, Timing
from paraduxd.core.recovery.kit_records import Kit
from paraduxd.core.recovery.kit_tools import ARCHIVE
from paraduxd.core.runs.facts import Daemon, Drills, Facts, Latest
from paraduxd.core.runs.guard.holds import Hold
from tests.core.status.sample import (
    CLOUD,
    DAY,
    DISK,
    DOCS,
    HOUR,
    LAPTOP,
    MAIL,
    NOW,
    PHOTOS,
    ago,
    drilled,
    healthy,
    ill,
    plan,
    well,
)
from tests.status_json import build, exit_code


def codes(document: dict[str, Any]) -> list[str]:
    return [problem["code"] for problem in document["problems"]]


def problem(document: dict[str, Any], code: str) -> dict[str, str]:
    (found,) = [problem for problem in document["problems"] if problem["code"] == code]
    return found


def state(document: dict[str, Any], dataset: str, destination: str = "") -> str:
    (found,) = [entry for entry in document["datasets"] if entry["id"] == dataset]
    if destination:
        (found,) = [entry for entry in found["destinations"] if entry["id"] == destination]
    return found["state"]


def status(some_plan: Plan | None = None, **changes: Any) -> dict[str, Any]:
    """The status of a healthy plan whose facts differ by `changes`."""
    some_plan = some_plan or plan()
    return build(some_plan, healthy(some_plan, **changes), NOW)


def test_the_headline_when_all_is_well() -> None:
    document = status()
    assert document["headline"] == (
        "Recoverable: yes, proven 3 days ago. "
        "Survives any one loss; the weakest pair is house + aws, which would lose `photos`."
    )
    assert document["recoverable"] == {
        "today": True,
        "proven": "2026-11-20T12:00:00Z",
        "survives_any": 1,
        "weakest": [["place:house", "account:aws"]],
        "assumed": [],
    }
    assert (document["level"], document["problems"], exit_code(document)) == ("ok", [], 0)


def test_before_setup() -> None:
    document = build(None, Facts(), NOW)
    assert (document["headline"], document["level"], exit_code(document)) == ("Not set up", "critical", 20)
    assert "paraductl setup" in problem(document, "not-set-up")["hint"]
    assert document["recoverable"]["today"] is False


def test_nothing_is_proven_without_a_drill() -> None:
    document = status(drills=Drills())
    assert document["headline"].startswith("Recoverable: not proven: no drill has been run. Survives any one loss;")
    assert (document["recoverable"]["proven"], codes(document), exit_code(document)) == (None, ["no-drill"], 10)


def test_a_drill_of_an_old_epoch_proves_nothing() -> None:
    assert "no-drill" in codes(status(drills=Drills(ago(DAY), epoch=0)))


def test_an_old_drill_is_due_again() -> None:
    document = status(drills=drilled(plan(), 120 * DAY))
    assert document["headline"].startswith("Recoverable: yes, proven 120 days ago, a new drill is due.")
    assert problem(document, "drill-overdue")["text"] == "the last drill was 120 days ago; one is due every 90 days"


def test_without_kits_nobody_can_open_the_published_config() -> None:
    document = status(kits={}, drills=Drills())
    assert document["headline"] == "Recoverable: no: no steward holds a kit yet."
    assert problem(document, "kits-missing") == {
        "level": "critical",
        "code": "kits-missing",
        "subject": "stewards",
        "text": "no steward holds a kit yet: if this machine is lost, nobody can open the published config",
        "hint": "write what is missing: paraductl create-steward-device --all",
    }
    assert (document["recoverable"]["today"], exit_code(document)) == (False, 20)
    assert document["recoverable"]["survives_any"] == 0


def test_a_recovered_machine_does_not_say_that_there_are_no_kits() -> None:
    document = status(replace(plan(), kits_written=True), kits={}, drills=Drills())
    assert problem(document, "kits-missing")["text"].startswith("this machine has seen no kit: whether enough")
    assert document["recoverable"]["today"] is False


def test_kits_of_an_old_epoch_do_not_count() -> None:
    kits = {
        name: Kit(epoch, ago(DAY)) for name, epoch in zip(("alice", "bob", "carol", "dave"), (1, 1, 0, 0), strict=True)
    }
    document = status(kits=kits)
    assert document["headline"] == "Recoverable: no: only 2 of the 3 stewards needed hold a current kit."
    assert [steward["current"] for steward in document["stewards"]] == [True, True, False, False, False]


def with_tools(**reads: tuple[str, ...] | None) -> dict[str, Any]:
    found = {name: reads.get(name, (ARCHIVE,)) for name in ("alice", "bob", "carol", "dave", "erin")}
    return status(kits={name: Kit(1, ago(DAY), serial=42, reads=known) for name, known in found.items()})


def test_kits_whose_page_cannot_read_what_places_hold_are_old() -> None:
    old = problem(with_tools(bob=("paradux-archive/1", "paradux.config/1"), dave=()), "kits-old")
    assert old["text"] == (
        "the page on the kits of bob, dave cannot read the encrypted archives that this version of Paradux writes:"
        " it was written by an older one"
    )
    assert old["hint"].endswith("paraductl create-steward-device bob dave")
    unknown = problem(with_tools(carol=None), "kits-old")
    assert unknown["text"].startswith(
        "an older Paradux may have written the page on the kit of carol, which then cannot"
    )
    assert "kits-old" not in codes(with_tools())


def test_no_kit_is_old_where_nothing_is_encrypted_or_the_kit_does_not_count() -> None:
    plain = replace(
        plan(),
        datasets=tuple(
            replace(each, destinations=tuple(replace(place, encryption="none") for place in each.destinations))
            for each in plan().datasets
        ),
    )
    kits = {name: Kit(1, ago(DAY), serial=42) for name in ("alice", "bob", "carol", "dave", "erin")}
    assert "kits-old" not in codes(status(plain, kits=kits))
    void = {**kits, "alice": replace(kits["alice"], void=True)}
    assert "alice" not in problem(status(kits=void), "kits-old")["text"]


def test_a_steward_without_a_kit_is_named() -> None:
    kits = {name: Kit(1) for name in ("alice", "bob", "carol", "dave")}
    assert problem(status(kits=kits), "kits-incomplete")["text"] == "4 of 5 stewards hold a current kit; without: erin"


def test_a_dataset_that_was_never_pushed_is_critical_once() -> None:
    never = {("photos", "push", "disk"): Latest(), ("photos", "push", "cloud"): ill("unreachable")}
    document = status(latest=never)
    assert document["headline"] == "Recoverable: no: no destination holds a version of `photos`."
    assert codes(document) == ["dataset-no-version"]
    assert (state(document, "photos"), state(document, "photos", "cloud")) == ("never", "never")


def test_an_emptied_destination_holds_no_version() -> None:
    gone = {("mail", "push", "friend"): well(DAY), ("mail", "versions", "friend"): well(HOUR, versions=[])}
    assert codes(status(plan(datasets=(MAIL,)), latest=gone)) == ["dataset-no-version"]


def test_a_second_destination_that_has_nothing_yet_is_a_warning() -> None:
    document = status(latest={("photos", "push", "cloud"): Latest()})
    assert problem(document, "destination-never")["subject"] == "photos/cloud"
    assert document["recoverable"]["today"] is True


def test_a_dataset_without_destination_is_critical() -> None:
    document = status(plan(datasets=(replace(PHOTOS, destinations=()),)))
    assert codes(document) == ["dataset-no-destination"]


def test_a_sleeping_laptop_is_overdue_not_failed() -> None:
    document = status(latest={("photos", "pull", "source"): ill("unreachable", 14 * DAY, failures=300)})
    assert state(document, "photos") == "overdue"
    assert codes(document) == ["source-overdue"]
    assert problem(document, "source-overdue")["text"] == "photos has not been pulled for 14 days; it is due every hour"


def test_a_hook_that_failed_after_a_good_pull_is_told() -> None:
    why = "the hook clear ended with exit code 1, it says: busy"
    document = status(latest={("photos", "pull", "source"): well(files=10, bytes=1000, after=why)})
    assert codes(document) == ["hook-failed"]
    assert problem(document, "hook-failed")["text"] == f"photos was pulled, and what runs after that failed: {why}"
    assert state(document, "photos", "cloud") == "ok"


def test_a_place_that_was_out_of_reach_for_minutes_is_no_problem() -> None:
    document = status(latest={("photos", "push", "cloud"): ill("unreachable", 6 * HOUR, failures=9)})
    assert (state(document, "photos", "cloud"), document["problems"]) == ("ok", [])
    assert document["datasets"][0]["destinations"][1]["error"]["code"] == "unreachable"


def test_a_place_that_refuses_no_longer_counts_as_a_copy() -> None:
    """The account is closed, and what it held has one place less."""
    refused = ill("access-denied", 3 * DAY, failures=12)
    document = status(latest={("photos", "push", "cloud"): refused, ("docs", "push", "cloud"): refused})
    assert document["recoverable"]["survives_any"] == 0
    assert problem(document, "single-loss")["text"] == "the loss of place:house alone would lose photos"
    assert codes(document).count("destination-failed") == 2
    assert state(document, "photos", "cloud") == "failed"
    assert "last success 3 days ago" in next(p["text"] for p in document["problems"] if p["subject"] == "photos/cloud")
    replaced = replace(PHOTOS, destinations=(DISK, replace(CLOUD, id="other", fates=("account:other",))))
    assert status(plan(datasets=(replaced,)))["recoverable"]["survives_any"] == 1


def test_locked_after_a_reboot_with_nobody_there() -> None:
    locked = {"locked_since_start": True, "transport_ready": False, "daemon": Daemon(started=ago(2 * HOUR))}
    document = status(plan(unattended=False), **locked)
    assert (
        problem(document, "locked")["text"]
        == "locked since 2026-11-23T10:00:00Z: no transfers run until somebody unlocks"
    )
    assert exit_code(document) == 10
    assert status(plan(unattended=True), daemon=Daemon(started=ago(2 * HOUR)))["problems"] == []


def test_every_upload_fails() -> None:
    names = ("friend", "cloud", "sister")
    before = {("", "publish", name): ill("unreachable", DAY, serial=41, epoch=1) for name in names}
    document = status(latest=before)
    assert problem(document, "metadata-not-current")["text"].startswith("0 of 3 metadata stashes have serial 42;")
    assert exit_code(document) == 10
    one = before | {("", "publish", "friend"): well(serial=42, epoch=1)}
    assert problem(status(latest=one), "metadata-not-current")["text"].startswith(
        "1 of 3 metadata stashes have serial 42;"
    )
    none = {("", "publish", name): ill("unreachable") for name in names}
    document = status(latest=none)
    assert problem(document, "metadata-not-current")["text"] == (
        "0 of 3 metadata stashes have serial 42, and none has any config of epoch 1: only this machine and kits have one"
    )
    assert exit_code(document) == 10
    document = status(latest=none, kits={})
    assert problem(document, "config-not-published")["text"].startswith("0 of 3 metadata stashes have serial 42,")
    assert exit_code(document) == 20
    assert document["metadata_stashes"][0]["error"]["message"] == "it did not work"


def test_a_held_push_says_why_and_silences_what_follows_from_it() -> None:
    late = {("photos", "push", "disk"): well(9 * DAY), ("photos", "pull", "source"): well(2 * DAY)}
    document = status(holds={"photos": Hold("removed", "90 of 100 files vanished")}, latest=late)
    assert (state(document, "photos"), state(document, "photos", "disk")) == ("held", "held")
    assert problem(document, "dataset-held")["text"] == "the push of photos is held: 90 of 100 files vanished"
    assert "destination-overdue" not in codes(document)
    assert document["recoverable"]["weakest"] == [["place:house", "account:aws"]]


def test_while_held_the_source_and_staging_are_in_doubt() -> None:
    """What is left of a dataset whose source was emptied is at its destinations."""
    mail = plan(datasets=(MAIL,))
    assert ["place:friend"] in status(mail, holds={"mail": Hold("empty")})["recoverable"]["weakest"]
    gone = {("mail", "push", "friend"): ill("access-denied", 9 * DAY)}
    document = status(mail, holds={"mail": Hold("empty")}, latest=gone)
    assert document["headline"] == "Recoverable: no: no copy can be relied on of `mail`."


def test_a_damaged_copy_does_not_count() -> None:
    document = status(plan(datasets=(MAIL,)), latest={("mail", "verify", "friend"): ill("damaged", 9 * DAY)})
    assert document["headline"] == "Recoverable: no: the destinations hold damaged versions only of `mail`."
    assert codes(document) == ["dataset-damaged", "destination-damaged"]
    unknown = status(plan(datasets=(MAIL,)), latest={("mail", "verify", "friend"): ill("no-room", 9 * DAY)})
    assert codes(unknown) == ["destination-unchecked"]


def test_running_shows_and_hides_nothing() -> None:
    run = {"run": 17, "dataset": "photos", "step": "push", "location": "cloud", "percent": 41.0, "bytes": 5, "eta": 12}
    document = status(running=(RunningState(**run),), latest={("photos", "push", "cloud"): well(3 * DAY)})
    assert document["running"] == [run]
    assert (state(document, "photos"), state(document, "photos", "cloud")) == ("running", "running")
    assert codes(document) == ["destination-overdue"]


def test_weaknesses_of_the_daemon() -> None:
    document = status(
        daemon=Daemon(weak_kdf=True, memory_locked=False),
        save_pending=True,
        health=Health(aside=("journal.sqlite.damaged-20261123T120000Z",)),
        transport_ready=False,
    )
    found = ["journal-damaged", "save-pending", "weak-kdf", "memory-not-locked", "transport-missing"]
    assert (codes(document), exit_code(document)) == (found, 10)


def test_a_record_of_the_future_is_distrusted() -> None:
    assert codes(status(latest={("photos", "pull", "source"): well(-400 * DAY)})) == ["clock-wrong"]


@pytest.mark.parametrize(
    ("timing", "age", "overdue"),
    [
        (Timing(every=60), HOUR, False),
        (Timing(every=60), HOUR + 90, True),
        (Timing(every=10 * DAY), 14 * DAY, False),
        (Timing(every=10 * DAY), 15 * DAY + 1, True),
        (Timing(cron="*/10 * * * *"), 2 * HOUR, True),
        (Timing(cron="* * * * *"), 2 * HOUR, True),
        (Timing(cron="0 */6 * * *"), 9 * HOUR, False),
        (Timing(cron="0 */6 * * *"), 10 * HOUR, True),
        (Timing(cron="0 3 * * mon-fri"), 4 * DAY, False),
        (Timing(cron="0 3 * * mon-fri"), 5 * DAY, True),
        (Timing(cron="0 3 1 1 *"), 380 * DAY, False),
        (Timing(cron="nonsense"), 2 * DAY, True),
        (Timing(cron="0 3 * * *"), DAY, False),
        (Timing(cron="0 3 * * *"), 2 * DAY, True),
        (Timing(cron="0 3 * * 1"), 7 * DAY, False),
        (Timing(cron="0 3 1 * *"), 40 * DAY, False),
        (None, 2 * HOUR, False),
        (None, 2 * HOUR + 1, True),
    ],
)
def test_when_something_is_overdue(timing: Timing | None, age: float, overdue: bool) -> None:
    """Without a timing of its own, a destination is due whenever the source was pulled (here every hour)."""
    some_plan = plan(datasets=(replace(PHOTOS, destinations=(replace(DISK, timing=timing), CLOUD)),))
    document = status(some_plan, latest={("photos", "push", "disk"): well(age)})
    assert (state(document, "photos", "disk") == "overdue") is overdue


NOON = NOW.astimezone().strftime("%H:%M")
LATER = (NOW.astimezone() + timedelta(hours=2)).strftime("%H:%M")
EARLIER = (NOW.astimezone() - timedelta(hours=2)).strftime("%H:%M")


@pytest.mark.parametrize(
    ("window", "every", "age", "expected"),
    [
        (f"{LATER}-{NOON}", HOUR, 30 * 60, "ok"),
        (f"{LATER}-{NOON}", HOUR, 1.5 * HOUR, "waiting"),
        (f"{LATER}-{NOON}", HOUR, 6 * HOUR, "overdue"),
        (f"{LATER}-{EARLIER}", HOUR, 3 * HOUR, "waiting"),
        (f"{LATER}-{EARLIER}", HOUR, 19 * HOUR, "overdue"),
        (f"{EARLIER}-{LATER}", HOUR, 2.5 * HOUR, "overdue"),
        (f"{EARLIER}-{LATER}", HOUR, 1.5 * HOUR, "ok"),
    ],
)
def test_what_is_due_outside_its_window_waits(window: str, every: int, age: float, expected: str) -> None:
    timed = replace(DISK, timing=Timing(every=every), window=window)
    some_plan = plan(datasets=(replace(PHOTOS, destinations=(timed, CLOUD)),))
    document = status(some_plan, latest={("photos", "push", "disk"): well(age)})
    assert state(document, "photos", "disk") == expected
    assert ("destination-overdue" in codes(document)) == (expected == "overdue")


def test_what_was_never_pushed_waits_for_its_window() -> None:
    timed = replace(DISK, timing=Timing(every=DAY), window=f"{LATER}-{NOON}")
    some_plan = plan(datasets=(replace(PHOTOS, destinations=(timed, CLOUD)),))
    document = status(some_plan, latest={("photos", "push", "disk"): Latest()})
    assert state(document, "photos", "disk") == "waiting"
    assert "destination-never" not in codes(document)


def test_versions_that_cannot_be_removed_are_told() -> None:
    document = status(latest={("photos", "push", "disk"): well(60, kept_because="it is append-only")})
    assert "it is append-only" in problem(document, "destination-not-thinned")["text"]
    assert state(document, "photos", "disk") == "ok"


def test_damage_in_older_versions_is_told_although_the_newest_is_whole() -> None:
    note = "older versions at /mnt/disk are damaged, the newest is whole: v1: 1 files"
    document = status(latest={("photos", "push", "disk"): well(60), ("photos", "verify", "disk"): well(30, note=note)})
    assert note in problem(document, "destination-old-damage")["text"]
    document = status(latest={("photos", "push", "disk"): well(60), ("photos", "verify", "disk"): well(30, note="")})
    assert "destination-old-damage" not in codes(document)


def test_what_runs_only_by_hand_is_never_overdue() -> None:
    by_hand = replace(MAIL, source=replace(LAPTOP, timing=None), destinations=(replace(DISK, timing=None),))
    late = {("mail", "push", "disk"): well(900 * DAY), ("mail", "pull", "source"): well(900 * DAY)}
    assert state(status(plan(datasets=(by_hand,)), latest=late), "mail") == "ok"


def test_the_numbers_of_a_destination() -> None:
    document = status(
        next_runs={("docs", "push", "friend"): ago(-HOUR)},
        drills=Drills(restored={("docs", "friend"): ago(DAY)}),
        latest={("docs", "verify", "friend"): well(2 * DAY, checked=3)},
    )
    assert document["datasets"][1]["staging"] == {"path": "/home/docs", "files": 10, "bytes": 1000}
    assert document["datasets"][1]["destinations"][1] == {
        "id": "friend",
        "state": "ok",
        "last_success": "2026-11-23T11:30:00Z",
        "last_verified": "2026-11-21T12:00:00Z",
        "last_restored": "2026-11-22T12:00:00Z",
        "next": "2026-11-23T13:00:00Z",
        "due": "2026-11-24T11:30:00Z",
        "overdue_since": None,
        "disk": None,
        "plugged_in": None,
        "versions": 2,
        "bytes": 1000,
        "error": None,
        "days": [],
    }


def test_the_newer_of_push_and_versions_tells_what_is_there() -> None:
    listed = well(60, versions=[{"id": "a", "bytes": 5}, {"id": "b", "bytes": 7}, {"id": "c", "bytes": 8}])
    found = status(latest={("docs", "versions", "friend"): listed})["datasets"][1]["destinations"][1]
    assert (found["versions"], found["bytes"]) == (3, 8)
    found = status(latest={("docs", "versions", "friend"): replace(listed, last_success=ago(DAY))})
    assert found["datasets"][1]["destinations"][1]["versions"] == 2


def test_one_dataset_only() -> None:
    some_plan = plan()
    run = {"run": 1, "dataset": "photos", "step": "push", "location": "cloud", "percent": None, "bytes": 0, "eta": None}
    facts = healthy(some_plan, latest={("photos", "push", "cloud"): well(9 * DAY)}, running=(RunningState(**run),))
    assert build(some_plan, facts, NOW, "docs")["problems"] == []
    assert [entry["id"] for entry in build(some_plan, facts, NOW, "docs")["datasets"]] == ["docs"]
    assert (build(some_plan, facts, NOW, "docs")["running"], build(some_plan, facts, NOW, "photos")["running"]) == (
        [],
        [run],
    )
    with pytest.raises(ParaduxError) as caught:
        build(some_plan, facts, NOW, "phots")
    assert (caught.value.code, caught.value.hint) == ("no-such-dataset", "did you mean photos?")


def test_problems_come_critical_first() -> None:
    document = status(
        latest={("docs", "push", "cloud"): Latest(), ("docs", "push", "friend"): Latest()}, drills=Drills()
    )
    assert [entry["level"] for entry in document["problems"]] == ["critical", "warning"]


def test_many_lost_datasets_make_a_short_headline() -> None:
    many = tuple(replace(DOCS, id=f"d{number}") for number in range(9))
    facts = replace(healthy(plan(datasets=many)), kits={}, latest={})
    assert build(plan(datasets=many), facts, NOW)["headline"] == (
        "Recoverable: no: no metadata stash holds the config; no steward holds a kit yet; and 1 more."
    )
    facts = replace(
        healthy(
            plan(datasets=many), latest={(f"d{n}", "push", d): Latest() for n in range(9) for d in ("cloud", "friend")}
        )
    )
    assert build(plan(datasets=many), facts, NOW)["headline"] == (
        "Recoverable: no: no destination holds a version of `d0`, `d1` and 7 more."
    )


def test_the_document_is_json_and_an_unknown_level_is_critical() -> None:
    assert json.loads(json.dumps(status())) == status()
    assert exit_code({**status(), "level": "odd"}) == 20


def test_the_supervisor_may_import_it() -> None:
    """Status stands on the standard library alone."""
    program = "import sys, paraduxd.core.status.document; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert {"pydantic", "jsonschema", "rpyc", "sqlite3"}.isdisjoint(loaded)
