"""From config to plan and transport files: everything that is needed, and secrets only where they belong."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.core.config.capabilities import Traits
from paraduxd.core.config.views.masking import MASK, mask
from paraduxd.core.plan import model as plans
from paraduxd.core.plan.data_keys import needed_data_keys
from paraduxd.core.plan.derive import derive
from paraduxd.core.plan.servers import needed_hosts
from paraduxd.core.plan.transport import Hooks, Transport
from paraduxd.core.primitives.place_identity import legacy_uid
from tests.core.config.samples import SHAPES, answers, config_of, family

SAVED = "2026-11-10T12:00:00Z"


def derived(document=None):
    """Plan and transport files of a document, by default the family's."""
    return derive(config_of(document or family()), SHAPES, SAVED)


def test_the_plan_knows_who_when_and_how_often() -> None:
    plan = derived().plan
    assert (plan.serial, plan.saved, plan.epoch, plan.owner, plan.instance) == (7, SAVED, 2, "00" * 16, "11" * 16)
    assert (plan.shares_required, plan.unattended, plan.unlock_for, plan.drill_every) == (2, True, 900, 7776000)
    assert plan.owner_fates == ("place:house", "device:server")
    assert plan.stewards[0] == plans.StewardPlan("alice", "Alice", ("place:springfield", "person:alice"), "2026-11-01")


def test_windows_are_in_the_plan_and_rates_with_the_transfers() -> None:
    document = family()
    (photos,) = [each for each in document["datasets"] if each["id"] == "photos"]
    photos["source"] |= {"window": "22:00-06:00", "bandwidth": "2M"}
    photos["destinations"][0] |= {"window": "01:00-02:00", "bandwidth": 5000}
    found = derived(document)
    assert found.plan.window("photos", "source") == "22:00-06:00"
    assert found.plan.window("photos", photos["destinations"][0]["id"]) == "01:00-02:00"
    assert found.plan.window("photos", "staging") is found.plan.window("none", "source") is None
    assert found.transports["dataset.photos.source.json"].bandwidth == 2_000_000
    assert found.transports[f"dataset.photos.{photos['destinations'][0]['id']}.json"].bandwidth == 5000


def test_a_dataset_in_the_plan() -> None:
    photos = derived().plan.dataset("photos")
    assert photos.staging == "/srv/paradux/photos"
    assert photos.guard == plans.Guard(0.25, 0.6)
    assert photos.source == plans.SourcePlan(
        "rsync", "laptop.local", "dataset.photos.source.json", plans.Timing(3600), ("device:laptop",),
        uid=legacy_uid("photos", "source"), plain_files=False,
    )  # fmt: skip
    assert photos.destinations == (
        plans.DestinationPlan(
            "cloud", "restic", "s3.example", "dataset.photos.cloud.json", plans.Timing(21600), ("account:aws",),
            "restic", plans.Keep(last=10, daily=7), uid=legacy_uid("photos", "cloud"), formerly="photos/cloud",
            plain_files=False,
        ),
        plans.DestinationPlan(
            "usb", "disk", "local", "dataset.photos.usb.json", plans.Timing(cron="30 3 * * sun"),
            ("place:house", "device:usb"), uid=legacy_uid("photos", "usb"), formerly="photos/usb", plain_files=True,
        ),
    )  # fmt: skip


def test_a_local_source_without_staging_is_pushed_in_place() -> None:
    docs = derived().plan.dataset("docs")
    assert docs.source.in_place
    assert docs.staging == "/home/fred/docs"
    assert docs.destinations[0].timing is None


def test_a_local_source_with_staging_is_copied() -> None:
    document = family()
    document["datasets"][1]["staging"] = "/srv/paradux//docs/"
    docs = derived(document).plan.dataset("docs")
    assert not docs.source.in_place
    assert docs.staging == "/srv/paradux/docs"


