"""The oracle itself: cases that a person can check, and laws that hold for every family."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from tests.oracle.family import (
    DISK,
    MACHINE,
    Dataset,
    Destination,
    Family,
    Form,
    Holding,
    Kit,
    Source,
    Stash,
    Steward,
    Tries,
    draw,
)
from tests.oracle.places import Fates
from tests.oracle.truth import Loss, World, truth

DONE = Tries(1.0, 1.0)
HOUSE, FRIEND, CLOUD = "place:house", "place:friend", "account:cloud"

SEALED = Destination("friend", Form.SEALED, "friend.example", (FRIEND,), pushed=DONE)
KEYED = Destination("cloud", Form.KEYED, "cloud.example", (CLOUD,), pushed=DONE)
PHOTOS = Dataset("photos", Source(Form.IN_HAND, MACHINE, (HOUSE,), pulled=DONE), (SEALED, KEYED))
STEWARDS = tuple(Steward(name, (f"person:{name}",), Kit(1, 5)) for name in ("alice", "bob", "carol"))
NAS = Stash("nas", "sister.example", ("place:sister",), published=Holding(5, (1,), 1.0))

GOOD = Family(2, 5, 1, (HOUSE,), stewards=STEWARDS, stashes=(NAS,), datasets=(PHOTOS,))


def moved(destination: Destination, serial: int, pushed: Tries = DONE) -> Destination:
    return replace(destination, since=serial, pushed=pushed)


def with_kits(family: Family, serial: int | None) -> Family:
    stewards = tuple(replace(each, kit=Kit(1, serial)) for each in family.stewards)
    return replace(family, stewards=stewards)


def with_places(*places: Destination) -> Family:
    return replace(GOOD, datasets=(replace(PHOTOS, destinations=places),))


def test_a_family_in_order() -> None:
    known = truth(GOOD)
    assert known.today and known.survives == 2
    assert frozenset({HOUSE, "person:alice", "person:bob"}) in known.weakest
    assert known.lost_by[frozenset({HOUSE, FRIEND, CLOUD})] == {"photos"}


def test_new_addresses_hold_nothing_yet() -> None:
    """Scenario 33: the old places may burn."""
    known = truth(with_places(moved(SEALED, 5, Tries()), moved(KEYED, 5, Tries())))
    assert not known.today and known.unreachable == {"photos"}
    assert known.survives == 0 and known.lost_by[frozenset({HOUSE})] == {"photos"}


def test_a_stash_that_no_kit_names_does_not_help_the_stewards() -> None:
    """Scenario 34: the stash and the dataset came after the kits."""
    late = replace(PHOTOS, destinations=(moved(SEALED, 5),))
    family = replace(with_kits(GOOD, 3), stashes=(replace(NAS, since=4),), datasets=(late,))
    assert truth(family).unreachable == {"photos"}
    assert truth(with_kits(family, 4)).today


def test_a_stash_may_name_another_one() -> None:
    old = replace(NAS, name="old", published=Holding(4, (1,), 1.0))
    newer = replace(NAS, name="newer", since=4)
    late = replace(PHOTOS, destinations=(moved(SEALED, 5),))
    family = replace(with_kits(GOOD, 3), stashes=(newer, old), datasets=(late,))
    assert truth(family).today
    assert not truth(replace(family, stashes=(newer, replace(old, since=4)))).today


def test_a_serial_that_no_stash_took_is_not_published() -> None:
    """Scenario 35: the dataset is in no config that the stewards get."""
    family = with_kits(with_places(moved(SEALED, 5)), 4)
    behind = replace(family, stashes=(replace(NAS, published=Holding(4, (1,), 1.0)),))
    assert truth(family).today
    assert truth(behind).unreachable == {"photos"} and truth(behind).opens


def test_a_disk_in_hand_needs_no_config() -> None:
    stick = Destination("stick", Form.IN_HAND, DISK + "1111-AAAA", ("place:bank",), since=5, pushed=DONE)
    family = with_kits(with_places(stick), 1)
    family = replace(family, stashes=(replace(NAS, published=None),))
    assert truth(family).today
    assert not World(family).taken(frozenset({HOUSE, "person:alice"})) - {""}


def test_shares_open_the_vault_of_a_living_machine() -> None:
    family = with_kits(replace(GOOD, stashes=(replace(NAS, published=None),)), 1)
    assert World(family).configs(frozenset({"mind:owner"})) == {1, 5}
    assert World(family).configs(frozenset({HOUSE})) == {1}


def test_without_memory_and_kits_the_machine_still_reads_what_it_has_passwords_for() -> None:
    gone = frozenset({"mind:owner", "person:alice", "person:bob"})
    held = replace(PHOTOS, held=True)
    assert World(replace(GOOD, datasets=(held,))).taken(gone) == {""}
    assert World(replace(GOOD, datasets=(held,), unattended=False)).taken(gone) == {"", "photos"}


@pytest.mark.parametrize("kit", [None, Kit(1, 5, void=True), Kit(1, 5, damaged=True), Kit(2, 5)])
def test_a_kit_that_does_not_count(kit: Kit | None) -> None:
    stewards = (*STEWARDS[:1], *(replace(each, kit=kit) for each in STEWARDS[1:]))
    assert not truth(replace(GOOD, stewards=stewards)).opens


def test_the_next_kit_carries_the_present_share() -> None:
    stewards = (replace(STEWARDS[0], kit=Kit(2, 5)), *STEWARDS[1:])
    assert World(replace(GOOD, stewards=stewards, rotating=True)).configs(frozenset({HOUSE, "person:bob"})) == {5}


def test_what_takes_what() -> None:
    places = (
        Destination("a", Form.SEALED, "Friend.Example.", (FRIEND,)),
        Destination("b", Form.SEALED, "friend.example", (CLOUD,)),
        Destination("c", Form.KEYED, "127.1.2.3", (CLOUD,)),
        Destination("d", Form.KEYED, "nobody.example"),
        Destination("e", Form.IN_HAND, MACHINE),
        Destination("f", Form.IN_HAND, DISK + "1111-AAAA"),
    )
    family = with_places(*places)
    found = [set(Fates(family).place(each)) for each in places]
    assert found == [{FRIEND, CLOUD}, {FRIEND, CLOUD}, {CLOUD, HOUSE}, {HOUSE, "host:nobody.example"}, {HOUSE}, {HOUSE}]


@pytest.mark.parametrize(
    ("place", "counts"),
    [
        (replace(SEALED, pushed=Tries(100.0, 1.0, 9, "unreachable")), False),
        (replace(SEALED, pushed=Tries(47.0, 1.0, 9, "unreachable")), True),
        (replace(SEALED, pushed=Tries(100.0, 1.0, 9, "unreachable"), verified=DONE), True),
        (replace(SEALED, pushed=Tries(100.0, 1.0, 9, "not-inserted")), True),
        (replace(SEALED, pushed=Tries(100.0, 100.0)), True),
        (replace(SEALED, verified=Tries(None, 2.0, 1, "damaged")), False),
        (replace(SEALED, rehearsed=Tries(None, 2.0, 1, "damaged"), verified=DONE), True),
        (replace(SEALED, rehearsed=Tries(None, 2.0, 1, "unreachable")), True),
        (replace(SEALED, seen=Tries(0.5, 0.5), empty=True), False),
        (replace(SEALED, seen=Tries(5.0, 5.0), empty=True), True),
        (replace(SEALED, pushed=Tries(), seen=DONE), True),
    ],
)
def test_which_copies_count(place: Destination, counts: bool) -> None:
    assert truth(with_places(place)).today is counts


@pytest.mark.parametrize("seed", range(40))
def test_losing_more_never_returns_anything(seed: int) -> None:
    world = World(draw(seed))
    taken: dict[Loss, frozenset[str]] = {frozenset(): world.taken(frozenset())}
    for size in range(1, min(len(world.labels), 5) + 1):
        for loss in map(frozenset, itertools.combinations(world.labels, size)):
            taken[loss] = world.taken(loss)
            assert all(taken[loss - {label}] <= taken[loss] for label in loss)
