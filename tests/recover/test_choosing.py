"""Which config is the right one; which machine is the owner's; what may be pushed by a machine that has just arrived."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.paths import StatePlaces
from paraduxd.core.config.managed import managed_of
from paraduxd.core.plan.terms import Guard, Keep
from paraduxd.core.recovery import machine_claim, published_config, rotation
from paraduxd.core.recovery.candidates import (
    CandidateConfig,
    Named,
    age,
    disagreements,
    found_in,
    later,
    newest_first,
    renewed,
)
from paraduxd.core.runs.orders import Order
from paraduxd.effects.crypto import gpg as gpg_effects
from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.effects.process import run
from paraduxd.keeper.config import announce
from paraduxd.protocols.base import BlobStore, Context, Destination, HeldError, Identity, PushRequest, Version
from paraduxd.protocols.disk import PROTOCOL, DiskSettings
from paraduxd.protocols.marking import place_marker
from paraduxd.worker.browse import choosing
from paraduxd.worker.publishing import fetch, succession_check
from paraduxd.worker.transfer import shrunk_staging_guard
from tests.clocks import BEFORE, LATER, gpg_at
from tests.kits.kit_rig import MEMORY, Family, new_family

OWNER, FIRST, SECOND = "0" * 32, "1" * 32, "2" * 32


def found(
    label: str, serial: int, generation: int = 1, instance: str = FIRST, highest_epoch: int = 1, **more: Any
) -> CandidateConfig:
    managed = {"owner_id": OWNER, "instance": instance, "generation": generation, "highest_epoch": highest_epoch}
    document = {"serial": serial, "managed": managed, **more}
    date = f"2026-11-{serial:02}T10:00:00Z"
    header = published_config.Header(published_config.FORMAT, OWNER, instance, 1, serial, date)
    return found_in(label, published_config.envelope(header, document))


def test_the_newest_serial_wins_and_equal_ones_are_one() -> None:
    kit, stash, other = found("kit", 3), found("nas", 5), found("office", 5)
    newest, older = newest_first([kit, stash, other])
    assert (newest.header.serial, newest.labels, older.labels) == (5, ("nas", "office"), ("kit",))
    assert list(disagreements([kit, stash, other])) == []


def test_a_machine_that_took_over_counts_more_than_what_the_lost_one_still_saved() -> None:
    lost, recovered = found("nas", 9), found("office", 6, generation=2, instance=SECOND)
    assert newest_first([lost, recovered])[0].labels == ("office",)


def test_the_same_serial_with_other_contents_is_reported() -> None:
    one, two = found("nas", 5, owner="a"), found("office", 5, owner="b", instance=SECOND)
    sentences = list(disagreements([one, two]))
    assert any("2 different configs with serial 5" in sentence and "office" in sentence for sentence in sentences)
    assert any("2 machines have saved configs as generation 1" in sentence for sentence in sentences)


def test_a_config_whose_header_names_another_is_refused() -> None:
    header = published_config.Header(published_config.FORMAT, OWNER, FIRST, 1, 7, "2026-11-07T10:00:00Z")
    document = {"serial": 6, "managed": {"owner_id": OWNER, "instance": FIRST}}
    with pytest.raises(ValueError, match="not the one its header names"):
        found_in("nas", published_config.envelope(header, document))


def test_the_new_machine_has_numbers_that_nobody_uses() -> None:
    document = renewed(found("kit", 3), 4, 8, SECOND)
    assert (document["serial"], document["managed"]["generation"]) == (9, 5)
    assert document["managed"]["instance"] == SECOND


@pytest.mark.parametrize(
    ("date", "words"),
    [
        ("2026-11-20T10:00:00Z", "3 days old"),
        ("2031-01-01T00:00:00Z", "dated 2031-01-01, in the future: this machine's clock may be wrong"),
        ("yesterday", "of an unknown date"),
    ],
)
def test_age_in_words(date: str, words: str) -> None:
    assert age(date, datetime(2026, 11, 23, 10, tzinfo=UTC)) == words


def test_who_overrules_whom() -> None:
    later = machine_claim.machine(OWNER, SECOND, 2, "2026-11-23T10:00:00Z")
    assert later.overrules(OWNER, FIRST, 1)
    assert later.overrules(OWNER, FIRST, 2), "of two that were recovered at once the one that published first goes on"
    assert not later.overrules(OWNER, SECOND, 1), "the same machine"
    assert not later.overrules(OWNER, FIRST, 3)
    assert not later.overrules("3" * 32, FIRST, 1), "another owner"


@pytest.mark.parametrize(
    "message", [b"", b"{", b"{}", b"[" * 100_000, b'{"format": "other/1"}', b"\xff\xfe", b'{"generation": "x"}']
)
def test_what_is_no_machine_claims_nothing(message: bytes) -> None:
    assert machine_claim.claimed(message) is None


def ended(family: Family, others: Family) -> dict[str, Any]:
    """What a rotation makes of `family`: the epoch of `others` has ended."""
    past = rotation._past(managed_of(others.document), (), 3, "2026-11-20T10:00:00Z")
    return {**family.document["managed"], "past_epochs": [past]}


class Store(BlobStore):
    """Objects in a dictionary."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = {name.replace("_", "-"): content for name, content in objects.items()}
        self.gone: tuple[str, ...] = ()

    def put(self, name: str, data: Any) -> None:
        self.objects[name] = data.read()

    def get(self, name: str) -> Any:
        if name in self.gone:
            raise ParaduxError("not-found", "it is gone")
        yield self.objects[name]

    def list(self) -> Any:
        from paraduxd.protocols.base import Blob

        listed = {**self.objects, **dict.fromkeys(self.gone, b"")}
        return tuple(Blob(name, len(content)) for name, content in sorted(listed.items()))

    def delete(self, name: str) -> None:
        del self.objects[name]


