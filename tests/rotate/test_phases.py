"""From beginning to end: what opens what, what is published where, what is told."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.core.recovery import published_config
from paraduxd.core.recovery.kit_records import KitRecord
from tests.rotate.conftest import Make
from tests.rotate.rotate_rig import NAMES, objects_of, opened_at, secret_of


def test_a_rotation_begins_beside_the_present_epoch(make: Make) -> None:
    paradux = make("kits")
    before = paradux.managed
    reply = paradux.call("rotate")
    managed = paradux.managed
    assert (reply["state"], reply["epoch"], reply["next_epoch"]) == ("begun", 1, 2)
    assert reply["missing"] == list(NAMES)
    assert (managed["recovery"], managed["shares"]) == (before["recovery"], before["shares"])
    following = managed["rotation"]
    assert following["shares"]["threshold"] == 2
    assert following["recovery"]["secret"] != before["recovery"]["secret"]
    assert secret_of(following, ("alice", "carol")) == following["recovery"]["secret"]
    assert paradux.vault_opens(before["recovery"]["secret"]) == paradux.document
    assert paradux.vault_opens(following["recovery"]["secret"]) is None
    serial = paradux.document["serial"]
    assert paradux.names() >= objects_of((1, 2), serial)
    assert paradux.names("state/outbox") == objects_of((1, 2), serial)


def test_both_epochs_open_the_newest_config_and_the_old_one_learns_nothing_of_the_new(make: Make, memory: Path) -> None:
    paradux = make("begun")
    document = paradux.document
    document["inventory"] = [{"name": "the newest entry"}]
    paradux.save(document)
    newest = paradux.document
    rotation = newest["managed"]["rotation"]
    for folder in ("stash", "state/outbox"):
        by_new = opened_at(paradux.root / folder, secret_of(rotation, ("bob", "carol")), memory)
        by_old = opened_at(paradux.root / folder, secret_of(newest["managed"], ("alice", "bob")), memory)
        assert by_new == paradux.published
        assert by_old is not None
        assert {**by_old, "managed": None} == {**newest, "managed": None}
        assert by_old["managed"]["rotation"] is None
        assert by_old["managed"]["highest_epoch"] == 2
        secrets = [rotation["recovery"]["secret"], rotation["recovery"]["private_key"], *rotation["shares"]["words"]]
        assert not [secret for secret in secrets if secret in str(by_old)]


def test_the_last_kit_completes_it(make: Make, memory: Path) -> None:
    paradux = make("nearly")
    before = paradux.managed
    old, new = before["recovery"]["secret"], before["rotation"]["recovery"]["secret"]
    paradux.said.clear()
    paradux.write_kit("carol")
    managed = paradux.managed
    assert "epoch 2 is in force" in paradux.said[-1]
    assert (managed["recovery"], managed["shares"]) == (before["rotation"]["recovery"], before["rotation"]["shares"])
    assert managed["rotation"] is None
    assert (paradux.vault_opens(old), paradux.vault_opens(new)) == (None, paradux.document)
    assert [path.name for path in (paradux.root / "state").glob("vault*")] == ["vault.luks"]
    assert opened_at(paradux.root / "stash", old, memory) is None
    assert opened_at(paradux.root / "stash", new, memory) == paradux.published
    serial = paradux.document["serial"]
    assert paradux.names("state/outbox") == objects_of((2,), serial)
    assert not paradux.names() & objects_of((1,), *range(1, serial + 1))
    assert (
        paradux.installation.vault().open(b"correct horse battery staple").document
        == paradux.keeper.opened().text.encode()
    )


def test_a_stash_out_of_reach_keeps_the_old_epoch_until_it_has_the_new_one(make: Make, memory: Path) -> None:
    paradux = make("kits")
    old = paradux.managed["recovery"]["secret"]
    paradux.supervisor.reachable = False
    published_before = paradux.names()
    paradux.call("rotate")
    paradux.write_kits(*NAMES)
    assert paradux.managed["recovery"]["epoch"] == 2
    assert paradux.names() == published_before
    assert opened_at(paradux.root / "stash", old, memory) is not None
    paradux.supervisor.publish()
    assert paradux.names() == objects_of((2,), paradux.document["serial"])


def test_a_stash_that_gives_back_something_else_keeps_the_old_epoch(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    paradux = make("nearly")
    paradux.supervisor.reachable = False
    paradux.write_kit("carol")
    before = paradux.names()
    monkeypatch.setattr("paraduxd.worker.publishing.publish._same", lambda *_: False)
    with pytest.raises(ParaduxError, match="not the same"):
        paradux.supervisor.publish()
    assert paradux.names() >= before


def test_whose_key_is_not_ours_is_left_alone(make: Make) -> None:
    paradux = make("nearly")
    paradux.supervisor.reachable = False
    paradux.write_kit("carol")
    key = paradux.root / "stash" / published_config.key_name(1)
    key.write_text(key.read_text().replace("PRIVATE", "SOMEBODY ELSE'S"))
    paradux.supervisor.publish()
    assert paradux.names() >= {published_config.key_name(1), published_config.key_name(2)}


def test_cancelling_takes_everything_back_and_names_who_needs_a_kit(make: Make, memory: Path) -> None:
    paradux = make("nearly")
    before = paradux.managed
    reply = paradux.call("rotate_cancel")
    assert (reply["epoch"], reply["cancelled"], reply["kits_again"]) == (1, 2, ["alice", "bob"])
    managed = paradux.managed
    assert (managed["recovery"], managed["shares"], managed["rotation"]) == (before["recovery"], before["shares"], None)
    assert not {name for name in paradux.names() if name in objects_of((2,), *range(1, 30))}
    assert paradux.names("state/outbox") == objects_of((1,), paradux.document["serial"])
    assert opened_at(paradux.root / "stash", before["recovery"]["secret"], memory) == paradux.published
    with pytest.raises(ParaduxError, match="no rotation is under way"):
        paradux.call("rotate_cancel")
    assert paradux.call("rotate")["next_epoch"] == 3, "no number is used twice"


def test_a_kit_of_a_cancelled_epoch_brings_nothing_on(make: Make) -> None:
    paradux = make("begun")
    paradux.hand_out("alice")
    paradux.call("rotate_cancel")
    paradux.call("rotate")
    paradux.call("kits_confirm", steward="alice", sha256=paradux._sha256)
    assert paradux.managed["rotation"]["confirmed"] == []
    assert paradux.managed["rotation"]["recovery"]["epoch"] == 3


def test_asking_again_says_who_is_missing_and_changes_nothing(make: Make) -> None:
    paradux = make("nearly")
    before = paradux.document
    reply = paradux.call("rotate")
    assert (reply["state"], reply["confirmed"], reply["missing"], reply["runs"]) == (
        "under-way", ["alice", "bob"], ["carol"], [],
    )  # fmt: skip
    assert paradux.document == before


def test_removing_whoever_cannot_be_reached_completes_it(make: Make) -> None:
    paradux = make("nearly")
    document = paradux.document
    document["stewards"] = [steward for steward in document["stewards"] if steward["id"] != "carol"]
    paradux.save(document)
    managed = paradux.managed
    assert (managed["recovery"]["epoch"], managed["rotation"]) == (2, None)
    assert sorted(managed["shares"]["issued"]) == ["alice", "bob"]
    assert managed["past_epochs"][0]["holders"] == ["alice", "bob", "carol"]


def test_a_confirmed_kit_that_is_void_by_now_does_not_count(make: Make) -> None:
    paradux = make("nearly")
    when = "2030-01-01T00:00:00Z"
    on_stick = KitRecord("alice", 2, 9, when, when, device_serial="STICK-1", kit_sha256="00" * 32)
    for record in (on_stick, replace(on_stick, void=True)):  # written onto a stick, and then anew, which is cut off
        paradux.supervisor.ask("kit", record=to_json_value(record))
    paradux.write_kit("carol")
    assert paradux.managed["rotation"]["confirmed"] == ["bob", "carol"]
    paradux.write_kit("alice")
    assert paradux.managed["recovery"]["epoch"] == 2


def test_a_kit_that_only_the_journal_knows_of_counts_with_the_next_authorization(make: Make) -> None:
    """The keeper was killed after the kit was recorded and before the rotation took note."""
    paradux = make("nearly")
    when = "2030-01-01T00:00:00Z"
    paradux.supervisor.ask("kit", record=to_json_value(KitRecord("carol", 2, 9, when, when, kit_sha256="00" * 32)))
    assert paradux.managed["recovery"]["epoch"] == 1
    paradux.unlock()
    assert paradux.managed["recovery"]["epoch"] == 2


def test_opened_with_the_recovery_secret_it_waits_for_the_passphrase(make: Make) -> None:
    """Else the recovery secret would become the operational passphrase."""
    paradux = make("nearly")
    old = paradux.managed["recovery"]["secret"]
    paradux.call("authorize", passphrase=old)
    paradux.write_kit("carol")
    assert "the operational passphrase is needed" in paradux.said[-1]
    assert paradux.managed["rotation"]["confirmed"] == list(NAMES)
    paradux.unlock()
    assert paradux.managed["recovery"]["epoch"] == 2


def test_a_steward_who_joins_in_the_middle_gets_a_share_of_both(make: Make) -> None:
    paradux = make("nearly")
    document = paradux.document
    document["stewards"].append({"id": "dave", "name": "Dave"})
    paradux.save(document)
    files = paradux.write_kit("dave")
    assert "previous/share.txt" in files
    assert paradux.managed["rotation"]["confirmed"] == ["alice", "bob", "dave"]
    paradux.write_kit("carol")
    assert paradux.managed["recovery"]["epoch"] == 2


@pytest.mark.slow
def test_two_rotations_and_any_two_of_the_present_stewards(make: Make, memory: Path) -> None:
    paradux = make("kits")
    secrets = [paradux.managed["recovery"]["secret"]]
    for epoch in (2, 3):
        paradux.call("rotate")
        paradux.write_kits(*NAMES)
        managed = paradux.managed
        secrets.append(managed["recovery"]["secret"])
        assert managed["recovery"]["epoch"] == epoch
    for pair in itertools.combinations(NAMES, 2):
        assert opened_at(paradux.root / "stash", secret_of(managed, pair), memory) == paradux.published
    assert [opened_at(paradux.root / "stash", secret, memory) for secret in secrets[:2]] == [None, None]
    assert [past["epoch"] for past in managed["past_epochs"]] == [1, 2]
    exposure = paradux.call("rotate")["exposure"]
    assert [epoch["up_to_serial"] is None for epoch in exposure["epochs"]] == [False, False, True]