def test_there_is_one_transport_file_for_every_stash() -> None:
    both = derived()
    named = {stash.transport for stash in both.plan.metadata_stashes}
    for dataset in both.plan.datasets:
        named |= {dataset.source.transport, *(destination.transport for destination in dataset.destinations)}
    named |= {address.transport for address in (*both.plan.notify, *both.plan.heartbeat)}
    assert named == set(both.transports)
    assert len(named) == 9


def test_a_transport_file_holds_what_its_stash_needs_and_no_more() -> None:
    files = derived().transports
    settings = {
        "url": "rsync+ssh://fred@laptop.local/home/fred",
        "credentials": {"private_key": "ssh key of fred"},
    }
    pinned = {"laptop.local:22": ("ssh-ed25519 AAAAlaptop",)}
    assert files["dataset.photos.source.json"] == Transport("rsync", settings, pinned)
    assert files["dataset.photos.cloud.json"].secret == "generated"
    assert files["dataset.docs.cloud.json"].secret == ""
    friend = files["metadata.friend.json"]
    assert friend.host_keys == {"friend.example:2222": ("ssh-ed25519 AAAAfriend",)}
    assert friend.kit_access["credentials"] == {"password": "reader"}
    assert files["metadata.nas.json"].kit_access is None


def test_settings_of_a_transport_file_are_valid_for_the_protocol() -> None:
    transports = derived().transports
    assert transports.pop("notify.mailtos-1.json") == Transport(address="mailtos://fred:mail-password@mail.example")
    assert transports.pop("notify.heartbeat-1.json") == Transport(address="https://hc-ping.com/heartbeat-secret")
    for transport in transports.values():
        SHAPES[transport.protocol].settings.model_validate(transport.settings)


def test_a_kit_address_on_another_server_needs_its_host_key_too() -> None:
    document = family()
    document["metadata_stashes"][0]["kit_access"] = {"url": "sftp://kit@mirror.example/x"}
    assert needed_hosts(config_of(document), SHAPES) == ("mirror.example:22",)
    document["managed"]["hosts"]["mirror.example:22"] = ["ssh-ed25519 AAAAmirror"]
    transport = derived(document).transports["metadata.friend.json"]
    assert set(transport.host_keys) == {"friend.example:2222", "mirror.example:22"}
    assert transport.kit_access == {"url": "sftp://kit@mirror.example/x"}


def test_what_is_still_needed() -> None:
    assert needed_hosts(config_of(family()), SHAPES) == ()
    assert needed_hosts(config_of(answers()), SHAPES) == ("laptop.local:22", "friend.example:2222")
    assert needed_data_keys(config_of(family()), SHAPES) == ()
    assert needed_data_keys(config_of(answers()), SHAPES) == ("photos/cloud",)


def test_answers_cannot_run() -> None:
    with pytest.raises(ValueError, match="answers are no saved config"):
        derived(answers())


def test_the_plan_survives_its_file() -> None:
    plan = derived().plan
    assert plans.from_json(plans.to_json(plan)) == plan


def planted(document, masked, canaries):
    """The document with the next canary in the place of every text that masking covers."""
    if isinstance(masked, dict):
        return {key: planted(document[key], masked[key], canaries) for key in document}
    if isinstance(masked, list):
        return [planted(inner, cover, canaries) for inner, cover in zip(document, masked, strict=True)]
    return next(canaries) if masked == MASK else document


def canary_document(canaries):
    """The family's config with canaries wherever a secret or the inventory is."""
    document = family()
    document["datasets"][0]["destinations"][0]["repository"] = f"rest:https://fred:{next(canaries)}@s3.example/"
    document["inventory"] = [dict.fromkeys(("name", "url", "username", "password", "notes"), next(canaries))]
    document["metadata_stashes"][0]["credentials"] = {"private_key": "x", "password": "x"}
    masked = mask(document, SHAPES)
    masked["notify"] = masked["heartbeat"] = []
    masked["managed"]["recovery"]["secret"] = ""
    repository = masked["datasets"][0]["destinations"][0]
    repository["repository"] = document["datasets"][0]["destinations"][0]["repository"]
    notify = [f"mailto://fred:{next(canaries)}@mail.example"]
    heartbeat = [f"https://hc-ping.com/{next(canaries)}"]
    made = planted({**document, "notify": [], "heartbeat": []}, masked, canaries)
    return made | {"notify": notify, "heartbeat": heartbeat}


