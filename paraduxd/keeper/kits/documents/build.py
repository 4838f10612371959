"""A complete kit for one steward: every file of `PARADUX/` as bytes. The same inputs give the same files, but for the signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

from paraduxd.api.frozen import dataclass
from paraduxd.core.config.managed import Managed
from paraduxd.core.config.models import Config
from paraduxd.keeper.kits.documents.by_hand import by_hand
from paraduxd.keeper.kits.documents.kit_facts import Epoch, KitFacts, facts_of
from paraduxd.keeper.kits.documents.manifest import manifest, sums
from paraduxd.keeper.kits.documents.share_text import share_text
from paraduxd.keeper.kits.documents.sheet import sheet
from paraduxd.keeper.kits.documents.start_here import start_here
from paraduxd.keeper.runtime.shipped_tools import tools

__all__ = ["Epoch", "KitInputs", "PreviousEpoch", "Sign", "build"]

Sign = Callable[[bytes], bytes]
"""Gives the detached armored signature by the recovery key of an epoch."""


@dataclass(frozen=True)
class PreviousEpoch:
    """The epoch that still counts while a rotation runs, and who signs for it."""

    epoch: Epoch
    sign: Sign


@dataclass(frozen=True)
class KitInputs:
    """`managed`: of the config; `epoch`: the one of this kit; `written`: RFC 3339 in UTC.

    `previous` is used if this steward holds a share of it: rewriting a stick in the middle of a rotation must never take a
    share of the running epoch out of the world.
    """

    config: Config = field(repr=False)
    managed: Managed = field(repr=False)
    steward_id: str
    epoch: Epoch
    written: str
    previous: PreviousEpoch | None = None


def build(inputs: KitInputs, sign: Sign) -> dict[str, bytes]:
    """File name (relative to `PARADUX/`, "/" between folders) -> content. Raises `KeyError` for a steward without a share."""
    facts = facts_of(inputs.config, inputs.managed, inputs.steward_id, inputs.epoch, inputs.written)
    files = _documents(facts)
    if inputs.previous and inputs.steward_id in inputs.previous.epoch.shares.issued:
        old = facts_of(inputs.config, inputs.managed, inputs.steward_id, inputs.previous.epoch, inputs.written)
        files |= {
            f"previous/{name}": content for name, content in _signed(old, _core(old), inputs.previous.sign).items()
        }
    files = _signed(facts, files, sign)
    return {**files, "SHA256SUMS": sums(files)}


def _core(facts: KitFacts) -> dict[str, bytes]:
    """What recovery needs of one epoch, besides the manifest."""
    return {
        "share.txt": share_text(facts),
        "recovery-key.asc": facts.epoch.recovery.private_key.encode(),
        "config.gpg": facts.epoch.config_gpg,
    }


def _documents(facts: KitFacts) -> dict[str, bytes]:
    core = _core(facts)
    return {
        "START-HERE.html": start_here(facts),
        "sheet.pdf": sheet(facts),
        **core,
        "copies/share-2.txt": core["share.txt"],
        "copies/share-3.txt": core["share.txt"],
        **tools(),
        "BY-HAND.txt": by_hand(facts),
    }


def _signed(facts: KitFacts, files: dict[str, bytes], sign: Sign) -> dict[str, bytes]:
    text = manifest(facts, files)
    return {**files, "kit.json": text, "kit.json.asc": sign(text)}
