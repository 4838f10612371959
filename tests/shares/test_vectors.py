"""The vectors of schema/vectors: what they expect is what comes out. `pytest -s` shows the outcome of each."""

from __future__ import annotations

import base64
import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import shamir_mnemonic

from paraduxd.api.errors import ParaduxError
from paraduxd.core.recovery.candidates import CandidateConfig, newest_first
from paraduxd.core.recovery.published_config import Header
from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.shares import words
from paraduxd.shares.collection import Material, ShareCollection
from paraduxd.shares.kit_folder import material_from_directory
from paraduxd.shares.kit_manifest import KitInfo
from paraduxd.shares.slip39 import ShareError, read_share
from tests.shares import make_vectors
from tests.shares.npm_slip39 import ask

Json = dict[str, Any]

MEMORY = Path("/dev/shm")

PROBLEMS = {
    "count": "a share has 33 words, these are [0-9]+",
    "unknown-word": "words? ([0-9, ]+) (is no word|are no words) of the list",
    "checksum": "the checksum is not right",
    "other-program": "a share of some other program",
}


def vectors(name: str) -> Json:
    document: Json = json.loads((make_vectors.FOLDER / f"{name}.json").read_text())
    assert document["format"] == "paradux.vectors/1"
    return document


def cases(name: str, part: str = "cases") -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in vectors(name)[part]]


def tell(*parts: object) -> None:
    print(" | ".join(map(str, parts)))


def recovered(materials: list[Material]) -> ShareCollection:
    session = ShareCollection.empty()
    for material in materials:
        session = session.add(material)
    return session


def secrets_of(session: ShareCollection) -> list[str]:
    return [secret.hex() for _, secret in session.candidates()]


def test_they_are_what_the_program_makes(tmp_path: Path) -> None:
    make_vectors.make(tmp_path)
    for name in make_vectors.FILES:
        assert (tmp_path / name).read_bytes() == (make_vectors.FOLDER / name).read_bytes(), name


@pytest.mark.parametrize("case", cases("sets", "sets"))
def test_sets(case: Json) -> None:
    for selection in case["selections"]:
        brought = [case["shares"][member] for member in selection["members"]]
        session = recovered([Material(str(number), share) for number, share in enumerate(brought)])
        tell(case["name"], selection["members"], "secret" if selection["secret"] else "no secret", session.report())
        assert secrets_of(session) == ([selection["secret"]] if selection["secret"] else [])
        assert all(each.identifier == case["identifier"] for each in session.sets)


def test_another_program_agrees_about_the_sets() -> None:
    """With as many shares as are needed, and with one less."""
    jobs, expected = [], []
    for case in vectors("sets")["sets"]:
        for selection in case["selections"]:
            if 2 <= len(selection["members"]) <= case["threshold"]:
                jobs.append({"combine": [case["shares"][member] for member in selection["members"]]})
                expected.append(selection["secret"])
    assert None in expected
    assert len(set(expected)) > 5
    assert ask(jobs) == expected


@pytest.mark.parametrize("case", cases("words", "good"))
def test_spellings(case: Json) -> None:
    expected = vectors("words")["share"]
    share = read_share(words.parse_words(case["text"]))
    tell(case["name"], "read")
    assert list(share.words) == expected["words"]
    assert [share.sha256, share.identifier] == [expected["sha256"], expected["identifier"]]
    assert [share.threshold, share.member] == [expected["threshold"], expected["member"]]


@pytest.mark.parametrize("case", cases("words", "bad"))
def test_what_is_no_share(case: Json) -> None:
    with pytest.raises(ShareError) as caught:
        read_share(words.parse_words(case["text"]))
    tell(case["name"], caught.value)
    found = re.search(PROBLEMS[case["problem"]], str(caught.value))
    assert found
    if case["positions"]:
        assert [int(number) for number in found[1].split(",")] == case["positions"]


def test_another_program_agrees_about_checksums() -> None:
    document = vectors("words")
    wrong = [case["text"] for case in document["bad"] if case["problem"] == "checksum"]
    jobs = [{"valid": " ".join(words.parse_words(text))} for text in wrong]
    assert ask([*jobs, {"valid": " ".join(document["share"]["words"])}]) == [*([False] * len(wrong)), True]


def test_corrections() -> None:
    for case in vectors("words")["corrections"]:
        found = words.pinpoint(words.parse_words(case["text"]))
        tell("word", case["position"], found)
        assert (case["position"], case["word"]) in found


