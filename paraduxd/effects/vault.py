"""The vault: one LUKS2 file with the config inside, opened and saved so that the only good copy is never at risk.

The format and the two ways of access are in docs/vault-format.md. A save writes a new container beside the old one, proves that it opens
with the credential and holds the same bytes, and renames it; at every moment the old or the new vault is there.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.effects import durable, extfs, luks, luksdata, mapped
from paraduxd.effects.device_mapper import Mode, available_mode
from paraduxd.effects.luks import Kdf

__all__ = ["MAX_DOCUMENT", "Kdf", "LockedVault", "Mode", "OpenVault", "available_mode"]

MAX_DOCUMENT = 8 * 1024 * 1024
"""Bytes of the document; the file system in the container has twice that."""


class LockedVault:
    """A vault that nobody has opened, or that does not exist yet."""

    def __init__(self, path: Path, mode: Mode | None = None, kdf: Kdf = Kdf.DEFAULT) -> None:
        self.path = path
        self.mode = mode or available_mode()
        self.kdf = kdf

    @property
    def previous(self) -> Path:
        """Where the vault before the last save lies."""
        return self.path.with_name(self.path.name + ".previous")

    @property
    def fresh(self) -> Path:
        """Where a new container is written until it is proven."""
        return self.path.with_name(self.path.name + ".new")

    @property
    def aside(self) -> Path:
        """The second name of the present vault on its way to become the previous one."""
        return self.path.with_name(self.path.name + ".aside")

    def exists(self) -> bool:
        """Whether there is a vault."""
        return self.path.exists()

    def create(self, document: bytes, passphrase: bytes, recovery: bytes) -> OpenVault:
        """Make the vault; `recovery` is the recovery secret in 64 hexadecimal digits.

        Raises `ParaduxError` "vault-exists", also when only a previous one does: it may be somebody's last copy.
        """
        if self.exists():
            raise ParaduxError("vault-exists", "there is a vault already", "open it, or choose another state directory")
        if self.previous.exists():
            raise ParaduxError(
                "vault-exists",
                f"the vault is gone, but its predecessor is there: {self.previous}",
                f"use that one: mv {self.previous} {self.path} (or remove it, if nobody needs what is in it)",
            )
        return self._replace(document, passphrase, recovery)

    def open(self, passphrase: bytes) -> OpenVault:
        """Open with the operational passphrase; raises `ParaduxError` "wrong-passphrase", "no-vault" or "damaged-vault".

        The recovery secret opens it as well: LUKS tries every keyslot.
        """
        if not self.exists():
            raise ParaduxError("no-vault", "there is no vault yet", "set Paradux up: paraductl setup")
        return OpenVault(self, self._read(self.path, passphrase), passphrase)

    def open_with_recovery(self, recovery: bytes) -> OpenVault:
        """Open with the recovery secret, 64 hexadecimal digits, and with nothing else."""
        if self.exists():
            luks.opens_slot(self.path, recovery, luks.RECOVERY_SLOT)
        return self.open(recovery)

    def _read(self, path: Path, credential: bytes) -> bytes:
        if self.mode is Mode.MAPPED:
            return mapped.read(path, credential)
        key = luks.volume_key(path, credential)
        return extfs.read(luksdata.read(path, luks.segment(path), key))

    def _write(self, path: Path, document: bytes, credential: bytes) -> None:
        """Replace the payload of the container by a new file system with the document."""
        if self.mode is Mode.MAPPED:
            mapped.write(path, credential, document)
            return
        segment = luks.segment(path)
        image = extfs.make(path.stat().st_size - segment.offset, document)
        luksdata.write(path, segment, luks.volume_key(path, credential), image)

    def _replace(self, document: bytes, credential: bytes, recovery: bytes | None) -> OpenVault:
        """Write, prove, rename. With `recovery` the container is new and no older copy stays; else its keys are copied."""
        if len(document) > MAX_DOCUMENT:
            raise ParaduxError(
                "too-long", f"the config has {len(document)} bytes; the vault takes {MAX_DOCUMENT}", "make it shorter"
            )
        try:
            self.fresh.unlink(missing_ok=True)
            self._make_container(credential, recovery)
            self._write(self.fresh, document, credential)
            durable.sync_and_forget(self.fresh)
            self._prove(document, credential, recovery)
            self._keep_previous(recovery is None)
            self.fresh.replace(self.path)
            durable.sync_directory(self.path.parent)
        except OSError as problem:
            self.fresh.unlink(missing_ok=True)
            raise self._not_saved(problem) from None
        except BaseException:
            self.fresh.unlink(missing_ok=True)
            raise
        return OpenVault(self, document, credential)

    def _make_container(self, credential: bytes, recovery: bytes | None) -> None:
        if recovery is not None:
            luks.format_container(self.fresh, credential, recovery, self.kdf)
            return
        with self.path.open("rb") as old, self.fresh.open("xb") as new:
            os.fchmod(new.fileno(), 0o600)
            os.posix_fallocate(new.fileno(), 0, os.fstat(old.fileno()).st_size)
            shutil.copyfileobj(old, new, 1 << 20)

    def _prove(self, document: bytes, credential: bytes, recovery: bytes | None) -> None:
        """The container on disk opens with what it must open with, and holds the document."""
        if recovery is not None:
            luks.opens_slot(self.fresh, recovery, luks.RECOVERY_SLOT)
        if self._read(self.fresh, credential) != document:
            raise luks.damaged("the new one does not hold what was written, so the old one stays")

    def _keep_previous(self, keep: bool) -> None:
        """The vault before this save stays under another name, unless an old passphrase would open it."""
        self.aside.unlink(missing_ok=True)
        if not keep:
            self.previous.unlink(missing_ok=True)
            durable.sync_directory(self.path.parent)
        elif not (self.previous.exists() and self.previous.samefile(self.path)):
            os.link(self.path, self.aside)
            self.aside.replace(self.previous)

    def _not_saved(self, problem: OSError) -> ParaduxError:
        if problem.errno in durable.FULL:
            size = self.path.stat().st_size if self.exists() else luks.CONTAINER_SIZE
            return durable.disk_full("save the vault", self.path.parent, size)
        return ParaduxError(
            "not-saved",
            f"cannot save the vault: {problem.strerror}; nothing was changed",
            f"see whether {self.path.parent} can be written",
        )


@dataclass(frozen=True)
class OpenVault:
    """The document of a vault, and the means to replace it. Its `repr` shows no secret."""

    locked: LockedVault
    document: bytes = field(repr=False)
    _credential: bytes = field(repr=False)

    def save(self, document: bytes) -> OpenVault:
        """Replace the document under the same keys; the vault before it is kept as `vault.luks.previous`."""
        return self.locked._replace(document, self._credential, None)

    def rekey(self, document: bytes, passphrase: bytes, recovery: bytes) -> OpenVault:
        """Replace document, passphrase, recovery secret and volume key; no older copy stays."""
        return self.locked._replace(document, passphrase, recovery)
