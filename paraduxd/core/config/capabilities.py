"""What the config needs to know of a protocol, without the protocol's code."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from paraduxd.api.frozen import dataclass
from paraduxd.core.config.protocol_settings import ProtocolSettings
from paraduxd.core.config.setup_declaration import Setup


class Role(StrEnum):
    """What a stash can be for, as errors call it."""

    SOURCE = "source"
    DESTINATION = "destination"
    METADATA = "metadata stash"


@dataclass(frozen=True)
class Traits:
    """What is peculiar to a protocol; its module declares it (`protocols/base.py`), and nothing else may ask for a protocol by name.

    `generates`: the protocol encrypts by itself, and this is the key of its settings for the password ("credentials.password"); Paradux
    generates one when the owner gives none. `plain_files`: what it keeps without encryption, or pulls from, is a folder of ordinary files
    on a disk of this machine or a removable one; whoever holds the disk can read it without a config. `login_in_clear`: everybody on
    the way can read the login; what to use instead, as a hint.
    """

    generates: str = ""
    plain_files: bool = False
    login_in_clear: str = ""

    @property
    def encrypts(self) -> bool:
        """Whether the protocol encrypts by itself."""
        return self.generates != ""


@dataclass(frozen=True)
class Capabilities:
    """One protocol: settings model and abilities. `archive`: datasets can be kept there as encrypted archives (encryption "gpg")."""

    name: str
    settings: type[ProtocolSettings]
    source: bool = False
    destination: bool = False
    blobs: bool = False
    archive: bool = False
    traits: Traits = Traits()
    setup: Setup | None = None

    def can_be(self, role: Role) -> bool:
        """Whether a stash in this role can use the protocol, with whatever encryption."""
        if role is Role.SOURCE:
            return self.source
        if role is Role.DESTINATION:
            return self.destination or (self.blobs and self.archive)
        return self.blobs

    def encryption(self, asked: str) -> str:
        """The encryption that is in effect: "none", "gpg", or the name of a protocol that encrypts by itself."""
        return self.name if asked == "none" and self.traits.encrypts else asked


ProtocolCapabilities = Mapping[str, Capabilities]
