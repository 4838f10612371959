"""The config while somebody may work with it."""

from __future__ import annotations

from paraduxd.api.calls import JsonObject
from paraduxd.api.frozen import dataclass
from paraduxd.core.config.managed import Managed, managed_of
from paraduxd.core.config.models import Config
from paraduxd.effects.vault.vault import OpenVault


@dataclass(frozen=True)
class Opened:
    """The open vault: handle, checked config, the document as plain JSON and as the owner sees it. Its `repr` shows nothing."""

    vault: OpenVault
    config: Config
    document: JsonObject
    text: str

    @property
    def serial(self) -> int:
        """That of the config; one in a vault has it."""
        return self.config.serial or 0

    @property
    def managed(self) -> Managed:
        """What Paradux generates in it; one in a vault has it."""
        return self.config.managed or managed_of(self.document)

    def __repr__(self) -> str:
        return "Opened(...)"
