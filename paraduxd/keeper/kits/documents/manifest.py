"""kit.json: what the kit is and whose, the set its share belongs to, and the hash of every file.

Format: `docs/reference/formats.md`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from paraduxd.api.calls import JsonObject
from paraduxd.keeper.kits.documents.kit_facts import KitFacts, Person, share_sha256

FORMAT = "paradux.kit/1"
SET_FORMAT = "paradux.set/1"


def manifest(facts: KitFacts, files: Mapping[str, bytes]) -> bytes:
    """The text of kit.json over `files` (everything but itself, its signature and SHA256SUMS)."""
    document: dict[str, object] = {
        "format": FORMAT,
        "owner": {"id": facts.owner_id, "name": facts.owner.name},
        "instance": facts.instance,
        "epoch": facts.number,
        "serial": facts.serial,
        "written": facts.written,
        "steward": {**_named(facts.steward), "language": facts.language},
        "share": {"index": facts.index, "sha256": share_sha256(" ".join(facts.words))},
        "fingerprint": facts.fingerprint,
        "set": _set(facts),
        "files": {name: _entry(content) for name, content in files.items()},
    }
    if facts.know_each_other:
        document["stewards"] = [
            {**_named(person), "phone": person.phone, "email": person.email} for person in facts.stewards
        ]
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def sums(files: Mapping[str, bytes]) -> bytes:
    """SHA256SUMS over `files`, as sha256sum(1) writes it."""
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)).encode()


def _set(facts: KitFacts) -> JsonObject:
    """The set of shares. Stewards who may not know each other find no name but their own."""
    import shamir_mnemonic

    parsed = [shamir_mnemonic.Share.from_mnemonic(words) for words in facts.epoch.shares.words]
    known = {person.id: person for person in (facts.stewards if facts.know_each_other else (facts.steward,))}
    holders = {index: known.get(steward) for steward, index in facts.epoch.shares.issued.items()}
    return {
        "format": SET_FORMAT,
        "epoch": facts.number,
        "created": facts.created,
        "threshold": facts.threshold,
        "issued": facts.issued,
        "identifier": parsed[0].identifier,
        "shares": [
            {"member": share.index, "sha256": share_sha256(words), "steward": _holder(holders.get(index))}
            for index, (share, words) in enumerate(zip(parsed, facts.epoch.shares.words, strict=True))
        ],
    }


def _holder(person: Person | None) -> JsonObject | None:
    return None if person is None else _named(person)


def _named(person: Person) -> JsonObject:
    return {"id": person.id, "name": person.name}


def _entry(content: bytes) -> JsonObject:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
