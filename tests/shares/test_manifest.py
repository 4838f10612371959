"""kit.json: what is written is what is read, and whatever is read instead never does more than raise `ValueError`."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from paraduxd.core.config.managed import Managed, Recovery, Shares
from paraduxd.core.config.models import Config
from paraduxd.keeper.kits.documents.build import Epoch
from paraduxd.keeper.kits.documents.kit_facts import facts_of
from paraduxd.keeper.kits.documents.manifest import manifest
from paraduxd.shares import slip39
from paraduxd.shares.collection import Material, ShareCollection
from paraduxd.shares.kit_manifest import LONGEST, KitInfo, Member
from tests.shares.make_vectors import FOLDER

GOLDEN = FOLDER.parent.parent / "tests" / "golden"

Json = dict[str, Any]

BASE: Json = json.loads((FOLDER / "manifests.json").read_text())["base"]
FILES = {"share.txt": b"words", "copies/share-2.txt": b"words", "config.gpg": b"\x00\xff"}


def document(know_each_other: bool) -> tuple[Config, Managed]:
    plain = {
        "version": 1,
        "serial": 42,
        "owner": {"name": "Fred “Ñandú” Myself"},
        "policy": {"shares_required": 2, "stewards_know_each_other": know_each_other},
        "stewards": [
            {"id": "alice", "name": "Alice Άλφα", "phone": "+1 555", "language": "de"},
            {"id": "bob", "name": "Bob O'Neil"},
        ],
        "metadata_stashes": [{"id": "friend", "protocol": "disk", "url": "file:///mnt/friend"}],
        "datasets": [],
    }
    return Config.model_validate(plain), Managed.model_construct(owner_id="1" * 32, instance="2" * 32)


def epoch() -> Epoch:
    words = list(slip39.split(bytes(range(32)), 2))
    recovery = Recovery.model_construct(epoch=3, created="2026-11-01T12:00:00Z", fingerprint="AB" * 20, private_key="")
    return Epoch(recovery, Shares(threshold=2, words=tuple(words), issued={"alice": 5, "bob": 0}), b"")


@pytest.mark.parametrize("know_each_other", [True, False])
def test_every_field_that_is_written_is_read(know_each_other: bool) -> None:
    part = epoch()
    facts = facts_of(*document(know_each_other), "alice", part, "2026-11-23T10:00:00Z")
    written = manifest(facts, FILES)
    info = KitInfo.from_json(written)
    assert (info.owner_id, info.owner_name, info.instance) == ("1" * 32, "Fred “Ñandú” Myself", "2" * 32)
    assert (info.epoch, info.serial, info.written) == (3, 42, "2026-11-23T10:00:00Z")
    assert (info.steward_id, info.steward_name, info.language) == ("alice", "Alice Άλφα", "de")
    assert (info.share_sha256, info.fingerprint) == (slip39.share_sha256(part.shares.words[5]), "AB" * 20)
    assert info.files == tuple(
        (name, entry["bytes"], entry["sha256"]) for name, entry in json.loads(written)["files"].items()
    )
    assert [name for name, _, _ in info.files] == sorted(FILES)
    assert [length for _, length, _ in info.files] == [len(FILES[name]) for name in sorted(FILES)]


@pytest.mark.parametrize("know_each_other", [True, False])
def test_the_set_that_is_written_is_read(know_each_other: bool) -> None:
    part = epoch()
    facts = facts_of(*document(know_each_other), "alice", part, "2026-11-23T10:00:00Z")
    found = KitInfo.from_json(manifest(facts, {})).set
    read = [slip39.read_share(tuple(words.split())) for words in part.shares.words]
    holders = {5: "Alice Άλφα", **({0: "Bob O'Neil"} if know_each_other else {})}
    assert (found.epoch, found.created, found.threshold, found.issued) == (3, "2026-11-01T12:00:00Z", 2, 2)
    assert found.identifier == read[0].identifier
    assert found.shares == tuple(
        Member(share.member, share.sha256, holders.get(place, "")) for place, share in enumerate(read)
    )


def test_nothing_that_is_written_is_left_unread() -> None:
    """But what is for people and other programs: stewards' telephone numbers, the place in the config's list, stewards' ids."""
    facts = facts_of(*document(True), "alice", epoch(), "2026-11-23T10:00:00Z")
    written = json.loads(manifest(facts, FILES))
    top = {"owner", "steward", "share", "set", "files", "format", "stewards"}
    assert set(written) - top <= {field.name for field in dataclasses.fields(KitInfo)}
    assert set(written["share"]) == {"index", "sha256"}
    assert set(written["set"]) - {"format"} == {
        field.name for field in dataclasses.fields(type(KitInfo.from_json(json.dumps(written).encode()).set))
    }
    assert set(written["set"]["shares"][0]) == {field.name for field in dataclasses.fields(Member)}


