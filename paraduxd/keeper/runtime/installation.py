"""What the keeper works on: the installation of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from paraduxd.api.paths import StatePlaces
from paraduxd.core.config.capabilities import Capabilities
from paraduxd.effects.vault.vault import Kdf, LockedVault
from paraduxd.keeper.runtime.supervisor_link import Control


@dataclass(frozen=True)
class Installation:
    """What every transaction works on."""

    state: StatePlaces
    capabilities: dict[str, Capabilities]
    kdf: Kdf
    memory: Path
    control: Control

    def vault(self) -> LockedVault:
        """The vault of this installation."""
        return LockedVault(self.state.vault, kdf=self.kdf)
