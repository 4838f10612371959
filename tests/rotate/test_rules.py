"""What a rotation makes of the config, what the report says, and what becomes of shares: pure, or nearly."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.managed import Former, Managed, Shares, managed_of, with_managed
from paraduxd.core.config.models import Config
from paraduxd.core.config.validation.validate import check
from paraduxd.core.config.views import exposure
from paraduxd.core.config.views.changes import changes
from paraduxd.core.plan.derive import derive
from paraduxd.core.plan.model import RotationPlan
from paraduxd.core.recoverability import copies
from paraduxd.core.recovery import published_config, rotation
from paraduxd.core.runs.facts import Facts
from paraduxd.core.status.problems import of_config, of_rotation
from paraduxd.keeper.config import generate
from paraduxd.shares import slip39
from tests.core.config.samples import SHAPES, config_of, family
from tests.core.status.sample import healthy, plan, well

Json = dict[str, Any]

NOW = "2026-11-23T12:00:00Z"
LATER = "2026-11-30T12:00:00Z"
SECRET, NEXT_SECRET = bytes(range(32)), bytes(range(32, 64))
SETS = {2: slip39.split(SECRET, 2), 3: slip39.split(SECRET, 3)}
NEXT_SET = slip39.split(NEXT_SECRET, 3)


def managed(threshold: int = 2, *, kits: bool = True) -> Managed:
    """The `managed` part of the family's config, with real shares."""
    found = managed_of(family())
    shares = found.shares.model_copy(update={"words": tuple(SETS[threshold]), "threshold": threshold})
    recovery = found.recovery.model_copy(update={"secret": SECRET.hex()})
    return found.with_(recovery=recovery, shares=shares, kits_written=kits)


def in_rotation(present: Managed) -> Managed:
    """The same with epoch 3 under way."""
    number = rotation.next_number(present)
    changed = {"epoch": number, "secret": NEXT_SECRET.hex(), "private_key": "the next key"}
    recovery = present.recovery.model_copy(update=changed)
    issued = {"alice": 0, "bob": 1, "carol": 2}
    following = Shares(threshold=3, words=tuple(NEXT_SET), issued=issued, retired=())
    return rotation.begun(present, recovery, following, NOW)


def with_shares(present: Managed, document: Json) -> Managed:
    """As when a config with these stewards is saved."""
    return generate.with_shares(present, Config.model_validate(document))


def with_stewards(*names: str, required: int = 2) -> Json:
    """The family's config with these stewards."""
    document = family()
    document["stewards"] = [{"id": name, "name": name.title()} for name in names]
    document["policy"]["shares_required"] = required
    return document


def words(part: Shares, *names: str) -> list[str]:
    return [part.words[part.issued[name]] for name in names]


# The state


def test_numbers_of_epochs_only_go_up() -> None:
    present = managed()
    assert rotation.next_number(present) == 3
    under_way = in_rotation(present)
    assert rotation.next_number(under_way) == 4
    assert rotation.next_number(rotation.cancelled(under_way, 9, LATER)) == 4
    assert rotation.next_number(rotation.committed(under_way, 9, LATER)) == 4
    assert rotation.next_number(present.with_(highest_epoch=7)) == 8


def test_it_is_complete_when_every_present_steward_is_confirmed() -> None:
    under_way = in_rotation(managed())
    assert rotation.missing(under_way) == ("alice", "bob", "carol")
    some = rotation.confirmed(under_way, {"carol", "alice", "mallory"})
    assert rotation.under_way(some).confirmed == ("alice", "carol")
    assert rotation.missing(some) == ("bob",)
    assert rotation.missing(rotation.confirmed(some, {"bob"}, void={"carol"})) == ("carol",)


def test_both_ends_leave_a_note_that_the_config_accepts() -> None:
    under_way = rotation.confirmed(in_rotation(managed()), {"bob"})
    for ended, epoch, holders in (
        (rotation.committed(under_way, 9, LATER), 2, ["alice", "bob", "carol"]),
        (rotation.cancelled(under_way, 9, LATER), 3, ["bob"]),
    ):
        config = config_of(with_managed(family(), ended))
        assert config.managed is not None
        assert config.managed.rotation is None
        (past,) = config.managed.past_epochs
        assert (past.epoch, past.serial, past.ended, list(past.holders)) == (epoch, 9, LATER, holders)
        assert past.cancelled is (epoch == 3)
    assert ended.recovery == under_way.recovery


def test_what_the_present_epoch_opens_is_the_config_as_if_it_were_cancelled() -> None:
    document = with_managed(family(), rotation.confirmed(in_rotation(managed()), {"bob"}))
    old = rotation.published_under(document, 2, 42)
    assert NEXT_SECRET.hex() not in json.dumps(old)
    assert not [share for share in NEXT_SET if share in json.dumps(old)]
    assert old == rotation.published_under(document, 2, 42), "the same each time, so that it can be compared"
    assert config_of(old).managed is not None
    assert rotation.published_under(document, 3, 42) == document
    calm = with_managed(family(), managed())
    assert rotation.published_under(calm, 2, 42) == calm


