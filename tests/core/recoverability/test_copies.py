"""Which copies count, and what they depend on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from paraduxd.core.plan.model import DatasetPlan, Plan
from paraduxd.core.recoverability import copies
from paraduxd.core.recoverability.access import Kit
from paraduxd.core.recoverability.families import Fates
from paraduxd.core.recoverability.fates import Copy, Model
from paraduxd.core.recoverability.labels import Labels
from paraduxd.core.runs.conditions import survey
from paraduxd.core.runs.damage import Damage
from paraduxd.core.runs.facts import Latest
from tests.core.status.sample import CLOUD, DAY, DISK, DOCS, MAIL, NOW, PHOTOS, STEWARDS, ago, healthy, ill, plan, well


def model_of(some_plan: Plan, **changes: Any) -> Model:
    facts = healthy(some_plan, **changes)
    return copies.model(some_plan, facts, survey(some_plan, facts, NOW), Labels(some_plan))


def copies_of(dataset: DatasetPlan, owner: tuple[str, ...] = ("place:house",), **changes: Any) -> dict[str, Copy]:
    model = model_of(plan(datasets=(dataset,), owner_fates=owner), **changes)
    return {copy.location: copy for copy in model.datasets[dataset.id]}


def fates(*labels: str) -> Fates:
    return frozenset(labels)


def test_source_staging_and_every_destination_with_a_version() -> None:
    assert copies_of(PHOTOS) == {
        "source": Copy("source", fates("device:laptop", "place:house"), since=1, transport=True),
        "staging": Copy("staging", fates("place:house")),
        "disk": Copy("disk", fates("place:house")),
        "cloud": Copy("cloud", fates("account:aws"), since=1, transport=True),
    }
    assert "cloud" not in copies_of(PHOTOS, latest={("photos", "push", "cloud"): Latest()})


def test_a_source_in_place_is_one_copy_with_the_fates_of_its_disk() -> None:
    marked = replace(DOCS, source=replace(DOCS.source, fates=("device:nas",)))
    assert copies_of(marked)["source"] == Copy("source", fates("device:nas"))
    assert copies_of(DOCS)["source"] == Copy("source", fates("place:house"))
    assert "staging" not in copies_of(marked)


def test_a_disk_needs_the_config_only_when_it_is_encrypted() -> None:
    disks = (
        DISK,
        replace(DISK, id="sealed", encryption="gpg"),
        replace(DISK, id="restic", protocol="restic", encryption="restic"),
    )
    bank = replace(DISK, id="bank", protocol="removable", place="removable:1234-ABCD")
    remote = replace(CLOUD, id="mirror", protocol="sftp", encryption="none")
    found = copies_of(replace(PHOTOS, destinations=(*disks, bank, remote)))
    assert {name for name, copy in found.items() if copy.since is not None} == {"source", "sealed", "restic", "mirror"}
    assert {name for name, copy in found.items() if copy.transport} == {"source", "restic", "mirror"}


def test_what_only_looks_like_a_folder_here_needs_the_config() -> None:
    """A protocol that does not say where it keeps things says "local", too."""
    odd = replace(DISK, plain_files=False)
    found = copies_of(replace(PHOTOS, destinations=(odd,)))
    assert found["disk"].since is not None


def test_the_machine_reads_nothing_while_its_credentials_are_away() -> None:
    assert not copies_of(PHOTOS, transport_ready=False)["cloud"].transport
    model = model_of(plan(unattended=False))
    assert not any(copy.transport for copies in model.datasets.values() for copy in copies)


def test_damaged_and_refusing_places_do_not_count() -> None:
    assert "disk" not in copies_of(PHOTOS, latest={("photos", "verify", "disk"): ill("damaged", DAY)})
    assert "disk" not in copies_of(PHOTOS, latest={("photos", "push", "disk"): ill("access-denied", 9 * DAY)})
    assert "disk" in copies_of(PHOTOS, latest={("photos", "push", "disk"): ill("access-denied", DAY)})
    assert "disk" in copies_of(PHOTOS, latest={("photos", "push", "disk"): well(9 * DAY)})


def test_silence_alone_ages_a_copy_and_trying_in_vain_ends_it() -> None:
    def counts(latest: Latest, **more: Latest) -> bool:
        return "disk" in copies_of(PHOTOS, latest={("photos", "push", "disk"): latest, **_steps("disk", more)})

    assert counts(ill("unreachable", 2 * DAY - 60))
    assert not counts(ill("unreachable", 2 * DAY + 60))
    assert counts(ill("not-inserted", 90 * DAY))
    assert counts(well(90 * DAY))
    assert counts(ill("access-denied", 9 * DAY), verify=well(DAY)), "it answers, so it is there"


def test_damage_is_cured_by_a_check_and_not_by_a_push() -> None:
    def counts(**steps: Latest) -> bool:
        return "disk" in copies_of(PHOTOS, latest=_steps("disk", steps))

    assert not counts(verify=ill("damaged"), push=well(1))
    assert not counts(rehearse=ill("damaged"), push=well(1))
    assert counts(rehearse=ill("damaged"), verify=well(1))
    assert not counts(verify=ill("damaged"), rehearse=well(1)), "a rehearsal looks at a sample"
    assert not counts(rehearse=ill("no-version"))
    assert counts(rehearse=ill("no-version"), push=well(1)), "something is there again"


def test_what_a_recovered_machine_was_told_by_a_look_counts() -> None:
    never = {"push": Latest()}
    versions = [{"id": "a", "bytes": 5}]
    assert "disk" in copies_of(PHOTOS, latest=_steps("disk", {**never, "versions": well(60, versions=versions)}))
    assert "disk" not in copies_of(PHOTOS, latest=_steps("disk", {**never, "versions": well(60, versions=[])}))
    assert "disk" in copies_of(PHOTOS, latest=_steps("disk", {**never, "rehearse": well(60)}))


def _steps(destination: str, steps: dict[str, Latest]) -> dict[tuple[str, str, str], Latest]:
    return {("photos", step, destination): latest for step, latest in steps.items()}


def test_a_source_counts_until_it_is_out_of_reach_for_too_long() -> None:
    def sources(latest: Latest) -> set[str]:
        return set(copies_of(MAIL, latest={("mail", "pull", "source"): latest})) & {"source", "staging"}

    assert sources(Latest()) == sources(ill("unreachable")) == set()
    assert sources(ill("unreachable", 60)) == {"source", "staging"}
    assert sources(ill("unreachable", 14 * DAY)) == {"staging"}
    assert sources(well(60, staging="/srv/other")) == {"source"}, "staging was moved and is not filled yet"


def test_access_needs_kits_of_this_epoch_and_what_stashes_were_seen_to_hold() -> None:
    bare = replace(STEWARDS[0], fates=())
    access = model_of(plan(stewards=(bare, *STEWARDS[1:]))).access
    assert (access.machine, access.required, access.serial) == (fates("place:house"), 3, 42)
    assert [stash.fates for stash in access.stashes] == [
        fates("place:friend"),
        fates("account:aws"),
        fates("place:sister"),
    ]
    assert access.kits[:2] == (Kit(fates("person:alice"), 42), Kit(fates("person:bob"), 42))


def test_a_stash_counts_at_the_serial_it_was_seen_to_hold() -> None:
    """Finding 3: the serial counts, not the epoch."""

    def serials(**friend: Latest) -> list[int]:
        found = {("", step, "friend"): latest for step, latest in friend.items()}
        only = plan(metadata_stashes=plan().metadata_stashes[:1])
        return [stash.serial for stash in model_of(only, latest=found).access.stashes]

    assert serials(publish=ill("unreachable", DAY, serial=40, epoch=1)) == [40]
    assert serials(publish=well(DAY, serial=40, epoch=0)) == []
    assert serials(publish=well(DAY, serial=42, epochs=[1, 2]), rehearse=well(60, serial=41, epoch=1)) == [41]
    assert serials(publish=well(DAY, serial=42, epoch=1), rehearse=ill("not-read-back")) == []
    assert serials(publish=well(DAY, serial=42, epoch=1), rehearse=ill("not-mounted")) == []
    assert serials(publish=well(DAY, serial=42, epoch=1), rehearse=ill("unreachable")) == [42]
    assert serials(publish=well(1, serial=42, epoch=1), rehearse=ill("not-read-back")) == [42], "published since"


def test_damage_that_a_shallow_look_did_not_disprove_stands() -> None:
    known = {("photos", "disk"): Damage(ago(DAY), "one byte has rotted", deep=True)}
    assert "disk" not in copies_of(PHOTOS, damage=known, latest=_steps("disk", {"verify": well(1)}))
