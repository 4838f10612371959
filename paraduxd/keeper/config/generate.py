"""What a new installation or a new config needs and does not have yet: ids, recovery secret and key, shares, data keys.

These functions take the parsed config as plain JSON values and give a new one; randomness comes from the operating system.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.capabilities import ProtocolCapabilities
from paraduxd.core.config.models import Config
from paraduxd.core.plan import place_changes
from paraduxd.effects.crypto import archive_crypto
from paraduxd.effects.crypto.gpg import Gpg, private_gpg
from paraduxd.keeper.runtime.opened import Json
from paraduxd.shares import slip39


def now() -> str:
    """This moment, RFC 3339 in UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_managed(answers: Json, memory: Path) -> Json:
    """The `managed` part of a new installation: epoch 1."""
    secret = secrets.token_bytes(slip39.SECRET_BYTES)
    return {
        "owner_id": secrets.token_hex(16),
        "instance": secrets.token_hex(16),
        "recovery": _new_recovery(1, secret, memory),
        "shares": _share_set(secret, answers),
        "data_keys": {},
        "hosts": {},
        "highest_epoch": 1,
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
        "words": list(slip39.split(secret, threshold)),
        "issued": slip39.issue({}, [steward["id"] for steward in config["stewards"]]),
        "retired": [],
    }


def with_shares(managed: Json, config: Json) -> Json:
    """`managed` with a share for every steward of the config.

    A changed `shares_required` makes a new set of the same secret as long as no kit was ever written. Once somebody may hold a share,
    shares of either set would open the secret, so the present set stays, and the next rotation makes one with the new number.
    """
    stewards = [steward["id"] for steward in config["stewards"]]
    threshold_changed = config["policy"]["shares_required"] != managed["shares"]["threshold"]
    if threshold_changed and not managed.get("kits_written") and not managed.get("rotation"):
        secret = bytes.fromhex(managed["recovery"]["secret"])
        return {**managed, "shares": _share_set(secret, config)}
    try:
        return _reissued_everywhere(managed, stewards)
    except slip39.ShareError as problem:
        raise ParaduxError(
            "no-share-left", str(problem), "keep to the stewards you have, and begin a new epoch: paraductl rotate"
        ) from None


def _reissued_everywhere(managed: Json, stewards: Sequence[str]) -> Json:
    """A share of the present set for every steward, and of the next one during a rotation; then the present one may have run out."""
    rotation = managed.get("rotation")
    if not rotation:
        return {**managed, "shares": _reissued(managed["shares"], stewards)}
    confirmed = [steward for steward in rotation["confirmed"] if steward in stewards]
    following = {**rotation, "shares": _reissued(rotation["shares"], stewards), "confirmed": confirmed}
    try:
        present = _reissued(managed["shares"], stewards)
    except slip39.ShareError:
        present = _reissued(managed["shares"], [name for name in stewards if name in managed["shares"]["issued"]])
    return {**managed, "shares": present, "rotation": following}


def _reissued(present: Json, stewards: Sequence[str]) -> Json:
    """The share set with a share for every steward; those of removed stewards are never issued again."""
    held = present["issued"]
    gone = {steward: index for steward, index in held.items() if steward not in stewards}
    retired = [*present.get("retired", []), *gone.values()]
    former = [*present.get("former", []), *({"share": index, "steward": who} for who, index in gone.items())]
    issued = slip39.issue(held, stewards, retired)
    return {**present, "issued": issued, "retired": retired, "former": former}


def next_epoch(document: Json, number: int, memory: Path) -> tuple[Json, Json]:
    """A new recovery secret and key pair, and the shares of it for the present stewards, as many required as the policy says now."""
    secret = secrets.token_bytes(slip39.SECRET_BYTES)
    return _new_recovery(number, secret, memory), _share_set(secret, document)


def with_places(document: Json, old: Config | None, config: Config, capabilities: ProtocolCapabilities) -> Json:
    """The document, which is to be saved as `config`, with the uids of its places; `old` is the config before, `None` for a setup."""
    managed = document["managed"]
    places = place_changes.places_after(old, config, capabilities, document["serial"], lambda: secrets.token_hex(16))
    keys = place_changes.data_keys_after(old, config, places, managed["data_keys"])
    plain = {name: place.model_dump(exclude_defaults=True) for name, place in places.items()}
    return {**document, "managed": {**managed, "places": plain, "data_keys": keys}}


def with_data_keys(managed: Json, needed: Sequence[str]) -> Json:
    """`managed` with a random password for each "dataset/destination" that needs one."""
    return _with_keys(managed, {name: {"password": secrets.token_urlsafe(32)} for name in needed})


def _with_keys(managed: Json, made: Mapping[str, Json]) -> Json:
    """`managed` with what was made for each "dataset/destination", by the uid of it."""
    keys = dict(managed["data_keys"])
    for name, key in made.items():
        uid = managed["places"][name]["uid"]
        keys[uid] = {**keys.get(uid, {}), "name": name, **key}
    return {**managed, "data_keys": keys}


def with_archive_keys(managed: Json, needed: Sequence[str], memory: Path) -> Json:
    """`managed` with new keys of encrypted archives for each "dataset/destination" that needs them."""
    if not needed:
        return managed
    with private_gpg(memory) as gpg:
        return _with_keys(managed, {name: {"archive": _new_archive_key(name, gpg)} for name in needed})


def _new_archive_key(name: str, gpg: Gpg) -> Json:
    passphrase, signing = secrets.token_hex(32), archive_crypto.new_signing_key()
    pair = gpg.generate(f"Paradux data key, {name}", passphrase)
    return {
        "fingerprint": pair.fingerprint,
        "public_key": pair.public_key,
        "private_key": pair.private_key,
        "passphrase": passphrase,
        "verify_key": signing.public,
        "signing_key": signing.private,
    }


def with_hosts(managed: Json, trusted: dict[str, list[str]]) -> Json:
    """`managed` with the host keys that the owner accepted; a key that is pinned already stays."""
    return {**managed, "hosts": {**trusted, **managed["hosts"]}}
