"""What the keeper tells the supervisor of itself, unasked: a message of the line between them."""

from __future__ import annotations

from paraduxd.api.frozen import dataclass


@dataclass(frozen=True)
class KeeperNews:
    """`authorized`: the config is open, `until` when (RFC 3339); `weaknesses`: what of its hardening did not work; `vault_sha256`: of the
    vault that was just opened or saved, "" while none is open; `failed`: why this keeper cannot work, and ends."""

    authorized: bool = False
    until: str | None = None
    weaknesses: tuple[str, ...] = ()
    vault_sha256: str = ""
    failed: str = ""
