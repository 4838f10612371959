"""Making the kit of one steward from the open config: of the epoch in force or, while a rotation runs, of the next one and that one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import field

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.suggestions import did_you_mean
from paraduxd.core.config.managed import EpochPart, Managed
from paraduxd.core.config.models import Config
from paraduxd.core.recovery import kit_tools, published_config, rotation
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.effects.crypto.gpg import Gpg, private_gpg
from paraduxd.effects.files import bounded
from paraduxd.keeper.config import save
from paraduxd.keeper.config.generate import now
from paraduxd.keeper.kits.documents.build import Epoch, KitInputs, PreviousEpoch, build
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.opened import Opened
from paraduxd.keeper.runtime.shipped_tools import tools


@dataclass(frozen=True)
class MadeKit:
    """A kit in memory. `files`: name below `PARADUX/` -> content; `epochs`: those of which it carries a share; `sha256`: of kit.json."""

    steward: str
    name: str
    epochs: tuple[int, ...]
    serial: int
    written: str
    sha256: str
    files: dict[str, bytes] = field(repr=False)

    def records(
        self, *, void: bool = False, device_serial: str | None = None, uuid: str | None = None
    ) -> Iterator[KitRecord]:
        """What the journal shall know of it, one record for each epoch; `void` before writing begins."""
        for epoch in self.epochs:
            yield KitRecord(
                self.steward,
                epoch,
                self.serial,
                self.written,
                self.written,
                device_serial,
                uuid,
                self.sha256,
                void,
                reads=kit_tools.reads(self.files),
            )


def steward_name(config: Config, steward: str) -> str:
    """What the steward with this id is called; raises `ParaduxError` "no-such-steward"."""
    names = {each.id: each.name for each in config.stewards}
    if steward not in names:
        hint = did_you_mean(steward, names, "see which there are: paraductl stewards")
        raise ParaduxError("no-such-steward", "the config has no steward of this name", hint)
    return names[steward]


def has_old_tools(kit: KitRecord) -> bool:
    """Whether the tools on a kit whose check-up has just read them lack a format that ours know."""
    return kit.reads is not None and not set(kit_tools.reads(tools())) <= set(kit.reads)


def kit_epoch(managed: Managed) -> int:
    """The epoch of which kits are made now."""
    return managed.newest_epoch.recovery.epoch


def make_kit(installation: Installation, opened: Opened, steward: str) -> MadeKit:
    """The kit as of now, its config opened once and its manifest signed; raises `ParaduxError`.

    Call it within a change: it may complete an interrupted save.
    """
    name = steward_name(opened.config, steward)
    parts = _epoch_parts(opened.managed)
    written = now()
    with private_gpg(installation.memory) as gpg:
        sealed = [_Sealed(gpg, part, _config(installation, opened, gpg, part)) for part in parts]
        previous = [PreviousEpoch(part.epoch(), part.sign) for part in sealed[1:] if part.includes(steward)]
        inputs = KitInputs(
            opened.config, opened.managed, steward, sealed[0].epoch(), written, previous[0] if previous else None
        )
        if not sealed[0].includes(steward):
            raise ParaduxError("no-share", f"there is no share for {name} yet", "save the config again: paraductl edit")
        files = build(inputs, sealed[0].sign)
    epochs = tuple(part.number for part in sealed if part.includes(steward))
    sha256 = hashlib.sha256(files["kit.json"]).hexdigest()
    return MadeKit(steward, name, epochs, opened.serial, written, sha256, files)


@dataclass(frozen=True)
class _Sealed:
    """One epoch (`recovery` and `shares` in `part`) with its config, and a gpg home that has its key."""

    gpg: Gpg
    part: EpochPart = field(repr=False)
    config_gpg: bytes = field(repr=False)

    @property
    def number(self) -> int:
        return self.part.recovery.epoch

    def includes(self, steward: str) -> bool:
        return steward in self.part.shares.issued

    def epoch(self) -> Epoch:
        return Epoch(self.part.recovery, self.part.shares, self.config_gpg)

    def sign(self, data: bytes) -> bytes:
        recovery = self.part.recovery
        return self.gpg.sign_detached(data, recovery.fingerprint, recovery.secret)


def _epoch_parts(managed: Managed) -> list[EpochPart]:
    """Recovery and shares of the epoch that kits are made of, then of the one that it is about to replace."""
    return list(reversed(managed.parts))


def _config(installation: Installation, opened: Opened, gpg: Gpg, part: EpochPart) -> bytes:
    """The published config of this serial and epoch, which is opened here once with the key and secret that the kit is for."""
    recovery = part.recovery
    path = installation.state.outbox / published_config.config_name(recovery.epoch, opened.serial)
    if not path.exists():
        save.complete(installation, opened)
    message = bounded.content(path)
    gpg.import_key(recovery.private_key, recovery.secret)
    header, config = published_config.open_envelope(gpg.decrypt_signed(message, recovery.fingerprint, recovery.secret))
    expected = rotation.published_under(opened.document, recovery.epoch, opened.serial)
    if (header.epoch, header.serial) != (recovery.epoch, opened.serial) or config != expected:
        raise ParaduxError("stale-outbox", "the encrypted config is not that of the present one", "paraductl publish")
    return message