@pytest.fixture(scope="module")
def family() -> Family:
    return new_family()


def announced(family: Family, folder: Path, **managed: Any) -> Path:
    """The outbox of a machine of this family."""
    folder.mkdir()
    announce.write_announcement(
        StatePlaces(folder), managed_of({"managed": {**family.document["managed"], **managed}}), MEMORY
    )
    return folder / "outbox"


def stop_code(outbox: Path, message: bytes) -> str:
    store = Store()
    store.objects[machine_claim.NAME] = message
    try:
        succession_check.stop_if_superseded(outbox, store, store.objects)
    except ParaduxError as problem:
        return problem.code
    return ""


def test_a_machine_gives_way_to_the_one_that_took_over_and_to_no_forgery(family: Family, tmp_path: Path) -> None:
    old = announced(family, tmp_path / "old")
    new = announced(family, tmp_path / "new", instance=SECOND, generation=2)
    forger = new_family()
    forged_document = {**forger.document["managed"], "owner_id": family.document["managed"]["owner_id"]}
    forged = announced(forger, tmp_path / "forged", **{**forged_document, "generation": 3})
    taken = (new / machine_claim.NAME).read_bytes()
    assert stop_code(old, taken) == "superseded"
    assert stop_code(new, (old / machine_claim.NAME).read_bytes()) == "", "the one before it is replaced"
    assert stop_code(new, taken) == ""
    assert stop_code(old, (forged / machine_claim.NAME).read_bytes()) == "unknown-machine"
    assert stop_code(new, (forged / machine_claim.NAME).read_bytes()) == "unknown-machine"
    assert stop_code(old, taken.replace(b'"generation": 2', b'"generation": 9')) == "unknown-machine"
    assert stop_code(old, b"rubbish") == "", "what is no announcement is mended"


def test_the_announcement_is_made_once_for_each_machine(family: Family, tmp_path: Path) -> None:
    outbox = announced(family, tmp_path / "state")
    before = (outbox / machine_claim.NAME).read_bytes()
    announce.write_announcement(StatePlaces(tmp_path / "state"), managed_of(family.document), MEMORY)
    assert (outbox / machine_claim.NAME).read_bytes() == before


