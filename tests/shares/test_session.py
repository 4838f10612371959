"""A recovery conversation: every kind of material is told apart and named, and the right secret comes out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from paraduxd.shares import slip39
from paraduxd.shares.collection import Material, MaterialState, ShareCollection
from paraduxd.shares.kit_folder import material_from_directory
from paraduxd.shares.kit_manifest import KitInfo

STEWARDS = ("Alice", "Bob", "Carol", "Dave", "Eve")
OURS, THEIRS = "a" * 32, "b" * 32
SECRETS = {1: bytes(range(32)), 2: bytes(range(32, 64))}


@pytest.fixture(scope="module")
def sets() -> dict[int, tuple[str, ...]]:
    """All 16 shares of both epochs; 3 are needed."""
    return {epoch: slip39.split(secret, 3) for epoch, secret in SECRETS.items()}


def manifest(words: Sequence[str], holder: int, epoch: int, owner: str = OURS) -> bytes:
    """The kit.json of one steward, as docs/reference/formats.md has it."""
    read = [slip39.read_share(tuple(each.split())) for each in words]
    names = [{"id": name.lower(), "name": name} for name in STEWARDS] + [None] * 11
    kit: dict[str, Any] = {
        "format": "paradux.kit/1",
        "owner": {"id": owner, "name": "Fred" if owner == OURS else "Somebody {else}"},
        "instance": "c" * 32,
        "epoch": epoch,
        "serial": 7,
        "written": "2026-11-20T10:00:00Z",
        "steward": {**(names[holder] or {}), "language": "en"},
        "share": {"index": holder, "sha256": read[holder].sha256},
        "fingerprint": "F" * 40,
        "set": {
            "format": "paradux.set/1",
            "epoch": epoch,
            "created": f"2026-0{epoch}-01T00:00:00Z",
            "threshold": 3,
            "issued": 5,
            "identifier": read[0].identifier,
            "shares": [
                {"member": share.member, "sha256": share.sha256, "steward": name}
                for share, name in zip(read, names, strict=True)
            ],
        },
        "files": {"share.txt": {"bytes": 1, "sha256": "0" * 64}},
    }
    return json.dumps(kit).encode()


def kit(words: Sequence[str], holder: int, epoch: int, owner: str = OURS, share: str | None = None) -> Material:
    """A steward's kit."""
    text = f"# Paradux share\n{words[holder] if share is None else share}\n"
    return Material(f"{STEWARDS[holder]}'s stick", text, manifest(words, holder, epoch, owner), b"key", b"config")


def brought(*materials: Material) -> ShareCollection:
    session = ShareCollection.empty()
    for material in materials:
        session = session.add(material)
    return session


def last(session: ShareCollection) -> MaterialState:
    return session.findings[-1]


def secrets_of(session: ShareCollection) -> list[bytes]:
    return [secret for _, secret in session.candidates()]


def test_three_kits_give_the_secret(sets: dict[int, tuple[str, ...]]) -> None:
    session = brought(*(kit(sets[1], holder, 1) for holder in (4, 0, 2)))
    assert [finding.state for finding in session.findings] == ["good"] * 3
    assert session.findings[0].text == "Eve's share of epoch 1 is good"
    assert secrets_of(session) == [SECRETS[1]]
    assert session.report() == ("3 of 3 of epoch 1 (Eve, Alice, Carol): enough",)
    assert session.keys == tuple((f"{name}'s stick", b"key") for name in ("Eve", "Alice", "Carol"))
    assert session.configs == tuple((f"{name}'s stick", b"config") for name in ("Eve", "Alice", "Carol"))


def test_all_five_at_once_are_welcome_and_give_one_secret(sets: dict[int, tuple[str, ...]]) -> None:
    assert secrets_of(brought(*(kit(sets[1], holder, 1) for holder in range(5)))) == [SECRETS[1]]


def test_the_same_kit_twice_counts_once(sets: dict[int, tuple[str, ...]]) -> None:
    session = brought(*(kit(sets[1], holder, 1) for holder in (0, 1, 1)))
    assert last(session).state == "duplicate"
    assert last(session).text == "Bob's share of epoch 1 is there already; it counts once"
    assert secrets_of(session) == []
    assert session.report() == ("2 of 3 of epoch 1 (Alice, Bob); Carol, Dave, Eve could help",)


