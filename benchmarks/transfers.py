"""A pull by rsync over ssh and a push by restic, through Paradux and raw, first and unchanged; prints a Markdown table.

Usage: python -m benchmarks.transfers [--files 100000] [--bytes 2000000000] [--rounds 4] [--directory DIR]

Raw and Paradux take turns on targets of their own. The raw commands use the same flags that Paradux uses, so that the figures show
what the orchestration costs. A time is that of the whole command a person would type, `paraductl backup` included.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import data
from tests.integration import sshd
from tests.rig import minimal_answers, running

Action = Callable[[int], object]


def timed(action: Action, number: int) -> float:
    """Wall seconds of one call."""
    start = time.monotonic()
    action(number)
    return time.monotonic() - start


def raw(command: list[str], cwd: Path | None = None) -> None:
    """Run a raw engine to its end."""
    subprocess.run(command, check=True, cwd=cwd, stdout=subprocess.DEVNULL, timeout=3600)


def raw_pull(source: Path, target: Path, server: sshd.Server, keys: Path) -> None:
    """The same rsync that Paradux runs, without Paradux."""
    shell = f"ssh -F none -p {server.port} -i {keys}/user_key -o UserKnownHostsFile={keys}/known_hosts"
    address = f"{server.user}@127.0.0.1:{source}/"
    faithful = ["-aHAX", "--sparse", "--numeric-ids", "--partial-dir=.partial"]
    raw(["rsync", *faithful, "--stats", "--delete", "-e", shell, address, f"{target}/"])


def raw_push(source: Path, repository: Path, password: Path) -> None:
    """The same restic command, without Paradux."""
    raw(["restic", "--repo", str(repository), "--password-file", str(password), "backup", "--json", "."], cwd=source)


def both(plain: Action, ours: Action, number: int) -> tuple[float, float]:
    """Seconds of both; who goes first alternates, because the second one often finds a slower machine."""
    if number % 2:
        second = timed(ours, number)
        return timed(plain, number), second
    return timed(plain, number), timed(ours, number)


class Rows:
    """The measured pairs, printed as they come."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        print("| what | raw s | Paradux s | ratio | added s |\n|---|---|---|---|---|", flush=True)

    def pair(self, what: str, plain: Action, ours: Action, before: Action = lambda _: None) -> None:
        """Measure both in turns (each gets the number of the round); print medians, and medians of the paired differences."""
        pairs = []
        for number in range(self.rounds):
            before(number)
            pairs.append(both(plain, ours, number))
        plain_time, our_time = (statistics.median(times) for times in zip(*pairs, strict=True))
        ratio = statistics.median(b / a for a, b in pairs)
        added = statistics.median(b - a for a, b in pairs)
        print(f"| {what} | {plain_time:.2f} | {our_time:.2f} | {ratio:.3f} | {added:+.2f} |", flush=True)


def answers(root: Path, source: Path, server: sshd.Server, rounds: int) -> dict[str, object]:
    """One dataset, pulled over ssh, with a restic repository for each round."""
    repositories = [
        {"id": f"r{n}", "protocol": "restic", "repository": f"{root}/r{n}", "every": "30d", "fate": [f"place:r{n}"]}
        for n in range(rounds)
    ]
    dataset = {
        "id": "data",
        "source": {
            "protocol": "rsync",
            "url": server.url("rsync+ssh", source),
            "credentials": {"private_key": server.private_key},
            "every": "30d",
        },
        "staging": str(root / "staging"),
        "destinations": repositories,
    }
    return {**minimal_answers(root), "datasets": [dataset]}


def measure(name: str, made: Path, root: Path, rows: Rows) -> None:
    """All pairs for one set of data.

    Paradux is set up on a source with one file, so that nothing runs by itself any more when the data comes in.
    """
    source, pulled, keys, password = (root / part for part in ("source", "pulled", "ssh", "password"))
    for folder in (source, keys):
        folder.mkdir(parents=True)
    (source / "first").write_text("first")
    password.write_text("benchmark")
    with sshd.running(keys) as server, running(root / "paradux") as paradux:
        (keys / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {server.host_keys[0]}\n")
        paradux.setup(answers(paradux.root, source, server, rows.rounds))
        paradux.ctl("backup")
        made.rename(source / "data")
        for n in range(rows.rounds):
            raw(["restic", "--repo", f"{root}/raw{n}", "--password-file", str(password), "init"])

        def empty_both(_: int) -> None:
            shutil.rmtree(pulled, ignore_errors=True)
            shutil.rmtree(paradux.root / "staging" / "data", ignore_errors=True)
            pulled.mkdir()

        def raw_rsync(_: int) -> None:
            raw_pull(source, pulled, server, keys)

        def pull(_: int) -> None:
            paradux.ctl("backup", "data", "--pull-only")

        def raw_restic(n: int) -> None:
            raw_push(pulled, root / f"raw{n}", password)

        def push(n: int) -> None:
            paradux.ctl("backup", "data", "--push-only", "--destination", f"r{n}")

        rows.pair(f"{name}: rsync pull, first", raw_rsync, pull, before=empty_both)
        rows.pair(f"{name}: rsync pull, unchanged", raw_rsync, pull)
        rows.pair(f"{name}: restic push, first", raw_restic, push)
        rows.pair(f"{name}: restic push, unchanged", raw_restic, push)


def main() -> None:
    """Make the data, measure, clean up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--bytes", type=int, default=2_000_000_000)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--directory", help="where everything is made; a file system in memory is the steadiest")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="paradux-benchmark-", dir=options.directory) as folder:
        root = Path(folder)
        rows = Rows(options.rounds)
        data.small_files(root / "small", options.files)
        measure(f"{options.files} small files", root / "small", root / "one", rows)
        shutil.rmtree(root / "one")
        data.mixed(root / "mixed", options.bytes)
        measure(f"{options.bytes / 1e9:.1f} GB mixed", root / "mixed", root / "two", rows)


if __name__ == "__main__":
    main()
