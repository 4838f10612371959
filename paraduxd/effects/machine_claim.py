"""Whether a machine.asc is signed by a key of this owner (`core/machine.py`)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.core import machine
from paraduxd.core.machine import Machine
from paraduxd.effects.gpg import private_gpg

_KEY_ENDS = "-----END PGP PUBLIC KEY BLOCK-----"


def is_signed(message: bytes, claimed: Machine, keys: str) -> bool:
    """Whether the message says `claimed`, signed by one of these public keys (armored, one after the other)."""
    blocks = [block + _KEY_ENDS for block in keys.split(_KEY_ENDS) if block.strip()]
    with tempfile.TemporaryDirectory(prefix="paradux-") as folder, private_gpg(Path(folder)) as gpg:
        fingerprints = [gpg.import_key(block) for block in blocks]
        try:
            return machine.from_json(gpg.verify_clear(message, fingerprints)) == claimed
        except (ParaduxError, ValueError):
            return False
