from __future__ import annotations

import copy
import itertools
import json
from typing import Any

import pytest

from paraduxd.core.config.managed import DataKey, managed_of
from paraduxd.core.plan.place_changes import as_renamed, changes, data_keys_after, described, places_after, without_was
from paraduxd.core.primitives.place_identity import legacy_uid
from tests.core.config.samples import SHAPES, config_of, family

Json = dict[str, Any]


def edited(change: Any) -> tuple[Json, Json]:
    """The family's config with uids, and an edit of it."""
    old = with_places(family())
    new = copy.deepcopy(old)
    change(new)
    return old, new


def with_places(document: Json) -> Json:
    names = itertools.count(1)
    places = places_after(None, config_of(document), SHAPES, 3, lambda: f"{next(names):032x}")
    document["managed"]["places"] = {name: place.model_dump() for name, place in places.items()}
    return document


def after(old: Json, new: Json, serial: int = 9) -> dict[str, tuple[str, int]]:
    """uid and since of every place of the new config."""
    fresh = (
        f"new-{number}".ljust(32, "0").replace("n", "a").replace("w", "b").replace("-", "c")
        for number in itertools.count()
    )
    places = places_after(config_of(old), config_of(new), SHAPES, serial, lambda: next(fresh))
    return {name: (place.uid, place.since) for name, place in places.items()}


def before(old: Json) -> dict[str, tuple[str, int]]:
    return {name: (place["uid"], place["since"]) for name, place in old["managed"]["places"].items()}


def test_a_first_config_gives_every_place_an_id_of_its_own() -> None:
    places = with_places(family())["managed"]["places"]
    assert {"photos/", "photos/source", "photos/staging", "photos/cloud", "/friend"} <= set(places)
    uids = [place["uid"] for place in places.values()]
    assert len(set(uids)) == len(uids)
    assert {place["since"] for place in places.values()} == {3}


def test_an_edit_of_something_else_changes_no_place() -> None:
    old, new = edited(lambda document: document["owner"].update(name="Fred Else"))
    assert after(old, new) == before(old)


def test_a_renamed_dataset_is_still_what_it_was() -> None:
    old, new = edited(lambda document: document["datasets"][0].update(id="pictures"))
    found = changes(config_of(old), config_of(new), SHAPES)
    assert ("photos", "pictures") in found.renamed
    assert not found.moved
    assert not found.findings
    now = after(old, new)
    assert now["pictures/cloud"] == before(old)["photos/cloud"]
    assert now["pictures/"] == before(old)["photos/"]
    assert "photos is renamed to pictures: its history and its keys stay" in list(described(found))


def test_a_renamed_destination_is_still_what_it_was() -> None:
    old, new = edited(lambda document: document["datasets"][0]["destinations"][0].update(id="bucket"))
    assert after(old, new)["photos/bucket"] == before(old)["photos/cloud"]
    shown = as_renamed(config_of(old), changes(config_of(old), config_of(new), SHAPES))
    assert shown.datasets[0].destinations[0].id == "bucket"


def test_another_address_is_another_place_under_the_same_id() -> None:
    old, new = edited(lambda document: document["datasets"][0]["destinations"][1].update(url="file:///mnt/elsewhere"))
    found = changes(config_of(old), config_of(new), SHAPES)
    assert found.moved == ("photos/usb",)
    uid, since = after(old, new)["photos/usb"]
    assert uid != before(old)["photos/usb"][0]
    assert since == 9
    assert next(described(found)).startswith("photos/usb is a new place: everything is sent again there")


def test_the_same_address_written_in_another_way_is_the_same_place() -> None:
    url = family()["datasets"][0]["destinations"][1]["url"]
    old, new = edited(lambda document: document["datasets"][0]["destinations"][1].update(url=url + "/"))
    assert after(old, new)["photos/usb"][0] == before(old)["photos/usb"][0]


def test_other_credentials_change_since_and_nothing_else() -> None:
    def change(document: Json) -> None:
        document["metadata_stashes"][0]["credentials"] = {"password": "another"}

    old, new = edited(change)
    stash = new["metadata_stashes"][0]["id"]
    assert after(old, new)[f"/{stash}"] == (before(old)[f"/{stash}"][0], 9)


def test_was_tells_a_place_that_has_moved() -> None:
    def change(document: Json) -> None:
        document["datasets"][0]["destinations"][1].update(url="file:///mnt/elsewhere", was="usb")

    old, new = edited(change)
    assert after(old, new)["photos/usb"] == (before(old)["photos/usb"][0], 9)
    assert "was" not in json.dumps(without_was(new))


def test_was_nothing_begins_anew_at_the_same_address() -> None:
    old, new = edited(lambda document: document["datasets"][0]["destinations"][1].update(was="-"))
    assert after(old, new)["photos/usb"][0] != before(old)["photos/usb"][0]


def two_alike(document: Json) -> None:
    one = document["datasets"][0]["destinations"][1]
    document["datasets"][0]["destinations"] += [{**one, "id": "one"}, {**one, "id": "two"}]
    del document["datasets"][0]["destinations"][1]


def test_what_cannot_be_told_apart_is_refused_with_the_ways_to_say_it() -> None:
    old, new = edited(two_alike)
    findings = changes(config_of(old), config_of(new), SHAPES).findings
    assert [finding.level for finding in findings] == ["error", "error"]
    assert '"was": "usb"' in findings[0].hint
    assert '"was": "-"' in findings[0].hint


@pytest.mark.parametrize("was", ["nobody", "uzb"])
def test_an_unknown_was_is_an_error(was: str) -> None:
    old, new = edited(lambda document: document["datasets"][0]["destinations"][1].update(was=was))
    (finding,) = changes(config_of(old), config_of(new), SHAPES).findings
    assert finding.path[-1] == "was"


def test_an_id_that_is_used_again_for_another_address_is_new() -> None:
    def change(document: Json) -> None:
        usb = document["datasets"][0]["destinations"][1]
        document["datasets"][0]["destinations"].append({**usb, "id": "drawer"})
        usb["url"] = "file:///mnt/new"

    old, new = edited(change)
    now = after(old, new)
    assert now["photos/drawer"][0] == before(old)["photos/usb"][0]
    assert now["photos/usb"][0] not in {uid for uid, _ in before(old).values()}


def test_the_keys_of_version_0_1_0_go_from_names_to_uids() -> None:
    old = family()
    assert "photos/cloud" in old["managed"]["data_keys"]
    new = copy.deepcopy(old)
    new["datasets"][0]["id"] = "pictures"
    places = places_after(config_of(old), config_of(new), SHAPES, 9, lambda: "f" * 32)
    uid = legacy_uid("photos", "cloud")
    assert places["pictures/cloud"].uid == uid
    present = managed_of(new).data_keys
    keys = data_keys_after(config_of(old), config_of(new), places, present)
    assert keys[uid] == present["photos/cloud"].model_copy(update={"name": "pictures/cloud"})
    assert "photos/cloud" not in keys


def test_keys_of_what_is_removed_stay() -> None:
    old, new = edited(lambda document: document["datasets"][0]["destinations"].pop(0))
    keys = {before(old)["photos/cloud"][0]: DataKey(password="x")}
    places = places_after(config_of(old), config_of(new), SHAPES, 9, lambda: "f" * 32)
    assert data_keys_after(config_of(old), config_of(new), places, keys) == keys