def test_a_claim_with_old_shares_is_not_obeyed_and_is_told(family: Family, tmp_path: Path) -> None:
    """A living machine has rotated; somebody recovers with the shares of before and says that his machine is the one."""
    before = new_family()
    owner = {"owner_id": family.document["managed"]["owner_id"]}
    living = announced(family, tmp_path / "living", **ended(family, before))
    theirs = announced(before, tmp_path / "theirs", **{**before.document["managed"], **owner, "generation": 2})
    claim = (theirs / machine_claim.NAME).read_bytes()
    store = Store()
    store.objects[machine_claim.NAME] = claim
    found = succession_check.stop_if_superseded(living, store, store.objects)
    assert found is not None and found.generation == 2
    ours = Identity(
        owner=owner["owner_id"],
        place="b" * 32,
        instance=family.document["managed"]["instance"],
        keys=(living / machine_claim.PUBLIC_KEYS).read_text(),
        ended=(living / machine_claim.ENDED_KEYS).read_text(),
    )
    marker = place_marker.render(replace(ours, instance=found.instance, generation=2, claim=claim.decode()), 3)
    read = place_marker.check(marker, ours, "the stash")
    assert place_marker.by_old_shares(read, ours) == found
    assert place_marker.needs_writing(read, ours, 3), "it is replaced"
    for keys in (replace(ours, ended=""), replace(ours, keys=ours.ended)):
        with pytest.raises(ParaduxError) as stopped:
            place_marker.check(marker, keys, "the stash")
        assert stopped.value.code == ("unknown-machine" if not keys.ended else "superseded")


def test_fetching_takes_the_newest_of_every_epoch_those_first_that_are_asked_for() -> None:
    objects = {f"config-{epoch}-{serial}.gpg": b"x" for epoch in (1, 2, 3) for serial in range(1, 5)}
    store = Store(**objects)
    store.objects["config-3-99.gpg"] = b"x"
    result = to_json_value(fetch.fetch(Order(1, "fetch", "", "nas", arguments={"epochs": [1, 2]}), store))
    names = [entry["name"] for entry in result["configs"]]
    newest = ["config-1-4.gpg", "config-2-4.gpg", "config-3-99.gpg"]
    assert names == [*newest, "config-1-3.gpg", "config-2-3.gpg", "config-3-4.gpg"]
    assert (result["highest_serial"], result["machine"]) == (99, None)
    assert result["listed"] == [[1, 4], [2, 4], [3, 99]]


def test_what_cannot_be_fetched_or_has_no_end_keeps_nothing_else_away() -> None:
    store = Store(**{"config-1-4.gpg": b"x", "config-1-3.gpg": b"x", "recovery-key-1.asc": b"key"})
    store.objects["config-2-7.gpg"] = bytes(fetch.LONGEST_CONFIG + 1)
    del store.objects["config-1-4.gpg"]
    store.gone = ("config-1-4.gpg",)
    result = to_json_value(fetch.fetch(Order(1, "fetch", "", "nas", arguments={"epochs": [1]}), store))
    assert [entry["name"] for entry in result["configs"]] == ["config-1-3.gpg"]
    assert [entry["name"] for entry in result["keys"]] == ["recovery-key-1.asc"]
    assert result["troubles"] == [
        "config-1-4.gpg cannot be read: it is gone",
        "config-2-7.gpg is longer than such an object can be",
    ]


