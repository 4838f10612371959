"""A kit: which files, what they say, and that nothing secret is in them but the one share."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.keeper.kits.documents.build import PreviousEpoch, build
from tests.kits.kit_rig import MEMORY, WRITTEN, Family, kit_inputs, new_managed, published_family

FILES = {
    "START-HERE.html", "sheet.pdf", "share.txt", "copies/share-2.txt", "copies/share-3.txt", "kit.json", "kit.json.asc",
    "recovery-key.asc", "config.gpg", "recover.html", "recover.py", "BY-HAND.txt", "SHA256SUMS",
}  # fmt: skip

Kits = dict[str, dict[str, bytes]]


def share_words(text: bytes) -> str:
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    return " ".join(re.findall("[a-z]+", " ".join(lines)))


def test_a_kit_has_its_files_and_is_small(kits: Kits) -> None:
    for files in kits.values():
        assert set(files) == FILES
        assert len(files["sheet.pdf"]) < 300_000
        assert sum(map(len, files.values())) < 1_100_000


def test_three_copies_of_the_stewards_own_share(family: Family, kits: Kits) -> None:
    shares = family.document["managed"]["shares"]
    for steward, files in kits.items():
        copies = [files[name] for name in ("share.txt", "copies/share-2.txt", "copies/share-3.txt")]
        assert {share_words(copy) for copy in copies} == {shares["words"][shares["issued"][steward]]}
        assert all(b"\r" not in copy and copy.endswith(b"\n") for copy in copies)


def test_no_secret_but_the_one_share_is_in_a_kit(family: Family, kits: Kits) -> None:
    managed = family.document["managed"]
    for steward, files in kits.items():
        everything = b"\n".join(files.values())
        own = managed["shares"]["issued"][steward]
        foreign = [words for index, words in enumerate(managed["shares"]["words"]) if index != own]
        flat = " ".join(re.findall("[a-z]+", everything.decode(errors="ignore").lower()))
        assert managed["recovery"]["secret"].encode() not in everything
        assert b"CANARY" not in everything
        assert not [words for words in foreign if " ".join(words.split()[4:8]) in flat]


def test_the_manifest_describes_kit_and_set(family: Family, kits: Kits) -> None:
    files = kits["boeb"]
    manifest = json.loads(files["kit.json"])
    shares = family.document["managed"]["shares"]
    assert manifest["format"] == "paradux.kit/1" and manifest["set"]["format"] == "paradux.set/1"
    assert manifest["steward"] == {"id": "boeb", "name": "Böb Müller", "language": "de"}
    assert manifest["serial"] == 7 and manifest["epoch"] == 1 and manifest["written"] == WRITTEN
    assert manifest["share"]["index"] == shares["issued"]["boeb"]
    digest = hashlib.sha256(share_words(files["share.txt"]).encode()).hexdigest()
    assert manifest["share"]["sha256"] == digest
    assert manifest["set"]["shares"][manifest["share"]["index"]]["sha256"] == digest
    assert manifest["set"]["threshold"] == 3 and manifest["set"]["issued"] == 5
    assert [entry["member"] for entry in manifest["set"]["shares"]] == list(range(16))
    assert sum(entry["steward"] is not None for entry in manifest["set"]["shares"]) == 5
    assert set(manifest["files"]) == FILES - {"kit.json", "kit.json.asc", "SHA256SUMS"}
    for name, entry in manifest["files"].items():
        assert entry == {"bytes": len(files[name]), "sha256": hashlib.sha256(files[name]).hexdigest()}
    assert files["kit.json"] == (json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def test_the_manifest_is_signed_by_the_recovery_key(family: Family, kits: Kits) -> None:
    recovery = family.document["managed"]["recovery"]
    files = kits["alice"]
    with private_gpg(MEMORY) as gpg:
        gpg.import_key(recovery["public_key"])
        gpg.verify_detached(files["kit.json"], files["kit.json.asc"], recovery["fingerprint"])
        changed = files["kit.json"].replace(b'"threshold": 3', b'"threshold": 2')
        assert changed != files["kit.json"]
        for data, signature, fingerprint in (
            (changed, files["kit.json.asc"], recovery["fingerprint"]),
            (files["kit.json"], b"", recovery["fingerprint"]),
            (files["kit.json"], files["kit.json.asc"], "0" * 40),
        ):
            with pytest.raises(ParaduxError, match="not signed") as refused:
                gpg.verify_detached(data, signature, fingerprint)
            assert refused.value.code == "bad-signature"


def test_the_same_inputs_give_the_same_kit(family: Family) -> None:
    first, second = (build(family.inputs("alice"), lambda data: b"signature") for _ in range(2))
    assert first == second


def test_stewards_who_may_not_know_each_other_find_no_name(family: Family) -> None:
    document = copy.deepcopy(family.document)
    document["policy"]["stewards_know_each_other"] = False
    inputs = kit_inputs(document, "alice", family.epoch)
    files = build(inputs, lambda data: b"signature")
    everything = b"".join(files.values())
    for other in ("Müller", "Čapek", "carol", "+1 555 000 1"):
        assert other.encode() not in everything
    assert b"Alice Archer" in files["START-HERE.html"]


def test_a_steward_without_a_share_gets_no_kit(family: Family) -> None:
    with pytest.raises(KeyError):
        build(dataclasses.replace(family.inputs("alice"), steward_id="mallory"), lambda data: b"signature")


class Page(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_tells_whom_to_call_in_the_stewards_language(kits: Kits) -> None:
    english, german = (kits[steward]["START-HERE.html"].decode() for steward in ("alice", "boeb"))
    assert 'lang="en"' in english and 'lang="de"' in german
    for text in (english, german):
        assert "Fred Myself" in text and "+1 999 888 7777" in text and "Dave Δ" in text and "+1 555 000 3" in text
        page = Page(text)
        assert not {"script", "link", "img", "iframe"} & set(page.tags)
        assert not [name for name, _ in page.attributes if name == "src" or name.startswith("on")]
        links = [value for name, value in page.attributes if name == "href"]
        assert {"tel:+19998887777", "mailto:fred@example.org", "tel:+15550003"} <= set(links)
        assert all(str(link).startswith(("tel:", "mailto:")) for link in links)
        assert "$" not in page.text


def test_the_page_leads_to_the_one_in_the_browser_first(kits: Kits) -> None:
    files = kits["alice"]
    text = Page(files["START-HERE.html"].decode()).text
    assert text.index("recover.html") < text.index("BY-HAND.txt")
    assert hashlib.sha256(files["recover.html"]).hexdigest() in text
    assert "Start here: Fred Myself's emergency key" in text
    assert "The one exception is the file recover.html" in text


def test_what_only_looks_like_an_address_is_no_link(family: Family) -> None:
    document = copy.deepcopy(family.document)
    document["owner"] |= {"phone": "+1 5' onclick='x", "email": "javascript:alert(1)@x y"}
    files = build(kit_inputs(document, "alice", family.epoch), lambda data: b"signature")
    page = Page(files["START-HERE.html"].decode())
    assert "javascript:alert(1)@x y" in page.text
    assert all(str(value).startswith("tel:+1555") for name, value in page.attributes if name == "href")


def test_both_languages_have_the_same_steps(kits: Kits) -> None:
    english, german = (Page(kits[steward]["START-HERE.html"].decode()) for steward in ("alice", "boeb"))
    assert english.tags == german.tags


HOSTILE = "<script>alert(1)</script>\n# $owner %{day} {epoch} \"'&\x1b[2J" + "x" * 4000


def test_hostile_names_stay_text_everywhere(family: Family) -> None:
    """Which no config lets in; the documents do not count on that."""
    inputs, hostile = family.inputs("alice"), {"name": HOSTILE, "phone": HOSTILE}
    stewards = tuple(steward.model_copy(update=hostile) for steward in inputs.config.stewards)
    owner = inputs.config.owner.model_copy(update={**hostile, "email": HOSTILE, "address": HOSTILE})
    config = inputs.config.model_copy(update={"owner": owner, "stewards": stewards})
    files = build(dataclasses.replace(inputs, config=config), lambda data: b"signature")
    page = Page(files["START-HERE.html"].decode())
    assert "script" not in page.tags and "alert(1)" in page.text
    assert share_words(files["share.txt"]) == share_words(family.kit("alice")["share.txt"])
    commands = [line for line in files["BY-HAND.txt"].decode().splitlines() if line.startswith("$ ")]
    assert not [line for line in commands if "script" in line or "alert" in line]
    assert b"\x1b" not in files["BY-HAND.txt"] + files["share.txt"] + files["START-HERE.html"]


def test_a_kit_written_in_mid_rotation_carries_the_running_epoch(family: Family) -> None:
    document = copy.deepcopy(family.document)
    document["managed"] = {**new_managed(document, MEMORY), "owner_id": document["managed"]["owner_id"]}
    document["managed"]["recovery"]["epoch"] = 2
    new = published_family(document)
    inputs = kit_inputs(document, "alice", new.epoch, PreviousEpoch(family.epoch, family.sign))
    files = build(inputs, new.sign)
    old = {name.removeprefix("previous/") for name in files if name.startswith("previous/")}
    assert old == {"share.txt", "kit.json", "kit.json.asc", "recovery-key.asc", "config.gpg"}
    assert share_words(files["previous/share.txt"]) == share_words(family.kit("alice")["share.txt"])
    recovery = family.document["managed"]["recovery"]
    with private_gpg(MEMORY) as gpg:
        gpg.import_key(recovery["public_key"])
        gpg.verify_detached(files["previous/kit.json"], files["previous/kit.json.asc"], recovery["fingerprint"])
    assert "previous/share.txt" in json.loads(files["kit.json"])["files"]
    newcomer = dataclasses.replace(family.epoch, shares=family.epoch.shares.model_copy(update={"issued": {}}))
    assert not [
        name
        for name in build(dataclasses.replace(inputs, previous=PreviousEpoch(newcomer, family.sign)), new.sign)
        if name.startswith("previous/")
    ]


def test_the_facts_never_show_words_in_a_repr(family: Family) -> None:
    words = family.document["managed"]["shares"]["words"][0].split()
    assert words[5] not in repr(family.inputs("alice"))
