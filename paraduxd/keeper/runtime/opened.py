"""The config while somebody may work with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from paraduxd.core.config.models import Config
from paraduxd.effects.vault.vault import OpenVault

Json = dict[str, Any]


@dataclass(frozen=True)
class Opened:
    """The open vault: handle, checked config, the document as plain JSON and as the owner sees it. Its `repr` shows nothing."""

    vault: OpenVault
    config: Config
    document: Json
    text: str

    @property
    def serial(self) -> int:
        """That of the config; one in a vault has it."""
        return self.config.serial or 0

    def __repr__(self) -> str:
        return "Opened(...)"
