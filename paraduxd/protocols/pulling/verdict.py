"""The guard's verdict on a pull, as every source asks for it."""

from __future__ import annotations

from paraduxd.core.runs.guard import rules as guard
from paraduxd.core.runs.orders import Held
from paraduxd.protocols.base import HeldError, PullRequest


def verdict(request: PullRequest, *, removed: int, changed: int, files: int) -> Held | None:
    """What to hold and why, by what the source has now against what there was; `None`: let it through."""
    return guard.decide(
        request.known_files,
        removed=removed,
        changed=changed,
        files=files,
        guard=request.guard,
        allowed_removed=request.allowed_removed,
        allowed_changed=request.allowed_changed,
    )


def as_error(held: Held) -> HeldError:
    """The verdict as the exception that sources raise."""
    return HeldError(held.reason, held.text, held.removed, held.changed, held.files)
