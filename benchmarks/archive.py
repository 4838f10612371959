"""The archive engine against duplicity (gpg, public key) and against the floor `tar | zstd | gpg`; prints a Markdown table.

Usage: python -m benchmarks.archive [--files 100000] [--bytes 2000000000] [--directory DIR]

First run, unchanged run, a run after 1 % of the files have changed, restore: wall seconds, bytes that were added, and the largest resident
memory of any one process (our volumes in memory, at most two of 32 MiB, come on top). All write into a directory; the floor has no
increments, so it has no figures for those. Our process is a worker with a real order, as the daemon starts it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import data
from paraduxd.core.orders import Order
from paraduxd.effects import sealing
from paraduxd.effects.gpg import private_gpg

PASSPHRASE = "5ec3e7" * 10


@dataclass(frozen=True)
class Place:
    """Everything for one set of data: sources, targets, a gpg home with the whole key for duplicity's restore."""

    root: Path
    key: sealing.SigningKey
    fingerprint: str
    public_key: str
    private_key: str

    @property
    def source(self) -> Path:
        """What is backed up."""
        return self.root / "source"

    @property
    def environment(self) -> dict[str, str]:
        """For duplicity and the floor."""
        home = str(self.root / "gnupg")
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "GNUPGHOME": home,
            "PASSPHRASE": PASSPHRASE,
            "LC_ALL": "C.UTF-8",
        }


def prepared(root: Path, made: Path) -> Place:
    """A new place around data that was made."""
    (root / "gnupg").mkdir(parents=True, mode=0o700)
    made.rename(root / "source")
    with private_gpg(root) as gpg:
        pair = gpg.generate("benchmark", PASSPHRASE)
    place = Place(root, sealing.new_signing_key(), pair.fingerprint, pair.public_key, pair.private_key)
    (root / "gnupg" / "gpg-agent.conf").write_text("allow-loopback-pinentry\n")
    for key in (pair.public_key, pair.private_key):
        command = ["gpg", "--batch", "--import"]
        subprocess.run(command, input=key.encode(), env=place.environment, check=True, stderr=subprocess.DEVNULL)
    return place


def worker(place: Place, step: str, **arguments: object) -> None:
    """One order, carried out by a worker process."""
    archive = {"fingerprint": place.fingerprint, "public_key": place.public_key, "verify_key": place.key.public}
    transport = {
        "protocol": "disk",
        "settings": {"url": (place.root / "ours").as_uri()},
        "archive": {**archive, "signing_key": place.key.private},
    }
    (place.root / "transport").write_text(json.dumps(transport))
    (place.root / "key").write_text(json.dumps({"private_key": place.private_key, "passphrase": PASSPHRASE}))
    known = {"cache": str(place.root / "cache"), "index": str(place.root / "index"), **arguments}
    order = Order(1, step, "data", "vault", str(place.root / "transport"), str(place.source), known)
    argv = [sys.executable, "-m", "paraduxd.worker.main"]
    done = subprocess.run(argv, input=order.to_json(), text=True, capture_output=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1])["event"] == "done", done.stdout + done.stderr


def ours_push(place: Place) -> None:
    """A push."""
    worker(place, "push", keep=asdict(_keep()), known_versions=[])


def _keep() -> object:
    from paraduxd.core.plan import Keep

    return Keep()


def ours_restore(place: Place) -> None:
    """A restore."""
    worker(place, "restore", to=str(place.root / "out"), at=None, paths=[], key=str(place.root / "key"))