def test_two_of_each_epoch_make_no_secret_and_the_old_ones_are_named(sets: dict[int, tuple[str, ...]]) -> None:
    session = brought(kit(sets[2], 0, 2), kit(sets[1], 1, 1), kit(sets[2], 2, 2), kit(sets[1], 3, 1))
    assert secrets_of(session) == []
    assert session.findings[1].text == "Bob's share is of the old epoch 1, replaced on 2026-02-01"
    assert [finding.state for finding in session.findings] == ["good", "old-epoch", "good", "old-epoch"]
    assert session.report() == (
        "2 of 3 of epoch 2 (Alice, Carol); Bob, Dave, Eve could help",
        "2 of 3 of epoch 1 (Bob, Dave); Alice, Carol, Eve could help",
    )


def test_an_old_epoch_that_is_complete_still_gives_its_secret(sets: dict[int, tuple[str, ...]]) -> None:
    session = brought(kit(sets[2], 0, 2), *(kit(sets[1], holder, 1) for holder in (1, 2, 3)))
    assert [found.epoch for found in session.sets] == [2, 1]
    assert secrets_of(session) == [SECRETS[1]]


def test_a_kit_of_another_owner_is_named_though_k_and_n_are_the_same(sets: dict[int, tuple[str, ...]]) -> None:
    session = brought(kit(sets[1], 0, 1), kit(sets[1], 1, 1), kit(sets[2], 2, 2, THEIRS))
    assert last(session).state == "foreign"
    assert last(session).text == "Carol's share belongs to another owner (Somebody {else}) and does not fit here"
    assert secrets_of(session) == []


def test_words_without_a_kit_join_the_kits_of_their_set(sets: dict[int, tuple[str, ...]]) -> None:
    numbered = "\n".join(f"{number}. {word}" for number, word in enumerate(sets[1][2].split(), 1))
    session = brought(Material("typed words", numbered), kit(sets[1], 0, 1), Material("a QR code", sets[1][1].upper()))
    assert [finding.text for finding in session.findings] == [
        "Carol's share of epoch 1 is good",
        "Alice's share of epoch 1 is good",
        "Bob's share of epoch 1 is good",
    ]
    assert secrets_of(session) == [SECRETS[1]]


def test_words_alone_are_enough(sets: dict[int, tuple[str, ...]]) -> None:
    session = brought(*(Material(f"sheet {number}", sets[1][number]) for number in range(3)))
    assert secrets_of(session) == [SECRETS[1]]
    assert session.report() == ("3 of 3 of one set (sheet 0, sheet 1, sheet 2): enough",)


def test_a_typed_share_with_a_mistake_is_told_from_a_damaged_kit(sets: dict[int, tuple[str, ...]]) -> None:
    words = sets[1][1].split()
    wrong = " ".join([*words[:8], "zzzzz", *words[9:]])
    session = brought(Material("typed words", wrong), kit(sets[1], 1, 1, share=wrong))
    assert [finding.state for finding in session.findings] == ["mistyped", "damaged"]
    assert session.findings[0].text == "the share from typed words is not right: word 9 is no word of the list"
    assert session.findings[1].text == "Bob's share is not right: word 9 is no word of the list"


def test_a_forged_share_does_not_stop_the_honest_ones(sets: dict[int, tuple[str, ...]]) -> None:
    """The forger knows identifier, member and checksum, so that nothing but the set's hashes and the digest speaks against it."""
    forged = forge(sets[1][1])
    session = brought(kit(sets[1], 1, 1, share=forged), *(kit(sets[1], holder, 1) for holder in (0, 2, 3, 4)))
    assert session.findings[0].state == "damaged"
    assert session.findings[0].text.startswith("Bob's share of epoch 1 is not the one that the kits name")
    assert secrets_of(session) == [SECRETS[1]]
    assert secrets_of(brought(*(Material(f"sheet {n}", words) for n, words in enumerate((forged, *sets[1][2:5]))))) == [
        SECRETS[1]
    ]


def forge(words: str) -> str:
    """A share of the same set and member with another value and a right checksum."""
    from dataclasses import replace

    import shamir_mnemonic

    share = shamir_mnemonic.Share.from_mnemonic(words)
    return replace(share, value=bytes(byte ^ 0x5A for byte in share.value)).mnemonic()


