"""What grows with the versions of an encrypted archive; prints a Markdown table.

Usage: python -m benchmarks.growth [--versions 1000] [--held] [--directory DIR]

A tiny dataset is pushed again and again, one version a day, and every version is kept. At ten points on the way: what all manifests and
lists take at the place, what the last push asked of it and sent, and what a quick check asks that believes nothing of what this machine
remembers; seconds by the clock. `--held`: as at a place where nothing can be removed. Requests are those of the archive itself; the
marker of the place adds one to each.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from paraduxd.core.plan.terms import Keep
from paraduxd.effects.crypto import archive_crypto
from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.protocols.archive.destination import ArchiveDestination, Keys
from paraduxd.protocols.base import Blob, BlobStore, Context, PushRequest, Version
from paraduxd.protocols.disk import DiskBlobs

PASSPHRASE = "5ec3e7" * 10
DATA = (".gpg",)
"""How the names of objects end that hold data; what else lies there says what there is."""


@dataclass
class Counted(BlobStore):
    """A store on a disk that counts what is asked of it."""

    store: BlobStore
    asked: Counter[str] = field(default_factory=Counter)

    def put(self, name: str, data: BinaryIO) -> None:
        """One more."""
        self.asked["put"] += 1
        self.store.put(name, data)

    def get(self, name: str) -> Iterator[bytes]:
        """One more."""
        self.asked["get"] += 1
        return self.store.get(name)

    def list(self) -> tuple[Blob, ...]:
        """One more."""
        self.asked["list"] += 1
        return self.store.list()

    def delete(self, name: str) -> None:
        """One more."""
        self.asked["delete"] += 1
        self.store.delete(name)

    def sweep(self) -> None:
        """Not counted: it lists what is half-written."""
        self.store.sweep()

    def counted(self) -> str:
        """What was asked since the last time."""
        told = ", ".join(f"{self.asked[kind]} {kind}" for kind in ("list", "get", "put", "delete"))
        self.asked.clear()
        return told


def new_keys(folder: Path) -> Keys:
    """Keys of one destination, without the private one."""
    with private_gpg(folder) as gpg:
        pair = gpg.generate("growth", PASSPHRASE)
    signing = archive_crypto.new_signing_key()
    return Keys(pair.fingerprint, pair.public_key, signing.public, signing.private)


def described(folder: Path) -> int:
    """Bytes of everything at the place that is no data."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.suffix not in DATA)


def row(number: int, store: Counted, place: Path, push: tuple[str, float], destination: ArchiveDestination) -> str:
    """One line of the table."""
    store.asked.clear()
    start = time.monotonic()
    destination.verify(deep=False)
    seconds = time.monotonic() - start
    total = described(place)
    cells = (f"{total / 1e6:.2f}", f"{total / number / 1e3:.2f}", push[0], f"{push[1]:.2f}", store.counted())
    return f"| {number} | {' | '.join(cells)} | {seconds:.3f} |"


def measure(root: Path, versions: int, *, held: bool) -> None:
    """Push, and print."""
    staging, place = root / "staging", root / "place"
    staging.mkdir()
    (staging / "file").write_text("always the same\n")
    store, known = Counted(DiskBlobs(place)), tuple[Version, ...]()
    context = Context("photos", "vault", lambda _: None, index=root / "index", cache=root / "cache")
    destination = ArchiveDestination(store, new_keys(root), context)
    first = datetime(2020, 1, 1, tzinfo=UTC)
    for number in range(1, versions + 1):
        now = f"{first + timedelta(days=number):%Y-%m-%dT%H:%M:%SZ}"
        start = time.monotonic()
        known = destination.push(staging, replace(PushRequest(Keep(), now, known), prune=True, held=held)).versions
        push = (store.counted(), time.monotonic() - start)
        if number % max(1, versions // 10) == 0:
            print(row(number, store, place, push, destination), flush=True)
    assert len(known) == versions


def main() -> None:
    """Everything in a directory of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", type=int, default=1000)
    parser.add_argument("--held", action="store_true", help="nothing can be removed")
    parser.add_argument("--directory", help="where the place lies; /dev/shm leaves out the disk")
    options = parser.parse_args()
    columns = "versions | MB of manifests and lists | kB for each version | a push asks | s | a quick check asks | s"
    print(f"| {columns} |\n|{'---|' * 7}", flush=True)
    with tempfile.TemporaryDirectory(prefix="growth-benchmark-", dir=options.directory) as folder:
        measure(Path(folder), options.versions, held=options.held)


if __name__ == "__main__":
    main()