def duplicity(place: Place, *command: str) -> None:
    """duplicity, to the public key."""
    common = [
        f"--archive-dir={place.root / 'duplicity-cache'}",
        "--encrypt-key",
        place.fingerprint,
        "--gpg-options=--trust-model always",
    ]
    argv = ["duplicity", *command[:1], *common, "--no-print-statistics", *command[1:]]
    subprocess.run(
        argv if command[0] == "restore" else [argv[0], *argv[2:]],
        env=place.environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def duplicity_push(place: Place) -> None:
    """A backup."""
    duplicity(place, "backup", str(place.source), (place.root / "duplicity").as_uri())


def duplicity_restore(place: Place) -> None:
    """A restore."""
    duplicity(place, "restore", (place.root / "duplicity").as_uri(), str(place.root / "out"))


def pipeline(place: Place, script: str) -> None:
    """A shell script, for the floor."""
    argv = ["bash", "-e", "-o", "pipefail", "-c", script, "bash", place.fingerprint]
    subprocess.run(argv, cwd=place.root, env=place.environment, check=True, stderr=subprocess.DEVNULL)


def floor_push(place: Place) -> None:
    """tar | zstd | gpg, with the same options as ours."""
    pipeline(
        place,
        "mkdir -p floor; tar -C source --format=posix --sparse --acls --xattrs -cf - . | zstd -q -3 -T0 |"
        " gpg --batch --trust-model always -z 0 -r $1 -e -o floor/all.gpg",
    )


def floor_restore(place: Place) -> None:
    """And back."""
    pipeline(
        place,
        "mkdir -p out; gpg --batch --pinentry-mode loopback --passphrase-fd 3 -d floor/all.gpg 3<<<$PASSPHRASE | zstd -qd |"
        " tar -C out -xpf - --acls --xattrs",
    )


def change(place: Place) -> None:
    """New contents for every hundredth file."""
    chance = random.Random(3)
    files = sorted(path for path in place.source.rglob("*") if path.is_file())
    for path in files[::100]:
        with path.open("r+b") as file:
            file.write(chance.randbytes(min(4096, path.stat().st_size)))


def size(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@dataclass(frozen=True)
class Figures:
    """Seconds, bytes added, bytes of memory."""

    seconds: float
    added: int
    memory: int


def measured(place: Place, action: str, target: str) -> Figures:
    """One action in a process of its own, so that the memory of its children is its own."""
    before = size(place.root / target) if (place.root / target).exists() else 0
    start = time.monotonic()
    child = os.fork()
    if not child:
        try:
            globals()[action](place)
            os._exit(0)
        finally:
            os._exit(1)
    _, status, usage = os.wait4(child, 0)
    assert status == 0, action
    seconds = time.monotonic() - start
    added = size(place.root / target) - before
    return Figures(seconds, added, usage.ru_maxrss * 1024)


def row(what: str, ours: Figures, other: Figures | None, floor: Figures | None) -> None:
    """One line of the table."""

    def cells(figures: Figures | None) -> str:
        return (
            "– | – | –"
            if figures is None
            else f"{figures.seconds:.1f} | {figures.added / 1e6:.1f} | {figures.memory / 1e6:.0f}"
        )

    faster = f"{other.seconds / ours.seconds:.1f}" if other else "–"
    over = f"{ours.seconds / floor.seconds:.2f}" if floor else "–"
    print(f"| {what} | {cells(ours)} | {cells(other)} | {cells(floor)} | {faster} | {over} |", flush=True)


def measure(name: str, made: Path, root: Path) -> None:
    """All rows for one set of data."""
    place = prepared(root, made)
    has_duplicity = shutil.which("duplicity") is not None

    def other(action: str) -> Figures | None:
        return measured(place, action, "duplicity") if has_duplicity else None

    row(
        f"{name}: first",
        measured(place, "ours_push", "ours"),
        other("duplicity_push"),
        measured(place, "floor_push", "floor"),
    )
    row(f"{name}: unchanged", measured(place, "ours_push", "ours"), other("duplicity_push"), None)
    time.sleep(1.1)
    change(place)
    row(f"{name}: 1 % changed", measured(place, "ours_push", "ours"), other("duplicity_push"), None)
    figures = []
    for action in ("ours_restore", "duplicity_restore", "floor_restore"):
        shutil.rmtree(root / "out", ignore_errors=True)
        figures.append(measured(place, action, "ours") if has_duplicity or action != "duplicity_restore" else None)
    assert figures[0]
    row(f"{name}: restore", figures[0], figures[1], figures[2])
    subprocess.run(["gpgconf", "--kill", "all"], env=place.environment, check=False)


def main() -> None:
    """Make the data, measure, clean up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--bytes", type=int, default=2_000_000_000)
    parser.add_argument("--directory", help="where everything is made; a file system in memory is the steadiest")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    three = " | ".join(f"{who} s | {who} MB added | {who} MB of memory" for who in ("Paradux", "duplicity", "floor"))
    print(f"| what | {three} | faster than duplicity | over the floor |\n|{'---|' * 12}", flush=True)
    with tempfile.TemporaryDirectory(prefix="paradux-benchmark-", dir=options.directory) as folder:
        root = Path(folder)
        data.mixed(root / "mixed", options.bytes)
        measure(f"{options.bytes / 1e9:.1f} GB mixed", root / "mixed", root / "one")
        shutil.rmtree(root / "one")
        data.small_files(root / "small", options.files)
        measure(f"{options.files} small files", root / "small", root / "two")


if __name__ == "__main__":
    main()
