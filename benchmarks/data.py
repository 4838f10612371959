"""Data for the benchmarks: many small files, and a mix of sizes; the same bytes for the same seed."""

from __future__ import annotations

import random
from pathlib import Path


def small_files(folder: Path, count: int) -> None:
    """`count` files of 200 to 2,000 bytes, two hundred to a directory."""
    chance = random.Random(1)
    for number in range(count):
        home = folder / f"{number // 200:05}"
        if number % 200 == 0:
            home.mkdir(parents=True, exist_ok=True)
        (home / f"{number:06}.txt").write_bytes(chance.randbytes(chance.randint(200, 2000)))


def mixed(folder: Path, size: int) -> None:
    """About `size` bytes: half in files of 50 MB, the rest in 1 MB and 20 KB; half of the bytes compress well."""
    chance = random.Random(2)
    folder.mkdir(parents=True, exist_ok=True)
    for kind, share, each in (("large", 0.5, 50_000_000), ("medium", 0.35, 1_000_000), ("small", 0.15, 20_000)):
        (folder / kind).mkdir(exist_ok=True)
        for number in range(max(1, int(size * share / each))):
            text = b"the same words over and over again " * (each // 70)
            (folder / kind / f"{number:05}").write_bytes(chance.randbytes(each - len(text)) + text)
