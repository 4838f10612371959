"""The vault: one LUKS2 file with the config inside, opened and saved so that the only good copy is never at risk.

The format and the two ways of access: docs/reference/vault-format.md. A save writes a new container beside the old one, proves that it
opens with the credential and holds the same bytes, and renames it; at every moment the old or the new vault is there.

Stretching a passphrase takes seconds, so what one derivation has proven is not derived again: the same header opens with the same
credential and gives the same key. A container whose header, read back from the disk, has the bytes of the one that was opened needs no
second derivation; any other does.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from types import ModuleType

from paraduxd import linux
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.effects.devices.device_mapper import Mode, available_mode
from paraduxd.effects.files import atomic
from paraduxd.effects.vault import ext4_image, luks, luks_header, mapped_payload, userspace_payload
from paraduxd.effects.vault.luks import Kdf

__all__ = ["MAX_DOCUMENT", "Kdf", "LockedVault", "Mode", "OpenVault", "available_mode"]

MAX_DOCUMENT = 8 * 1024 * 1024
"""Bytes of the document; the file system in the container has twice that."""

MAX_PASSPHRASE = 512
"""Bytes; what stock cryptsetup takes at its prompt."""


class LockedVault:
    """A vault that nobody has opened, or that does not exist yet."""

    def __init__(self, path: Path, mode: Mode | None = None, kdf: Kdf = Kdf.DEFAULT) -> None:
        self.path = path
        self.mode = mode or available_mode()
        self.kdf = kdf
        self._payload: ModuleType = mapped_payload if self.mode is Mode.MAPPED else userspace_payload

    @property
    def previous(self) -> Path:
        """Where the vault before the last save lies."""
        return self.path.with_name(self.path.name + ".previous")

    @property
    def aside(self) -> Path:
        """The second name of the present vault on its way to become the previous one."""
        return self.path.with_name(self.path.name + ".aside")

    def exists(self) -> bool:
        """Whether there is a vault."""
        return self.path.exists()

    def is_destroyed(self) -> bool:
        """Whether what is there is no container any more: emptied, or with a header that nothing can read."""
        try:
            luks.segment(self.path)
        except ParaduxError as problem:
            return problem.code == "damaged-vault"
        return False

    def before(self) -> LockedVault:
        """The vault before the last save, whether it is there or not."""
        return LockedVault(self.previous, self.mode, self.kdf)

    def create(
        self, document: bytes, passphrase: bytes, recovery: bytes, *, replaces_previous: bool = False
    ) -> OpenVault:
        """Make the vault; `recovery` is the recovery secret in 64 hexadecimal digits.

        Raises `ParaduxError` "vault-exists", also when only a previous one does: it may be somebody's last copy, unless the caller has
        opened it and knows that the document replaces what is in it; "bad-passphrase" for one that could not be typed at cryptsetup's
        prompt, "too-long", "disk-full", and "not-saved" when nothing was changed.
        """
        if self.exists():
            raise ParaduxError("vault-exists", "there is a vault already", "open it, or choose another state directory")
        if self.previous.exists() and not replaces_previous:
            raise ParaduxError(
                "vault-exists",
                f"the vault is gone, but its predecessor is there: {self.previous}",
                f"use that one: mv {self.previous} {self.path} (or remove it, if nobody needs what is in it)",
            )
        return self._replace_keys(document, passphrase, recovery)

    def open(self, passphrase: bytes) -> OpenVault:
        """Open with the operational passphrase; raises `ParaduxError` "wrong-passphrase", "no-vault" or "damaged-vault".

        The recovery secret opens it as well: LUKS tries every keyslot.
        """
        if not self.exists():
            raise ParaduxError("no-vault", "there is no vault yet", "set Paradux up: paraductl setup")
        signature = luks_header.signature(self.path)
        keys = self._unlocked(self.path, passphrase)
        document = self._document(self.path, keys)
        is_same = luks_header.signature(self.path) == signature
        return OpenVault(self, document, keys, signature if is_same else "")

    def open_with_recovery(self, recovery: bytes) -> OpenVault:
        """Open with the recovery secret, 64 hexadecimal digits, and with nothing else."""
        if self.exists():
            luks.opens_slot(self.path, recovery, luks.RECOVERY_SLOT)
        return self.open(recovery)

    def _unlocked(self, path: Path, credential: bytes) -> Keys:
        """What the credential opens: here it is stretched, and the header is remembered that it fits."""
        signature = luks_header.signature(path)
        segment = luks.segment(path)
        key = luks.volume_key(path, credential)
        header = luks_header.digest(path, segment.offset)
        is_same = luks_header.signature(path) == signature
        return Keys(credential, key, Header(header, segment) if is_same else None)

    def _document(self, path: Path, keys: Keys) -> bytes:
        segment = keys.header.segment if keys.header else luks.segment(path)
        with self._payload.opened(path, segment, keys.volume) as image:
            return ext4_image.read(image)

    def _write(self, path: Path, document: bytes, key: bytes) -> None:
        """Replace the payload of the container by a new file system with the document."""
        segment = luks.segment(path)
        image = ext4_image.make(path.stat().st_size - segment.offset, document)
        self._payload.write(path, segment, key, image)

    def _replace_document(self, document: bytes, keys: Keys) -> OpenVault:
        """The same header and keyslots with another document; the vault before it is kept."""
        with self._fresh(document) as fresh:
            self._copy(fresh)
            self._write(fresh, document, keys.volume)
            proven = self._proven(fresh, document, keys)
            self._keep_previous()
            fresh.replace(self.path)
        return self._confirmed(document, proven)

    def _replace_keys(self, document: bytes, passphrase: bytes, recovery: bytes) -> OpenVault:
        """A container with keys of its own; no older copy stays."""
        _check_typeable(passphrase)
        cost = luks.wanted_cost(self.kdf, self._cost_so_far())
        with self._fresh(document) as fresh:
            key = luks.format_container(fresh, passphrase, recovery, cost)
            self._write(fresh, document, key)
            luks.opens_slot(fresh, recovery, luks.RECOVERY_SLOT)
            proven = self._proven(fresh, document, Keys(passphrase, key))
            self._remove_previous()
            fresh.replace(self.path)
        return self._confirmed(document, proven)

    def _cost_so_far(self) -> luks_header.Cost | None:
        """What a guess of the passphrase takes in the vault that is there."""
        try:
            return luks.cost(self.path) if self.exists() else None
        except ParaduxError:
            return None

    @contextmanager
    def _fresh(self, document: bytes) -> Iterator[Path]:
        """Where a new container is written until it is proven and renamed; nothing of it stays when that fails.

        Each attempt has a name of its own: a cryptsetup whose keeper was killed may go on for seconds, and must not meet the next one.
        """
        if len(document) > MAX_DOCUMENT:
            raise ParaduxError(
                "too-long", f"the config has {len(document)} bytes; the vault takes {MAX_DOCUMENT}", "make it shorter"
            )
        fresh = self.path.with_name(f"{self.path.name}.new-{secrets.token_hex(8)}")
        try:
            for left in self.path.parent.glob(f"{self.path.name}.new-*"):
                left.unlink(missing_ok=True)
            yield fresh
        except BaseException as problem:
            fresh.unlink(missing_ok=True)
            if isinstance(problem, OSError):
                raise self._not_saved(problem) from None
            raise

    def _copy(self, fresh: Path) -> None:
        with self.path.open("rb") as old, fresh.open("xb") as new:
            os.fchmod(new.fileno(), 0o600)
            os.posix_fallocate(new.fileno(), 0, os.fstat(old.fileno()).st_size)
            shutil.copyfileobj(old, new, 1 << 20)

    def _proven(self, fresh: Path, document: bytes, keys: Keys) -> Keys:
        """The container, as it is on the disk, opens with the credential and holds the document.

        Its header is that which the credential has opened, byte for byte, or the credential is stretched once more.
        """
        atomic.sync_and_forget(fresh)
        proven = keys if keys.opens(fresh) else self._unlocked(fresh, keys.credential)
        if proven.volume != keys.volume or self._document(fresh, proven) != document:
            raise luks.damaged("the new one does not hold what was written, so the old one stays")
        return proven

    def _keep_previous(self) -> None:
        """The vault before this save stays under another name."""
        self.aside.unlink(missing_ok=True)
        if not (self.previous.exists() and self.previous.samefile(self.path)):
            os.link(self.path, self.aside)
            self.aside.replace(self.previous)

    def _remove_previous(self) -> None:
        """No copy stays that an old passphrase opens, but the present vault, which the new one is about to replace."""
        self.aside.unlink(missing_ok=True)
        self.previous.unlink(missing_ok=True)
        linux.sync_directory(self.path.parent)

    def _confirmed(self, document: bytes, keys: Keys) -> OpenVault:
        """The vault that has just taken its place, once the disk has confirmed it."""
        signature = luks_header.signature(self.path)
        try:
            linux.sync_directory(self.path.parent)
        except OSError as problem:
            raise ParaduxError(
                "not-confirmed",
                f"the new vault has taken its place, but the disk does not confirm it: {problem.strerror}",
                "check the disk; lock, unlock, and see which config is there",
            ) from None
        return OpenVault(self, document, keys, signature)

    def _not_saved(self, problem: OSError) -> ParaduxError:
        if problem.errno in atomic.FULL:
            size = self.path.stat().st_size if self.exists() else luks.CONTAINER_SIZE
            return atomic.disk_full("save the vault", self.path.parent, size)
        return ParaduxError(
            "not-saved",
            f"cannot save the vault: {problem.strerror}; nothing was changed",
            f"see whether {self.path.parent} can be written",
        )


def _check_typeable(passphrase: bytes) -> None:
    if not 0 < len(passphrase) <= MAX_PASSPHRASE or b"\n" in passphrase or b"\0" in passphrase:
        raise ParaduxError(
            "bad-passphrase",
            f"a passphrase must have 1 to {MAX_PASSPHRASE} bytes and no line feeds, or it could not be typed",
            "choose another one",
        )


@dataclass(frozen=True)
class Header:
    """A header and its keyslots: their SHA-256, and the payload that they describe."""

    sha256: bytes
    segment: luks.Segment


@dataclass(frozen=True)
class Keys:
    """A credential, the volume key that it gives, and the header that it was proven on."""

    credential: bytes = field(repr=False)
    volume: bytes = field(repr=False)
    header: Header | None = None

    def opens(self, path: Path) -> bool:
        """Whether the container has the header that the credential was proven on."""
        known = self.header
        return known is not None and luks_header.digest(path, known.segment.offset) == known.sha256


@dataclass(frozen=True)
class OpenVault:
    """The document of a vault, and the means to replace it; `signature` is that of the file. Its `repr` shows no secret."""

    locked: LockedVault
    document: bytes = field(repr=False)
    _keys: Keys = field(repr=False)
    signature: luks_header.Signature

    def save(self, document: bytes) -> OpenVault:
        """Replace the document under the same keys; the vault before it is kept as `vault.luks.previous`."""
        return self.locked._replace_document(document, self._keys)

    def renew(self, document: bytes, recovery: bytes) -> OpenVault:
        """Replace document, recovery secret and volume key under the same operational passphrase; no older copy stays.

        Raises `ParaduxError` "passphrase-needed" when the vault was opened with its recovery secret, which must not become the passphrase.
        """
        if not self._has_passphrase():
            raise ParaduxError(
                "passphrase-needed",
                "the vault was opened with the recovery secret; for new keys the operational passphrase is needed",
                "unlock with the passphrase",
            )
        return self.locked._replace_keys(document, self._keys.credential, recovery)

    def _has_passphrase(self) -> bool:
        """Whether the credential is the operational passphrase.

        The header that it opened has two keyslots: what is not the recovery secret, which is tried at next to no cost, is the passphrase.
        """
        path, known = self.locked.path, {luks_header.PASSPHRASE_SLOT, luks.RECOVERY_SLOT}
        if self._keys.opens(path) and luks.keyslots(path) == known:
            return not _opens(path, self._keys.credential, luks.RECOVERY_SLOT)
        return _opens(path, self._keys.credential, luks_header.PASSPHRASE_SLOT)

    def rekey(self, document: bytes, passphrase: bytes, recovery: bytes) -> OpenVault:
        """Replace document, passphrase, recovery secret and volume key; no older copy stays."""
        return self.locked._replace_keys(document, passphrase, recovery)


def _opens(path: Path, credential: bytes, slot: int) -> bool:
    try:
        luks.opens_slot(path, credential, slot)
    except ParaduxError as problem:
        if problem.code != "wrong-passphrase":
            raise
        return False
    return True
