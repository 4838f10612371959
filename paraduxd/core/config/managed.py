"""The part of the config that Paradux writes itself: recovery key, shares, data keys, pinned host keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Protocol

from pydantic import AfterValidator, Field

from paraduxd.core.config.field_types import Flag, Hex32, Hex64, HostPort, Id, Moment, SecretHex64, Whole
from paraduxd.core.config.protocol_settings import Secret, Strict, Text
from paraduxd.core.primitives.place_identity import legacy_uid, place_name

SHARES = 16
"""All shares of an epoch are made at once; those of no steward wait here."""


def _once_each(issued: dict[str, int]) -> dict[str, int]:
    if any(count > 1 for count in Counter(issued.values()).values()):
        raise ValueError("expected a share of its own for every steward")
    return issued


class Recovery(Strict):
    """The recovery key pair of one epoch, and the secret that protects its private half."""

    epoch: Whole = Field(ge=1, description="Number of the recovery secret and its set of shares", examples=[1])
    created: Moment = Field(description="When the epoch began, in RFC 3339 (UTC)", examples=["2026-11-01T12:00:00Z"])
    secret: SecretHex64 = Field(
        description="Recovery secret, 64 hex digits; this is what is split", examples=["0123456789abcdef" * 4]
    )
    fingerprint: Text = Field(
        description="Fingerprint of the recovery key", examples=["0123456789ABCDEF0123456789ABCDEF01234567"]
    )
    public_key: str = Field(
        description="Recovery key, armored: every published copy of the config is encrypted to it",
        examples=["-----BEGIN PGP PUBLIC KEY BLOCK-----\n...\n-----END PGP PUBLIC KEY BLOCK-----\n"],
    )
    private_key: Secret = Field(
        description="Private half of the recovery key, armored, protected by the recovery secret",
        examples=["-----BEGIN PGP PRIVATE KEY BLOCK-----\n...\n-----END PGP PRIVATE KEY BLOCK-----\n"],
    )


class Former(Strict):
    """A share that was given to somebody who is no steward any more."""

    share: Whole = Field(ge=0, lt=SHARES, description="Which share, by index from 0", examples=[2])
    steward: Id = Field(description="Who had it", examples=["dave"])


class Shares(Strict):
    """The shares of one epoch."""

    threshold: Whole = Field(
        ge=2, le=SHARES, description="How many shares open the recovery secret of this epoch", examples=[3]
    )
    words: tuple[Secret, ...] = Field(
        min_length=SHARES,
        max_length=SHARES,
        description="All 16 shares as SLIP-39 words",
        examples=[["duckling enlarge academic academic agency result ..."]],
    )
    issued: Annotated[dict[Id, Annotated[Whole, Field(ge=0, lt=SHARES)]], AfterValidator(_once_each)] = Field(
        description="Which share each steward holds: steward id and index from 0", examples=[{"alice": 0, "bob": 1}]
    )
    retired: tuple[Annotated[Whole, Field(ge=0, lt=SHARES)], ...] = Field(
        default=(), description="Shares that removed stewards still know; never issued again", examples=[[2]]
    )
    former: tuple[Former, ...] = Field(
        default=(), description="Who had the retired shares", examples=[[{"share": 2, "steward": "dave"}]]
    )


class Rotation(Strict):
    """The epoch that is about to replace the present one; both can open what is published until every steward has a new kit."""

    recovery: Recovery = Field(description="Recovery key pair and secret of the new epoch", examples=[{"epoch": 2}])
    shares: Shares = Field(description="Shares of the new recovery secret", examples=[{"threshold": 3}])
    started: Moment = Field(description="When it began", examples=["2026-11-01T12:00:00Z"])
    confirmed: tuple[Id, ...] = Field(
        default=(), description="Stewards whose kit of the new epoch was written and read back", examples=[["alice"]]
    )


class PastEpoch(Strict):
    """An epoch that opens nothing new any more; what it opened before may have been copied."""

    epoch: Whole = Field(ge=1, description="Its number", examples=[1])
    ended: Moment = Field(description="When it ended", examples=["2026-11-09T12:00:00Z"])
    serial: Whole = Field(ge=1, description="Serial of the last config that was published under it", examples=[41])
    threshold: Whole = Field(ge=2, le=SHARES, description="How many of its shares open that", examples=[3])
    holders: tuple[Id, ...] = Field(default=(), description="Who has, or had, a share of it", examples=[["alice"]])
    key_sha256: Hex64 = Field(
        description="SHA-256 of its private key's armor without white space: tells which published key may be removed",
        examples=["0123456789abcdef" * 4],
    )
    public_key: str = Field(
        default="",
        description="Its recovery key, armored: tells what was signed with old shares; empty for one that ended under version 0.1.0",
        examples=["-----BEGIN PGP PUBLIC KEY BLOCK-----\n...\n-----END PGP PUBLIC KEY BLOCK-----\n"],
    )
    cancelled: Flag = Field(
        default=False, description="Whether it ended before it replaced the epoch before it", examples=[False]
    )


class ArchiveKey(Strict):
    """The keys of the encrypted archives at one destination."""

    fingerprint: Text = Field(
        description="Fingerprint of the OpenPGP key", examples=["0123456789ABCDEF0123456789ABCDEF01234567"]
    )
    public_key: str = Field(
        description="OpenPGP key, armored: every archive is encrypted to it",
        examples=["-----BEGIN PGP PUBLIC KEY BLOCK-----\n...\n-----END PGP PUBLIC KEY BLOCK-----\n"],
    )
    private_key: Secret = Field(
        description="Private half of it, armored, protected by the passphrase; it is nowhere but here",
        examples=["-----BEGIN PGP PRIVATE KEY BLOCK-----\n...\n-----END PGP PRIVATE KEY BLOCK-----\n"],
    )
    passphrase: Secret = Field(description="Protects the private half", examples=["generated, 64 hex digits"])
    verify_key: str = Field(
        description="Ed25519 public key in PEM: checks the signatures of manifests",
        examples=["-----BEGIN PUBLIC KEY-----\n...\n-----END PUBLIC KEY-----\n"],
    )
    signing_key: Secret = Field(
        description="Ed25519 private key in PEM: signs manifests; also in the destination's transport file",
        examples=["-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n"],
    )


class Place(Strict):
    """What a place is, whatever it is called (`core/primitives/place_identity.py`)."""

    uid: Hex32 = Field(description="Random id of the place", examples=["00112233445566778899aabbccddeeff"])
    since: Whole = Field(
        ge=1, description="Serial of the config that last changed its address, credentials or key", examples=[1]
    )
    formerly: Text = Field(
        default="",
        description="What version 0.1.0 called it, if that version knew it: its versions there carry this name",
        examples=["photos/cloud"],
    )


class RepositoryKey(Strict):
    """A copy of what opens a repository that encrypts by itself: with it one whose key files are lost can be read again."""

    id: Hex64 = Field(
        description="Name of the key file in the repository, which is the SHA-256 of it",
        examples=["0123456789abcdef" * 4],
    )
    key_file: Secret = Field(
        description="The key file itself, byte for byte; the password of the destination opens it",
        examples=['{"created":"2026-11-01T12:00:00Z","kdf":"scrypt","N":32768,"r":8,"p":1,"salt":"...","data":"..."}'],
    )
    master_key: Secret = Field(
        description="The key that is in the key file, as JSON: opens the repository without a password",
        examples=['{"mac":{"k":"...","r":"..."},"encrypt":"..."}'],
    )


class DataKey(Strict):
    """What Paradux generated for one destination."""

    name: Text = Field(
        default="",
        description="What the destination was called when it was last saved, for people",
        examples=["photos/cloud"],
    )

    password: Secret = Field(
        default="",
        description="Password of the destination's own encryption, if it has one",
        examples=["generated, 64 hex digits"],
    )
    archive: ArchiveKey | None = Field(
        default=None,
        description="Keys of encrypted archives, if the destination keeps such",
        examples=[{"fingerprint": "0123456789ABCDEF0123456789ABCDEF01234567"}],
    )
    repository: RepositoryKey | None = Field(
        default=None,
        description="Copy of the repository's key, for a repository that encrypts by itself; made once something was pushed there",
        examples=[{"id": "0123456789abcdef" * 4}],
    )


class KitWritten(Strict):
    """A kit that was written and read back: what a journal that was lost gets back. In the vault only, never published."""

    steward: Id = Field(description="Whose it is", examples=["alice"])
    epoch: Whole = Field(ge=1, description="Epoch of its share", examples=[1])
    serial: Whole = Field(ge=1, description="Serial of the config on it", examples=[42])
    written: Moment = Field(description="When it was written", examples=["2026-11-01T12:00:00Z"])
    device_serial: Text | None = Field(
        default=None, description="Serial number of the stick, if it is on one", examples=["4C530001"]
    )
    uuid: Text | None = Field(default=None, description="Id of the stick's file system", examples=["1234-ABCD"])
    kit_sha256: Hex64 = Field(description="SHA-256 of its kit.json", examples=["0123456789abcdef" * 4])
    reads: tuple[Text, ...] | None = Field(
        default=None,
        description="The formats that the tools on it know; null: not known",
        examples=[["paradux-archive/2", "paradux.config/1"]],
    )


class EpochPart(Protocol):
    """What holds key and shares of one epoch: the managed part itself, and a rotation."""

    @property
    def recovery(self) -> Recovery: ...
    @property
    def shares(self) -> Shares: ...


class Managed(Strict):
    """Generated by Paradux; an edit that changes it is refused."""

    owner_id: Hex32 = Field(description="Random id of the owner", examples=["00112233445566778899aabbccddeeff"])
    instance: Hex32 = Field(
        description="Random id of this installation: tells the recovered machine from the lost one",
        examples=["ffeeddccbbaa99887766554433221100"],
    )
    generation: Whole = Field(
        default=1,
        ge=1,
        description="How many machines this owner's Paradux has had: a recovery on a blank machine adds one",
        examples=[1],
    )
    recovery: Recovery = Field(description="Recovery key pair and secret", examples=[{"epoch": 1}])
    shares: Shares = Field(description="Shares of the recovery secret", examples=[{"threshold": 3}])
    data_keys: dict[str, DataKey] = Field(
        default_factory=dict,
        description="Generated keys, by the uid of the destination (by its name in configs of version 0.1.0); none is ever removed",
        examples=[{"00112233445566778899aabbccddeeff": {"name": "photos/cloud", "password": "generated"}}],
    )
    places: dict[str, Place] = Field(
        default_factory=dict,
        description='What each place is: "photos/" is a dataset, "photos/source", "photos/staging" and "photos/cloud" are its places, '
        '"/friend" is a metadata stash',
        examples=[{"photos/cloud": {"uid": "00112233445566778899aabbccddeeff", "since": 1}}],
    )
    hosts: dict[HostPort, tuple[Text, ...]] = Field(
        default_factory=dict,
        description='Pinned SSH host keys, and certificates that no authority vouches for ("x509 BASE64-DER"), by "host:port"',
        examples=[{"friend.example:22": ["ssh-ed25519 AAAA..."]}],
    )
    rotation: Rotation | None = Field(
        default=None, description="The rotation that is under way", examples=[{"started": "2026-11-01T12:00:00Z"}]
    )
    highest_epoch: Whole = Field(
        default=0, ge=0, description="The highest epoch ever begun; no number is used twice", examples=[2]
    )
    kits_written: Flag = Field(
        default=False,
        description="Whether any kit was ever written: from then on the present shares cannot be replaced",
        examples=[True],
    )
    kits: tuple[KitWritten, ...] = Field(
        default=(),
        description="Kits that were written, by steward and epoch; not in what is published",
        examples=[[{"steward": "alice", "epoch": 1, "serial": 42}]],
    )
    past_epochs: tuple[PastEpoch, ...] = Field(
        default=(), description="Epochs that were replaced or cancelled, oldest first", examples=[[{"epoch": 1}]]
    )

    def to_json_value(self) -> dict[str, object]:
        """As it stands in the config: nothing that was not set."""
        return self.model_dump(mode="json", exclude_unset=True)

    def with_(self, **changed: object) -> Managed:
        """The same with these parts replaced."""
        return self.model_copy(update=changed)

    @property
    def parts(self) -> tuple[EpochPart, ...]:
        """The epochs that open what is published now: the one in force, then the next one."""
        return (self, self.rotation) if self.rotation else (self,)

    @property
    def newest_epoch(self) -> EpochPart:
        """The epoch of which kits are made: the next one during a rotation, else the one in force."""
        return self.parts[-1]

    def place(self, dataset: str, location: str) -> Place:
        """What a place is; in a config of version 0.1.0 it is what its name says, since ever."""
        found = self.places.get(place_name(dataset, location))
        name = place_name(dataset, location)
        return found or Place(uid=legacy_uid(dataset, location), since=1, formerly=name)


def managed_of(document: Mapping[str, object]) -> Managed:
    """The managed part of a config that was checked."""
    return Managed.model_validate(document["managed"])


def with_managed(document: Mapping[str, object], managed: Managed) -> dict[str, object]:
    """The config with another managed part."""
    return {**document, "managed": managed.to_json_value()}
