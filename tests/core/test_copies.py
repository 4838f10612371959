"""Which copies count, and what they depend on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from status_sample import CLOUD, DAY, DISK, DOCS, LAPTOP, MAIL, NOW, PHOTOS, STEWARDS, healthy, ill, plan, well

from paraduxd.core import copies
from paraduxd.core.conditions import survey
from paraduxd.core.facts import Latest
from paraduxd.core.fates import Copy, Fates, Model
from paraduxd.core.plan import DatasetPlan, Plan


def model_of(some_plan: Plan, **changes: Any) -> Model:
    facts = healthy(some_plan, **changes)
    return copies.model(some_plan, facts, survey(some_plan, facts, NOW))


def copies_of(dataset: DatasetPlan, owner: tuple[str, ...] = ("place:house",), **changes: Any) -> dict[str, Copy]:
    model = model_of(plan(datasets=(dataset,), owner_fates=owner), **changes)
    return {copy.location: copy for copy in model.datasets[dataset.id]}


def fates(*labels: str) -> Fates:
    return frozenset(labels)


def test_source_staging_and_every_destination_with_a_version() -> None:
    assert copies_of(PHOTOS) == {
        "source": Copy("source", fates("device:laptop", "place:house")),
        "staging": Copy("staging", fates("place:house")),
        "disk": Copy("disk", fates("place:house")),
        "cloud": Copy("cloud", fates("account:aws"), needs_config=True),
    }
    assert "cloud" not in copies_of(PHOTOS, latest={("photos", "push", "cloud"): Latest()})


def test_a_source_in_place_is_one_copy_that_dies_with_the_machine() -> None:
    marked = replace(DOCS, source=replace(DOCS.source, fates=("device:nas",)))
    assert copies_of(marked)["source"].fates == fates("device:nas", "place:house")
    assert "staging" not in copies_of(marked)


def test_a_disk_needs_the_config_only_when_it_is_encrypted() -> None:
    disks = (DISK, replace(DISK, id="sealed", encryption="gpg"), replace(DISK, id="restic", protocol="restic"))
    remote = replace(CLOUD, id="mirror", protocol="sftp", encryption="none")
    found = copies_of(replace(PHOTOS, destinations=(*disks, remote)))
    assert {name for name, copy in found.items() if copy.needs_config} == {"sealed", "restic", "mirror"}


def test_damaged_and_refusing_places_do_not_count() -> None:
    assert "disk" not in copies_of(PHOTOS, latest={("photos", "verify", "disk"): ill("damaged", DAY)})
    assert "disk" not in copies_of(PHOTOS, latest={("photos", "push", "disk"): ill("access-denied", 9 * DAY)})
    assert "disk" in copies_of(PHOTOS, latest={("photos", "push", "disk"): ill("access-denied", DAY)})
    assert "disk" in copies_of(PHOTOS, latest={("photos", "push", "disk"): well(9 * DAY)})


def test_a_source_counts_until_it_is_out_of_reach_for_too_long() -> None:
    def sources(latest: Latest) -> set[str]:
        return set(copies_of(MAIL, latest={("mail", "pull", "source"): latest})) & {"source", "staging"}

    assert sources(Latest()) == {"source"}
    assert sources(ill("unreachable")) == set()
    assert sources(ill("unreachable", 60)) == {"source", "staging"}
    assert sources(ill("unreachable", 14 * DAY)) == {"staging"}


def test_places_without_fates() -> None:
    bare = replace(PHOTOS, source=replace(LAPTOP, fates=()), destinations=(replace(DISK, fates=()),))
    found = copies_of(bare, owner=())
    assert found["source"].fates == fates("host:laptop.local")
    assert found["staging"].fates == found["disk"].fates == fates("device:this-machine")


def test_access_needs_kits_and_configs_of_this_epoch() -> None:
    bare = replace(STEWARDS[0], fates=())
    access = model_of(plan(stewards=(bare, *STEWARDS[1:]))).access
    assert (access.machine, access.required) == (fates("place:house"), 3)
    assert access.stashes == (fates("place:friend"), fates("account:aws"), fates("place:sister"))
    assert access.stewards[:2] == (fates("person:alice"), fates("person:bob"))
    older = {("", "publish", "friend"): well(serial=40, epoch=1), ("", "publish", "cloud"): well(serial=40, epoch=0)}
    assert model_of(plan(), latest=older).access.stashes == (fates("place:friend"), fates("place:sister"))
