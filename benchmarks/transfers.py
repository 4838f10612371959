"""A pull by rsync over ssh and a push by restic, through Paradux and raw, first and unchanged; prints a Markdown table.

Usage: python -m benchmarks.transfers [--files 100000] [--bytes 2000000000] [--rounds 3]

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
from tests.rig import Installation, minimal_answers, running


def timed(action: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    start = time.monotonic()
    action()
    return time.monotonic() - start


def raw(command: list[str], cwd: Path | None = None) -> None:
    """Run a raw engine to its end."""
    subprocess.run(command, check=True, cwd=cwd, stdout=subprocess.DEVNULL, timeout=3600)


def raw_pull(source: Path, target: Path, server: sshd.Server, keys: Path) -> None:
    """The same rsync that Paradux runs, without Paradux."""
    shell = f"ssh -F none -p {server.port} -i {keys}/user_key -o UserKnownHostsFile={keys}/known_hosts"
    address = f"{server.user}@127.0.0.1:{source}/"
    raw(["rsync", "-aHAX", "--numeric-ids", "--stats", "--delete", "-e", shell, address, f"{target}/"])


def raw_push(source: Path, repository: Path, password: Path) -> None:
    """The same restic command, without Paradux."""
    base = ["restic", "--repo", str(repository), "--password-file", str(password)]
    if not repository.exists():
        raw([*base, "init"])
    raw([*base, "backup", "--json", "."], cwd=source)


class Rows:
    """The measured pairs, printed as they come."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        print("| what | raw s | Paradux s | ratio | added s |\n|---|---|---|---|---|", flush=True)

    def pair(
        self, what: str, plain: Callable[[], object], ours: Callable[[], object], rounds: int | None = None
    ) -> None:
        """Measure both in turns; print medians and the median of the paired ratios."""
        pairs = [(timed(plain), timed(ours)) for _ in range(rounds or self.rounds)]
        plain_time, our_time = (statistics.median(times) for times in zip(*pairs, strict=True))
        ratio = statistics.median(b / a for a, b in pairs)
        added = statistics.median(b - a for a, b in pairs)
        print(f"| {what} | {plain_time:.2f} | {our_time:.2f} | {ratio:.3f} | {added:+.2f} |", flush=True)


def answers(root: Path, source: Path, server: sshd.Server) -> dict[str, object]:
    """One dataset, pulled over ssh and pushed to restic, without a schedule of its own."""
    base = minimal_answers(root)
    dataset = {
        "id": "data",
        "source": {
            "protocol": "rsync",
            "url": server.url("rsync+ssh", source),
            "credentials": {"private_key": server.private_key},
            "every": "30d",
        },
        "staging": str(root / "staging"),
        "destinations": [
            {
                "id": "restic",
                "protocol": "restic",
                "repository": str(root / "restic"),
                "every": "30d",
                "fate": ["place:x"],
            }
        ],
    }
    return {**base, "datasets": [dataset]}


def measure(name: str, source: Path, root: Path, rows: Rows) -> None:
    """All pairs for one set of data."""
    password = root / "password"
    root.mkdir()
    password.write_text("benchmark")
    keys = root / "ssh"
    keys.mkdir()
    with sshd.running(keys) as server, running(root / "paradux") as paradux:
        (keys / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {server.host_keys[0]}\n")
        paradux.setup(answers(paradux.root, source, server))
        settle(paradux)

        def fresh() -> None:
            shutil.rmtree(paradux.root / "staging", ignore_errors=True)
            shutil.rmtree(root / "pulled", ignore_errors=True)

        fresh()
        (root / "pulled").mkdir()
        pull = lambda: paradux.ctl("backup", "data", "--pull-only")  # noqa: E731
        push = lambda: paradux.ctl("backup", "data", "--push-only")  # noqa: E731
        rows.pair(f"{name}: rsync pull, first", lambda: raw_pull(source, root / "pulled", server, keys), pull, 1)
        rows.pair(f"{name}: rsync pull, unchanged", lambda: raw_pull(source, root / "pulled", server, keys), pull)
        rows.pair(
            f"{name}: restic push, first", lambda: raw_push(root / "pulled", root / "raw-restic", password), push, 1
        )
        rows.pair(
            f"{name}: restic push, unchanged", lambda: raw_push(root / "pulled", root / "raw-restic", password), push
        )


def settle(paradux: Installation) -> None:
    """Wait until the transfers that the schedule starts on its own after setting up have ended."""
    time.sleep(2)
    paradux.wait_for(lambda: not paradux.status()["running"], "the first scheduled transfers to end", 3600)


def main() -> None:
    """Make the data, measure, clean up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--bytes", type=int, default=2_000_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="paradux-benchmark-") as folder:
        root = Path(folder)
        rows = Rows(options.rounds)
        data.small_files(root / "small", options.files)
        measure(f"{options.files} small files", root / "small", root / "one", rows)
        shutil.rmtree(root / "small")
        shutil.rmtree(root / "one")
        data.mixed(root / "mixed", options.bytes)
        measure(f"{options.bytes / 1e9:.1f} GB mixed", root / "mixed", root / "two", rows)


if __name__ == "__main__":
    main()