@pytest.mark.parametrize("case", cases("recoveries"))
def test_recoveries(case: Json) -> None:
    kits = vectors("recoveries")["kits"]
    session = recovered(
        [
            Material(each["label"], each["share"], kits[each["kit"]].encode() if each["kit"] else None)
            for each in case["materials"]
        ]
    )
    for finding in session.findings:
        tell(case["name"], finding.state, finding.text)
    found = [{"state": each.state, "steward": each.steward, "epoch": each.epoch} for each in session.findings]
    assert found == case["findings"]
    assert secrets_of(session) == case["secrets"]


@pytest.mark.parametrize("case", cases("kits"))
def test_folders_with_kits(case: Json, tmp_path: Path) -> None:
    write(tmp_path, case["files"])
    session = recovered(list(material_from_directory(tmp_path, "a folder")))
    for finding in session.findings:
        tell(case["name"], finding.state, finding.text)
    good = [finding for finding in session.findings if finding.state in ("good", "foreign", "old-epoch")]
    assert len(good) == len(case["shares"])
    assert sorted(share.text for share in session._shares()) == sorted(case["shares"])


@pytest.mark.parametrize("case", cases("manifests", "taken"))
def test_manifests_that_are_taken(case: Json) -> None:
    document = changed(vectors("manifests")["base"], case["changes"])
    info = KitInfo.from_json(json.dumps(document).encode())
    tell(case["name"], "taken")
    assert (info.owner_name, info.steward_name) == (document["owner"]["name"], document["steward"]["name"])


@pytest.mark.parametrize("case", cases("manifests", "refused"))
def test_manifests_that_are_refused(case: Json) -> None:
    document = changed(vectors("manifests")["base"], case["changes"])
    with pytest.raises(ValueError, match="not a kit manifest: ") as caught:
        KitInfo.from_json(json.dumps(document).encode())
    tell(case["name"], caught.value)


@pytest.mark.parametrize("case", cases("manifests", "refused_files"))
def test_files_that_are_no_manifest(case: Json) -> None:
    with pytest.raises(ValueError, match="not a kit manifest: ") as caught:
        KitInfo.from_json(base64.b64decode(case["base64"]))
    tell(case["name"], caught.value)


@pytest.mark.parametrize("case", cases("signatures"))
def test_signatures(case: Json) -> None:
    document = vectors("signatures")
    problem = ""
    with private_gpg(MEMORY) as gpg:
        gpg.import_key(document["public_key"])
        try:
            gpg.verify_detached(case["kit"].encode(), case["signature"].encode(), document["fingerprint"])
        except ParaduxError as refused:
            problem = refused.message
    tell(case["name"], problem or "good")
    assert (problem == "") == case["good"]


@pytest.mark.parametrize("case", cases("choices"))
def test_the_newest_config(case: Json) -> None:
    found = [
        CandidateConfig(
            (each["label"],),
            Header(**each["header"]),
            {"serial": each["header"]["serial"], "managed": {"generation": each["generation"]}, "of": each["label"]},
        )
        for each in case["configs"]
    ]
    order = [each.labels[0] for each in newest_first(found)]
    tell(case["name"], order)
    assert order == case["order"]


OFFICIAL = json.loads((Path(__file__).parent / "slip39-vectors.json").read_text())
"""Lists of description, shares, and secret in hex ("" where there is none); see README.md."""


@pytest.mark.parametrize("vector", [pytest.param(each, id=each[0]) for each in OFFICIAL])
def test_the_official_vectors(vector: list[Any]) -> None:
    description, shares, secret = vector[:3]
    try:
        found = shamir_mnemonic.combine_mnemonics(shares, b"TREZOR").hex()
    except shamir_mnemonic.MnemonicError:
        found = ""
    tell("SLIP-0039", description, "secret" if found else "refused")
    assert found == secret


def write(folder: Path, files: dict[str, str]) -> None:
    """Files by their names, in folders where there is a "/"."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def changed(document: Json, changes: list[Json]) -> Json:
    """The document with these changes (RFC 6901 pointers; without a value the part is removed)."""
    document = copy.deepcopy(document)
    for change in changes:
        *way, last = change["pointer"].split("/")[1:]
        part: Any = document
        for step in way:
            part = part[int(step)] if isinstance(part, list) else part[step]
        where: Any = int(last) if isinstance(part, list) else last
        if "value" in change:
            part[where] = change["value"]
        else:
            del part[where]
    return document
