"""A million small files: a first push to encrypted archives, an unchanged one, find, a restore; prints a Markdown table.

Usage: python -m benchmarks.files [--files 1000000] [--directory DIR] [--steps first unchanged find restore]

Every step is one order that a worker process carries out, as the daemon starts it, with the versions that the daemon would know. Files
have 0 to 100 bytes, two hundred to a directory. Memory is that of the largest process; what a step keeps in files in memory is told apart,
as the most that was seen twice a second. `state` are the bytes on the disk that grow with the files: the snapshot file of tar, the index
of names.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from benchmarks import archive
from benchmarks.archive import Place

STEPS = ("first", "unchanged", "find", "restore")
EVERY = 0.5


def tiny_files(folder: Path, count: int) -> None:
    """`count` files of 0 to 100 bytes, two hundred to a directory."""
    chance = random.Random(3)
    for number in range(count):
        home = folder / f"{number // 20_000:03}" / f"{number // 200:06}"
        if number % 200 == 0:
            home.mkdir(parents=True)
        (home / f"{number:07}.txt").write_bytes(chance.randbytes(chance.randint(0, 100)))


class Shared:
    """The most memory that files in memory took, while the context lasts; of the whole machine, over what there was before."""

    def __enter__(self) -> Shared:
        self.most, self._before, self._over = 0, _shared(), threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            self.most = max(self.most, _shared() - self._before)


def _shared() -> int:
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(lines["Shmem"].split()[0]) * 1024


def find(place: Place) -> None:
    """One name among all."""
    question = {"ask": "find", "pattern": "0000123.txt"}
    page = archive.worker(place, "list", known_versions=archive.pushed(place), question=question)["page"]
    assert page["total"] == 1, page


def measure(place: Place, step: str) -> None:
    """One line of the table."""
    if step == "restore":
        shutil.rmtree(place.root / "out", ignore_errors=True)
    action = {"find": find, "restore": archive.ours_restore}.get(step, archive.ours_push)
    with Shared() as shared:
        figures = archive.measured(place, action, place.root / "ours")
    state = archive.size(place.root / "index") if (place.root / "index").exists() else 0
    cells = (figures.wall, figures.cpu, figures.added / 1e6, figures.memory / 1e6, shared.most / 1e6, state / 1e6)
    print(f"| {step} | {' | '.join(f'{cell:.1f}' for cell in cells)} |", flush=True)


def main() -> None:
    """Make the files, measure, clean up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--directory", help="where everything is made; not in memory, since memory is measured")
    parser.add_argument("--steps", nargs="*", default=STEPS, choices=STEPS)
    options = parser.parse_args()
    print("| step | wall s | CPU s | MB added | MB of memory | MB of files in memory | MB of state |", flush=True)
    print(f"|{'---|' * 7}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="paradux-benchmark-", dir=options.directory))
    try:
        archive.in_child(lambda: tiny_files(folder / "made", options.files))
        place = archive.prepared(folder / "place", folder / "made")
        time.sleep(1.1)
        for step in options.steps:
            measure(place, step)
        subprocess.run(["diff", "-rq", str(place.source), str(place.root / "out")], check="restore" in options.steps)
        subprocess.run(["gpgconf", "--kill", "all"], env=place.environment, check=False)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
