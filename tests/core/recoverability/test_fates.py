"""The algebra of fates: told by example, and compared with trying every set of losses."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from paraduxd.core.recoverability.access import Access, Kit, Stash
from paraduxd.core.recoverability.fates import CONFIG, KEY, Copy, Loss, Model, loses, minimal_losses, survives_any

KITS = tuple(Kit(frozenset((f"person:{name}",))) for name in ("alice", "bob", "carol", "dave", "erin"))
HOUSE, AWS, FRIEND = frozenset(("place:house",)), frozenset(("account:aws",)), frozenset(("place:friend",))
ACCESS = Access(HOUSE, 1, (Stash(AWS), Stash(FRIEND)), KITS, 3)


def family() -> Model:
    """Photos in the house and the cloud, docs at the friend's besides, mail at the friend's only."""
    house = (Copy("source", HOUSE), Copy("staging", HOUSE))
    cloud, friend = Copy("cloud", AWS, since=1), Copy("friend", FRIEND, since=1)
    return Model({"photos": (*house, cloud), "docs": (*house, cloud, friend), "mail": (*house, friend)}, ACCESS)


def test_one_loss_is_survived_and_the_weakest_pairs_are_named() -> None:
    assert survives_any(family()) == 1
    assert minimal_losses(family(), up_to=2) == (
        Loss(("place:friend", "place:house"), ("mail",)),
        Loss(("place:house", "account:aws"), ("photos",)),
    )


def test_the_maximum_disaster() -> None:
    gone = {"place:house", "mind:owner", "account:aws", "person:alice", "person:bob"}
    assert loses(family(), gone) == ("photos",)


def test_encrypted_copies_are_lost_with_the_key() -> None:
    gone = {"place:house", "person:alice", "person:bob", "person:carol"}
    assert loses(family(), gone) == ("docs", "mail", "photos", KEY)


def test_the_owners_memory_is_needed_without_stewards() -> None:
    alone = Model(family().datasets, Access(HOUSE, 1, (Stash(AWS), Stash(FRIEND)), (), 3))
    assert survives_any(alone) == 0
    assert minimal_losses(alone, 1) == (
        Loss(("place:house",), ("docs", "mail", "photos", KEY)),
        Loss(("mind:owner",), (KEY,)),
    )


def test_without_any_copy_the_config_itself_is_lost() -> None:
    alone = Model({}, Access(HOUSE, 1, (Stash(AWS),), (), 3))
    assert loses(alone, {"place:house", "account:aws"}) == (CONFIG,)
    assert loses(family(), {"place:house", "account:aws", "place:friend"}) == ("docs", "mail", "photos"), "kits hold it"


def test_a_copy_in_clear_does_without_the_config() -> None:
    copies = (Copy("staging", HOUSE), Copy("disk", FRIEND))
    model = Model({"docs": copies}, Access(HOUSE, 1, (), (), 2))
    assert loses(model, {"place:house"}) == (CONFIG,)


def test_what_has_no_copy_is_lost_already() -> None:
    model = Model({"docs": ()}, ACCESS)
    assert loses(model, ()) == ("docs",)
    assert survives_any(model) == 0
    assert all("docs" not in loss.lost for loss in minimal_losses(model))


labels = st.sampled_from([f"place:{letter}" for letter in "abcd"] + ["mind:owner"])
some_fates = st.frozensets(labels, min_size=1, max_size=2)
serials = st.integers(1, 3)
copies = st.builds(
    Copy, st.sampled_from(["one", "two"]), some_fates, st.none() | st.integers(1, 4), transport=st.booleans()
)
models = st.builds(
    Model,
    st.dictionaries(st.sampled_from(["x", "y", "z"]), st.lists(copies, max_size=3).map(tuple), max_size=3),
    st.builds(
        Access,
        some_fates,
        st.just(4),
        st.lists(st.builds(Stash, some_fates, serials, serials), max_size=3).map(tuple),
        st.lists(st.builds(Kit, some_fates, serials), max_size=4).map(tuple),
        st.integers(1, 3),
    ),
)


@given(models)
def test_the_smallest_losses_are_those_found_by_trying_all(model: Model) -> None:
    already = set(loses(model, ()))
    expected: dict[frozenset[str], set[str]] = {}
    for count in (1, 2, 3):
        for together in map(frozenset, combinations(sorted(model.fates), count)):
            lost = set(loses(model, together)) - already
            if lost and not any(smaller < together for smaller in expected):
                expected[together] = lost
    found = {frozenset(loss.fates): set(loss.lost) for loss in minimal_losses(model)}
    assert found == expected
    fewest = min((len(fates) for fates in expected), default=4)
    assert survives_any(model) == (0 if already else fewest - 1)


@given(models, st.frozensets(labels), st.frozensets(labels))
def test_losing_more_never_brings_anything_back(model: Model, some: frozenset[str], more: frozenset[str]) -> None:
    def datasets(gone: frozenset[str]) -> set[str]:
        return {name for name in loses(model, gone) if name not in (CONFIG, KEY)}

    assert datasets(some) <= datasets(some | more)
