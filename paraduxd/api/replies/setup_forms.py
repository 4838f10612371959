"""What `paraductl setup` asks about a place: declared by each protocol, sent to the client, which knows no protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.config import HostKeys


@dataclass(frozen=True)
class Question:
    """One thing that is asked, in the order of the declaration.

    `key`: where the answer goes in the settings, like "credentials.password". `example`: what an answer looks like. `secret`: not shown
    while it is typed. `from_file`: the answer is the name of a file, whose text is what is meant (a private key). `unless`: the
    key of an earlier question that makes this one needless when it was answered. `only_for`: asked if the address begins so.
    `pairs`: any number of options is asked for, each with a name and a value; where they are `secret`, the values are not shown.
    """

    key: str
    text: str
    example: str = ""
    required: bool = False
    secret: bool = False
    from_file: bool = False
    unless: str = ""
    only_for: tuple[str, ...] = ()
    pairs: bool = False


@dataclass(frozen=True)
class ProtocolForm:
    """A protocol to choose from. `roles`: "source", "destination", "metadata stash"; `example`: an address, as a person would type it."""

    protocol: str
    title: str
    example: str
    roles: tuple[str, ...]
    encrypts: bool


@dataclass(frozen=True)
class PlaceForm:
    """A way to use the place that a person has named, and what has to be asked besides.

    `settings`: the keys of the protocol that the address gives. `encryption`: as the config writes it, "" for the default. `here`: it is a
    folder of this machine or on one of its disks. `fate`: the kind of label that such a place usually has. `problem`: why the address
    cannot be right, as a clause. `every`: how often such a place is usually written to or read. `warning`: what the owner should know
    before choosing this way.
    """

    protocol: str
    title: str
    settings: Mapping[str, str] = field(default_factory=dict)
    encryption: str = ""
    here: bool = False
    fate: str = ""
    questions: tuple[Question, ...] = ()
    problem: str = ""
    every: str = ""
    warning: str = ""


@dataclass(frozen=True)
class ProtocolForms:
    """Every protocol that there is, by name."""

    protocols: tuple[ProtocolForm, ...]


@dataclass(frozen=True)
class PlaceForms:
    """How a place can be used, the most private way first; none: no protocol knows such an address."""

    places: tuple[PlaceForm, ...]


@dataclass(frozen=True)
class Tried:
    """What came of trying a place as it will be used.

    `settings`: the keys of the protocol as the config writes them, as JSON text (secrets included). `hosts`: servers whose keys the owner
    has to accept first; then nothing was tried yet. `problem` and `hint`: why the place cannot be used, as an error says it. `notes`:
    what is worth knowing, a sentence each.
    """

    settings: str = field(default="", repr=False)
    hosts: Mapping[str, HostKeys] = field(default_factory=dict)
    problem: str = ""
    hint: str = ""
    notes: tuple[str, ...] = ()
