"""Proof before change: which secret counts, which configs are believed, and what is said of the rest."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.devices.stick_rules import PluggedIn
from paraduxd.core.recovery import published_config
from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.effects.vault.vault import Kdf, LockedVault
from paraduxd.keeper.recovery import recovery_calls, stick_reader
from paraduxd.keeper.recovery.collected import Collecting, Recovery, material_from_plain
from paraduxd.keeper.recovery.share_proof import Proof, prove
from paraduxd.keeper.runtime.request_context import RequestContext
from paraduxd.keeper.runtime.session import Session
from paraduxd.shares.collection import Material
from paraduxd.shares.kit_folder import material_from_directory
from tests.kits.forger import graft
from tests.kits.kit_rig import MEMORY, Family, new_family, new_managed, published_family, write_kit


@pytest.fixture(scope="module")
def old() -> Family:
    return new_family()


@pytest.fixture(scope="module")
def new(old: Family) -> Family:
    """The same owner after a rotation: epoch 2."""
    document = copy.deepcopy(old.document)
    made = new_managed(document, MEMORY)
    made["recovery"]["epoch"] = 2
    document["managed"] |= {"recovery": made["recovery"], "shares": made["shares"]}
    document["serial"] = 9
    return published_family(document)


@pytest.fixture(scope="module")
def stranger() -> Family:
    return new_family(owner={"name": "Somebody Else"})


def bring(recovery: Recovery, folder: Path, family: Family, *names: str) -> Recovery:
    for name in names:
        where = write_kit(family.kit(name), folder / f"{name}-{family.document['managed']['recovery']['epoch']}")
        recovery.add(list(material_from_directory(where, f"{name}'s stick")))
    return recovery


def proven(recovery: Recovery, folder: Path) -> Proof:
    return prove(recovery.brought, LockedVault(folder / "vault.luks", kdf=Kdf.WEAK), MEMORY)


def test_scenario_5_two_of_each_epoch_make_no_secret_and_three_of_the_newest_do(
    old: Family, new: Family, tmp_path: Path
) -> None:
    recovery = bring(Recovery(), tmp_path, old, "alice", "boeb")
    bring(recovery, tmp_path, new, "carol", "dave")
    state = recovery.state()
    assert not state.ready
    assert any("2 of 3 of epoch 2" in sentence for sentence in state.report)
    assert sum("old epoch 1, replaced on" in finding.text for finding in state.findings) == 2
    bring(recovery, tmp_path, new, "erin")
    proof = proven(recovery, tmp_path)
    assert proof.share_set.epoch == 2
    assert [found.header.serial for found in proof.found] == [9], "what the old key opens is not asked for"
    assert len(proof.refused) == 2


def test_enough_of_an_old_epoch_open_what_was_published_then(old: Family, new: Family, tmp_path: Path) -> None:
    recovery = bring(Recovery(), tmp_path, old, "alice", "boeb", "carol")
    bring(recovery, tmp_path, new, "dave")
    proof = proven(recovery, tmp_path)
    assert (proof.share_set.epoch, proof.found[0].header.serial) == (1, 7)


def test_scenario_5_another_owner_is_foreign_and_does_not_disturb(
    old: Family, stranger: Family, tmp_path: Path
) -> None:
    recovery = bring(Recovery(), tmp_path / "s", stranger, "alice")
    bring(recovery, tmp_path, old, "alice", "boeb", "carol")
    (foreign,) = [finding for finding in recovery.state().findings if finding.state == "foreign"]
    assert "Somebody Else" in foreign.text
    assert proven(recovery, tmp_path).owner == old.document["managed"]["owner_id"]


def test_a_config_that_somebody_else_has_encrypted_is_refused(old: Family, tmp_path: Path) -> None:
    """The key is public: anybody can encrypt to it, nobody else can sign by it."""
    recovery = bring(Recovery(), tmp_path, old, "alice", "boeb", "carol")
    newer = {**copy.deepcopy(old.document), "serial": 99}
    header = published_config.Header(
        published_config.FORMAT, newer["managed"]["owner_id"], "f" * 32, 1, 99, "2027-01-01T00:00:00Z"
    )
    with private_gpg(MEMORY) as gpg:
        gpg.import_key(old.document["managed"]["recovery"]["public_key"])
        pair = gpg.generate("somebody", "ab" * 32)
        forged = gpg._gpg.encrypt(
            published_config.envelope(header, newer),
            [old.document["managed"]["recovery"]["fingerprint"]],
            sign=pair.fingerprint,
            passphrase="ab" * 32,
            always_trust=True,
            armor=False,
        )
    recovery.add([Material("a forged file", config=bytes(forged.data))])
    proof = proven(recovery, tmp_path)
    assert [found.header.serial for found in proof.found] == [7]
    assert any("a forged file" in sentence and "not signed" in sentence for sentence in proof.refused)


def test_a_steward_who_grafts_the_owners_subkey_below_his_own_key_is_refused(old: Family, tmp_path: Path) -> None:
    forgery = graft(old)
    where = write_kit({**old.kit("alice"), "recovery-key.asc": forgery.key, "config.gpg": forgery.message}, tmp_path)
    recovery = Recovery()
    recovery.add(list(material_from_directory(where, "alice's stick")))
    proof = proven(bring(recovery, tmp_path, old, "boeb", "carol"), tmp_path)
    assert [found.document for found in proof.found] == [old.document]
    assert any(sentence.startswith("alice's stick: ") for sentence in proof.refused)


def test_a_flipped_byte_in_one_config_leaves_the_others(old: Family, tmp_path: Path) -> None:
    recovery = bring(Recovery(), tmp_path, old, "alice", "boeb")
    files = old.kit("carol")
    config = bytearray(files["config.gpg"])
    config[len(config) // 2] ^= 1
    where = write_kit({**files, "config.gpg": bytes(config)}, tmp_path / "carol")
    recovery.add(list(material_from_directory(where, "carol's stick")))
    proof = proven(recovery, tmp_path)
    assert proof.found[0].document == old.document
    assert any(sentence.startswith("carol's stick: ") for sentence in proof.refused)


def test_words_alone_prove_nothing_on_a_blank_machine(old: Family, tmp_path: Path) -> None:
    recovery = Recovery()
    recovery.add([Material(f"sheet {n}", share_text=old.document["managed"]["shares"]["words"][n]) for n in range(3)])
    assert recovery.ready
    with pytest.raises(ParaduxError) as refused:
        proven(recovery, tmp_path)
    assert refused.value.code == "nothing-to-open"
    key = old.document["managed"]["recovery"]["private_key"].encode()
    recovery.add([Material("recovery-key-1.asc", key=key), Material("config-1-7.gpg", config=old.config_gpg)])
    assert proven(recovery, tmp_path).found[0].document == old.document


def test_what_is_brought_is_never_shown(old: Family, tmp_path: Path) -> None:
    recovery = bring(Recovery(), tmp_path, old, "alice", "boeb", "carol")
    proof = proven(recovery, tmp_path)
    shown = f"{recovery!r} {recovery.state()!r} {proof!r} {recovery.brought!r}"
    secrets = [*old.document["managed"]["shares"]["words"], old.document["managed"]["recovery"]["secret"], "CANARY"]
    assert not [secret for secret in secrets if secret in shown]


def test_scenario_11_a_stick_that_is_plugged_in_is_added_rotten_copies_and_all(old: Family, tmp_path: Path) -> None:
    session = Session(lambda _: None)
    stick = PluggedIn("/dev/sdx")
    assert not stick_reader.take(session, stick, lambda _: pytest.fail("nobody recovers")), "left to others"
    session.kept.of(Collecting).recovery = bring(Recovery(), tmp_path, old, "alice", "boeb")
    rotten = {**old.kit("carol"), "share.txt": b"unreadable", "copies/share-2.txt": b""}
    assert stick_reader.take(session, stick, lambda _: rotten)
    assert session.kept.of(Collecting).recovery.ready
    assert session.seconds_left() > 3000, "the keeper stays for whoever is on the way"

    def fails(_: object) -> dict[str, bytes]:
        raise ParaduxError("stick-gone", "it was pulled out")

    assert stick_reader.take(session, stick, fails)
    assert proven(session.kept.of(Collecting).recovery, tmp_path).found[0].document == old.document


def test_a_stick_is_read_by_a_worker_of_the_keepers_own(old: Family, tmp_path: Path) -> None:
    session = Session(lambda _: None)
    session.kept.of(Collecting).recovery = bring(Recovery(), tmp_path, old, "alice", "boeb")
    assert stick_reader.take(session, PluggedIn(directory=str(write_kit(old.kit("carol"), tmp_path / "stick"))))
    assert proven(session.kept.of(Collecting).recovery, tmp_path).found[0].document == old.document
    assert stick_reader.take(session, PluggedIn(directory=str(tmp_path / "nothing")))
    assert session.kept.of(Collecting).recovery.state().findings[-1].state == "no-share"


def test_a_stick_named_by_its_device_is_read_the_same_way(
    old: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = SimpleNamespace(session=Session(lambda _: None))
    desk.session.kept.of(Collecting).recovery = bring(Recovery(), tmp_path, old, "alice", "boeb")
    monkeypatch.setattr(stick_reader, "read_kit", lambda stick: {"/dev/sdx": old.kit("carol")}[stick.device])
    state = recovery_calls.recover_device(cast(RequestContext, desk), "/dev/sdx")
    assert state.ready and state.findings[-1].label == "/dev/sdx"


@pytest.mark.parametrize(
    "untrusted",
    [None, [], "kit", {"label": 1}, {"label": "x", "key": "not base64!"}, {"label": "x", "more": "y"}, {"config": []}],
)
def test_what_is_no_material_is_refused(untrusted: object) -> None:
    with pytest.raises(ParaduxError) as refused:
        material_from_plain(untrusted)
    assert refused.value.code == "bad-request"


def test_a_recovery_has_bounds() -> None:
    recovery = Recovery()
    with pytest.raises(ParaduxError) as refused:
        recovery.add([Material(str(number), share_text="x") for number in range(65)])
    assert refused.value.code == "too-many"
