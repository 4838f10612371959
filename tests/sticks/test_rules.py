"""Which stick may be touched: every rule, as a value in and a value out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from paraduxd.core.devices.stick_rules import (
    EXFAT_FROM,
    SMALLEST,
    SPARE,
    Armed,
    Check,
    Ignore,
    Refuse,
    Seen,
    Stick,
    Write,
    best_type,
    decide,
    is_litter,
    known_kit,
)
from paraduxd.core.recovery.kit_records import KitRecord

STICK = Stick(
    device="/dev/sdb",
    serial="4C53",
    model="SanDisk Cruzer",
    size=8 * 10**9,
    usb=True,
    removable=True,
    whole=True,
    volume="/dev/sdb",
    fs="vfat",
    uuid="AAAA-0001",
)
ROOM = Seen(free=10**9)
ALICE = Armed("fred", "alice", "Alice", needed=1_000_000)


def reason(stick: Stick = STICK, seen: Seen = ROOM, armed: Armed = ALICE) -> str:
    decision = decide(stick, seen, armed)
    assert isinstance(decision, Refuse), decision
    opening = f"{stick.name} is not written to: "
    assert decision.reason.startswith(opening), "it is named"
    return decision.reason.removeprefix(opening)


def test_an_empty_file_system_is_written_to_and_a_blank_stick_is_formatted() -> None:
    assert decide(STICK, ROOM, ALICE) == Write()
    assert decide(replace(STICK, fs=None), Seen(blank=True), ALICE) == Write(format=True)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"whole": False}, "it is one part of a disk; name the whole disk"),
        ({"usb": False}, "it is not a USB disk"),
        ({"removable": False}, "it is a fixed disk, not a removable stick"),
        ({"read_only": True}, "it is write-protected"),
    ],
    ids=["partition", "internal", "fixed", "protected"],
)
@pytest.mark.parametrize("erase", [False, True])
@pytest.mark.parametrize("seen", [ROOM, Seen(blank=True), Seen(others=("FOTOS",))], ids=["empty", "blank", "data"])
def test_no_consent_makes_an_unfit_device_fit(changes: dict[str, Any], why: str, erase: bool, seen: Seen) -> None:
    assert reason(replace(STICK, **changes), seen, replace(ALICE, erase=erase)) == why


@pytest.mark.parametrize("erase", [False, True])
@pytest.mark.parametrize("stick", [STICK, Stick(directory="/srv/alice")], ids=["device", "folder"])
def test_of_two_sticks_neither_is_written_to(stick: Stick, erase: bool) -> None:
    armed = replace(ALICE, erase=erase, beside=("the stick Kingston (/dev/sdc)",))
    assert reason(stick, ROOM, armed) == (
        "the stick Kingston (/dev/sdc) is plugged in as well; leave only the one that is meant"
    )


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (Seen(others=("FOTOS",)), "it holds other data (FOTOS)"),
        (Seen(others=("a", "b", "c", "d")), "it holds other data (a, b, c, ...)"),
        (Seen(foreign="encrypted data"), "it holds encrypted data"),
        (Seen(kit=("fred", "bob", "Bob")), "it holds the kit of Bob, and Alice's is next"),
        (Seen(kit=("eve", "alice", "Alice")), "it holds the kit of another owner"),
        (Seen(new=("fred", "bob", "Bob")), "it holds the kit of Bob, and Alice's is next"),
        (Seen(kit=("fred", "alice", "Alice"), new=("eve", "x", "X")), "it holds the kit of another owner"),
        (Seen(kit=("fred", "alice", "Alice"), others=("FOTOS",)), "it holds other data (FOTOS)"),
        (Seen(has_kit_folder=True), "it holds a damaged kit that does not say whose it is"),
    ],
)
def test_what_belongs_to_somebody_takes_consent_and_then_a_new_file_system(seen: Seen, why: str) -> None:
    seen = replace(seen, free=10**9)
    assert reason(seen=seen) == why
    assert decide(STICK, seen, replace(ALICE, erase=True)) == Write(format=True)


@pytest.mark.parametrize("seen", [Seen(kit=("fred", "alice", "Alice")), Seen(new=("fred", "alice", "Alice"))])
def test_the_stewards_own_earlier_kit_is_replaced_and_nothing_is_formatted(seen: Seen) -> None:
    seen = replace(seen, has_kit_folder=True, free=10**9)
    assert decide(STICK, seen, ALICE) == Write()
    assert decide(STICK, seen, replace(ALICE, erase=True)) == Write(), "consent to lose data is no reason to lose any"


def test_a_damaged_kit_is_replaced_where_the_journal_knows_the_stick() -> None:
    seen = Seen(has_kit_folder=True, free=10**9)
    assert decide(STICK, seen, replace(ALICE, known=True)) == Write()


def test_a_full_stick_is_refused_to_the_byte() -> None:
    exact = Seen(free=ALICE.needed + SPARE)
    assert decide(STICK, exact, ALICE) == Write()
    assert reason(seen=replace(exact, free=exact.free - 100_000)) == "it is full; 97.7 KiB more must be free"
    assert reason(seen=replace(exact, free=0), armed=replace(ALICE, erase=True)).startswith("it is full")


def test_a_stick_that_is_too_small_is_not_formatted() -> None:
    small = replace(STICK, size=SMALLEST - 1)
    assert reason(small, Seen(blank=True)) == "it is too small (64.0 MiB)"
    assert reason(small, Seen(others=("x",)), replace(ALICE, erase=True)) == "it is too small (64.0 MiB)"
    assert decide(replace(STICK, size=SMALLEST), Seen(blank=True), ALICE) == Write(format=True)
    assert decide(small, ROOM, ALICE) == Write(), "with room on its own file system it will do"


def test_while_nothing_waits_a_known_kit_is_checked_and_all_else_is_left_alone() -> None:
    kits = [KitRecord("bob", 1, device_serial="9999"), KitRecord("alice", 1, device_serial="4C53")]
    assert decide(STICK, Seen(), None, kits) == Check("alice")
    assert decide(STICK, Seen(), None, kits[:1]) == Ignore()
    assert decide(STICK, Seen(others=("FOTOS",)), None) == Ignore()


def test_a_stick_is_known_by_its_hardware_and_only_without_that_by_its_file_system() -> None:
    by_uuid = [KitRecord("alice", 1, uuid="AAAA-0001")]
    assert known_kit(STICK, by_uuid) == by_uuid[0]
    other_hardware = [KitRecord("alice", 1, device_serial="1111", uuid="AAAA-0001")]
    assert known_kit(STICK, other_hardware) is None, "a copy of a stick is another stick"
    assert known_kit(replace(STICK, serial=None, uuid=None), by_uuid) is None
    assert known_kit(Stick(directory="/srv/x"), [KitRecord("alice", 1)]) is None


def test_of_two_epochs_on_one_stick_the_newer_is_its_kit() -> None:
    both = [KitRecord("alice", 2, device_serial="4C53"), KitRecord("alice", 1, device_serial="4C53")]
    assert known_kit(STICK, both) == both[0]


@pytest.mark.parametrize(
    "name", ["System Volume Information", "$RECYCLE.BIN", ".Trashes", ".Trash-1000", "._x", ".DS_Store"]
)
def test_what_operating_systems_leave_is_nobodys_data(name: str) -> None:
    assert is_litter(name)


@pytest.mark.parametrize("name", ["FOTOS", ".ssh", "PARADUX2", "recycle.bin", ".trash", ""])
def test_everything_else_is_somebodys(name: str) -> None:
    assert not is_litter(name)


def test_the_file_system_follows_from_the_size() -> None:
    assert best_type(EXFAT_FROM - 1) == "vfat"
    assert best_type(EXFAT_FROM) == "exfat"


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "the stick SanDisk Cruzer (serial number 4C53, /dev/sdb)"),
        ({"model": ""}, "the stick /dev/sdb (serial number 4C53)"),
        ({"serial": None}, "the stick SanDisk Cruzer (/dev/sdb)"),
        ({"model": "", "serial": None}, "the stick /dev/sdb"),
        ({"directory": "/srv/alice"}, "the folder /srv/alice"),
    ],
)
def test_a_stick_has_a_name_that_people_can_tell_it_by(changes: dict[str, Any], name: str) -> None:
    assert replace(STICK, **changes).name == name