def test_there_is_room_for_the_newest_of_every_epoch() -> None:
    store = Store()
    for epoch in range(1, 40):
        for serial in (1, 2, 3):
            store.objects[f"config-{epoch}-{serial}.gpg"] = bytes(fetch.LONGEST_ALL // 4)
    result = to_json_value(fetch.fetch(Order(1, "fetch", "", "nas", arguments={"epochs": [5]}), store))
    names = [entry["name"] for entry in result["configs"]]
    assert names == ["config-5-3.gpg", "config-39-3.gpg", "config-38-3.gpg", "config-37-3.gpg"]
    assert len(result["listed"]) == fetch.MOST_EPOCHS


def named(where: str, epoch: int, serial: int) -> Named:
    return Named(where, epoch, serial)


def test_what_is_later_than_the_newest_that_opens() -> None:
    newest = [found("nas", 8, highest_epoch=2), found("kit", 7)]
    assert later([named("kit", 1, 7), named("nas", 1, 8)], newest) == ()
    assert later([named("nas", 2, 8)], newest) == (), "in a rotation both epochs have the same serials"
    assert later([named("nas", 2, 9), named("kit", 2, 8)], newest) == (named("nas", 2, 9),), "the next one is in force"
    assert later([named("nas", 1, 9)], newest) == (named("nas", 1, 9),), "listed, and does not open"
    assert later([named("alice", 3, 1)], newest) == (named("alice", 3, 1),), "an epoch that it does not know"
    machine_of = [Named("office", generation=1), Named("nas", generation=2)]
    assert later(machine_of, newest) == (Named("nas", generation=2),)


def test_what_a_lost_machine_still_saved_is_not_later_if_it_opens() -> None:
    lost, recovered = found("nas", 50), found("office", 12, generation=2, instance=SECOND)
    assert later([named("nas", 1, 50)], newest_first([lost, recovered])) == ()


def test_numbers_of_epochs_that_anything_names_are_not_used_again() -> None:
    assert renewed(found("kit", 3), 1, 3, SECOND, 7)["managed"]["highest_epoch"] == 7
    assert renewed(found("kit", 3, highest_epoch=9), 1, 3, SECOND, 7)["managed"]["highest_epoch"] == 9


REQUEST = PushRequest(Keep(last=1), "2026-11-23T10:00:00Z")


def destination(folder: Path) -> Destination:
    assert PROTOCOL.destination
    settings = DiskSettings.model_validate({"url": folder.as_uri()})
    return PROTOCOL.destination(settings, Context("home", "disk"))


def fill(folder: Path, count: int) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / str(number)).write_text(str(number))
    return folder


def test_a_first_push_is_held_against_what_is_there_and_removes_nothing(tmp_path: Path) -> None:
    there = destination(tmp_path / "disk")
    there.push(fill(tmp_path / "before", 20), REQUEST)
    empty, few, most = (fill(tmp_path / name, count) for name, count in (("a", 0), ("b", 3), ("c", 18)))
    for staging in (empty, few):
        with pytest.raises(HeldError):
            shrunk_staging_guard.checked(staging, REQUEST, there, Guard())
    allowed = shrunk_staging_guard.checked(most, REQUEST, there, Guard())
    assert allowed.held, "keep is 1, but the first push of an unknown machine removes nothing"
    assert shrunk_staging_guard.checked(few, replace(REQUEST, held=True), there, Guard()).held, "the owner has approved"


def test_listing_what_is_there_is_no_push(tmp_path: Path) -> None:
    """Finding 11: recover, `restore --all` (which lists), then three backups of a source that is not whole, `keep` 2."""
    there = destination(tmp_path / "disk")
    whole = there.push(fill(tmp_path / "before", 22), REQUEST).version
    some = fill(tmp_path / "some", 8)
    request = replace(REQUEST, known_versions=there.versions(), keep=Keep(last=2))
    for _ in range(3):
        with pytest.raises(HeldError, match="8 files to push"):
            there.push(some, shrunk_staging_guard.checked(some, request, there, Guard()))
    assert there.versions() == (whole,)
    most = shrunk_staging_guard.checked(fill(tmp_path / "most", 20), request, there, Guard())
    assert most.held, "the first push of this machine removes nothing"


def test_a_count_that_the_engine_does_not_tell_is_known_from_paradux(tmp_path: Path) -> None:
    there = destination(tmp_path / "disk")
    told = there.push(fill(tmp_path / "before", 22), REQUEST).version

    class Silent(type(there)):  # type: ignore[misc]
        """An engine that tells no counts."""

        def versions(self) -> tuple[Version, ...]:
            return tuple(replace(version, files=None) for version in super().versions())

    silent: Destination = Silent(there._open, there._context)  # type: ignore[attr-defined]
    with pytest.raises(HeldError, match="has 22 files"):
        shrunk_staging_guard.checked(fill(tmp_path / "a", 8), replace(REQUEST, known_versions=(told,)), silent, Guard())


