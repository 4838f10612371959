"""What the documents of one kit tell, taken out of the config once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import field

from paraduxd.api.frozen import dataclass
from paraduxd.core.config.managed import Managed, Recovery, Shares
from paraduxd.core.config.models import Config, KitAccess, MetadataStash, Owner, Steward


@dataclass(frozen=True)
class Epoch:
    """One recovery secret with its key and shares (`recovery` and `shares` as in `managed`), and the config encrypted to it."""

    recovery: Recovery = field(repr=False)
    shares: Shares = field(repr=False)
    config_gpg: bytes = field(repr=False)


@dataclass(frozen=True)
class Person:
    """Somebody to call; what is not known is empty. `id` is empty for the owner."""

    id: str
    name: str
    phone: str
    email: str
    address: str


@dataclass(frozen=True)
class Access:
    """A place where stewards can read newer copies of the encrypted config, with credentials that can read and no more.

    `settings` are what a client has to be told besides ("endpoint").
    """

    id: str
    protocol: str
    url: str
    credentials: tuple[tuple[str, str], ...] = field(repr=False)
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class KitFacts:
    """Everything the documents of one steward's kit say. `written` and `created` are RFC 3339 in UTC."""

    owner: Person
    owner_id: str
    instance: str
    steward: Person
    language: str
    know_each_other: bool
    stewards: tuple[Person, ...]
    """All stewards, this one included, whoever may be told about them."""
    number: int
    created: str
    serial: int
    written: str
    index: int
    words: tuple[str, ...] = field(repr=False)
    epoch: Epoch = field(repr=False)
    access: tuple[Access, ...] = ()
    host_keys: tuple[tuple[str, str], ...] = ()
    destinations: tuple[tuple[str, bool], ...] = ()
    """In which forms data are kept: protocols, and whether as encrypted archives; each once."""

    @property
    def threshold(self) -> int:
        """How many stewards are needed."""
        return self.epoch.shares.threshold

    @property
    def issued(self) -> int:
        """How many stewards hold a share."""
        return len(self.epoch.shares.issued)

    @property
    def fingerprint(self) -> str:
        """Of the recovery key."""
        return self.epoch.recovery.fingerprint

    @property
    def day(self) -> str:
        """The day of writing, for people."""
        return self.written[:10]

    @property
    def others(self) -> tuple[Person, ...]:
        """The other stewards, as far as this one may know them."""
        return tuple(person for person in self.stewards if person.id != self.steward.id) if self.know_each_other else ()


def share_sha256(words: str) -> str:
    """SHA-256 of a share: its lower-case words joined by single spaces, no line end."""
    return hashlib.sha256(words.encode()).hexdigest()


def facts_of(config: Config, managed: Managed, steward_id: str, epoch: Epoch, written: str) -> KitFacts:
    """The facts for one steward, who must hold a share of this epoch (`KeyError` otherwise)."""
    steward = {each.id: each for each in config.stewards}[steward_id]
    index = epoch.shares.issued[steward_id]
    return KitFacts(
        owner=_person("", config.owner),
        owner_id=managed.owner_id,
        instance=managed.instance,
        steward=_person(steward.id, steward),
        language=steward.language,
        know_each_other=config.policy.stewards_know_each_other,
        stewards=tuple(_person(each.id, each) for each in config.stewards),
        number=epoch.recovery.epoch,
        created=epoch.recovery.created,
        serial=config.serial or 0,
        written=written,
        index=index,
        words=tuple(epoch.shares.words[index].split()),
        epoch=epoch,
        access=tuple(_access(stash, stash.kit_access) for stash in config.metadata_stashes if stash.kit_access),
        host_keys=tuple((host, key) for host, keys in managed.hosts.items() for key in keys),
        destinations=tuple(dict.fromkeys(_forms(config))),
    )


def _forms(config: Config) -> Iterator[tuple[str, bool]]:
    for dataset in config.datasets:
        for destination in dataset.destinations:
            yield destination.protocol, destination.encryption == "gpg"


def _person(name: str, entry: Owner | Steward) -> Person:
    return Person(name, entry.name, entry.phone, entry.email, entry.address)


_SETTINGS = ("endpoint", "region", "addressing")
"""Keys of a stash that whoever reads there has to know, and that hold no secret."""


def _access(stash: MetadataStash, granted: KitAccess) -> Access:
    settings = tuple((key, str(stash.settings[key])) for key in _SETTINGS if key in stash.settings)
    return Access(stash.id, stash.protocol, granted.url, tuple(sorted(granted.credentials.items())), settings)
