"""Whether the outbox holds what is to be published."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from paraduxd.core.recovery import machine_claim, published_config

_START = 16
"""Bytes: they tell whether there is something. The supervisor looks, and must not read a key, not even an encrypted one."""


def lacking(folder: Path, epochs: Iterable[int], serial: int) -> tuple[str, ...]:
    """The names of what is missing, empty or zeroed for this serial and these epochs."""
    epochs = tuple(epochs)
    names = [machine_claim.NAME, *map(published_config.key_name, epochs)]
    names += [published_config.config_name(epoch, serial) for epoch in epochs]
    return tuple(name for name in names if not _has_content(folder / name))


def _has_content(path: Path) -> bool:
    try:
        with path.open("rb", buffering=0) as file:
            return bool(file.read(_START).strip(b"\0"))
    except OSError:
        return False
