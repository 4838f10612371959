"""Whether a machine.asc is signed by a key of this owner (`core/recovery/machine_claim.py`)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.core.recovery import machine_claim
from paraduxd.core.recovery.machine_claim import Machine
from paraduxd.effects.crypto.gpg import private_gpg

_KEY_ENDS = "-----END PGP PUBLIC KEY BLOCK-----"


def is_signed(message: bytes, claimed: Machine, keys: str) -> bool:
    """Whether the message says `claimed`, signed by one of these public keys (armored, one after the other)."""
    blocks = [block + _KEY_ENDS for block in keys.split(_KEY_ENDS) if block.strip()]
    with tempfile.TemporaryDirectory(prefix="paradux-") as folder, private_gpg(Path(folder)) as gpg:
        fingerprints = [gpg.import_key(block) for block in blocks]
        try:
            return machine_claim.from_json(gpg.verify_clear(message, fingerprints)) == claimed
        except (ParaduxError, ValueError):
            return False
