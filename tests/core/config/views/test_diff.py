"""What an edit changes, in sentences."""

import pytest

from paraduxd.core.config.views.changes import changes, managed_changed
from tests.core.config.samples import answers, config_of, family


def edited(change):
    """The sentences for what `change` does to the document."""
    document = family()
    change(document)
    return changes(config_of(family()), config_of(document))


def test_no_change_has_no_sentence() -> None:
    assert edited(lambda document: None) == ()


def test_another_way_to_write_the_same_is_no_change() -> None:
    def rewrite(document):
        document["policy"]["unlock_for"] = 900
        document["policy"]["unattended"] = True
        document["datasets"][0]["source"]["every"] = "60m"
        document["datasets"].reverse()
        document["$schema"] = "elsewhere"
        document["serial"] = 8

    assert edited(rewrite) == ()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: d["policy"].update(unlock_for="1h"), 'policy.unlock_for: "15m" -> "1h"'),
        (lambda d: d["policy"].update(unattended=False), "policy.unattended: true -> false"),
        (lambda d: d["owner"].update(name="Freddy"), 'owner.name: "Fred Myself" -> "Freddy"'),
        (lambda d: d["datasets"].pop(), "dataset docs removed"),
        (lambda d: d["datasets"][0]["destinations"].pop(0), "dataset photos: destination cloud removed"),
        (
            lambda d: d["datasets"][0]["destinations"].append({"id": "new", "protocol": "disk", "url": "file:///new"}),
            "dataset photos: destination new added",
        ),
        (lambda d: d["datasets"][0]["source"].update(every="2h"), 'dataset photos: source.every: "1h" -> "2h"'),
        (lambda d: d["datasets"][0]["source"].pop("every"), 'dataset photos: source.every: "1h" removed'),
        (lambda d: d["datasets"][0]["source"].update(exclude=["a"]), 'dataset photos: source.exclude set to ["a"]'),
        (
            lambda d: d["datasets"][0]["destinations"][0]["keep"].update(last=5),
            "dataset photos: destination cloud: keep.last: 10 -> 5",
        ),
        (
            lambda d: d["metadata_stashes"][1].update(url="file:///elsewhere"),
            'metadata stash nas: url: "file:///mnt/nas/paradux" -> "file:///elsewhere"',
        ),
        (lambda d: d["datasets"][0].update(description="x" * 100), "dataset photos: description changed"),
    ],
)
def test_a_change_has_one_sentence(change, sentence) -> None:
    assert edited(change) == (sentence,)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: d["inventory"][0].update(password="CANARY"), "inventory entry Tax portal: password changed"),
        (lambda d: d["inventory"][0].update(notes="CANARY"), "inventory entry Tax portal: notes changed"),
        (lambda d: d["notify"].append("mailtos://a:CANARY@b"), "notify changed"),
        (
            lambda d: d["datasets"][0]["source"]["credentials"].update(private_key="CANARY"),
            "dataset photos: source.credentials.private_key changed",
        ),
        (
            lambda d: d["datasets"][0]["source"].update(credentials="CANARY"),
            "dataset photos: source.credentials changed",
        ),
        (
            lambda d: d["datasets"][0]["destinations"][0].update(repository="rest:https://a:CANARY@b/"),
            "dataset photos: destination cloud: repository changed",
        ),
        (lambda d: d["metadata_stashes"][0].update(kit_access=None), "metadata stash friend: kit_access changed"),
    ],
)
def test_a_changed_secret_is_not_shown(change, sentence) -> None:
    assert edited(change) == (sentence,)


def test_changes_of_stewards_say_what_has_to_be_done() -> None:
    def change(document):
        document["policy"]["shares_required"] = 3
        document["stewards"][2] = {"id": "dan", "name": "Dan"}

    assert edited(change) == (
        "policy.shares_required: 2 -> 3",
        "steward carol removed",
        "steward dan added",
        "a changed shares_required replaces all shares",
        "steward dan needs a kit",
        "the share that carol holds stays good until the recovery secret is replaced (paraductl rotate)",
    )


def test_inventory_entries_of_the_same_name_are_told_apart() -> None:
    assert edited(lambda d: d["inventory"].append({"name": "Tax portal"})) == ("inventory entry Tax portal (2) added",)


def test_a_first_config_is_told_by_its_parts() -> None:
    assert changes(None, config_of(answers())) == (
        "steward alice added",
        "steward bob added",
        "steward carol added",
        "metadata stash friend added",
        "metadata stash nas added",
        "dataset photos added",
        "dataset docs added",
        "inventory entry Tax portal added",
    )


@pytest.mark.parametrize(
    ("change", "touched"),
    [
        (lambda d: None, False),
        (lambda d: d["owner"].update(name="Freddy"), False),
        (lambda d: d["managed"].update(instance="22" * 16), True),
        (lambda d: d["managed"]["hosts"].pop("laptop.local:22"), False),
        (lambda d: d["managed"]["hosts"].update({"laptop.local:22": ["ssh-ed25519 AAAAother"]}), True),
        (lambda d: d["managed"]["hosts"].update({"new.example:22": ["ssh-ed25519 AAAAnew"]}), True),
        (lambda d: d["managed"]["shares"]["words"].__setitem__(3, "other"), True),
        (lambda d: d.pop("managed"), True),
    ],
)
def test_an_edit_of_the_managed_part_is_noticed(change, touched) -> None:
    document = family()
    change(document)
    assert managed_changed(config_of(family()), config_of(document)) is touched
