"""What the daemon and the client cost by themselves; prints a Markdown table.

Usage: python -m benchmarks.daemon [--datasets 1000] [--idle 60]

The large installation is attended and has been restarted: it has its schedule, but runs nothing before somebody unlocks. So what is
measured is the schedule, not a thousand first transfers.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tests.rig import Installation, fill, minimal_answers, running


def wall(argv: list[str]) -> float:
    """Milliseconds of a whole process."""
    start = time.monotonic()
    subprocess.run(argv, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (time.monotonic() - start) * 1000


def cold_status(paradux: Installation, rounds: int = 15) -> tuple[float, float]:
    """Median milliseconds of `python -c pass` and of what `paraductl status` takes more, in pairs."""
    status = [str(Path(sys.executable).with_name("paraductl")), "--run", str(paradux.run), "status"]
    pairs = [(wall([sys.executable, "-c", "pass"]), wall(status)) for _ in range(rounds)]
    return statistics.median(a for a, _ in pairs), statistics.median(b - a for a, b in pairs)


def lock_time(paradux: Installation) -> float:
    """Milliseconds from the call until the keeper's process is gone, as seen from outside."""
    from paraductl.daemon.channels import SupervisorConnection
    from paraduxd.api.paths import RunPlaces

    assert paradux.daemon is not None
    paradux.owner("unlock")
    keepers = paradux.processes() - {paradux.daemon.pid}
    with SupervisorConnection(RunPlaces(paradux.run)) as supervisor:
        supervisor.call("history")
        start = time.monotonic()
        supervisor.call("lock")
        while any(Path(f"/proc/{pid}").exists() for pid in keepers):
            time.sleep(0.0002)
        return (time.monotonic() - start) * 1000


def many_datasets(root: Path, count: int) -> list[dict[str, Any]]:
    """So many datasets, all due in a month."""
    template = minimal_answers(root)["datasets"][0]
    text = json.dumps(template)
    found = []
    for number in range(count):
        entry = json.loads(text)
        entry["id"] = f"set-{number}"
        entry["staging"] = f"{root}/staging/{number}"
        entry["source"] |= {"url": f"file://{root}/source", "every": "30d"}
        entry["destinations"][0] |= {"url": f"file://{root}/mirror/{number}", "every": "30d"}
        found.append(entry)
    return found


def idle(paradux: Installation, seconds: int) -> tuple[float, float]:
    """CPU seconds over so many seconds of doing nothing, and RSS in MB."""
    assert paradux.daemon is not None
    process = psutil.Process(paradux.daemon.pid)
    before = process.cpu_times()
    time.sleep(seconds)
    after = process.cpu_times()
    return (after.user + after.system) - (before.user + before.system), process.memory_info().rss / 1e6


def row(what: str, value: str, goal: str) -> None:
    """One line of the table."""
    print(f"| {what} | {value} | {goal} |", flush=True)


def main() -> None:
    """Measure a small and a large installation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=1000)
    parser.add_argument("--idle", type=int, default=60)
    options = parser.parse_args()
    print("| what | measured | goal |\n|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="paradux-benchmark-") as folder:
        with running(Path(folder) / "small") as paradux:
            fill(paradux.root / "source")
            paradux.setup()
            paradux.ctl("backup")
            bare, added = cold_status(paradux)
            row("`paraductl status`, cold", f"{added:.0f} ms over `python -c pass` ({bare:.0f} ms)", "100 ms")
            row(
                "lock, until the keeper is gone",
                f"{statistics.median(lock_time(paradux) for _ in range(5)):.1f} ms",
                "10 ms",
            )
            cpu, memory = idle(paradux, options.idle)
            row(f"idle, 1 dataset: CPU over {options.idle} s", f"{cpu:.2f} s", "0.0 ± 0.1 s")
            row("idle, 1 dataset: RSS", f"{memory:.0f} MB", "60 MB")
        with running(Path(folder) / "large") as paradux:
            fill(paradux.root / "source", 1)
            policy = {"shares_required": 2, "unattended": False}
            datasets = many_datasets(paradux.root, options.datasets)
            paradux.setup(minimal_answers(paradux.root, datasets=datasets, policy=policy))
            paradux.stop()
            paradux.start()
            print_plan_time(paradux, options.datasets)
            cpu, memory = idle(paradux, options.idle)
            row(f"idle, {options.datasets} datasets: CPU over {options.idle} s", f"{cpu:.2f} s", "0.0 ± 0.1 s")
            row(f"idle, {options.datasets} datasets: RSS", f"{memory:.0f} MB", "-")
            _, added = cold_status(paradux, 5)
            row(f"`paraductl status`, {options.datasets} datasets", f"{added:.0f} ms over `python -c pass`", "-")


def print_plan_time(paradux: Installation, count: int) -> None:
    """The daemon says in its log how long it took to apply a plan."""
    lines = [line for line in paradux.log.read_text().splitlines() if "Plan applied" in line]
    row(f"plan applied, {count} datasets", lines[-1].rpartition(" in ")[2], "1 s")


if __name__ == "__main__":
    main()
