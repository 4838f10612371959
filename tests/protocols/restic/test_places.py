"""The protocol `restic` in a repository that others use as well: whose versions are whose, which is the newest, and what may go."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Guard, Keep
from paraduxd.core.primitives.place_identity import legacy_uid
from paraduxd.core.recovery import machine_claim
from paraduxd.protocols.base import HeldError, Identity, PushRequest, TransientError
from paraduxd.testing import samples
from paraduxd.testing.places import OURS, SECOND, PlaceCase, PlaceSuite
from paraduxd.worker.transfer import shrunk_staging_guard
from tests.protocols.restic.rig import destination, restic

UNIDENTIFIED = replace(OURS, place=legacy_uid("photos", "cloud"))
"""The place of a destination that version 0.1.0 has made."""

OTHER_OWNER = replace(OURS, owner="c" * 32)
OTHER_PLACE = replace(OURS, place="d" * 32)
LATER = replace(OURS, instance=SECOND, generation=2)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "repository"


@pytest.fixture
def place(root: Path, tmp_path: Path) -> PlaceCase:
    (folder := tmp_path / "scratch").mkdir()
    return PlaceCase(lambda who: destination(root, identity=who), folder)


@pytest.mark.slow
class TestPlace(PlaceSuite):
    @pytest.fixture
    def place(self, place: PlaceCase) -> PlaceCase:
        return place

    @pytest.mark.parametrize("who", [OTHER_OWNER, OTHER_PLACE])
    def test_another_owner_and_another_place_are_refused(self, place: PlaceCase, who: Identity) -> None:
        """They are not: a repository can be shared, and what is of others is as if it were not there."""
        place.fill()
        ours = place.push("2026-01-01").version
        theirs = place.push("2026-01-02", who, keep=Keep(last=1))
        assert theirs.versions == place.versions(who) == (theirs.version,)
        assert place.versions() == (ours,)
        assert place.push("2026-01-03", keep=Keep(last=1)).removed[0].id == ours.id
        assert place.versions(who) == (theirs.version,)

    def test_a_machine_that_says_so_without_a_signature_is_not_believed(self, place: PlaceCase) -> None:
        """It is: who has the password of the repository could remove everything as well."""
        place.fill()
        later = place.push("2026-02-01", LATER).version
        with pytest.raises(ParaduxError) as refused:
            place.push("2026-03-01", known_versions=())
        assert refused.value.code == machine_claim.SUPERSEDED
        assert place.versions() == (later,)


# What 0.1.0 has left


def as_0_1_0(place: PlaceCase, root: Path, date: str, dataset: str = "photos") -> str:
    """A push of that version, by its name for the snapshot."""
    if not root.exists():
        restic(root, "init")
    tags = ("--host=paradux", "--tag=paradux", f"--tag=dataset:{dataset}", "--time", f"{date} 12:00:00")
    said = restic(root, "--json", "backup", *tags, ".", cwd=place.staging).splitlines()[-1]
    return str(json.loads(said)["snapshot_id"])[:8]


def test_versions_of_0_1_0_are_those_of_the_place_that_had_the_name(place: PlaceCase, root: Path) -> None:
    place.fill()
    old = as_0_1_0(place, root, "2026-01-01")
    as_0_1_0(place, root, "2026-01-02", "documents")
    assert place.versions() == ()
    (found,) = place.versions(UNIDENTIFIED)
    assert (found.id, found.number, found.missing) == (old, None, 0)
    assert place.restored(found, UNIDENTIFIED) == samples.contents(place.staging)
    new = place.push("2026-01-03", UNIDENTIFIED)
    assert [(each.id, each.number) for each in new.versions] == [(old, None), (new.version.id, 1)]


def test_versions_of_0_1_0_stay_with_a_place_that_was_renamed(place: PlaceCase, root: Path) -> None:
    place.fill()
    old = as_0_1_0(place, root, "2026-01-01")
    renamed = destination(root, identity=UNIDENTIFIED, dataset="pictures")
    assert [each.id for each in renamed.versions()] == [old]
    pushed = place.push("2026-01-02", UNIDENTIFIED).version.id
    renamed = destination(root, identity=UNIDENTIFIED, dataset="pictures", location="heaven")
    assert [each.id for each in renamed.versions()] == [old, pushed]


def test_a_version_of_0_1_0_goes_only_if_the_journal_has_it(place: PlaceCase, root: Path) -> None:
    place.fill()
    as_0_1_0(place, root, "2026-01-01")
    (known,) = place.versions(UNIDENTIFIED)
    unknown = as_0_1_0(place, root, "2026-01-02")
    result = place.push("2026-01-03", UNIDENTIFIED, keep=Keep(last=1), known_versions=(known,))
    assert [gone.id for gone in result.removed] == [known.id]
    assert [each.id for each in place.versions(UNIDENTIFIED)] == [unknown, result.version.id]


def test_a_clock_that_was_ahead_before_versions_had_numbers(place: PlaceCase, root: Path) -> None:
    place.fill()
    ahead, right = as_0_1_0(place, root, "2099-05-05"), as_0_1_0(place, root, "2026-01-01")
    assert [each.id for each in place.versions(UNIDENTIFIED)] == [ahead, right]
    made = place.push("2026-01-02", UNIDENTIFIED)
    assert [each.id for each in place.versions(UNIDENTIFIED)] == [ahead, right, made.version.id]


# Others in the same repository


def test_what_the_owner_keeps_there_himself_is_left_alone(place: PlaceCase, root: Path) -> None:
    place.fill()
    place.push("2026-01-01")
    restic(root, "backup", "--tag=paradux", ".", cwd=place.staging)
    restic(root, "backup", "--host=paradux", "--tag=mine,place:x", ".", cwd=place.staging)
    before = len(json.loads(restic(root, "--json", "snapshots")))
    result = place.push("2026-01-02", keep=Keep(last=1))
    assert place.versions() == (result.version,)
    assert len(json.loads(restic(root, "--json", "snapshots"))) == before


@pytest.mark.parametrize("known", [True, False])
def test_a_repository_without_any_of_the_versions_is_another_one(place: PlaceCase, root: Path, known: bool) -> None:
    """It is mounted where ours was, or somebody has emptied ours."""
    place.fill()
    ours = place.push("2026-01-01").version
    restic(root, "forget", ours.id)
    place.push("2026-01-02", OTHER_OWNER)
    who = OURS if known else replace(OURS, marked=True)
    with pytest.raises(TransientError, match="none of the versions") as failed:
        place.push("2026-01-03", who, known_versions=(ours,) if known else ())
    assert failed.value.code == "not-mounted"
    assert place.versions() == ()


@pytest.mark.parametrize("instance", [SECOND, OURS.instance])
def test_two_machines_of_one_generation(place: PlaceCase, instance: str) -> None:
    """The first one to push goes on; the other has lost."""
    place.fill()
    place.push("2026-01-01", LATER)
    second = replace(LATER, instance=instance)
    if instance == LATER.instance:
        assert place.push("2026-01-02", second).version.number == 2
        return
    with pytest.raises(ParaduxError) as refused:
        place.push("2026-01-02", second)
    assert refused.value.code == machine_claim.SUPERSEDED


def test_a_replaced_machine_removes_nothing_on_demand(place: PlaceCase) -> None:
    place.fill()
    place.push("2026-01-01")
    place.push("2026-01-02", LATER)
    with pytest.raises(ParaduxError) as refused:
        place.make(OURS).prune(PushRequest(Keep(last=1), "2026-03-01T12:00:00Z", place.versions()))
    assert refused.value.code == machine_claim.SUPERSEDED
    assert len(place.versions()) == 2


def test_a_replaced_machine_that_remembers_the_repository_notices(place: PlaceCase, root: Path, tmp_path: Path) -> None:
    place.fill()
    old = PlaceCase(lambda who: destination(root, identity=who, index=tmp_path / "index"), place.folder)
    old.push("2026-01-01")
    old.push("2026-01-02")
    place.push("2026-01-03", LATER)
    with pytest.raises(ParaduxError) as refused:
        old.push("2026-01-04")
    assert refused.value.code == machine_claim.SUPERSEDED


def test_how_much_a_version_holds_is_counted_where_nobody_remembers(place: PlaceCase) -> None:
    place.fill(7)
    pushed = place.push("2026-01-01").version
    (found,) = place.versions()
    counted = place.make(OURS).counted(found)
    assert (counted.files, counted.bytes, counted.number) == (pushed.files, pushed.bytes, 1) == (7, 70, 1)


def test_the_first_push_of_a_recovered_machine_is_measured(place: PlaceCase) -> None:
    """A source of which 8 of 22 files are there, at a repository that tells no counts (restic before 0.17)."""
    place.fill(22)
    place.push("2026-01-01")
    for path in sorted(place.staging.iterdir())[8:]:
        path.unlink()
    request = PushRequest(Keep(last=2), "2026-01-02T12:00:00Z")
    with pytest.raises(HeldError) as held:
        shrunk_staging_guard.checked(place.staging, request, place.make(LATER), Guard())
    assert (held.value.reason, held.value.removed, held.value.files) == (shrunk_staging_guard.HELD, 14, 8)
    assert "22 files" in held.value.text
