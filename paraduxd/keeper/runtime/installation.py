"""What the keeper works on: the installation of this machine."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path

from paraduxd.api.frozen import dataclass
from paraduxd.api.paths import StatePlaces
from paraduxd.core.config.capabilities import Capabilities
from paraduxd.core.config.validation.validate import Checked
from paraduxd.effects.vault.vault import Kdf, LockedVault
from paraduxd.keeper.runtime.checked_texts import CheckedTexts
from paraduxd.keeper.runtime.supervisor_link import Control


@dataclass(frozen=True)
class Installation:
    """What every transaction works on."""

    state: StatePlaces
    capabilities: dict[str, Capabilities]
    kdf: Kdf
    memory: Path
    control: Control
    _checked: CheckedTexts = field(default_factory=CheckedTexts, repr=False)

    def check(self, text: str, *, answers: bool = False) -> Checked:
        """Check a config, or answers for a setup."""
        return self._checked.check(text, self.capabilities, answers=answers)

    def vault(self) -> LockedVault:
        """The vault of this installation."""
        return LockedVault(self.state.vault, kdf=self.kdf)