def test_a_kit_without_a_share_still_brings_its_config() -> None:
    finding = last(brought(Material("a folder", config=b"x", key=b"y")))
    assert finding.state == "no-share"
    assert finding.text == "a folder: there is no share in it; its encrypted config and key can be used"


@pytest.mark.parametrize(
    "damage", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"format": "paradux.kit/2"}', b"x" * 300_000]
)
def test_a_manifest_that_is_none_takes_nothing_from_a_good_share(
    sets: dict[int, tuple[str, ...]], damage: bytes
) -> None:
    session = brought(Material("a stick", sets[1][0], manifest=damage))
    assert last(session).state == "good"


@pytest.mark.parametrize(
    "path", [("owner", "id"), ("epoch",), ("set", "shares"), ("set", "threshold"), ("steward", "name")]
)
@pytest.mark.parametrize("value", [None, -1, 1.5, [1], {"a": 1}, True])
def test_a_manifest_with_a_wrong_kind_of_value_is_refused(
    sets: dict[int, tuple[str, ...]], path: tuple[str, ...], value: object
) -> None:
    document = json.loads(manifest(sets[1], 0, 1))
    part = document
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    with pytest.raises(ValueError, match=r"^not a kit manifest: "):
        KitInfo.from_json(json.dumps(document).encode())


def test_no_word_shows_in_a_repr_or_a_finding(sets: dict[int, tuple[str, ...]]) -> None:
    wrong = sets[1][1].replace(sets[1][1].split()[8], "zzzzz", 1)
    session = brought(kit(sets[1], 0, 1), Material("typed", wrong), Material("typed", sets[1][2]))
    shown = repr(session) + repr(session.findings) + repr(session.sets) + repr(kit(sets[1], 0, 1))
    assert not [word for word in {*sets[1][0].split()[4:], *sets[1][2].split()[4:], "zzzzz"} if f" {word} " in shown]


def write(folder: Path, material: Material) -> None:
    """A kit's folder as somebody may find it."""
    (folder / "copies").mkdir(parents=True)
    for name in ("share.txt", "copies/share-2.txt", "copies/share-3.txt"):
        (folder / name).write_text(material.share_text or "")
    (folder / "kit.json").write_bytes(material.manifest or b"")
    (folder / "config.gpg").write_bytes(b"config")


@pytest.mark.parametrize("inside", ["PARADUX", "."])
def test_a_folder_is_read(tmp_path: Path, sets: dict[int, tuple[str, ...]], inside: str) -> None:
    write(tmp_path / inside, kit(sets[1], 0, 1))
    (material,) = material_from_directory(tmp_path, "a folder")
    assert last(brought(material)).text == "Alice's share of epoch 1 is good"
    assert material.config == b"config"


def test_a_rotten_share_is_read_from_its_copies(tmp_path: Path, sets: dict[int, tuple[str, ...]]) -> None:
    write(tmp_path, kit(sets[1], 0, 1))
    (tmp_path / "share.txt").write_bytes(b"\xff\x00 rotten")
    (tmp_path / "copies" / "share-2.txt").unlink()
    (material,) = material_from_directory(tmp_path, "a folder")
    assert last(brought(material)).state == "good"


def test_a_kit_of_a_rotation_brings_both_epochs(tmp_path: Path, sets: dict[int, tuple[str, ...]]) -> None:
    write(tmp_path / "PARADUX", kit(sets[2], 0, 2))
    write(tmp_path / "PARADUX" / "previous", kit(sets[1], 0, 1))
    session = brought(*material_from_directory(tmp_path, "a stick"))
    assert [finding.epoch for finding in session.findings] == [2, 1]


def test_links_pipes_and_giants_are_not_read(tmp_path: Path, sets: dict[int, tuple[str, ...]]) -> None:
    import os

    secret = tmp_path / "secret"
    secret.write_text(sets[1][0])
    folder = tmp_path / "kit"
    (folder / "copies").mkdir(parents=True)
    (folder / "share.txt").symlink_to(secret)
    os.mkfifo(folder / "copies" / "share-2.txt")
    (folder / "copies" / "share-3.txt").mkdir()
    with (folder / "config.gpg").open("wb") as huge:
        huge.truncate(1 << 40)
    (material,) = material_from_directory(folder, "a hostile stick")
    assert (material.share_text, material.config) == (None, None)
