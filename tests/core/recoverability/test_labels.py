"""What dies together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paraduxd.core.config.validation.look_alikes import look_alikes
from paraduxd.core.plan.model import DestinationPlan, MetadataPlan
from paraduxd.core.primitives.hosts import is_loopback
from paraduxd.core.recoverability.labels import Labels
from tests.core.status.sample import CLOUD, DISK, LAPTOP, PHOTOS, STEWARDS, plan


def labels_of(destination: DestinationPlan, own_names: tuple[str, ...] = (), **changes: object) -> list[str]:
    dataset = replace(PHOTOS, destinations=(destination,))
    labels = Labels(plan(datasets=(dataset,), **changes), frozenset(own_names))
    return sorted(labels.of(labels.plan.datasets[0].destinations[0]))


def test_a_place_without_a_fate_shares_those_of_the_machine_and_that_is_told() -> None:
    """Finding 5."""
    assert labels_of(replace(CLOUD, fates=()), metadata_stashes=()) == ["host:s3.example", "place:house"]
    bare = replace(PHOTOS, destinations=(replace(CLOUD, fates=()), replace(DISK, fates=())))
    labels = Labels(plan(datasets=(bare,), metadata_stashes=(MetadataPlan("nas", "sftp", "nas.example", "m"),)))
    assert [(each.place, each.fates) for each in labels.assumed] == [
        ("host:s3.example", ("place:house",)),
        ("photos/disk", ("place:house",)),
        ("host:nas.example", ("place:house",)),
    ]


def test_the_places_of_one_host_die_together() -> None:
    """The cloud's metadata stash has a fate, and so has what lies beside it without one."""
    assert labels_of(replace(CLOUD, fates=())) == ["account:aws"]
    assert labels_of(replace(CLOUD, fates=("account:work",), place="S3.example.")) == ["account:aws", "account:work"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "::1", "[::1]", "localhost", "LOCALHOST.", "a.localhost"])
def test_loopback_is_the_machine(host: str) -> None:
    assert labels_of(replace(CLOUD, place=host)) == ["account:aws", "place:house"]
    assert labels_of(replace(CLOUD, place=host, fates=())) == ["place:house"]


def test_the_machine_is_known_by_its_names_and_addresses() -> None:
    names = ("server.example", "192.0.2.7", "fd00::2")
    for host in ("Server.Example", "192.0.2.7", "[FD00:0::2]"):
        assert labels_of(replace(CLOUD, place=host, fates=()), names) == ["place:house"]
    assert labels_of(replace(CLOUD, place="192.0.2.8", fates=()), names) == ["host:192.0.2.8", "place:house"]
    assert not is_loopback("128.0.0.1")


def test_two_places_on_one_disk_are_one_disk() -> None:
    bank = replace(DISK, id="bank", place="removable:1234-ABCD", fates=("place:bank",))
    both = replace(PHOTOS, source=replace(LAPTOP, fates=()), destinations=(bank, replace(bank, id="b", fates=())))
    labels = Labels(plan(datasets=(both,)))
    assert labels.of(labels.plan.datasets[0].destinations[1]) == frozenset(("place:bank",))


def test_a_steward_without_fates_is_a_person() -> None:
    assert Labels(plan()).of_steward(replace(STEWARDS[0], fates=())) == frozenset(("person:alice",))


def test_the_owners_death_takes_the_memory_along() -> None:
    assert Labels(plan()).memory == frozenset(("mind:owner",))
    assert Labels(plan(owner_fates=("place:house", "person:owner"))).memory == frozenset(("mind:owner", "person:owner"))


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("place:house", "place:hosue", True),
        ("place:house", "place:hous", True),
        ("place:house", "place:House", True),
        ("place:house", "place:houses", True),
        ("place:beach-house", "place:beachhouse", True),
        ("account:aws", "account:awz", False),
        ("place:disk1", "place:disk2", False),
        ("place:a", "place:b", False),
        ("place:house", "device:house", False),
        ("place:springfield", "place:shelbyville", False),
        ("place:house", "place:mouse", True),
    ],
)
def test_labels_that_are_probably_one(one: str, other: str, alike: bool) -> None:
    assert bool(look_alikes(frozenset((one, other, "mind:owner")))) is alike
