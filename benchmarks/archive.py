"""The archive engine against duplicity (gpg, public key), restic and the floor `tar | zstd | gpg`; prints Markdown tables.

Usage: python -m benchmarks.archive [--files 100000] [--bytes 2000000000] [--rounds 3] [--directory DIR] [--without restic]

First run, unchanged run, a run after 1 % of the files have changed, restore. Figures are medians of the rounds: wall seconds, CPU
seconds (of all processes), bytes that were added, and the largest resident memory of any one process (our volumes of 32 MiB in memory,
two on two cores, come on top). Who goes first changes from round to round, each round has targets of its own. All write into a
directory; the floor has no increments, so it has no figures for those. Our process is a worker with a real order, as the daemon
starts it. duplicity and restic are Debian's, or whatever comes first in PATH.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import paraduxd
from benchmarks import data
from paraduxd.core.plan.terms import Keep
from paraduxd.core.runs.orders import Order
from paraduxd.effects.crypto import archive_crypto
from paraduxd.effects.crypto.gpg import private_gpg

PASSPHRASE = "5ec3e7" * 10

VERSIONS = "versions.json"


@dataclass(frozen=True)
class Place:
    """Everything for one set of data: sources, targets, a gpg home with the whole key for duplicity's restore."""

    root: Path
    key: archive_crypto.SigningKey
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
            "RESTIC_PASSWORD": PASSPHRASE,
            "RESTIC_CACHE_DIR": str(self.root / "restic-cache"),
            "LC_ALL": "C.UTF-8",
        }


def prepared(root: Path, made: Path) -> Place:
    """A new place around data that was made."""
    (root / "gnupg").mkdir(parents=True, mode=0o700)
    made.rename(root / "source")
    with private_gpg(root) as gpg:
        pair = gpg.generate("benchmark", PASSPHRASE)
    place = Place(root, archive_crypto.new_signing_key(), pair.fingerprint, pair.public_key, pair.private_key)
    (root / "gnupg" / "gpg-agent.conf").write_text("allow-loopback-pinentry\n")
    for key in (pair.public_key, pair.private_key):
        command = ["gpg", "--batch", "--import"]
        subprocess.run(command, input=key.encode(), env=place.environment, check=True, stderr=subprocess.DEVNULL)
    return place


