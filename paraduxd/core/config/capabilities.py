"""What the config needs to know of a protocol, without the protocol's code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from paraduxd.core.config.protocol_settings import ProtocolSettings


class Role(StrEnum):
    """What a stash can be for, as errors call it."""

    SOURCE = "source"
    DESTINATION = "destination"
    METADATA = "metadata stash"


@dataclass(frozen=True)
class Capabilities:
    """One protocol: settings model and abilities.

    `archive`: datasets can be kept there as encrypted archives (encryption "gpg"). `generates_secret`: the protocol encrypts by
    itself, under a password that Paradux generates unless `credentials.password` is given.
    """

    name: str
    settings: type[ProtocolSettings]
    source: bool = False
    destination: bool = False
    blobs: bool = False
    archive: bool = False
    generates_secret: bool = False

    def can_be(self, role: Role) -> bool:
        """Whether a stash in this role can use the protocol, with whatever encryption."""
        if role is Role.SOURCE:
            return self.source
        if role is Role.DESTINATION:
            return self.destination or (self.blobs and self.archive)
        return self.blobs

    def encryption(self, asked: str) -> str:
        """The encryption that is in effect: "none", "gpg", or the name of a protocol that encrypts by itself."""
        return self.name if asked == "none" and self.generates_secret else asked


ProtocolCapabilities = Mapping[str, Capabilities]