def test_it_is_written_as_the_format_says() -> None:
    facts = facts_of(*document(True), "alice", epoch(), "2026-11-23T10:00:00Z")
    written = manifest(facts, FILES)
    assert written.endswith(b"}\n")
    assert b"\r" not in written
    assert written.decode() == json.dumps(json.loads(written), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def is_refused_or_bounded(content: bytes) -> None:
    try:
        info = KitInfo.from_json(content)
    except ValueError as problem:
        assert str(problem).startswith("not a kit manifest: ")
        assert len(str(problem)) < 200
        return
    assert len(repr(info)) <= 3 * LONGEST
    assert len(info.set.shares) <= slip39.SET_SIZE
    for shown in (info.owner_name, info.steward_name, info.written, info.fingerprint, info.set.created):
        assert shown.isprintable() or not shown
        assert len(shown) <= 200


def pointers(part: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    return [way, *(each for name, inner in items for each in pointers(inner, (*way, name)))]


def replaced(part: Any, way: tuple[Any, ...], value: Any) -> Any:
    if not way:
        return value
    inner = replaced(part[way[0]], way[1:], value)
    if isinstance(part, dict):
        return {**part, way[0]: inner}
    return [inner if place == way[0] else each for place, each in enumerate(part)]


@given(st.binary(max_size=400))
def test_any_bytes(content: bytes) -> None:
    is_refused_or_bounded(content)


@given(JSON)
def test_any_json(value: Any) -> None:
    is_refused_or_bounded(json.dumps(value).encode())


@given(st.sampled_from(pointers(BASE)), JSON)
def test_any_value_in_any_place(way: tuple[Any, ...], value: Any) -> None:
    is_refused_or_bounded(json.dumps(replaced(BASE, way, value)).encode())


@given(st.integers(0, len(json.dumps(BASE)) - 1), st.integers(1, 255))
def test_any_changed_byte(place: int, change: int) -> None:
    content = bytearray(json.dumps(BASE).encode())
    content[place] ^= change
    is_refused_or_bounded(bytes(content))


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"a":' * 40_000, b"9" * 200_000, b"1e999999999", b"NaN", b" " * (LONGEST + 1), b'"\\ud800"', b"\x00" * 1000],
    ids=["lists", "objects", "digits", "exponent", "nan", "blanks", "surrogate", "nul"],
)  # fmt: skip
def test_what_is_made_to_harm(content: bytes) -> None:
    is_refused_or_bounded(content)
    session = ShareCollection.empty().add(Material("a stick", manifest=content))
    assert session.findings[0].state == "no-share"


def test_names_stay_on_one_line_and_are_cut() -> None:
    nasty = replaced(BASE, ("owner", "name"), "Fred\n\x1b[31mgood\u202e" + "x" * 1000)
    info = KitInfo.from_json(json.dumps(nasty).encode())
    assert info.owner_name.startswith("Fred  [31mgood x")
    assert len(info.owner_name) == 200


def test_the_schema_agrees_with_real_manifests() -> None:
    schema = json.loads((FOLDER.parent / "paradux.kit-1.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    manifests = sorted(GOLDEN.glob("*/*/kits/**/kit.json"))
    assert len(manifests) >= 6
    for path in manifests:
        validator.validate(json.loads(path.read_text()))
        KitInfo.from_json(path.read_bytes())
    assert not validator.is_valid({**BASE, "epoch": 0})
    assert not validator.is_valid({**BASE, "share": {}})
