"""Where an installation of Paradux keeps its files."""

from __future__ import annotations

import os
from pathlib import Path

from paraduxd.api.frozen import dataclass

STATE = "/var/lib/paradux"
RUN = "/run/paradux"


@dataclass(frozen=True)
class RunPlaces:
    """What lies in the run directory: the two sockets."""

    directory: Path

    @property
    def supervisor_socket(self) -> Path:
        """rpyc: status, backups, everything that holds no secret."""
        return self.directory / "paraduxd.sock"

    @property
    def keeper_socket(self) -> Path:
        """Framed JSON: connections reach the keeper unread by the supervisor."""
        return self.directory / "keeper.sock"


@dataclass(frozen=True)
class StatePlaces:
    """What lies in the state directory."""

    directory: Path

    @property
    def vault(self) -> Path:
        """The LUKS2 file that holds the config."""
        return self.directory / "vault.luks"

    @property
    def plan(self) -> Path:
        """What the supervisor knows while the vault is locked; holds no secret."""
        return self.directory / "plan.json"

    @property
    def journal(self) -> Path:
        """SQLite: what ran, when, and how it ended."""
        return self.directory / "journal.sqlite"

    @property
    def transport(self) -> Path:
        """One root-only file per stash with its credentials (`policy.unattended: true`)."""
        return self.directory / "transport"

    @property
    def outbox(self) -> Path:
        """The published ciphertexts, newest kept, so that uploads can be tried again while locked."""
        return self.directory / "outbox"

    @property
    def index(self) -> Path:
        """Per dataset, what the guard remembers of the last scan."""
        return self.directory / "index"

    @property
    def cache(self) -> Path:
        """What transfer engines keep to be faster and can always get again; holds nothing in clear."""
        return self.directory / "cache"

    @property
    def pending(self) -> Path:
        """Exists while a save is between "vault written" and "plan applied"."""
        return self.directory / "save.pending"

    @property
    def seen_keys(self) -> Path:
        """What checks confirmation codes, one-way: nothing of a share comes out of it."""
        return self.directory / "seen-keys.json"

    @property
    def lock(self) -> Path:
        """Held by the one supervisor of this state directory."""
        return self.directory / "paraduxd.lock"


def run_directory(option: str | None) -> RunPlaces:
    """The run directory: the option, else `PARADUX_RUN`, else the system's."""
    return RunPlaces(Path(option or os.environ.get("PARADUX_RUN") or RUN))


def state_directory(option: str | None) -> StatePlaces:
    """The state directory: the option, else `PARADUX_STATE`, else the system's."""
    return StatePlaces(Path(option or os.environ.get("PARADUX_STATE") or STATE))