@settings(deadline=None)  # on a busy machine a call takes any time
@given(st.text(alphabet="0123456789abcdefghijkmnpqrstuvwxyz", min_size=12, max_size=24))
def test_the_plan_holds_no_secret(seed) -> None:
    used = []

    def numbered():
        while True:
            used.append(f"canary-{seed}-{len(used)}-end")
            yield used[-1]

    both = derived(canary_document(numbered()))
    text = plans.to_json(both.plan)
    assert len(used) > 28
    assert "canary-" not in text
    assert "ab" * 32 not in text
    kept = json.dumps(to_json_value(both.transports))
    needed = [canary for canary in used if canary in kept]
    assert len(needed) == 10


def test_a_transport_file_holds_no_secret_of_another_stash() -> None:
    def numbered():
        number = 0
        while True:
            number += 1
            yield f"canary-{number}-end"

    files = derived(canary_document(numbered())).transports
    seen = [
        canary
        for text in map(json.dumps, to_json_value(files).values())
        for canary in {*text.split('"')}
        if "canary-" in canary
    ]
    assert len(seen) == len(set(seen))


def test_archives_and_a_stash_at_one_address_know_of_each_other() -> None:
    document = family()
    stash = document["metadata_stashes"][0]
    here = {key: stash[key] for key in ("protocol", "url") if key in stash}
    document["datasets"][0]["destinations"].append({"id": "beside", **here, "encryption": "gpg"})
    plan = derived(document).plan
    beside = plan.dataset("photos").destinations[-1]
    assert plan.metadata_stashes[0].beside == (beside.uid,)
    assert beside.beside == (plan.metadata_stashes[0].uid,)
    assert all(not each.beside for each in plan.dataset("photos").destinations[:-1])


def test_what_a_protocol_is_does_not_hang_on_its_name() -> None:
    """One that encrypts by itself under another name and key, as a drop-in may: it gets a password, and its copies need the config."""
    traits = Traits(generates="credentials.private_key")
    known = {**SHAPES, "vaulted": replace(SHAPES["restic"], name="vaulted", traits=traits)}
    document = answers()
    destination = document["datasets"][0]["destinations"][0]
    destination.update(protocol="vaulted", credentials={})
    assert needed_data_keys(config_of(document), known) == ("photos/cloud",)
    destination["credentials"] = {"private_key": "the owner's"}
    assert needed_data_keys(config_of(document), known) == ()


def test_a_plan_of_before_tells_folders_by_their_place() -> None:
    text = plans.to_json(derived().plan)
    old = json.loads(text)
    for dataset in old["datasets"]:
        for part in (dataset["source"], *dataset["destinations"]):
            del part["plain_files"]
    before, now = plans.from_json(json.dumps(old)), plans.from_json(text)
    assert [[part.needs_no_config for part in (each.source, *each.destinations)] for each in before.datasets] == [
        [part.needs_no_config for part in (each.source, *each.destinations)] for each in now.datasets
    ]


def test_hooks_are_told_to_pulls_alone() -> None:
    document = family()
    document["datasets"][0]["source"] |= {"before": "dump", "hooks_within": "2h"}
    found = derived(document)
    assert found.transports.pop("dataset.photos.source.json").hooks == Hooks("dump", "", 7200)
    assert not [name for name, transport in found.transports.items() if transport.hooks != Hooks()]


def test_only_pushes_of_a_source_as_it_lies_are_told_what_to_leave_out() -> None:
    document = family()
    for dataset in document["datasets"]:
        dataset["source"]["exclude"] = ["secret-name"]
    found = derived(document)
    told = {name for name, transport in found.transports.items() if transport.left_out}
    assert told == {"dataset.docs.cloud.json"}
    assert all(found.transports[name].left_out.exclude == ("secret-name",) for name in told)
    assert "secret-name" not in plans.to_json(found.plan)
