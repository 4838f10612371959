"""The config: the one document that drives Paradux, as models.

`docs/reference/config.md` explains every field; `schema/paradux.schema.json` is generated from here. A source, destination or metadata
stash has keys that all protocols share (here) and keys of its protocol (`Stash.settings`), which the protocol's own settings
model checks; so this module knows no protocol.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from paraduxd.api.calls import JsonObject
from paraduxd.core.config.field_types import (
    Cron,
    Date,
    Directory,
    Duration,
    Fate,
    Fraction,
    Heartbeat,
    HookName,
    HookTime,
    Hours,
    Id,
    Language,
    Mebibytes,
    Notes,
    Notify,
    Rate,
    Was,
    Whole,
)
from paraduxd.core.config.managed import DataKey, Managed, Recovery, Shares
from paraduxd.core.config.policy import Limits, Policy
from paraduxd.core.config.protocol_settings import Secret, Strict, Text

__all__ = [
    "Config", "DataKey", "Dataset", "Destination", "Guard", "InventoryEntry", "Keep", "KitAccess", "Limits", "Managed",
    "MetadataStash", "Owner", "Policy", "Recovery", "Scenario", "Shares", "Source", "Stash", "Steward",
]  # fmt: skip

_FATE_HELP = "What can be lost as a whole and takes this along: place, account, person, device or mind, and a name"


Bandwidth = Annotated[Rate | None, Field(description="Bytes per second at most, in either direction", examples=["2M"])]
Memory = Annotated[
    Mebibytes | None,
    Field(
        description="MiB that a program working on it may take, where that is more than Paradux allows by itself",
        examples=[2048],
    ),
]


class Owner(Strict):
    """Whose data it is."""

    name: Text = Field(min_length=1, description="Name of the owner", examples=["Fred Myself"])
    email: Text = Field(default="", description="E-mail address, for the stewards", examples=["fred@example.org"])
    phone: Text = Field(default="", description="Telephone number, for the stewards", examples=["+1 999 888 7777"])
    address: Text = Field(
        default="", description="Postal address, for the stewards", examples=["1 Elm Street, Springfield"]
    )
    fate: tuple[Fate, ...] = Field(
        default=(),
        description="Fates of the machine that runs Paradux, and so of every staging copy",
        examples=[["place:house", "device:server"]],
    )
    staging_fate: tuple[Fate, ...] = Field(
        default=(),
        description="Fates of the staging copies, where they do not lie on the machine itself",
        examples=[["place:house", "device:nas"]],
    )


class Steward(Strict):
    """A person who has agreed to hold a share."""

    id: Id = Field(description="Short name, used in commands", examples=["alice"])
    name: Text = Field(min_length=1, description="Name of the steward", examples=["Alice Example"])
    email: Text = Field(default="", description="E-mail address", examples=["alice@example.org"])
    phone: Text = Field(default="", description="Telephone number", examples=["+1 555 123 4567"])
    address: Text = Field(default="", description="Postal address", examples=["2 Oak Street, Shelbyville"])
    accepted_on: Date | None = Field(
        default=None, description="The day on which this person agreed to be a steward", examples=["2026-11-01"]
    )
    language: Language = Field(default="en", description="Language of the kit", examples=["en"])
    fate: tuple[Fate, ...] = Field(default=(), description=_FATE_HELP, examples=[["place:shelbyville", "person:alice"]])
    fetch: Duration | None = Field(
        default=None, description="How long it takes until this share is at hand", examples=["2d"]
    )
    handed_over: Date | None = Field(
        default=None,
        description="The day on which this person took the kit home; one that is written later still lies with the machine",
        examples=["2026-11-20"],
    )


class Stash(Strict):
    """One place that holds a copy: what all of them have in common, besides the keys of the protocol."""

    model_config = ConfigDict(extra="allow")

    protocol: Text = Field(description="Name of the protocol that talks to this place", examples=["disk"])
    fate: tuple[Fate, ...] = Field(default=(), description=_FATE_HELP, examples=[["place:friend"]])

    @property
    def settings(self) -> JsonObject:
        """The keys of the protocol, as in the document; not checked here."""
        return dict(self.model_extra or {})


class Source(Stash):
    """Where a dataset comes from."""

    every: Duration | None = Field(
        default=None, description="How often to pull; without this and `cron` only when asked", examples=["1h"]
    )
    cron: Cron | None = Field(
        default=None,
        description="When to pull: five cron fields, local time, instead of `every`",
        examples=["30 3 * * *"],
    )
    bandwidth: Bandwidth = None
    memory: Memory = None
    before: HookName | None = Field(
        default=None, description="Program in /etc/paradux/hooks.d that runs before each pull", examples=["dump-mail"]
    )
    after: HookName | None = Field(
        default=None,
        description="Program in /etc/paradux/hooks.d that runs after each pull, whatever came of it",
        examples=["drop-snapshot"],
    )
    hooks_within: HookTime = Field(
        default=3600, description="How long each of the two may take, at most 4 hours", examples=["2h"]
    )
    window: Hours | None = Field(
        default=None,
        description="Hours of the day, local time, in which scheduled pulls may start; those asked for by hand start at once",
        examples=["22:00-06:00"],
    )


class Keep(Strict):
    """Which versions of a destination stay; without any of these all of them."""

    last: Whole | None = Field(default=None, ge=1, description="How many of the newest versions stay", examples=[10])
    hourly: Whole | None = Field(
        default=None, ge=1, description="For how many hours the newest version of each stays", examples=[24]
    )
    daily: Whole | None = Field(
        default=None, ge=1, description="For how many days the newest version of each stays", examples=[7]
    )
    weekly: Whole | None = Field(
        default=None, ge=1, description="For how many weeks the newest version of each stays", examples=[4]
    )
    monthly: Whole | None = Field(
        default=None, ge=1, description="For how many months the newest version of each stays", examples=[12]
    )
    yearly: Whole | None = Field(
        default=None, ge=1, description="For how many years the newest version of each stays", examples=[3]
    )


class Destination(Stash):
    """One place that keeps versions of a dataset."""

    id: Id = Field(description="Short name, used in commands", examples=["cloud"])
    was: Was | None = Field(
        default=None,
        description="Only in an edit: the id that this entry had, or - for a new place at an old address; the save takes it out",
        examples=["backup"],
    )
    every: Duration | None = Field(
        default=None, description="How often to push; without this and `cron` after every pull", examples=["6h"]
    )
    cron: Cron | None = Field(
        default=None,
        description="When to push: five cron fields, local time, instead of `every`",
        examples=["0 4 * * sun"],
    )
    bandwidth: Bandwidth = None
    memory: Memory = None
    window: Hours | None = Field(
        default=None,
        description="Hours of the day, local time, in which scheduled pushes may start; those asked for by hand start at once",
        examples=["22:00-06:00"],
    )
    encryption: Literal["none", "gpg"] = Field(
        default="none",
        description="gpg: as encrypted archives; none: as the protocol stores it (some always encrypt by themselves)",
        examples=["none"],
    )
    keep: Keep = Field(default=Keep(), description="Which versions stay", examples=[{"daily": 7, "weekly": 4}])
    fetch: Duration | None = Field(
        default=None, description="How long it takes to fetch it before anything can be read", examples=["3d"]
    )
    protects: Literal["none", "append-only", "object-lock"] = Field(
        default="none",
        description="What the credentials of this machine cannot do there: remove or change what is stored",
        examples=["append-only"],
    )


class KitAccess(Strict):
    """How a steward reaches a metadata stash: an address of the same protocol, and credentials that can read and nothing else."""

    url: Text = Field(description="Address as written into kits", examples=["sftp://reader@friend.example/paradux"])
    credentials: dict[Text, Secret] = Field(
        default_factory=dict, description="What is needed to read there", examples=[{"password": "for reading only"}]
    )


class MetadataStash(Stash):
    """One place to which encrypted config copies are published."""

    id: Id = Field(description="Short name, used in reports", examples=["friend"])
    was: Was | None = Field(
        default=None,
        description="Only in an edit: the id that this entry had, or - for a new place at an old address; the save takes it out",
        examples=["neighbour"],
    )
    kit_access: KitAccess | None = Field(
        default=None,
        description="How stewards can read the copies there; written into every kit",
        examples=[{"url": "sftp://reader@friend.example/paradux"}],
    )


class Guard(Strict):
    """When a pull looks like a disaster rather than like work: the push is held, and the owner is asked."""

    max_removed: Fraction = Field(
        default=0.25, description="Share of the files that may vanish in one pull", examples=["25%"]
    )
    max_changed: Fraction = Field(
        default=0.60, description="Share of the old files that may change in one pull", examples=["60%"]
    )


class Dataset(Strict):
    """Data kept together: one source, the staging copy on this machine, any number of destinations."""

    id: Id = Field(description="Short name, used in commands", examples=["photos"])
    was: Was | None = Field(
        default=None,
        description="Only in an edit: the id that this entry had, or - for a new place at an old address; the save takes it out",
        examples=["pictures"],
    )
    description: Text = Field(default="", description="What it is, for people", examples=["Family photos since 1998"])
    source: Source = Field(
        description="Where the data comes from", examples=[{"protocol": "disk", "url": "file:///srv/photos"}]
    )
    staging: Directory | None = Field(
        default=None,
        description="Directory of the copy on this machine, which is in data/ below it; "
        "may be left out when the source is a directory of this machine",
        examples=["/srv/paradux/photos"],
    )
    guard: Guard = Field(default=Guard(), description="When to hold a push", examples=[{"max_removed": "25%"}])
    destinations: tuple[Destination, ...] = Field(
        default=(), description="Where versions are kept", examples=[[{"id": "cloud", "protocol": "restic"}]]
    )


class InventoryEntry(Strict):
    """An account, a device, a wish, anything the family must know; what gives access to what is for `paraductl whatif`."""

    id: Id | None = Field(
        default=None, description="Short name, by which other entries need this one", examples=["mail"]
    )
    name: Text = Field(min_length=1, description="What it is", examples=["Tax advisor's portal"])
    url: Text = Field(default="", description="Address", examples=["https://tax.example/login"])
    username: Text = Field(default="", description="Account name", examples=["fred"])
    password: Secret = Field(default="", description="Password", examples=["correct horse battery staple"])
    notes: Notes = Field(
        default="", description="What the family must know, in any number of lines", examples=["Call Ms. Lee first."]
    )
    fate: tuple[Fate, ...] = Field(default=(), description=_FATE_HELP, examples=[["account:mail"]])
    needs: tuple[tuple[Id, ...], ...] = Field(
        default=(),
        description="What it takes to log in, besides the password if that stands here: any one of these lists of ids",
        examples=[[["phone"], ["codes"]]],
    )
    reset_by: tuple[tuple[Id, ...], ...] = Field(
        default=(),
        description="What lets in without the password: any one of these lists of ids",
        examples=[[["mail"]]],
    )


class Scenario(Strict):
    """A loss that has a name."""

    name: Text = Field(min_length=1, description="What `paraductl whatif` is asked for", examples=["burglary"])
    lose: tuple[Fate, ...] = Field(default=(), description="Fates that are lost", examples=[["device:laptop"]])
    compromise: tuple[Text, ...] = Field(
        default=(),
        description="Fates, stewards or inventory entries that somebody else controls",
        examples=[["device:laptop"]],
    )


class Config(Strict):
    """The whole document."""

    schema_url: Text | None = Field(
        default=None,
        alias="$schema",
        description="Address of the JSON Schema, for editors",
        examples=["https://paradux.example/schema/paradux.schema.json"],
    )
    version: Literal[1] = Field(default=1, description="Version of this format", examples=[1])
    serial: Whole | None = Field(
        default=None, ge=1, description="Increases by one with every saved config; absent in answers", examples=[42]
    )
    owner: Owner = Field(description="Whose data it is", examples=[{"name": "Fred Myself"}])
    policy: Policy = Field(description="Rules that hold for everything", examples=[{"shares_required": 3}])
    stewards: tuple[Steward, ...] = Field(
        min_length=2,
        max_length=16,
        description="Who holds a share",
        examples=[[{"id": "alice", "name": "Alice Example"}]],
    )
    metadata_stashes: tuple[MetadataStash, ...] = Field(
        min_length=1,
        description="Where encrypted copies of this document are published",
        examples=[[{"id": "friend", "protocol": "sftp", "url": "sftp://fred@friend.example/paradux"}]],
    )
    datasets: tuple[Dataset, ...] = Field(default=(), description="What is backed up", examples=[[{"id": "photos"}]])
    inventory: tuple[InventoryEntry, ...] = Field(
        default=(), description="What else the family must know", examples=[[{"name": "Tax advisor's portal"}]]
    )
    scenarios: tuple[Scenario, ...] = Field(
        default=(),
        description="Losses that have a name, for `paraductl whatif`",
        examples=[[{"name": "burglary", "lose": ["device:laptop"], "compromise": ["device:laptop"]}]],
    )
    notify: tuple[Notify, ...] = Field(
        default=(),
        description="Where problems are reported; may hold passwords",
        examples=[["mailtos://fred:password@mail.example"]],
    )
    heartbeat: tuple[Heartbeat, ...] = Field(
        default=(),
        description="Addresses of a watchdog service that are called while everything could be recovered; they are secret",
        examples=[["https://hc-ping.com/5f6e0f5c-1c5e-4b0e-9d8a-0a4d3f1b2c3d"]],
    )
    managed: Managed | None = Field(
        default=None,
        description="What Paradux generates; never edit it; absent in answers",
        examples=[{"owner_id": "..."}],
    )
