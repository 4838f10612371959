"""A family with five stewards, a real recovery key, and their kits."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paraduxd.core.config.managed import managed_of
from paraduxd.core.config.models import Config, Policy
from paraduxd.core.recovery import published_config
from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.keeper.config import generate
from paraduxd.keeper.kits.documents.build import Epoch, KitInputs, PreviousEpoch, build

MEMORY = Path("/dev/shm")
WRITTEN = "2026-11-23T10:00:00Z"
NAMES = ("Alice Archer", "Böb Müller", "Carol Čapek", "Dave Δ", "Erin O'Neil")

ANSWERS: dict[str, Any] = {
    "version": 1,
    "serial": 7,
    "owner": {"name": "Fred Myself", "phone": "+1 999 888 7777", "email": "fred@example.org"},
    "policy": {"shares_required": 3},
    "stewards": [
        {
            "id": name.split()[0].lower().replace("ö", "oe"),
            "name": name,
            "phone": f"+1 555 000 {number}",
            "language": "de" if number == 1 else "en",
        }
        for number, name in enumerate(NAMES)
    ],
    "metadata_stashes": [
        {
            "id": "friend",
            "protocol": "sftp",
            "url": "sftp://fred@friend.example:2222/paradux",
            "credentials": {"password": "CANARY-writer"},
            "kit_access": {"url": "sftp://kit@friend.example:2222/paradux", "credentials": {"password": "reader"}},
        }
    ],
    "datasets": [
        {
            "id": "photos",
            "description": "Family photos",
            "source": {"protocol": "disk", "url": "file:///srv/photos"},
            "destinations": [{"id": "cloud", "protocol": "restic", "repository": "/srv/repository"}],
        }
    ],
    "inventory": [{"name": "Tax advisor", "password": "CANARY-tax", "notes": "Call Ms. Lee first.\nThen pay."}],
}


@dataclass(frozen=True)
class Family:
    """A config document and what was published of it."""

    document: dict[str, Any]
    envelope: bytes
    config_gpg: bytes

    @property
    def epoch(self) -> Epoch:
        managed = managed_of(self.document)
        return Epoch(managed.recovery, managed.shares, self.config_gpg)

    def sign(self, data: bytes) -> bytes:
        recovery = self.document["managed"]["recovery"]
        with private_gpg(MEMORY) as gpg:
            gpg.import_key(recovery["private_key"], recovery["secret"])
            return gpg.sign_detached(data, recovery["fingerprint"], recovery["secret"])

    def inputs(self, steward: str) -> KitInputs:
        return kit_inputs(self.document, steward, self.epoch)

    def kit(self, steward: str) -> dict[str, bytes]:
        return build(self.inputs(steward), self.sign)


def kit_inputs(document: dict[str, Any], steward: str, epoch: Epoch, *previous: PreviousEpoch) -> KitInputs:
    """Of a config that is a plain document."""
    return KitInputs(Config.model_validate(document), managed_of(document), steward, epoch, WRITTEN, *previous)


def new_managed(document: dict[str, Any], memory: Path) -> dict[str, Any]:
    """Of a document, as plain JSON."""
    policy, stewards = Policy.model_validate(document["policy"]), [each["id"] for each in document["stewards"]]
    made: dict[str, Any] = generate.new_managed(policy, stewards, memory).to_json_value()
    return made


def new_family(**changes: Any) -> Family:
    """A family with a key of its own; `changes` are top-level keys of the document."""
    document = {**copy.deepcopy(ANSWERS), **changes}
    document["managed"] = new_managed(document, MEMORY)
    document["managed"]["data_keys"] = {"photos/cloud": {"password": "CANARY-restic"}}
    return published_family(document)


def published_family(document: dict[str, Any], date: str = WRITTEN) -> Family:
    """The family of a complete document, encrypted anew."""
    managed = document["managed"]
    recovery = managed["recovery"]
    header = published_config.Header(
        published_config.FORMAT, managed["owner_id"], managed["instance"], recovery["epoch"], document["serial"], date
    )
    text = published_config.envelope(header, document)
    with private_gpg(MEMORY) as gpg:
        gpg.import_key(recovery["private_key"], recovery["secret"])
        message = gpg.encrypt_signed(text, recovery["fingerprint"], recovery["secret"])
    return Family(document, text, message)


def write_kit(files: dict[str, bytes], folder: Path) -> Path:
    """A stick: the kit in `folder`/PARADUX."""
    for name, content in files.items():
        path = folder / "PARADUX" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
