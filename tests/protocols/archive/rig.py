"""Archives for tests: one key pair for the whole session, destinations on a disk."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

from paraduxd.core.runs.orders import Progress
from paraduxd.effects.crypto import archive_crypto
from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.protocols.archive.destination import ArchiveDestination, Keys, PrivateKey
from paraduxd.protocols.base import BlobStore, Context, Identity
from paraduxd.protocols.disk import DiskBlobs
from paraduxd.testing.destinations import DestinationCase
from paraduxd.testing.places import PlaceCase

PASSPHRASE = "5ec3e7" * 10
VOLUME = 1 << 20


@functools.cache
def new_keys(name: str = "data") -> Keys:
    """Keys of one destination, with the private one; made once for each name."""
    with tempfile.TemporaryDirectory() as folder, private_gpg(Path(folder)) as gpg:
        pair = gpg.generate(name, PASSPHRASE)
    signing = archive_crypto.new_signing_key()
    private = PrivateKey(pair.private_key, PASSPHRASE)
    return Keys(pair.fingerprint, pair.public_key, signing.public, signing.private, private)


def archive(
    store: BlobStore,
    folder: Path,
    progress: Callable[[Progress], None] = lambda _: None,
    keys: Keys | None = None,
    volume: int = VOLUME,
    identity: Identity | None = None,
) -> ArchiveDestination:
    """The archives of the dataset "photos" in a store; `folder` gets what the pushing machine remembers."""
    context = Context("photos", "vault", progress, index=folder / "index", cache=folder / "cache", identity=identity)
    return ArchiveDestination(store, keys or new_keys(), context, volume)


def case_on(make_store: Callable[[], BlobStore], folder: Path) -> DestinationCase:
    """The archives in a store as a case of the shipped suite."""
    folder.mkdir(parents=True, exist_ok=True)
    return DestinationCase(lambda progress: archive(make_store(), folder, progress), folder)


def disk_case(tmp_path: Path) -> DestinationCase:
    """The same in a directory `store` below `tmp_path`."""
    return case_on(lambda: DiskBlobs(tmp_path / "store"), tmp_path / "scratch")


def place_case(make_store: Callable[[], BlobStore], folder: Path) -> PlaceCase:
    """The archives in a store as a case of the shipped suite of places; every machine has a folder of its own."""
    (folder / "staging").mkdir(parents=True, exist_ok=True)

    def make(who: Identity | None) -> ArchiveDestination:
        return archive(make_store(), folder / (who.instance if who else "nobody"), identity=who)

    return PlaceCase(make, folder)
