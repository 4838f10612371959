"""What the keeper works on: the installation of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from paraduxd.api.paths import StatePlaces
from paraduxd.core.config.capabilities import Shape
from paraduxd.effects.vault.vault import Kdf, LockedVault
from paraduxd.keeper.runtime.supervisor_link import Control


@dataclass(frozen=True)
class Keeping:
    """What every transaction works on."""

    state: StatePlaces
    shapes: dict[str, Shape]
    kdf: Kdf
    memory: Path
    control: Control

    def vault(self) -> LockedVault:
        """The vault of this installation."""
        return LockedVault(self.state.vault, kdf=self.kdf)