def test_an_empty_staging_is_never_a_new_version(tmp_path: Path) -> None:
    known = replace(REQUEST, known_versions=(Version("v", "2026-11-22T10:00:00Z", 20, 1),))
    with pytest.raises(HeldError) as held:
        shrunk_staging_guard.checked(
            fill(tmp_path / "staging", 0), known, destination(tmp_path / "disk"), Guard(), pushed_before=True
        )
    assert held.value.removed == 20
    full = fill(tmp_path / "full", 1)
    assert (
        shrunk_staging_guard.checked(full, known, destination(tmp_path / "disk"), Guard(), pushed_before=True) == known
    )


def test_what_is_restored_by_default_was_made_last_whatever_its_clock_said() -> None:
    made = [Version(time[:4], f"{time}T12:00:00Z") for time in ("2026-01-01", "2028-05-05", "2026-01-02", "2026-01-03")]
    assert choosing.choose(tuple(made), None) == made[-1]
    assert choosing.choose(tuple(made), "2026-01-02T13:00:00Z") == made[2]
    with pytest.raises(ParaduxError, match="no version from 2020"):
        choosing.choose(tuple(made), "2020-01-01T00:00:00Z")


def test_the_first_push_of_all_is_not_disturbed(tmp_path: Path) -> None:
    staging = fill(tmp_path / "staging", 0)
    assert shrunk_staging_guard.checked(staging, REQUEST, destination(tmp_path / "disk"), Guard()) == REQUEST


@pytest.mark.parametrize("clock", [BEFORE, LATER])
def test_scenario_53_whatever_the_clock_says_keys_work(
    family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    """The clock of the machine is wrong by decades: kits open, and what their key signs and encrypts counts."""
    recovery = family.document["managed"]["recovery"]
    text, secret, name = json.dumps({"x": 1}).encode() + b"\n", recovery["secret"], recovery["fingerprint"]
    monkeypatch.setattr(run, "PATH", f"{gpg_at(clock, tmp_path / 'tools')}:{run.PATH}")
    with private_gpg(MEMORY) as gpg:
        gpg.import_key(recovery["private_key"], secret)
        assert gpg.is_locked_by(name, secret) and not gpg.is_locked_by(name, "f" * 64)
        assert gpg.decrypt_signed(family.config_gpg, name, secret) == family.envelope
        again = gpg.encrypt_signed(family.envelope, name, secret)
        assert gpg.decrypt_signed(again, name, secret) == family.envelope
        assert gpg.verify_clear(gpg.sign_clear(text, name, secret), [name]) == text
        gpg.verify_detached(text, gpg.sign_detached(text, name, secret), name)
        made = gpg.generate("another", "a" * 64)
        assert gpg.is_locked_by(made.fingerprint, "a" * 64)
        assert gpg.decrypt_signed(gpg.encrypt_signed(text, made.fingerprint, "a" * 64), made.fingerprint, "a" * 64)


def test_a_clock_before_the_key_is_named_where_gpg_refuses(
    family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gpg that does not know the options for it would say something else, which is not so."""
    recovery = family.document["managed"]["recovery"]
    now = datetime.now(UTC).timestamp()
    monkeypatch.setattr(gpg_effects.time, "time", lambda: now - 400 * 86400)
    monkeypatch.setattr(run, "PATH", f"{gpg_at(BEFORE, tmp_path / 'tools')}:{run.PATH}")
    with private_gpg(MEMORY) as gpg:
        gpg.import_key(recovery["private_key"], recovery["secret"])
        gpg._gpg.options = [each for each in gpg._gpg.options if each not in gpg_effects.ANY_CLOCK]
        with pytest.raises(ParaduxError, match="this machine's clock is earlier than the key's creation") as refused:
            gpg.encrypt_signed(b"text", recovery["fingerprint"], recovery["secret"])
    assert refused.value.code == "clock"
