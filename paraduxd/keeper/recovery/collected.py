"""A recovery under way: what was brought so far and what it has proven. It lives in the keeper's memory and nowhere else."""

from __future__ import annotations

import base64
import binascii
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.recovery import BroughtFinding, Collected
from paraduxd.keeper.recovery.share_proof import Proof

if TYPE_CHECKING:
    from paraduxd.shares.collection import Material

STAYS = 3600.0
"""Seconds that what was brought is kept without a request: a steward may be on the way."""

MOST = 64
"""Materials in one recovery; an owner has at most 16 stewards."""

_BYTES = ("manifest", "key", "config")


class Recovery:
    """What one recovery has collected. Its `repr` shows nothing."""

    def __init__(self) -> None:
        from paraduxd.shares.collection import ShareCollection  # no other command needs the word list

        self.lock = threading.RLock()
        """Held while the recovery is changed, proven or put into effect."""
        self.brought = ShareCollection.empty()
        self.proof: Proof | None = None
        self._count = 0

    def __repr__(self) -> str:
        return "Recovery(...)"

    def add(self, materials: list[Material]) -> None:
        """Take what somebody brought; bad material becomes a finding. What was proven before counts no more."""
        with self.lock:
            if self._count + len(materials) > MOST:
                raise ParaduxError(
                    "too-many", f"a recovery takes {MOST} things at most", "begin again: paraductl recover --cancel"
                )
            for material in materials:
                self.brought = self.brought.add(material)
            self._count += len(materials)
            self.proof = None if materials else self.proof

    def state(self) -> Collected:
        """What was found so far, as the client shows it; no share is in it."""
        with self.lock:
            findings = tuple(
                BroughtFinding(each.label, each.state, each.steward, each.epoch, each.text)
                for each in self.brought.findings
            )
            return Collected(tuple(self.brought.report()), findings, self.ready)

    @property
    def ready(self) -> bool:
        """Whether enough shares of one epoch are there to make a secret."""
        return any(len(each.held) >= each.threshold for each in self.brought.sets)


def material_from_plain(untrusted: object) -> Material:
    """One material as it crosses the wire: "label", and of "share_text" (text), "manifest", "key" and "config" (base64) what there is."""
    from paraduxd.shares.collection import Material

    if not isinstance(untrusted, dict) or not set(untrusted) <= {"label", "share_text", *_BYTES}:
        raise ParaduxError("bad-request", "what is brought to a recovery must be an object with a label")
    if any(value is not None and type(value) is not str for value in untrusted.values()):
        raise ParaduxError("bad-request", "what is brought to a recovery must consist of texts")
    try:
        parts = {name: base64.b64decode(untrusted[name], validate=True) for name in _BYTES if untrusted.get(name)}
    except (binascii.Error, ValueError):
        raise ParaduxError("bad-request", "a part of what is brought is not base64") from None
    return Material(str(untrusted.get("label") or "a kit")[:200], untrusted.get("share_text"), **parts)


@dataclass
class Collecting:
    """The recovery that is under way, if any; `Session.keep` is called with every request that has to do with it."""

    recovery: Recovery | None = None
