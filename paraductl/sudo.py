"""Who called root through sudo(8): root writes into a folder of theirs, too."""

from __future__ import annotations

import os


def caller() -> int | None:
    """The uid, or `None` when nobody did so; `SUDO_UID` means something to root only."""
    uid = os.environ.get("SUDO_UID", "")
    return int(uid) if os.geteuid() == 0 and uid.isascii() and uid.isdigit() and len(uid) < 11 else None
