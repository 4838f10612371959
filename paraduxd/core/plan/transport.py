"""What a worker needs to reach one stash, credentials included; each is a file that only root reads, and these are their names.

The keeper derives them (`core/plan/derive_transports.py`) and writes them (`effects/files/transport_files.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from paraduxd.api.calls import JsonObject
from paraduxd.api.frozen import dataclass
from paraduxd.core.primitives.left_out_rules import LeftOut


@dataclass(frozen=True)
class Hooks:
    """The names of a source's hooks ("": none) and how long each may take (seconds)."""

    before: str = ""
    after: str = ""
    within: int = 3600


@dataclass(frozen=True)
class Transport:
    """As far as it was given; `settings` are checked by their protocol, `host_keys` are lines by "host:port".

    `secret`: of what the protocol encrypts; `bandwidth`: bytes per second; `memory`: MiB; `kit_access`: settings of a metadata stash as
    kits use them; `archive`: the keys of encrypted archives, none of which opens one; `key_file`: of a repository; `address`: where
    notices go, instead of all else; `left_out`: of a source that is pushed as it lies.
    """

    protocol: str = ""
    settings: object = field(default=None, repr=False)
    host_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    secret: str = field(default="", repr=False)
    bandwidth: int | None = None
    memory: int | None = None
    kit_access: object = field(default=None, repr=False)
    archive: JsonObject | None = field(default=None, repr=False)
    key_file: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    hooks: Hooks = field(default_factory=Hooks)
    left_out: LeftOut = field(default_factory=LeftOut)


def source_file(dataset: str) -> str:
    """The name of a source's transport file. Ids hold no dots, so names cannot collide."""
    return f"dataset.{dataset}.source.json"


def destination_file(dataset: str, destination: str) -> str:
    """The name of a destination's transport file."""
    return f"dataset.{dataset}.{destination}.json"


def metadata_file(stash: str) -> str:
    """The name of a metadata stash's transport file."""
    return f"metadata.{stash}.json"


def notify_file(address: str) -> str:
    """The name of the file with one address for notices."""
    return f"notify.{address}.json"