# Shares


def test_before_any_kit_another_number_of_shares_makes_them_anew() -> None:
    made = with_shares(managed(kits=False), with_stewards("alice", "bob", "carol", required=3))
    assert made.shares.threshold == 3
    assert slip39.combine(words(made.shares, "alice", "bob", "carol")) == SECRET


def test_once_kits_are_out_the_set_stays_and_the_number_waits() -> None:
    before = managed()
    document = with_stewards("alice", "bob", "carol", required=3)
    made = with_shares(before, document)
    assert made.shares == before.shares
    checked = check(json.dumps(with_managed(document, made)), SHAPES)
    (warning,) = [problem for problem in checked.problems if problem.path == "policy.shares_required"]
    assert warning.level == "warning"
    assert "3 takes effect with the next rotation; until then 2 shares" in warning.message
    assert checked.config is not None
    assert derive(checked.config, SHAPES, NOW).plan.shares_required == 2, "what is in force counts"


def test_a_rotation_that_brings_the_number_ends_the_warning_and_too_few_stewards_are_told() -> None:
    under_way = in_rotation(managed())
    document = with_managed(with_stewards("alice", "bob", "carol", required=3), under_way)
    assert "policy.shares_required" not in {problem.path for problem in check(json.dumps(document), SHAPES).problems}
    few = with_managed(with_stewards("alice", "bob"), with_shares(managed(3), with_stewards("alice", "bob")))
    (warning,) = [problem for problem in check(json.dumps(few), SHAPES).problems if problem.path == "stewards"]
    assert "3 shares are needed until" in warning.message


def test_the_edit_says_what_another_number_comes_to() -> None:
    old, new = (
        with_managed(family(), managed()),
        with_managed(with_stewards("alice", "bob", "carol", required=3), managed()),
    )
    new["stewards"] = old["stewards"]
    assert changes(config_of(old), config_of(new), SHAPES)[-1].startswith(
        "another shares_required takes effect with the next rotation"
    )


def test_in_a_rotation_both_sets_follow_the_stewards() -> None:
    under_way = rotation.confirmed(in_rotation(managed()), {"alice", "carol"})
    made = with_shares(under_way, with_stewards("alice", "bob", "dave"))
    assert made.shares.issued == {"alice": 0, "bob": 1, "dave": 3}
    assert rotation.under_way(made).shares.issued == {"alice": 0, "bob": 1, "dave": 3}
    assert rotation.under_way(made).confirmed == ("alice",), "carol would have to be confirmed anew if she came back"
    assert made.shares.former == (Former(share=2, steward="carol"),)


def test_a_set_that_has_run_out_stops_a_save_but_not_one_in_a_rotation() -> None:
    used_up = managed()
    used_up = used_up.with_(shares=used_up.shares.model_copy(update={"retired": tuple(range(3, 16))}))
    with pytest.raises(ParaduxError, match="all 16 shares") as refused:
        with_shares(used_up, with_stewards("alice", "bob", "carol", "dave"))
    assert "paraductl rotate" in refused.value.hint
    made = with_shares(in_rotation(used_up), with_stewards("alice", "bob", "carol", "dave"))
    assert sorted(made.shares.issued) == ["alice", "bob", "carol"]
    assert sorted(rotation.under_way(made).shares.issued) == ["alice", "bob", "carol", "dave"]


def test_a_steward_dies_and_another_takes_the_place_without_touching_anybody_elses_share() -> None:
    """Any three of the five recover, and the share of the one who died is never given to anybody."""
    names = ("alice", "bob", "carol", "dave", "erin")
    first = with_shares(managed(3), with_stewards(*names, required=3))
    before = {name: words(first.shares, name) for name in names}
    dead = words(first.shares, "carol")
    after = with_shares(first, with_stewards("alice", "bob", "dave", "erin", "frank", required=3))
    for name in ("alice", "bob", "dave", "erin"):
        assert words(after.shares, name) == before[name]
    for three in itertools.combinations(("alice", "bob", "dave", "erin", "frank"), 3):
        assert slip39.combine(words(after.shares, *three)) == SECRET
    back = with_shares(after, with_stewards("alice", "bob", "carol", "dave", "erin", required=3))
    assert dead[0] not in [back.shares.words[index] for index in back.shares.issued.values()]


# The report


def report(present: Managed) -> list[Json]:
    found: Json = to_json_value(exposure.report(with_managed(family(), present), present, SHAPES))
    return list(found["epochs"])


