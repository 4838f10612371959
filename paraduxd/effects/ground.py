"""Looks at what the daemon stands on. Nothing here needs a secret, and nothing reads one."""

from __future__ import annotations

from pathlib import Path

from paraduxd.api.places import StatePlaces


def was_set_up(state: StatePlaces) -> bool:
    """Whether anything shows that this installation was in use: then what is missing was lost, and is never begun anew silently."""
    traces = (state.plan, state.vault, state.vault.with_name(state.vault.name + ".previous"))
    return any(path.exists() for path in traces) or any(map(_has_files, (state.outbox, state.transport)))


def _has_files(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False
