"""What lies at an archive destination at one moment: the list of its objects, and the manifests that are signed with its key."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from paraduxd.api import bounded_json
from paraduxd.api.errors import ParaduxError
from paraduxd.effects.crypto import archive_crypto
from paraduxd.effects.files import bounded
from paraduxd.effects.files.atomic import write_atomically
from paraduxd.protocols.archive import chain
from paraduxd.protocols.archive.chain import Manifest, Part, Run
from paraduxd.protocols.base import BlobStore

_LONGEST_MANIFEST = bounded_json.LARGE.size
_LONGEST_SIGNATURE = 64 * 1024
_LONGEST_HEAD = 64 * 1024
"""Bytes at the beginning of a manifest that have its key."""

_KEY = re.compile(rb'"key":\s*"([^"]*)"')

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PrivateKey:
    """What opens the archives: the private key in ASCII armor, and the passphrase that protects it."""

    private_key: str = field(repr=False)
    passphrase: str = field(repr=False)


@dataclass(frozen=True)
class Keys:
    """The keys of one archive destination. `private` is given to those only who restore; `signing_key` may be missing there."""

    fingerprint: str
    public_key: str
    verify_key: str
    signing_key: str = field(default="", repr=False)
    private: PrivateKey | None = None


class Shelf:
    """The destination as it was listed; manifests that were read before are taken from `cache`, when they still lie there."""

    def __init__(self, store: BlobStore, keys: Keys, cache: Path | None) -> None:
        self._store = store
        self._keys = keys
        self._cache = cache
        listed = {blob.name: blob.size for blob in store.list()}
        self.sizes = {name: size for name, size in listed.items() if chain.run_of(name)}
        self.others = frozenset(listed) - frozenset(self.sizes)
        self._runs = chain.objects_of_runs(self.sizes)

    def newest(self) -> Manifest | None:
        """The newest run whose manifest is whole; those that are not are logged. Raises `ParaduxError` "other-dataset"."""
        for run in reversed(chain.manifested(self.sizes)):
            try:
                return self.manifest(run)
            except ParaduxError as problem:
                if problem.code != "damaged":
                    raise
                _log.warning("%s", problem.message)
        return None

    def manifest(self, run: str, sha256: str = "") -> Manifest:
        """The manifest of a run, with the hash of its own line; `sha256`: what another one says that this hash is.

        Raises `ParaduxError` "damaged" (missing, not signed with the key of this destination, not the one that is meant) and
        "other-dataset".
        """
        name = chain.manifest_name(run)
        if name not in self.sizes:
            raise damaged(f"{name} is missing")
        line, signature = self._read(name)
        found = hashlib.sha256(line).hexdigest()
        if not archive_crypto.is_signed(line, signature, self._keys.verify_key):
            self._stop_if_foreign(line)
            raise damaged(f"the signature of {name} is not good")
        try:
            manifest = chain.from_line(line)
        except (ValueError, OverflowError, RecursionError):
            raise damaged(f"{name} is not understood") from None
        if manifest.run.id != run or sha256 not in ("", found):
            raise damaged(f"{name} is not the object that belongs there")
        return replace(manifest, run=replace(manifest.run, sha256=found))

    def line(self, manifest: Manifest) -> tuple[Manifest, ...]:
        """All runs that a run builds on, the full one first, itself last."""
        runs = chain.chain((*manifest.runs, manifest.run), manifest.run.id)
        if not runs:
            raise damaged(f"the runs before {manifest.run.id} are missing")
        return (*(self.manifest(run.id, run.sha256) for run in runs[:-1]), manifest)

    def check_sizes(self, parts: tuple[Part, ...]) -> None:
        """Raise `ParaduxError` "damaged" for the first object that is missing or has another size."""
        for part in parts:
            if part.name not in self.sizes:
                raise damaged(f"{part.name} is missing")
            if self.sizes[part.name] != part.size:
                raise damaged(f"{part.name} has {self.sizes[part.name]} bytes instead of {part.size}")

    def check_run(self, run: Run) -> int:
        """How many objects a run has; its own manifest is not read.

        Raises `ParaduxError` "damaged" when the manifest, the names or bytes of volumes are missing.
        """
        for name in (chain.manifest_name(run.id), chain.names_name(run.id)):
            if name not in self.sizes:
                raise damaged(f"{name} is missing")
        found = self._runs[run.id]
        if found.stored != run.stored:
            raise damaged(f"the volumes of {run.id} have {found.stored} bytes in all instead of {run.stored}")
        return found.count

    def seems_whole(self, run: Run) -> bool:
        """Whether `check_run` finds nothing."""
        try:
            self.check_run(run)
        except ParaduxError:
            return False
        return True

    def _read(self, name: str) -> tuple[bytes, bytes]:
        """The signed line, with its end, and the signature."""
        content = self._cached(name) or self._fetched(name)
        end = content.find(b"\n") + 1 or len(content)
        return content[:end], content[end : end + _LONGEST_SIGNATURE].strip()

    def _cached(self, name: str) -> bytes | None:
        with contextlib.suppress(OSError):
            content = bounded.content(self._cache / name, _LONGEST_MANIFEST) if self._cache else b""
            return content if len(content) == self.sizes[name] else None
        return None

    def _fetched(self, name: str) -> bytes:
        pieces, size = [], 0
        for piece in self._store.get(name):
            pieces.append(piece)
            size += len(piece)
            if size > _LONGEST_MANIFEST:
                raise damaged(f"{name} is longer than a manifest can be")
        content = b"".join(pieces)
        self.remember(name, content)
        return content

    def remember(self, name: str, content: bytes) -> None:
        """Keep a manifest for the next time."""
        with contextlib.suppress(OSError):
            if self._cache:
                self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_atomically(self._cache / name, content)

    def _stop_if_foreign(self, line: bytes) -> None:
        found = _KEY.search(line, 0, _LONGEST_HEAD)
        if found and found[1] != self._keys.fingerprint.encode():
            raise ParaduxError(
                "other-dataset",
                "the directory holds archives of another dataset or destination",
                "give every destination a directory of its own with paraductl edit",
            )


def damaged(why: str) -> ParaduxError:
    """The error for an archive that is not what was put there."""
    return ParaduxError(
        "damaged", f"the archive is damaged: {why}", "push again for a new version; see: paraductl verify"
    )