def test_the_report_names_credentials_and_shows_none() -> None:
    document = with_managed(family(), managed())
    found = list(exposure.credentials(document, managed(), SHAPES))
    assert "datasets.photos.destinations.cloud.credentials.environment.AWS_SECRET_ACCESS_KEY" in found
    assert "metadata_stashes.friend.kit_access.credentials.password" in found
    assert "inventory[0].password" in found
    assert "notify[0]" in found
    assert "managed.data_keys.photos/cloud" in found
    assert not [path for path in found if path.startswith(("managed.recovery", "managed.shares", "owner", "policy"))]
    text = json.dumps(to_json_value(exposure.report(document, managed(), SHAPES)))
    for secret in (
        "ssh key of fred",
        "reader",
        "cloud key",
        "mail-password",
        "tax password",
        "generated",
        SECRET.hex(),
    ):
        assert secret not in text.replace("kit_access", "")


def test_the_report_says_who_has_what_and_how_far_it_reaches() -> None:
    under_way = with_shares(in_rotation(managed()), with_stewards("alice", "bob"))
    present = {"epoch": 2, "threshold": 2, "holders": ["alice", "bob"], "former": ["carol"]}
    assert report(under_way) == [{**present, "up_to_serial": None, "before": None}]
    after = rotation.committed(under_way, 41, LATER)
    old, new = report(after)
    assert old == {
        "epoch": 2, "threshold": 2, "holders": [], "former": ["alice", "bob", "carol"], "up_to_serial": 41, "before": LATER,
    }  # fmt: skip
    assert (new["epoch"], new["holders"], new["up_to_serial"]) == (3, ["alice", "bob"], None)
    assert report(managed(kits=False)) == []


# What the supervisor knows


def test_the_plan_knows_both_epochs_and_no_secret() -> None:
    under_way = rotation.confirmed(in_rotation(managed()), {"bob"})
    made = derive(config_of(with_managed(family(), under_way)), SHAPES, NOW).plan
    assert made.epochs == (2, 3)
    assert made.rotation == RotationPlan(3, NOW, ("bob",))
    ended = derive(config_of(with_managed(family(), rotation.committed(under_way, 9, LATER))), SHAPES, NOW).plan
    assert (ended.epochs, [past.epoch for past in ended.ended]) == ((3,), [2])
    assert ended.ended[0].key_sha256 == published_config.key_hash(under_way.recovery.private_key.encode())


def test_status_says_how_far_it_is() -> None:
    assert list(of_rotation(plan())) == []
    (trouble,) = of_rotation(plan(rotation=RotationPlan(2, NOW, ("alice", "carol"))))
    assert (trouble.level, trouble.code) == ("warning", "rotation-under-way")
    assert trouble.text == (
        "rotation under way since 2026-11-23T12:00:00Z: 2 of 5 kits of epoch 2 are written and read back;"
        " missing: bob, dave, erin"
    )
    everybody = tuple(steward.id for steward in plan().stewards)
    (trouble,) = of_rotation(plan(rotation=RotationPlan(2, NOW, everybody)))
    assert trouble.hint == "complete it: paraductl rotate"


def test_what_was_published_in_a_rotation_counts_for_the_epoch_that_takes_over() -> None:
    under_way, after = plan(rotation=RotationPlan(2, NOW)), plan(epoch=2, serial=43)
    latest = {
        ("", "publish", "friend"): well(serial=42, epoch=1, epochs=[1, 2]),
        ("", "publish", "cloud"): well(serial=42, epoch=1, epochs=[1]),
    }
    facts = Facts(latest=latest)
    assert [copies.holding(after, facts, stash) is not None for stash in after.metadata_stashes] == [True, False, False]
    assert [trouble.code for trouble in of_config(after, facts, opens=False)] == ["metadata-not-current"]
    assert [trouble.code for trouble in of_config(under_way, facts, opens=False)] == ["metadata-not-current"]
    assert [trouble.code for trouble in of_config(plan(epoch=3), facts, opens=False)] == ["config-not-published"]
    assert [trouble.code for trouble in of_config(plan(epoch=3), facts, opens=True)] == ["metadata-not-current"]
    assert [trouble.code for trouble in of_config(plan(), healthy(plan()), opens=True)] == []


def test_the_ten_newest_of_each_epoch_stay() -> None:
    names = [published_config.config_name(epoch, serial) for epoch in (1, 2) for serial in range(20, 32)]
    assert published_config.superseded(names, (1, 31)) == ("config-1-20.gpg", "config-1-21.gpg")
    assert published_config.superseded(names, (2, 30)) == ("config-2-20.gpg",)
    assert published_config.of_epoch([*names, "recovery-key-1.asc", "holiday.jpg"], 1)[-2:] == (
        "config-1-31.gpg", "recovery-key-1.asc",
    )  # fmt: skip


def test_the_note_at_the_stash_explains_both_sets_of_shares() -> None:
    assert "recovery-key-2.asc" not in published_config.readme(1).decode()
    assert (
        "shares of epoch 2 with recovery-key-2.asc and config-2-<serial>.gpg" in published_config.readme(1, 2).decode()
    )
