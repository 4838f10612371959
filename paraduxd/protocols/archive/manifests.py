"""What lies at an archive destination at one moment: its objects, and the manifests and lists that are signed with its key."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
from collections.abc import Callable
from dataclasses import field, replace
from pathlib import Path

from paraduxd.api import bounded_json
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
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


class StoredRuns:
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
        """The newest run whose manifest is whole, with all runs that stay; what is damaged is logged.

        The runs stand in its list. Where that is missing, the last list before it tells of them, and all manifests since. Raises
        `ParaduxError` "other-dataset" and "newer-format".
        """
        found: list[Manifest] = []
        whole: Manifest | None = None
        regular = True
        for run in reversed(chain.manifested(self.sizes)):
            manifest = _unless_damaged(self.manifest, run)
            whole = whole or self._whole(run, manifest)
            found += [manifest] if manifest else []
            if found and whole:
                break
            regular = regular and manifest is not None and not manifest.has_list
        if not found:
            return None
        newest = chain.gathered(found, whole)
        return newest if regular else self._as_far_as_there(newest)

    def newest_of_list(self) -> Manifest | None:
        """The same of the newest list alone: one object is read, however many versions there are.

        Raises `ParaduxError` "damaged" when it is not what was written with the newest manifest, or is missing.
        """
        complete = chain.manifested(self.sizes)
        if complete and chain.list_name(complete[-1]) in self.sizes:
            whole = self.list_of(complete[-1])
            self._check_size(chain.manifest_name(complete[-1]), whole.manifest_size)
            return whole
        newest = self.newest()
        if newest and newest.has_list:
            raise damaged(f"{chain.list_name(newest.run.id)} is missing, or a newer run than that one")
        return newest

    def unchanged(self) -> Manifest | None:
        """The newest manifest, if it has a digest in place of a list, and everything before it lies there as it did then."""
        complete = chain.manifested(self.sizes)
        if not complete or chain.list_name(complete[-1]) in self.sizes:
            return None
        newest = _unless_damaged(self.manifest, complete[-1])
        return newest if newest and newest.before == chain.digest(self.sizes, newest.run) else None

    def count(self) -> int:
        """How many objects the complete runs have."""
        return sum(self._runs[run].count for run in chain.manifested(self.sizes))

    def _whole(self, run: str, manifest: Manifest | None) -> Manifest | None:
        """What lists all runs as of this one, if there is such a thing and it is not damaged."""
        if manifest and manifest.is_whole:
            return manifest
        return _unless_damaged(self.list_of, run) if chain.list_name(run) in self.sizes else None

    def _as_far_as_there(self, manifest: Manifest) -> Manifest:
        """Manifests before the last list also name runs that were removed since."""
        there = (run for run in manifest.runs if chain.manifest_name(run.id) in self.sizes)
        return replace(manifest, runs=tuple(there))

    def list_of(self, run: str) -> Manifest:
        """The list of a run. Raises as `manifest` does."""
        name = chain.list_name(run)
        found, _ = self._signed(name)
        if found.run.id != run or not found.is_list:
            raise damaged(f"{name} is not the object that belongs there")
        return found

    def manifest(self, run: str, sha256: str = "") -> Manifest:
        """The manifest of a run, with the hash of its own line; `sha256`: what another one says that this hash is.

        Raises `ParaduxError` "damaged" (missing, not signed with the key of this destination, not the one that is meant) and
        "other-dataset".
        """
        name = chain.manifest_name(run)
        manifest, found = self._signed(name)
        if manifest.run.id != run or manifest.is_list or sha256 not in ("", found):
            raise damaged(f"{name} is not the object that belongs there")
        return replace(manifest, run=replace(manifest.run, sha256=found))

    def _signed(self, name: str) -> tuple[Manifest, str]:
        """What an object says whose signature is good, and the SHA-256 of its line."""
        if name not in self.sizes:
            raise damaged(f"{name} is missing")
        line, signature = self._read(name)
        if not archive_crypto.is_signed(line, signature, self._keys.verify_key):
            self._stop_if_foreign(line)
            raise damaged(f"the signature of {name} is not good")
        try:
            return chain.from_line(line), hashlib.sha256(line).hexdigest()
        except chain.NewerError as problem:
            raise _newer(name, problem) from None
        except (ValueError, OverflowError, RecursionError):
            raise damaged(f"{name} is not understood") from None

    def line(self, manifest: Manifest) -> tuple[Manifest, ...]:
        """All runs that a run builds on, the full one first, itself last: each names its parent, and the hash of that one's manifest."""
        found = [manifest]
        while parent := found[-1].run.parent:
            named = next((run for run in found[-1].runs if run.id == parent), None)
            if named is None or named.number >= found[-1].run.number:
                raise damaged(f"the runs before {found[-1].run.id} are missing")
            found.append(self.manifest(parent, named.sha256))
        return tuple(reversed(found))

    def check_sizes(self, parts: tuple[Part, ...]) -> None:
        """Raise `ParaduxError` "damaged" for the first object that is missing or has another size."""
        for part in parts:
            self._check_size(part.name, part.size)

    def _check_size(self, name: str, size: int) -> None:
        if name not in self.sizes:
            raise damaged(f"{name} is missing")
        if self.sizes[name] != size:
            raise damaged(f"{name} has {self.sizes[name]} bytes instead of {size}")

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
        """Keep a manifest or a list for the next time."""
        with contextlib.suppress(OSError):
            if self._cache:
                self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_atomically(self._cache / name, content)

    def forget(self, name: str) -> None:
        """An object was deleted: it does not lie there any more, and what is kept of it goes, too."""
        self.sizes.pop(name, None)
        with contextlib.suppress(OSError):
            if self._cache:
                (self._cache / name).unlink()

    def _stop_if_foreign(self, line: bytes) -> None:
        found = _KEY.search(line, 0, _LONGEST_HEAD)
        if found and found[1] != self._keys.fingerprint.encode():
            raise ParaduxError(
                "other-dataset",
                "the directory holds archives of another dataset or destination",
                "give every destination a directory of its own with paraductl edit",
            )


def _unless_damaged(read: Callable[[str], Manifest], run: str) -> Manifest | None:
    """What is read; nothing when it is damaged, which is logged."""
    try:
        return read(run)
    except ParaduxError as problem:
        if problem.code != "damaged":
            raise
        _log.warning("%s", problem.message)
        return None


def _newer(name: str, problem: chain.NewerError) -> ParaduxError:
    return ParaduxError(
        "newer-format",
        f"{name} was written by a newer Paradux (its format is {problem}, this one knows {chain.FORMAT})",
        "install the newer Paradux on this machine again",
    )


def damaged(why: str) -> ParaduxError:
    """The error for an archive that is not what was put there."""
    return ParaduxError(
        "damaged", f"the archive is damaged: {why}", "push again for a new version; see: paraductl verify"
    )
