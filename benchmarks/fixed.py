"""What a command costs before it does anything; prints a Markdown table.

Usage: python -m benchmarks.fixed [--rounds 15] [--directory DIR]

A tiny dataset is pulled by Paradux and by rsync alone, in turns; `paraductl status` takes turns with `python -c pass`. CPU seconds of a
client are those of its process and what it started; what the daemon and its worker use is not in them, and is in the wall time. The
differences are of pairs: the least of them is what a quiet core would show, the median what this machine shows.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.rig import minimal_answers, running


@dataclass(frozen=True)
class Cost:
    """Milliseconds of one command."""

    wall: float
    cpu: float

    def over(self, other: Cost) -> Cost:
        """What this one takes more."""
        return Cost(self.wall - other.wall, self.cpu - other.cpu)


def cost(argv: list[str], expected: tuple[int, ...] = (0,)) -> Cost:
    """Run a command to its end; raises `RuntimeError` for another exit code than expected."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    code = subprocess.run(argv, check=False, stdout=subprocess.DEVNULL).returncode
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if code not in expected:
        raise RuntimeError(f"{argv[0]} ended with exit code {code}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall * 1000, cpu * 1000)


def show(what: str, pairs: list[tuple[Cost, Cost]], goal: str) -> None:
    """One line: the plain command, and what ours takes more."""
    plain = statistics.median(a.wall for a, _ in pairs)
    more = [b.over(a) for a, b in pairs]
    walls, cpus = sorted(each.wall for each in more), sorted(each.cpu for each in more)
    middle = len(more) // 2
    print(
        f"| {what} | {plain:.0f} | {walls[middle]:+.0f} | {walls[0]:+.0f} | {cpus[middle]:+.0f} | {cpus[0]:+.0f} | {goal} |",
        flush=True,
    )


def measure(root: Path, rounds: int) -> None:
    """Both lines, on a daemon with one dataset of one file."""
    with running(root / "paradux") as paradux:
        answers = minimal_answers(paradux.root)
        source, alone = paradux.root / "tiny", root / "alone"
        source.mkdir()
        alone.mkdir()
        (source / "file").write_text("a few bytes")
        answers["datasets"][0]["source"] |= {"url": f"file://{source}", "every": "30d"}
        answers["datasets"][0]["staging"] = str(root / "staging")
        name = answers["datasets"][0]["id"]
        paradux.setup(answers)
        paradux.ctl("backup")
        ours = [str(Path(sys.executable).with_name("paraductl")), "--run", str(paradux.run)]
        pull = [*ours, "backup", name, "--pull-only"]
        rsync = ["rsync", "-aHAX", "--sparse", "--numeric-ids", "--delete", f"{source}/", f"{alone}/"]
        nothing = [sys.executable, "-I", "-c", "pass"]
        print(
            "| what | plain ms | added ms, median | least | added CPU ms, median | least | goal |\n|---|---|---|---|---|---|---|"
        )
        statuses = [(cost(nothing), cost([*ours, "status"], (0, 10, 20))) for _ in range(rounds)]
        show("`paraductl status` over `python -c pass`", statuses, "60 ms")
        show("pull of one file over `rsync`", [(cost(rsync), cost(pull)) for _ in range(rounds)], "150 ms")


def main() -> None:
    """Measure, clean up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--directory", help="where everything is made; a file system in memory is the steadiest")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="paradux-benchmark-", dir=options.directory) as folder:
        measure(Path(folder), options.rounds)


if __name__ == "__main__":
    main()
