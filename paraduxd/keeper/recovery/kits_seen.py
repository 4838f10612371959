"""Which kits a recovery has seen: the machine that was lost knew who holds one, and nobody else did."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from paraduxd.core.config.managed import Managed
from paraduxd.core.recovery import kit_tools
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.keeper.runtime.shipped_tools import tools

if TYPE_CHECKING:
    from paraduxd.shares.collection import ShareCollection  # no other command needs the word list
    from paraduxd.shares.kit_manifest import KitInfo


def seen(brought: ShareCollection, managed: Managed, now: str) -> Iterator[KitRecord]:
    """The kits whose share is the very one that the config has for their steward; what else they hold was not read.

    `now` in RFC 3339; nothing of a manifest is believed but when it was written, and no later than now.
    """
    issued = {
        (part.recovery.epoch, steward): tuple(part.shares.words[index].split())
        for part in managed.parts
        for steward, index in part.shares.issued.items()
    }
    for kit, manifest, share in brought.kits:
        if issued.get((kit.epoch, kit.steward_id)) == share.words:
            yield KitRecord(
                steward=kit.steward_id,
                epoch=kit.epoch,
                serial=kit.serial,
                written=min(kit.written, now),
                last_seen=now,
                kit_sha256=hashlib.sha256(manifest).hexdigest(),
                reads=_reads(kit),
            )


def _reads(kit: KitInfo) -> tuple[str, ...] | None:
    """What the tools on a kit know if its manifest says that they are ours; else it is not known."""
    ours = tools()
    listed = {name: sha256 for name, _, sha256 in kit.files}
    same = all(listed.get(name) == hashlib.sha256(content).hexdigest() for name, content in ours.items())
    return kit_tools.reads(ours) if same else None
