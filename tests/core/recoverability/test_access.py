"""Who can open which config."""

from __future__ import annotations

from paraduxd.core.recoverability.access import Access, Kit, Stash

HOUSE, FRIEND, SISTER = frozenset(("place:house",)), frozenset(("place:friend",)), frozenset(("place:sister",))
ALICE, BOB = frozenset(("person:alice",)), frozenset(("person:bob",))
KITS = (Kit(ALICE, 5), Kit(BOB, 7))
MIND = frozenset(("mind:owner",))


def test_kits_alone_give_the_newest_config_on_them() -> None:
    access = Access(HOUSE, 9, (), KITS, 2)
    assert (access.newest(), access.newest(HOUSE), access.newest(HOUSE | BOB)) == (9, 7, None)
    assert Access(HOUSE, 9, (), KITS, 1).newest(HOUSE | BOB) == 5


def test_the_machine_and_enough_stewards_give_the_present_one() -> None:
    """k shares open keyslot 1 of a living vault."""
    access = Access(HOUSE, 9, (), KITS, 2)
    assert (access.newest(MIND), access.newest(MIND | ALICE)) == (9, None)


def test_a_stash_counts_only_for_a_config_that_knows_it() -> None:
    """Finding 2: it was added at serial 8, and the kits were written before."""
    unknown = Access(HOUSE, 9, (Stash(FRIEND, since=8, serial=9),), KITS, 2)
    assert unknown.newest(HOUSE) == 7
    assert Access(HOUSE, 9, (Stash(FRIEND, since=7, serial=9),), KITS, 2).newest(HOUSE) == 9


def test_what_one_stash_holds_may_name_another() -> None:
    chain = (Stash(SISTER, since=8, serial=9), Stash(FRIEND, since=3, serial=8))
    access = Access(HOUSE, 9, chain, KITS, 2)
    assert access.newest(HOUSE) == 9
    assert access.newest(HOUSE | FRIEND) == 7, "nothing leads to the sister any more"
    assert frozenset(("place:house", "place:friend")) in access.lost(9)
    assert frozenset(("place:house", "place:friend")) not in access.lost(7)


def test_stashes_that_only_name_each_other_are_not_reached() -> None:
    circle = (Stash(SISTER, since=8, serial=9), Stash(FRIEND, since=8, serial=9))
    assert Access(HOUSE, 9, circle, KITS, 2).by_stewards() == 7


def test_what_nobody_has_is_lost_with_the_machine() -> None:
    access = Access(HOUSE, 9, (), KITS, 2)
    assert HOUSE in access.lost(8)
    assert HOUSE not in access.lost(7)
    assert frozenset(("person:alice", "place:house")) in access.lost()
