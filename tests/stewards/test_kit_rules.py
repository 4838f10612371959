"""What news make of the record of a kit, and which kit counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from paraduxd.core.plan.model import Plan, RotationPlan, StewardPlan
from paraduxd.core.recoverability.copies import has_kit
from paraduxd.core.recovery.kit_records import Kit, KitRecord, after, held, is_overdue
from paraduxd.core.runs.facts import Facts
from paraduxd.core.status import steward_table
from tests.core.status.sample import DAY, NOW, ago, healthy, plan
from tests.status_json import build

WRITTEN = KitRecord("alice", 1, 7, "2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z", "S1", "AB-CD", "aa")
LATER = "2026-11-05T10:00:00Z"


def small_plan(**more: object) -> Plan:
    stewards = (StewardPlan("alice", "Alice", (), "2026-10-01"), StewardPlan("bob", "Bob"))
    return Plan(9, LATER, 2, "o", "i", 2, stewards=stewards, **more)  # type: ignore[arg-type]


def test_what_was_written_last_is_what_is_known() -> None:
    again = replace(WRITTEN, serial=8, written=LATER, last_seen=LATER, device_serial="S2", kit_sha256="bb")
    assert after(None, WRITTEN) == WRITTEN
    assert after(WRITTEN, again) == again


def test_a_kit_whose_writing_began_on_the_same_stick_is_void() -> None:
    begun = replace(WRITTEN, serial=8, written=LATER, last_seen=LATER, kit_sha256="bb", void=True)
    assert after(WRITTEN, begun) == replace(WRITTEN, void=True)
    assert not after(WRITTEN, begun).counts


def test_a_half_written_second_stick_does_not_take_the_first_away() -> None:
    begun = replace(WRITTEN, device_serial="S2", uuid=None, written=LATER, last_seen=LATER, void=True)
    assert after(WRITTEN, begun) == WRITTEN


def test_a_stick_without_a_serial_is_told_by_its_file_system() -> None:
    assert replace(WRITTEN, device_serial=None).same_stick(replace(WRITTEN, device_serial=None))
    assert not replace(WRITTEN, device_serial=None, uuid=None).same_stick(
        replace(WRITTEN, device_serial=None, uuid=None)
    )


def test_writing_to_the_end_ends_being_void() -> None:
    void = replace(WRITTEN, void=True)
    assert after(void, replace(WRITTEN, written=LATER, last_seen=LATER)).counts


def test_a_kit_that_is_seen_is_dated() -> None:
    seen = KitRecord("alice", 1, 7, WRITTEN.written, LATER, "S1", "AB-CD", "aa")
    assert after(WRITTEN, seen) == replace(WRITTEN, last_seen=LATER)


def test_a_damaged_kit_does_not_count_until_it_is_whole_again() -> None:
    rotten = KitRecord("alice", 1, 7, None, LATER, "S1", None, "aa", problems=("share.txt cannot be read",))
    damaged = after(WRITTEN, rotten)
    assert damaged.problems == rotten.problems
    assert not damaged.counts
    assert after(damaged, replace(rotten, problems=())).counts


def test_damage_of_an_older_copy_says_nothing_about_the_kit() -> None:
    older = KitRecord("alice", 1, 5, None, LATER, "S0", None, "old", problems=("share.txt cannot be read",))
    assert after(WRITTEN, older) == WRITTEN
    assert after(WRITTEN, replace(older, problems=())).last_seen == LATER


def test_a_kit_found_whole_is_not_void_any_more() -> None:
    seen = KitRecord("alice", 1, 7, None, LATER, "S1", None, "aa")
    assert after(replace(WRITTEN, void=True), seen).counts


def test_of_several_kits_the_one_of_the_epoch_in_force_matters() -> None:
    records = [WRITTEN, replace(WRITTEN, epoch=2), replace(WRITTEN, epoch=3), replace(WRITTEN, steward="stranger")]
    found = held(records, small_plan())
    assert {name: kit.epoch for name, kit in found.items()} == {"alice": 2}
    assert held([WRITTEN, replace(WRITTEN, epoch=2, void=True)], small_plan())["alice"].epoch == 1
    assert held(records, None) == {}


@pytest.mark.parametrize("kit", [Kit(2, void=True), Kit(2, problems=("x",)), Kit(1), None])
def test_only_a_whole_kit_of_the_present_epoch_is_a_kit(kit: Kit | None) -> None:
    facts = Facts(kits={} if kit is None else {"alice": kit})
    assert not has_kit(small_plan(), facts, "alice")
    assert has_kit(small_plan(), Facts(kits={"alice": Kit(2)}), "alice")


def test_a_kit_is_due_for_a_check_up_after_a_year() -> None:
    assert is_overdue(Kit(1, ago(400 * DAY), ago(366 * DAY)), NOW)
    assert not is_overdue(Kit(1, ago(400 * DAY), ago(364 * DAY)), NOW)
    assert is_overdue(Kit(1, ago(366 * DAY)), NOW)


def test_the_table_says_who_holds_what_and_who_has_agreed() -> None:
    records = (replace(WRITTEN, epoch=2), replace(WRITTEN, epoch=3))
    rotating = small_plan(rotation=RotationPlan(3, LATER))
    table = steward_table.table(rotating, Facts(kits=held(records, rotating)), records, NOW + timedelta(days=400))
    alice, bob = table.stewards
    assert (table.epoch, table.rotation, table.shares_required) == (2, 3, 2)
    assert (alice.current, alice.overdue, alice.next, alice.accepted_on) == (True, True, True, "2026-10-01")
    assert (bob.current, bob.epoch, bob.next, bob.accepted_on) == (False, None, False, None)
    assert steward_table.table(None, Facts(), (), NOW).epoch is None


@pytest.mark.parametrize(
    ("kit", "code", "text"),
    [
        (Kit(1, ago(DAY), void=True), "kit-void", "alice's kit is void"),
        (Kit(1, ago(DAY), problems=("share.txt cannot be read",)), "kit-damaged", "share.txt cannot be read"),
        (Kit(1, ago(400 * DAY)), "kit-unseen", "was not seen for 400 days"),
    ],
)
def test_status_complains_about_a_bad_kit(kit: Kit, code: str, text: str) -> None:
    sample = plan()
    facts = healthy(sample)
    document = build(sample, replace(facts, kits={**facts.kits, "alice": kit}), NOW)
    (problem,) = [each for each in document["problems"] if each["code"] == code]
    assert text in problem["text"]
    assert problem["subject"] == "alice"
    assert ("kits-incomplete" in {each["code"] for each in document["problems"]}) == (code != "kit-unseen")
