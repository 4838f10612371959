"""What comes of sticks that are plugged in while kits wait for them, and while none does."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.replies.kits import Arming
from paraduxd.effects.journal.journal import Journal
from paraduxd.keeper.kits import arming as kit_arming
from paraduxd.keeper.kits.kit_calls import kits_arm
from paraduxd.keeper.kits.pending_kits import KitState
from paraduxd.keeper.runtime.opened import Opened
from tests.stewards.stick_rig import NAMES, NOW, PULLED_OUT, FakeControl, Keeper, make_config, start

UNLOCK_FOR = 900


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Opened]:
    """A config that was made once; each test works on a copy of its files."""
    root = tmp_path_factory.mktemp("template")
    return root, make_config(root)


@pytest.fixture
def keeper(template: tuple[Path, Opened], monkeypatch: pytest.MonkeyPatch) -> Keeper:
    """Somebody has opened the config and nothing waits for sticks."""
    root, opened = template
    monkeypatch.setattr(kit_arming, "LOOK", 0.01)
    (root / "journal.sqlite").unlink(missing_ok=True)
    before = root / "before"
    if not before.exists():
        shutil.copytree(root / "state", before)
    shutil.rmtree(root / "state")
    shutil.copytree(before, root / "state")
    return start(root, opened, Journal(root / "journal.sqlite", NOW))


def arm(keeper: Keeper, *stewards: str, erase: bool = False) -> Arming:
    return kits_arm(keeper.desk, keeper.said.append, stewards=[*stewards], erase=erase, device=None, wait=False)


def test_one_stick_after_the_other_gets_the_kit_of_whoever_is_next(keeper: Keeper) -> None:
    reply = arm(keeper)
    assert list(reply.waiting) == [*NAMES]
    assert keeper.said == ["Insert Alice's stick."]
    assert keeper.plug_in("S1").endswith("written and read back; its stick can be pulled out. Now insert Bob's stick.")
    assert keeper.plug_in("S2").endswith("Now insert Carol's stick.")
    assert keeper.plug_in("S3") == "Carol's kit is written and read back; its stick can be pulled out."
    holders = {serial: json.loads(files["kit.json"])["steward"]["id"] for serial, files in keeper.tools.kits.items()}
    assert holders == {"S1": "alice", "S2": "bob", "S3": "carol"}
    assert len({files["share.txt"] for files in keeper.tools.kits.values()}) == len(NAMES)
    assert all(keeper.has_kit(name) for name in NAMES)
    assert (keeper.tools.record("bob").device_serial, keeper.tools.record("bob").uuid) == ("S2", "UUID-S2")
    assert keeper.tools.void_while_writing == [True] * len(NAMES), "until it is read back, a kit is void"
    assert keeper.plug_in("S4") == keeper.said[-1]
    assert "S4" not in keeper.tools.kits, "nothing waits any more"


def test_the_fact_that_kits_are_out_is_saved_before_the_first_one(keeper: Keeper) -> None:
    assert keeper.session.opened is not None
    assert not keeper.session.opened.managed.kits_written
    arm(keeper, "bob")
    serial = keeper.session.opened.document["serial"]
    assert keeper.session.opened.managed.kits_written
    keeper.plug_in("S1")
    assert json.loads(keeper.tools.kits["S1"]["kit.json"])["serial"] == serial


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        ({"seen": {"others": ("FOTOS",)}}, "it holds other data (FOTOS)"),
        ({"seen": {"kit": ("another", "carol", "Carol")}}, "it holds the kit of another owner"),
        ({"beside": ["the stick X"]}, "the stick X is plugged in as well; leave only the one that is meant"),
        ({"stick": {"read_only": True}}, "it is write-protected"),
        ({"seen": {"free": 0}}, "it is full; "),
        ({"stick": {"removable": False}}, "it is a fixed disk, not a removable stick"),
    ],
    ids=["data", "owner", "two", "protected", "full", "fixed"],
)
def test_a_stick_that_is_refused_is_named_and_the_same_steward_still_waits(
    keeper: Keeper, trouble: dict[str, Any], why: str
) -> None:
    arm(keeper, "bob", "alice")
    sentence = keeper.plug_in("S1", **trouble)
    named = "the stick /dev/S1 (serial number S1) is not written to"
    assert sentence.startswith(f"Bob's kit was not written: {named}: {why}")
    assert sentence.endswith(". Still waiting for Bob's stick.")
    assert keeper.tools.kits == {}
    assert keeper.tools.journal.kits() == (), "nothing was begun, nothing is void"
    assert keeper.plug_in("S2").endswith("Now insert Alice's stick.")


def test_the_kit_of_another_steward_is_not_written_over(keeper: Keeper) -> None:
    arm(keeper)
    keeper.plug_in("S1")
    before = keeper.tools.kits["S1"]
    assert "it holds the kit of Alice, and Bob's is next" in keeper.plug_in("S1")
    assert keeper.tools.kits["S1"] is before
    assert keeper.has_kit("alice")


def test_consent_is_for_other_data_only(keeper: Keeper) -> None:
    arm(keeper, "bob", erase=True)
    assert "was not written" in keeper.plug_in("S1", stick={"removable": False})
    keeper.plug_in("S2", seen={"others": ("FOTOS",)})
    assert keeper.has_kit("bob")


def test_a_stick_that_is_pulled_out_is_void_and_named(keeper: Keeper) -> None:
    arm(keeper, "bob")
    sentence = keeper.plug_in("S1", breaks=PULLED_OUT)
    assert sentence == (
        "Bob's kit is void: the stick was pulled out while it was written (insert it again). Still waiting for Bob's stick."
    )
    assert keeper.tools.record("bob").void
    keeper.plug_in("S1")
    assert keeper.has_kit("bob")


def test_a_half_written_new_stick_leaves_the_earlier_one_counting(keeper: Keeper) -> None:
    arm(keeper, "bob")
    keeper.plug_in("S1")
    arm(keeper, "bob")
    keeper.plug_in("S2", breaks=PULLED_OUT)
    assert keeper.has_kit("bob")
    keeper.plug_in("S1", breaks=PULLED_OUT)
    assert not keeper.has_kit("bob"), "rewriting the stick itself was cut off"


def test_an_unforeseen_failure_shows_no_secret_and_does_not_end_it(
    keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    arm(keeper, "bob")
    assert "the keeper failed" in keeper.plug_in("S1", breaks=ValueError("canary-share-words"))
    assert "canary" not in caplog.text + "".join(keeper.said)
    keeper.plug_in("S2")
    assert keeper.has_kit("bob")


def test_those_who_have_a_kit_are_left_out_unless_named(keeper: Keeper) -> None:
    arm(keeper, "bob")
    keeper.plug_in("S1")
    assert arm(keeper).waiting == ("alice", "carol")
    assert arm(keeper, "bob").waiting == ("bob",)
    for serial in ("S2", "S3"):
        arm(keeper)
        keeper.plug_in(serial)
    assert arm(keeper) == Arming()


def test_unknown_stewards_are_refused_before_anything_waits(keeper: Keeper) -> None:
    with pytest.raises(ParaduxError, match="no steward of this name") as refused:
        arm(keeper, "alice", "bobb")
    assert refused.value.hint == "did you mean bob?"
    assert keeper.session.kept.of(KitState).arming is None


def test_waiting_goes_on_when_the_client_has_gone(keeper: Keeper) -> None:
    arm(keeper, "bob")
    keeper.clock.now += 10
    keeper.desk.leave()
    assert keeper.session.seconds_left() == UNLOCK_FOR - 10, "the keeper stays for the authorized time"
    keeper.plug_in("S1")
    assert keeper.has_kit("bob")


def test_the_end_of_the_authorized_time_disarms(keeper: Keeper) -> None:
    arm(keeper, "bob")
    arming = keeper.session.kept.of(KitState).arming
    assert arming is not None
    keeper.clock.now += UNLOCK_FOR
    keeper.plug_in("S1")
    assert keeper.tools.kits == {}
    with pytest.raises(ParaduxError, match="the authorized time is over") as over:
        arming.wait()
    assert over.value.exit_code == ExitCode.NOT_AUTHORIZED


def test_a_new_passphrase_disarms(keeper: Keeper) -> None:
    arm(keeper, "bob")
    other = keeper.session.enter(keeper.desk.visit.uid)
    assert keeper.session.opened is not None
    keeper.session.hold(keeper.session.opened, other)
    keeper.session.revoke_others(other)
    keeper.plug_in("S1")
    assert keeper.tools.kits == {}


def test_a_later_command_takes_the_place_of_an_earlier_one(keeper: Keeper) -> None:
    arm(keeper, "bob")
    earlier = keeper.session.kept.of(KitState).arming
    arm(keeper, "carol")
    keeper.plug_in("S1")
    assert (keeper.has_kit("bob"), keeper.has_kit("carol")) == (False, True)
    assert earlier is not None
    with pytest.raises(ParaduxError, match="another command waits for sticks now"):
        earlier.wait()


def test_who_waits_gets_the_answer_when_all_is_written(keeper: Keeper) -> None:
    replies: list[Arming] = []

    def wait() -> None:
        replies.append(
            kits_arm(keeper.desk, keeper.said.append, stewards=["bob", "carol"], erase=False, device=None, wait=True)
        )

    client = threading.Thread(target=wait)
    client.start()
    while not keeper.said:
        client.join(0.01)
    for serial in ("S1", "S2"):
        keeper.plug_in(serial)
    client.join()
    assert [kit.steward for kit in replies[0].written] == ["bob", "carol"]
    assert replies[0].waiting == ()


@pytest.mark.parametrize("removable", [True, False])
def test_a_device_that_was_named_is_written_at_once_or_refused(keeper: Keeper, removable: bool) -> None:
    threading.Thread(target=keeper.sticks.run, daemon=True).start()
    keeper.tools.named["/dev/sdx"] = {"serial": "S9", "stick": {"removable": removable}}
    ask = {"stewards": ["bob"], "erase": False, "device": "/dev/sdx", "wait": True}
    if removable:
        assert [kit.steward for kit in kits_arm(keeper.desk, keeper.said.append, **ask).written] == ["bob"]
        assert keeper.tools.record("bob").device_serial == "S9"
    else:
        with pytest.raises(ParaduxError, match=r"^Bob's kit was not written: .*not a removable stick$"):
            kits_arm(keeper.desk, keeper.said.append, **ask)


def test_a_known_kit_is_refreshed_while_the_vault_is_open(keeper: Keeper) -> None:
    arm(keeper, "bob")
    keeper.plug_in("S1")
    before = keeper.tools.kits["S1"]
    keeper.plug_in("S1")
    assert keeper.tools.kits["S1"] is before, "a kit of the present config is checked only"
    assert keeper.tools.record("bob").last_seen == "2027-01-01T00:00:00Z"
    keeper.save(inventory=[{"name": "new"}])
    keeper.plug_in("S1")
    after = keeper.tools.kits["S1"]
    assert json.loads(after["kit.json"])["serial"] == json.loads(before["kit.json"])["serial"] + 1
    assert after["share.txt"].splitlines()[3:] == before["share.txt"].splitlines()[3:], "the share is the same"
    assert keeper.has_kit("bob")


def test_what_is_no_known_kit_is_left_alone_while_nothing_waits(keeper: Keeper) -> None:
    arm(keeper, "bob")
    keeper.plug_in("S1")
    keeper.save(inventory=[{"name": "new"}])
    keeper.plug_in("S2")
    assert "S2" not in keeper.tools.kits, "an unknown stick"
    keeper.tools.kits.clear()
    keeper.plug_in("S1")
    assert keeper.tools.kits == {}, "the known stick holds no kit any more: it is not written unasked"


def test_a_kit_of_an_earlier_epoch_gets_no_new_share_unasked(keeper: Keeper) -> None:
    arm(keeper, "bob")
    keeper.plug_in("S1")
    manifest = json.loads(keeper.tools.kits["S1"]["kit.json"])
    keeper.tools.kits["S1"] = {"kit.json": json.dumps({**manifest, "epoch": 0, "serial": 1}).encode()}
    before = keeper.tools.kits["S1"]
    keeper.plug_in("S1")
    assert keeper.tools.kits["S1"] is before


def test_damage_found_by_a_check_up_is_known_and_not_written_over_unasked(keeper: Keeper) -> None:
    arm(keeper, "bob")
    keeper.plug_in("S1")
    keeper.plug_in("S1", rotten=["share.txt cannot be read"])
    assert keeper.tools.record("bob").problems == ("share.txt cannot be read",)
    assert not keeper.has_kit("bob")


def test_nothing_is_done_with_sticks_while_the_vault_is_locked(keeper: Keeper) -> None:
    keeper.session._opened = None
    keeper.plug_in("S1")
    assert keeper.tools.kits == {}


def test_nobody_is_asked_for_a_stick_that_would_not_be_noticed(keeper: Keeper) -> None:
    control = keeper.desk.installation.control
    assert isinstance(control, FakeControl)
    control.unwatched = "udev cannot be reached (no such module)"
    with pytest.raises(ParaduxError, match="a stick would not be noticed: udev cannot be reached") as refused:
        arm(keeper, "bob")
    assert refused.value.code == "no-sticks" and "--directory" in refused.value.hint
    assert keeper.said == []
    control.unwatched = ""
    assert list(arm(keeper, "bob").waiting) == ["bob"]
