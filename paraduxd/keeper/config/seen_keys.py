"""What checks confirmation codes, left where the supervisor finds it while the vault is locked: one key for each share, one-way."""

from __future__ import annotations

import json

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.paths import StatePlaces
from paraduxd.core.config.managed import Managed
from paraduxd.core.recovery.confirmation import SeenKey, SeenKeys, key_of
from paraduxd.effects.files import bounded
from paraduxd.effects.files.atomic import write_atomically


def write(state: StatePlaces, managed: Managed) -> None:
    """Write those of the epoch in force and of the one that is about to replace it, unless they are there."""
    content = (json.dumps(to_json_value(_keys(managed))) + "\n").encode()
    try:
        present = bounded.content(state.seen_keys)
    except (OSError, ParaduxError):  # what cannot be read is written anew
        present = b""
    if present != content:
        write_atomically(state.seen_keys, content, 0o600)


def _keys(managed: Managed) -> SeenKeys:
    keys = []
    for part in managed.parts:
        epoch, shares = part.recovery.epoch, part.shares
        for steward, member in sorted(shares.issued.items()):
            keys.append(SeenKey(steward, epoch, member, key_of(shares.words[member]).hex()))
    return SeenKeys(managed.owner_id, tuple(keys))
