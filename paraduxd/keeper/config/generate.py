"""What a new installation or a new config needs and does not have yet: ids, recovery secret and key, shares, data keys.

These functions take the managed part of the config and give a new one; randomness comes from the operating system.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.capabilities import ProtocolCapabilities
from paraduxd.core.config.managed import ArchiveKey, DataKey, Former, Managed, Recovery, Shares
from paraduxd.core.config.models import Config, Policy
from paraduxd.core.plan import place_changes
from paraduxd.effects.crypto import archive_crypto
from paraduxd.effects.crypto.gpg import Gpg, private_gpg
from paraduxd.shares import slip39


def now() -> str:
    """This moment, RFC 3339 in UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_managed(policy: Policy, stewards: Sequence[str], memory: Path) -> Managed:
    """The `managed` part of a new installation: epoch 1, with a share for each of these stewards."""
    secret = secrets.token_bytes(slip39.SECRET_BYTES)
    return Managed(
        owner_id=secrets.token_hex(16),
        instance=secrets.token_hex(16),
        recovery=_new_recovery(1, secret, memory),
        shares=_share_set(secret, policy.shares_required, stewards),
        data_keys={},
        hosts={},
        highest_epoch=1,
    )


def _new_recovery(epoch: int, secret: bytes, memory: Path) -> Recovery:
    with private_gpg(memory) as gpg:
        pair = gpg.generate(f"Paradux recovery key, epoch {epoch}", secret.hex())
    return Recovery(
        epoch=epoch,
        created=now(),
        secret=secret.hex(),
        fingerprint=pair.fingerprint,
        public_key=pair.public_key,
        private_key=pair.private_key,
    )


def _share_set(secret: bytes, threshold: int, stewards: Sequence[str]) -> Shares:
    words = tuple(slip39.split(secret, threshold))
    return Shares(threshold=threshold, words=words, issued=slip39.issue({}, stewards), retired=())


def with_shares(managed: Managed, config: Config) -> Managed:
    """`managed` with a share for every steward of the config.

    A changed `shares_required` makes a new set of the same secret as long as no kit was ever written. Once somebody may hold a share,
    shares of either set would open the secret, so the present set stays, and the next rotation makes one with the new number.
    """
    stewards, threshold = [steward.id for steward in config.stewards], config.policy.shares_required
    if threshold != managed.shares.threshold and not managed.kits_written and not managed.rotation:
        secret = bytes.fromhex(managed.recovery.secret)
        return managed.with_(shares=_share_set(secret, threshold, stewards))
    try:
        return _reissued_everywhere(managed, stewards)
    except slip39.ShareError as problem:
        raise ParaduxError(
            "no-share-left", str(problem), "keep to the stewards you have, and begin a new epoch: paraductl rotate"
        ) from None


def _reissued_everywhere(managed: Managed, stewards: Sequence[str]) -> Managed:
    """A share of the present set for every steward, and of the next one during a rotation; then the present one may have run out."""
    rotation = managed.rotation
    if rotation is None:
        return managed.with_(shares=_reissued(managed.shares, stewards))
    confirmed = tuple(steward for steward in rotation.confirmed if steward in stewards)
    following = rotation.model_copy(update={"shares": _reissued(rotation.shares, stewards), "confirmed": confirmed})
    try:
        present = _reissued(managed.shares, stewards)
    except slip39.ShareError:
        present = _reissued(managed.shares, [name for name in stewards if name in managed.shares.issued])
    return managed.with_(shares=present, rotation=following)


def _reissued(present: Shares, stewards: Sequence[str]) -> Shares:
    """The share set with a share for every steward; those of removed stewards are never issued again."""
    gone = {steward: index for steward, index in present.issued.items() if steward not in stewards}
    retired = (*present.retired, *gone.values())
    former = (*present.former, *(Former(share=index, steward=who) for who, index in gone.items()))
    issued = slip39.issue(present.issued, stewards, retired)
    return present.model_copy(update={"issued": issued, "retired": retired, "former": former})


def next_epoch(config: Config, number: int, memory: Path) -> tuple[Recovery, Shares]:
    """A new recovery secret and key pair, and the shares of it for the present stewards, as many required as the policy says now."""
    secret, stewards = secrets.token_bytes(slip39.SECRET_BYTES), [steward.id for steward in config.stewards]
    return _new_recovery(number, secret, memory), _share_set(secret, config.policy.shares_required, stewards)


def with_places(
    managed: Managed, old: Config | None, config: Config, capabilities: ProtocolCapabilities, serial: int
) -> Managed:
    """`managed`, of what is to be saved as `config`, with the uids of its places; `old` is the config before, `None` for a setup."""
    places = place_changes.places_after(old, config, capabilities, serial, lambda: secrets.token_hex(16))
    keys = place_changes.data_keys_after(old, config, places, managed.data_keys)
    return managed.with_(places=places, data_keys=keys)


def with_data_keys(managed: Managed, needed: Sequence[str]) -> Managed:
    """`managed` with a random password for each "dataset/destination" that needs one."""
    return _with_keys(managed, {name: {"password": secrets.token_urlsafe(32)} for name in needed})


def _with_keys(managed: Managed, made: Mapping[str, Mapping[str, object]]) -> Managed:
    """`managed` with what was made for each "dataset/destination", by the uid of it."""
    keys = dict(managed.data_keys)
    for name, key in made.items():
        uid = managed.places[name].uid
        keys[uid] = keys.get(uid, DataKey()).model_copy(update={"name": name, **key})
    return managed.with_(data_keys=keys)


def with_archive_keys(managed: Managed, needed: Sequence[str], memory: Path) -> Managed:
    """`managed` with new keys of encrypted archives for each "dataset/destination" that needs them."""
    if not needed:
        return managed
    with private_gpg(memory) as gpg:
        return _with_keys(managed, {name: {"archive": _new_archive_key(name, gpg)} for name in needed})


def _new_archive_key(name: str, gpg: Gpg) -> ArchiveKey:
    passphrase, signing = secrets.token_hex(32), archive_crypto.new_signing_key()
    pair = gpg.generate(f"Paradux data key, {name}", passphrase)
    return ArchiveKey(
        fingerprint=pair.fingerprint,
        public_key=pair.public_key,
        private_key=pair.private_key,
        passphrase=passphrase,
        verify_key=signing.public,
        signing_key=signing.private,
    )


def with_hosts(managed: Managed, trusted: Mapping[str, Sequence[str]]) -> Managed:
    """`managed` with the host keys that the owner accepted; a key that is pinned already stays."""
    return managed.with_(hosts={**{host: tuple(lines) for host, lines in trusted.items()}, **managed.hosts})