def worker(place: Place, step: str, **arguments: object) -> dict[str, Any]:
    """The result of one order, carried out by a worker process. Of what lies in /dev/shm it finds only what is there when it begins."""
    for name in ("ours", "cache", "index", "out"):
        (place.root / name).mkdir(mode=0o700, exist_ok=True)
    archive = {"fingerprint": place.fingerprint, "public_key": place.public_key, "verify_key": place.key.public}
    transport = {
        "protocol": "disk",
        "settings": {"url": (place.root / "ours").as_uri()},
        "archive": {**archive, "signing_key": place.key.private},
    }
    (place.root / "transport").write_text(json.dumps(transport))
    (place.root / "key").write_text(json.dumps({"private_key": place.private_key, "passphrase": PASSPHRASE}))
    known = {"cache": str(place.root / "cache"), "index": str(place.root / "index"), **arguments}
    order = Order(1, step, "data", "vault", str(place.root / "transport"), str(place.source), known, in_place=True)
    argv = [sys.executable, "-m", "paraduxd.worker.main", str(os.getpid())]
    done = subprocess.run(argv, input=order.to_json(), text=True, capture_output=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["event"] == "done", done.stdout + done.stderr
    return dict(told["result"])


def pushed(place: Place) -> list[object]:
    """The versions that the daemon knows of, as the last push told them."""
    path = place.root / VERSIONS
    return list(json.loads(path.read_text())) if path.exists() else []


def ours_push(place: Place) -> None:
    """A push."""
    result = worker(place, "push", keep=asdict(Keep()), known_versions=pushed(place))
    (place.root / VERSIONS).write_text(json.dumps(result["versions"]))


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
    """tar | zstd | gpg, with the same options as ours, and with large records, which no archive of ours can have."""
    pipeline(
        place,
        "mkdir -p floor; tar -b2048 -C source --format=posix --sparse --acls --xattrs -cf - . | zstd -q -3 -T0 |"
        " gpg --batch --trust-model always -z 0 -r $1 -e -o floor/all.gpg",
    )


def floor_restore(place: Place) -> None:
    """And back."""
    pipeline(
        place,
        "mkdir -p out; gpg --batch --pinentry-mode loopback --passphrase-fd 3 -d floor/all.gpg 3<<<$PASSPHRASE | zstd -qd |"
        " tar -b2048 -C out -xpf - --acls --xattrs",
    )


def restic(place: Place, *command: str) -> None:
    """restic, into a directory."""
    argv = ["restic", "--quiet", "--repo", str(place.root / "restic"), *command]
    subprocess.run(argv, cwd=place.source, env=place.environment, check=True, stdout=subprocess.DEVNULL)


def restic_push(place: Place) -> None:
    """A backup; the first one makes the repository."""
    if not (place.root / "restic").exists():
        restic(place, "init")
    restic(place, "backup", ".")


def restic_restore(place: Place) -> None:
    """A restore."""
    restic(place, "restore", "latest", "--target", str(place.root / "out"))


def change(place: Place, number: int) -> None:
    """New contents for every hundredth file: at most 4 KiB at its beginning."""
    chance = random.Random(number)
    files = sorted(path for path in place.source.rglob("*") if path.is_file())
    for path in files[::100]:
        with path.open("r+b") as file:
            file.write(chance.randbytes(min(4096, path.stat().st_size)))


def size(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@dataclass(frozen=True)
class Figures:
    """Seconds by the clock and of the processors, bytes added, bytes of memory."""

    wall: float
    cpu: float
    added: int
    memory: int


Action = Callable[[Place], None]

CONTESTANTS: dict[str, tuple[Action, Action]] = {
    "ours": (ours_push, ours_restore),
    "duplicity": (duplicity_push, duplicity_restore),
    "restic": (restic_push, restic_restore),
    "floor": (floor_push, floor_restore),
}
"""What each of them pushes and restores with; its name is also that of its target directory."""

STEPS = ("first", "unchanged", "1 % changed", "restore")


def in_child(action: Callable[[], object]) -> resource.struct_rusage:
    """Do it in a process of its own, so that time and memory of its children are its own; this one stays small, because a new
    process counts the memory of the one that it is a copy of."""
    child = os.fork()
    if not child:
        try:
            action()
            os._exit(0)
        finally:
            os._exit(1)
    _, status, usage = os.wait4(child, 0)
    assert status == 0, action
    return usage


def measured(place: Place, action: Action, target: Path) -> Figures:
    """One action."""
    before = size(target) if target.exists() else 0
    start = time.monotonic()
    usage = in_child(lambda: action(place))
    wall = time.monotonic() - start
    return Figures(wall, usage.ru_utime + usage.ru_stime, size(target) - before, usage.ru_maxrss * 1024)


def one_round(place: Place, number: int, found: dict[tuple[str, str], list[Figures]]) -> None:
    """All steps by all contestants, on targets that are empty at first."""
    names = list(CONTESTANTS)
    order = names[number % len(names) :] + names[: number % len(names)]
    for name in (*names, "cache", "index", "duplicity-cache", "restic-cache"):
        shutil.rmtree(place.root / name, ignore_errors=True)
    (place.root / VERSIONS).unlink(missing_ok=True)
    for step in STEPS:
        if step == "1 % changed":
            time.sleep(1.1)
            in_child(lambda: change(place, number))
        for name in order if step in ("first", "restore") else (each for each in order if each != "floor"):
            shutil.rmtree(place.root / "out", ignore_errors=True)
            action = CONTESTANTS[name][step == "restore"]
            figures = measured(place, action, place.root / name)
            found.setdefault((step, name), []).append(figures)
            print(f"round {number}, {step}, {name}: {figures}", file=sys.stderr, flush=True)
            if step == "restore" and name == "ours":
                subprocess.run(["diff", "-r", str(place.source), str(place.root / "out")], check=True)


def median(figures: list[Figures]) -> Figures:
    """Of each figure for itself."""
    columns = zip(*((each.wall, each.cpu, each.added, each.memory) for each in figures), strict=True)
    wall, cpu, added, memory = (statistics.median(column) for column in columns)
    return Figures(wall, cpu, int(added), int(memory))


def ratio(step: str, other: str, found: dict[tuple[str, str], list[Figures]]) -> tuple[str, str]:
    """Median of the paired ratios of the other one's wall and CPU time to ours."""
    pairs = list(zip(found[step, other], found[step, "ours"], strict=True))
    wall = statistics.median(theirs.wall / mine.wall for theirs, mine in pairs)
    return f"{wall:.2f}", f"{statistics.median(theirs.cpu / mine.cpu for theirs, mine in pairs):.2f}"


def print_rows(name: str, found: dict[tuple[str, str], list[Figures]]) -> None:
    """The lines of one set of data."""
    for (step, who), figures in found.items():
        each = median(figures)
        times = ("1", "1") if who == "ours" else ratio(step, who, found)
        added = "-" if step == "restore" else f"{each.added / 1e6:.2f}"
        cells = (f"{each.wall:.2f}", f"{each.cpu:.2f}", *times, added, f"{each.memory / 1e6:.0f}")
        print(f"| {name}: {step} | {'Paradux' if who == 'ours' else who} | {' | '.join(cells)} |", flush=True)


def measure(name: str, made: Path, root: Path, rounds: int) -> None:
    """All rows for one set of data."""
    place = prepared(root, made)
    found: dict[tuple[str, str], list[Figures]] = {}
    try:
        for number in range(rounds):
            one_round(place, number, found)
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=place.environment, check=False)
    print_rows(name, found)


def main() -> None:
    """Make the data, measure, clean up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--bytes", type=int, default=2_000_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", help="where everything is made; a file system in memory is the steadiest")
    parser.add_argument("--without", nargs="*", default=[], choices=[name for name in CONTESTANTS if name != "ours"])
    options = parser.parse_args()
    for name in options.without:
        del CONTESTANTS[name]
    compileall.compile_dir(Path(paraduxd.__file__).parent, quiet=1)  # as an installed package is
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    columns = "what | who | wall s | CPU s | wall, times ours | CPU, times ours | MB added | MB of memory"
    print(f"| {columns} |\n|{'---|' * 8}", flush=True)
    with tempfile.TemporaryDirectory(prefix="paradux-benchmark-", dir=options.directory) as folder:
        root = Path(folder)
        in_child(lambda: data.small_files(root / "small", options.files))
        measure(f"{options.files} small files", root / "small", root / "one", options.rounds)
        shutil.rmtree(root / "one")
        in_child(lambda: data.mixed(root / "mixed", options.bytes))
        measure(f"{options.bytes / 1e9:.1f} GB mixed", root / "mixed", root / "two", options.rounds)


if __name__ == "__main__":
    main()
