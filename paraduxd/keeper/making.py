"""What a new installation or a new config needs and does not have yet: ids, recovery secret and key, shares, data keys.

These functions take the parsed config as plain JSON values and give a new one; randomness comes from the operating system.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.gpg import private_gpg
from paraduxd.recovery import shares

Json = dict[str, Any]


def now() -> str:
    """This moment, RFC 3339 in UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_managed(answers: Json, memory: Path) -> Json:
    """The `managed` part of a new installation: epoch 1."""
    secret = secrets.token_bytes(shares.SECRET_BYTES)
    return {
        "owner_id": secrets.token_hex(16),
        "instance": secrets.token_hex(16),
        "recovery": _new_recovery(1, secret, memory),
        "shares": _share_set(secret, answers),
        "data_keys": {},
        "hosts": {},
    }


def _new_recovery(epoch: int, secret: bytes, memory: Path) -> Json:
    with private_gpg(memory) as gpg:
        pair = gpg.generate(f"Paradux recovery key, epoch {epoch}", secret.hex())
    return {
        "epoch": epoch,
        "created": now(),
        "secret": secret.hex(),
        "fingerprint": pair.fingerprint,
        "public_key": pair.public_key,
        "private_key": pair.private_key,
    }


def _share_set(secret: bytes, config: Json) -> Json:
    threshold = config["policy"]["shares_required"]
    return {
        "threshold": threshold,
        "words": list(shares.split(secret, threshold)),
        "issued": shares.issue({}, [steward["id"] for steward in config["stewards"]]),
        "retired": [],
    }


def with_shares(managed: Json, config: Json) -> Json:
    """`managed` with a share for every steward of the config.

    A changed `shares_required` makes a new set of the same secret. That is sound only while nobody holds a share of the old
    set, which is so in this version: it cannot write kits.
    """
    if config["policy"]["shares_required"] != managed["shares"]["threshold"]:
        secret = bytes.fromhex(managed["recovery"]["secret"])
        return {**managed, "shares": _share_set(secret, config)}
    try:
        return {**managed, "shares": _reissued(managed["shares"], config)}
    except shares.ShareError as problem:
        raise ParaduxError(
            "no-share-left", str(problem), "a new epoch is needed: keep to the stewards you have"
        ) from None


def _reissued(present: Json, config: Json) -> Json:
    """The share set with a share for every steward; those of removed stewards are never issued again."""
    held = present["issued"]
    stewards = [steward["id"] for steward in config["stewards"]]
    gone = [index for steward, index in held.items() if steward not in stewards]
    retired = [*present.get("retired", []), *gone]
    return {**present, "issued": shares.issue(held, stewards, retired), "retired": retired}


def with_data_keys(managed: Json, needed: Sequence[str]) -> Json:
    """`managed` with a random password for each "dataset/destination" that needs one."""
    made = {name: {"password": secrets.token_urlsafe(32)} for name in needed}
    return {**managed, "data_keys": {**managed["data_keys"], **made}}


def with_hosts(managed: Json, trusted: dict[str, list[str]]) -> Json:
    """`managed` with the host keys that the owner accepted; a key that is pinned already stays."""
    return {**managed, "hosts": {**trusted, **managed["hosts"]}}
