"""What the keeper tells the supervisor of itself, unasked: a message of the line between them."""

from __future__ import annotations

from paraduxd.api.frozen import dataclass
from paraduxd.effects.vault.luks_header import Signature


@dataclass(frozen=True)
class KeeperNews:
    """`authorized`: the config is open, `until` when (RFC 3339); `weaknesses`: what of its hardening did not work; `vault`: the
    signature of the file that was last opened or saved, "" while none is open; `failed`: why this keeper cannot work, and ends."""

    authorized: bool = False
    until: str | None = None
    weaknesses: tuple[str, ...] = ()
    vault: Signature = ""
    failed: str = ""
