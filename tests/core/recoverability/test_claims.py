"""No sentence stronger than its proof, and none weaker than what is true: the scenarios 33 to 36, and what the findings showed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from paraduxd.api.replies.results import Rehearsal
from paraduxd.core.plan.model import Plan
from paraduxd.core.recovery.kit_records import Kit
from paraduxd.core.recovery.kit_tools import ARCHIVE
from paraduxd.core.runs.facts import Drills, Latest, SeenCopy
from paraduxd.core.runs.orders import Failed
from tests.core.status.sample import (
    CLOUD,
    DAY,
    DISK,
    DOCS,
    FRIEND,
    HOUR,
    MAIL,
    NOW,
    PHOTOS,
    STASHES,
    ago,
    drilled,
    healthy,
    ill,
    plan,
    well,
)
from tests.status_json import build

Keys = dict[tuple[str, str, str], Latest]


def status(some_plan: Plan | None = None, **changes: Any) -> dict[str, Any]:
    some_plan = some_plan or plan()
    return build(some_plan, healthy(some_plan, **changes), NOW)


def codes(document: dict[str, Any]) -> dict[str, str]:
    return {problem["code"]: problem["text"] for problem in document["problems"]}


def hints(document: dict[str, Any]) -> dict[str, str]:
    return {problem["code"]: problem["hint"] for problem in document["problems"]}


def kits(serial: int, epoch: int = 1) -> dict[str, Kit]:
    names = ("alice", "bob", "carol", "dave", "erin")
    return {name: Kit(epoch, ago(20 * DAY), ago(5 * DAY), serial=serial, reads=(ARCHIVE,)) for name in names}


def proven(document: dict[str, Any]) -> list[str]:
    return [dataset["id"] for dataset in document["datasets"] if dataset["proven"]]


# 33: new addresses


def test_nothing_is_claimed_for_a_new_address_before_a_version_is_there() -> None:
    """The journal goes by the uid of the place, so that it knows nothing of a new one: neither successes nor drills."""
    moved = replace(
        PHOTOS, destinations=tuple(replace(each, uid=each.id * 8, since=43) for each in PHOTOS.destinations)
    )
    after = plan(serial=43, datasets=(moved,))
    gone: Keys = {("photos", "push", each.id): Latest() for each in moved.destinations}
    document = status(after, latest=gone, drills=drilled(plan(), DAY))
    assert document["headline"] == "Recoverable: no: no destination holds a version of `photos`."
    assert proven(document) == []
    here = status(after, drills=drilled(plan(), DAY))
    assert here["recoverable"]["today"] is True
    assert (here["recoverable"]["proven"], proven(here)) == (None, []), "no drill has seen the new places"


# 34: a stash, and a dataset, that no kit knows

NEW_STASH = replace(STASHES[2], since=43)
NEW_DATASET = replace(MAIL, destinations=(replace(FRIEND, since=43),))


def at_43(*stashes: Any) -> Plan:
    return plan(serial=43, datasets=(PHOTOS, NEW_DATASET), metadata_stashes=stashes)


def test_a_stash_that_no_kit_knows_is_told_and_new_kits_asked_for() -> None:
    """The old stash is in the house. After a fire the kits give serial 42, which knows nothing of the new dataset."""
    house = replace(STASHES[0], place="nas.example", fates=("place:house",))
    document = status(at_43(house, NEW_STASH), kits=kits(42))
    assert "no kit knows the metadata stash sister" in codes(document)["kits-outdated"]
    assert "create-steward-device --all" in hints(document)["kits-outdated"]
    assert document["recoverable"]["survives_any"] == 0
    assert document["recoverable"]["weakest"][0] == ["place:house"]
    assert document["headline"].endswith("Does not survive the loss of house, which would lose `mail`.")
    with_kits = status(at_43(house, NEW_STASH), kits=kits(43))
    assert "kits-outdated" not in codes(with_kits)
    assert with_kits["recoverable"]["survives_any"] == 1


def test_kits_that_tell_of_no_published_copy_are_a_warning() -> None:
    without = tuple(replace(each, kit_access=False) for each in STASHES)
    assert "no kit names a published copy" in codes(status(plan(metadata_stashes=without)))["kits-lead-nowhere"]
    assert "kit_access" in hints(status(plan(metadata_stashes=without)))["kits-lead-nowhere"]
    some = (replace(STASHES[0], kit_access=True), *without[1:])
    assert "kits-lead-nowhere" not in codes(status(plan(metadata_stashes=some)))
    assert "kits-lead-nowhere" not in codes(status(plan(metadata_stashes=without), kits={}))


def test_kits_whose_config_names_no_stash_that_is_left_are_outdated() -> None:
    document = status(at_43(NEW_STASH), kits=kits(43) | {name: Kit(1, ago(DAY), serial=40) for name in ("bob", "dave")})
    assert "kits of bob, dave names no metadata stash" in codes(document)["kits-outdated"]
    assert hints(document)["kits-outdated"] == "write new kits: paraductl create-steward-device bob dave"


def test_an_older_kit_is_not_outdated_while_it_leads_to_the_newest_config() -> None:
    document = status(plan(serial=43), kits=kits(30))
    assert (document["level"], document["problems"]) == ("ok", [])
    assert document["recoverable"]["today"] is True


# 35: a serial that no stash took


def test_a_dataset_that_only_the_newest_config_knows_is_not_the_stewards() -> None:
    refused: Keys = {("", "publish", each.id): ill("access-denied", DAY, serial=42, epoch=1) for each in STASHES}
    document = status(at_43(*STASHES), latest=refused, kits=kits(42))
    assert document["headline"] == "Recoverable: no: no config that stewards can open leads to `mail`."
    assert "the newest config that stewards can open has serial 42" in codes(document)["dataset-not-in-config"]
    assert codes(document)["metadata-not-current"].startswith("0 of 3 metadata stashes have serial 43")
    one = refused | {("", "publish", "sister"): well(serial=43, epoch=1)}
    assert status(at_43(*STASHES), latest=one, kits=kits(42))["recoverable"]["today"] is True


def test_a_copy_in_clear_needs_no_config() -> None:
    """Finding 6: the removable disk."""
    bank = replace(DISK, id="bank", protocol="removable", place="removable:1234-ABCD", fates=("place:bank",), since=43)
    photos = replace(PHOTOS, destinations=(bank,))
    some_plan = plan(serial=43, datasets=(photos,), metadata_stashes=STASHES)
    old: Keys = {("", "publish", each.id): well(DAY, serial=42, epoch=1) for each in STASHES}
    assert status(some_plan, latest=old, kits=kits(42))["recoverable"]["today"] is True
    sealed = replace(some_plan, datasets=(replace(photos, destinations=(replace(bank, encryption="gpg"),)),))
    assert status(sealed, latest=old, kits=kits(42))["recoverable"]["today"] is False


def test_kits_hold_a_config_by_themselves() -> None:
    """Finding 6: without any metadata stash three kits give everything back."""
    none: Keys = {("", "publish", each.id): Latest() for each in STASHES}
    document = status(latest=none)
    assert (document["level"], document["recoverable"]["today"]) == ("warning", True)
    assert document["recoverable"]["survives_any"] == 1


# 36: what is proven


def test_a_drill_that_failed_ends_what_was_proven() -> None:
    document = status(drills=drilled(plan(), HOUR, lacking="nothing of docs was restored and compared", proven=()))
    assert document["headline"].startswith("Recoverable: not proven: the drill of today failed.")
    assert (document["recoverable"]["proven"], proven(document)) == (None, [])
    assert "nothing of docs was restored" in codes(document)["drill-failed"]


def test_a_drill_that_opened_no_config_proves_no_dataset() -> None:
    document = status(drills=drilled(plan(), HOUR, opened=(), lacking="the present config was opened from no place"))
    assert proven(document) == []
    assert document["headline"].startswith("Recoverable: not proven: the drill of today failed.")


def test_a_dataset_that_no_drill_saw_is_not_proven() -> None:
    some_plan = plan(datasets=(PHOTOS, DOCS, MAIL))
    document = status(some_plan, drills=drilled(plan(), HOUR))
    assert document["headline"].startswith("Recoverable: proven today for 2 of 3 datasets, not for `mail`. Survives")
    assert (proven(document), document["recoverable"]["proven"]) == (["photos", "docs"], None)
    assert codes(document)["drill-incomplete"].startswith("mail is not proven")
    assert document["level"] == "warning"


def test_a_rehearsal_that_failed_later_ends_it_for_its_place() -> None:
    mail = plan(datasets=(PHOTOS, MAIL))
    failed: Keys = {("mail", "rehearse", "friend"): ill("nothing-to-compare", 9 * DAY)}
    assert proven(status(mail, latest=failed)) == ["photos"]
    assert proven(status(mail, latest={("mail", "rehearse", "friend"): ill("unreachable", 9 * DAY)})) == [
        "photos",
        "mail",
    ]
    before = Latest(None, ago(5 * DAY), 1, Failed("nothing-to-compare", ""), None, "failed")
    assert proven(status(mail, latest={("mail", "rehearse", "friend"): before})) == ["photos", "mail"]


def test_a_place_that_was_seen_empty_proves_nothing_any_more() -> None:
    empty: Keys = {("mail", "versions", "friend"): well(60, versions=[])}
    assert proven(status(plan(datasets=(PHOTOS, MAIL)), latest=empty)) == ["photos"]


def test_stashes_that_a_rehearsal_found_empty_end_it_for_the_config() -> None:
    empty: Keys = {("", "rehearse", each.id): ill("not-found") for each in STASHES}
    document = status(latest=empty)
    assert (proven(document), document["recoverable"]["proven"]) == ([], None)
    assert document["headline"].startswith("Recoverable: not proven: nothing is left as the drill 3 days ago saw it.")
    assert len(proven(status(latest=empty | {("", "rehearse", "cloud"): well()}))) == 2
    assert len(proven(status(latest=empty, drills=drilled(plan(), DAY, kit_opened=True)))) == 2


def test_a_drill_of_the_first_version_did_not_say_what_it_saw() -> None:
    document = status(drills=Drills(ago(3 * DAY), 1, lacking="an earlier version of Paradux ran it"))
    assert proven(document) == []
    assert document["headline"].startswith("Recoverable: not proven: the drill 3 days ago failed.")


def test_a_copy_that_a_drill_saw_elsewhere_proves_nothing_here() -> None:
    elsewhere = (SeenCopy("mail", "friend", "another place"),)
    assert proven(status(plan(datasets=(MAIL,)), drills=drilled(plan(datasets=(MAIL,)), DAY, proven=elsewhere))) == []


# Age


def test_what_is_older_than_two_periods_counts_with_its_age() -> None:
    bank = replace(DISK, id="bank", protocol="removable", place="removable:1234-ABCD", fates=("place:bank",))
    photos = replace(PHOTOS, destinations=(bank, CLOUD))
    some_plan = plan(datasets=(photos,))
    late: Keys = {("photos", "push", "bank"): ill("not-inserted", 9 * DAY)}
    document = status(some_plan, latest=late)
    assert document["headline"].endswith("Counted although old: photos/bank (9 days).")
    assert document["recoverable"]["survives_any"] == 2
    assert "Counted" not in status(some_plan, latest={("photos", "push", "bank"): well(2 * DAY - 60)})["headline"]


# 10: just recovered


def test_what_nobody_has_looked_at_is_not_known() -> None:
    recovered = plan(generation=2)
    blank: Keys = {("photos", step, each.id): Latest() for each in PHOTOS.destinations for step in ("push", "versions")}
    document = status(recovered, latest=blank)
    assert document["headline"] == (
        "Recoverable: not known yet: nobody has looked at the destinations of `photos` since this machine was recovered."
    )
    assert (document["level"], document["recoverable"]["today"]) == ("warning", False)
    assert "dataset-unknown" in codes(document)
    found = blank | {("photos", "versions", "cloud"): well(60, versions=[{"id": "a", "bytes": 5}])}
    assert status(recovered, latest=found)["recoverable"]["today"] is True
    nothing = blank | {("photos", "versions", each.id): well(60, versions=[]) for each in PHOTOS.destinations}
    assert codes(status(recovered, latest=nothing))["dataset-no-version"] == (
        "no destination of photos was seen to hold a version since this machine was recovered"
    )
    one = blank | {("photos", "versions", "cloud"): ill("unreachable")}
    assert "dataset-unknown" in codes(status(recovered, latest=one)), "the other one may hold it"
    assert "dataset-no-version" in codes(status(plan(), latest=blank)), (
        "the first machine knows that nothing was pushed"
    )


def test_a_place_that_nobody_has_looked_at_may_be_the_one_that_stewards_find() -> None:
    changed = replace(PHOTOS, destinations=(replace(CLOUD, id="old"), replace(CLOUD, since=43)))
    nothing: Keys = {("", "publish", each.id): Latest() for each in STASHES}
    blank = nothing | {("photos", "push", "old"): Latest()}
    some_plan = plan(serial=43, datasets=(changed,))
    assert "dataset-not-in-config" in codes(status(some_plan, latest=blank, kits=kits(42)))
    document = status(replace(some_plan, generation=2), latest=blank, kits=kits(42))
    assert "dataset-unknown" in codes(document)
    assert "dataset-not-in-config" not in codes(document)


# 5: fates


def test_the_worst_is_assumed_and_said() -> None:
    bare = replace(PHOTOS, destinations=(replace(CLOUD, place="b2.example", fates=()), DISK))
    document = status(plan(datasets=(bare,)))
    assert document["recoverable"]["assumed"] == [{"place": "host:b2.example", "fates": ["place:house"]}]
    assert document["recoverable"]["survives_any"] == 0


def test_a_repository_on_this_machine_is_no_other_place() -> None:
    here = replace(PHOTOS, destinations=(replace(CLOUD, place="127.0.0.1"),))
    assert status(plan(datasets=(here,)))["recoverable"]["survives_any"] == 0
    named = replace(PHOTOS, destinations=(replace(CLOUD, place="server.example"),))
    some_plan = plan(datasets=(named,))
    assert status(some_plan)["recoverable"]["survives_any"] == 1
    assert status(some_plan, own_names=frozenset(("server.example",)))["recoverable"]["survives_any"] == 0


def test_one_dataset_alone_is_judged_by_the_labels_of_all() -> None:
    """Mail has no fate for the server at which docs says where it stands."""
    docs = replace(DOCS, destinations=(replace(FRIEND, fates=("place:house",)),))
    mail = replace(MAIL, destinations=(replace(FRIEND, fates=()),))
    some_plan = plan(datasets=(docs, mail), metadata_stashes=STASHES[1:])
    document = build(some_plan, healthy(some_plan), NOW, "mail")
    assert document["recoverable"]["weakest"] == [["place:house"]]
    assert [dataset["id"] for dataset in document["datasets"]] == ["mail"]


def test_labels_that_look_alike_are_told() -> None:
    typo = replace(PHOTOS, destinations=(DISK, replace(CLOUD, fates=("place:hosue",))))
    assert "place:hosue and place:house" in codes(status(plan(datasets=(typo,))))["fates-alike"]


# 3 and 9: what stashes hold


def test_a_stash_that_was_found_with_an_older_serial_is_behind() -> None:
    """Published to a folder below the mount point; the disk, mounted again, has what was there before."""
    older: Keys = {("", "rehearse", "friend"): Latest(ago(60), ago(60), 0, None, Rehearsal(serial=41, epoch=1), "done")}
    document = status(latest={**older, ("", "publish", "friend"): well(HOUR, serial=42, epoch=1)})
    assert codes(document)["metadata-not-current"] == "2 of 3 metadata stashes have serial 42; behind: friend"
    found = document["metadata_stashes"][0]
    assert (found["serial"], found["current"]) == (41, False)
    gone: Keys = {
        ("", "rehearse", "friend"): ill("not-mounted"),
        ("", "publish", "friend"): well(HOUR, serial=42, epoch=1),
    }
    found = status(latest=gone)["metadata_stashes"][0]
    assert (found["serial"], found["current"]) == (None, False)
