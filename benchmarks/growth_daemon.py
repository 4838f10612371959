"""What daemon and client cost when everything has grown: many datasets, a large config, ten years of history; prints a Markdown table.

Usage: python -m benchmarks.growth_daemon [--datasets 1000] [--years 5] [--only-read] [--directory /dev/shm]

The daemon, the client and the vault are real; the passphrase is hardly stretched, so that what is left is Paradux's own work. The history
is written into the journal while the daemon is stopped: a year of daily pulls and weekly pushes, and of the years before a run a week, as
the journal keeps it for five years. Times are those of whole commands; CPU seconds those of client, daemon and keeper together.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from paraductl.daemon.channels import SupervisorConnection
from paraduxd.api.bounded_json import parse_object
from paraduxd.api.paths import RunPlaces
from paraduxd.core.plan import model as plans
from paraduxd.core.plan.place_names import places_of
from paraduxd.core.primitives import timestamps
from paraduxd.core.runs.orders import Failed
from paraduxd.effects.journal.journal import Ending, Journal
from tests.rig import Installation, fill, minimal_answers, running

PLACES = ("mirror", "cellar", "bank")
YEAR, VERSIONS = 365, 12


def answers(root: Path, count: int) -> dict[str, Any]:
    """So many datasets, each with three places, all due in a month: a megabyte as it is edited, besides what Paradux generates."""
    template = minimal_answers(root)["datasets"][0]
    datasets = [_dataset(root, template, number) for number in range(count)]
    notes = "What my family must know about this, in so many words. " * 4
    inventory = [{"name": f"Account {number}", "url": "https://example.org", "notes": notes} for number in range(20)]
    policy = {"shares_required": 2, "unattended": False}
    return minimal_answers(root, datasets=datasets, policy=policy, inventory=inventory)


def _dataset(root: Path, template: dict[str, Any], number: int) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(json.dumps(template))
    entry |= {"id": f"set-{number}", "staging": f"{root}/staging/{number}"}
    entry["source"] |= {"url": f"file://{root}/source", "every": "30d", "fate": [f"device:laptop-{number % 20}"]}
    place = entry["destinations"][0]
    entry["destinations"] = [
        {
            **place,
            "id": name,
            "url": f"file://{root}/{name}/{number}",
            "every": "30d",
            "fate": [f"place:{name}-{number % 7}"],
        }
        for name in PLACES
    ]
    return entry


def write_history(paradux: Installation, failing: int, years: int) -> int:
    """So many years in the journal of a daemon that is stopped; gives the number of rows. Of the last pushes so many have failed."""
    plan = plans.from_json((paradux.state / "plan.json").read_text())
    now = datetime.now(UTC)
    with closing(Journal(paradux.state / "journal.sqlite", now)) as journal:
        journal.use_places(plan.uids)
        with journal.batch():
            journal._database.executemany(
                "INSERT INTO runs (dataset, step, location, trigger, state, requested, started, ended, bytes, files, result,"
                " place, whole) VALUES (?, ?, ?, 'schedule', 'done', ?, ?, ?, 1000, 12, ?, ?, ?)",
                _past(plan, now, years),
            )
            for number, key in enumerate(_targets(plan)):
                run = journal.add(key, "schedule", timestamps.stamp(now) or "")
                journal.start(run.number, timestamps.stamp(now) or "")
                journal.finish(run.number, _ending(key, now, failed=number % 4 == 3 and number // 4 < failing))
        return journal.newest()


def _targets(plan: plans.Plan) -> Iterator[tuple[str, str, str]]:
    for dataset in plan.datasets:
        yield dataset.id, "pull", "source"
        for destination in dataset.destinations:
            yield dataset.id, "push", destination.id


def _past(plan: plans.Plan, now: datetime, years: int) -> Iterator[tuple[object, ...]]:
    places = places_of(plan.uids)
    targets = [(key, places.uid(key[0], key[2]), places.uid(key[0])) for key in _targets(plan)]
    for age in range(years * YEAR, 0, -1):
        at = timestamps.stamp(now - timedelta(days=age))
        for number, (key, place, whole) in enumerate(targets):
            daily = age <= YEAR and key[1] == "pull"
            if daily or (age + number) % 7 == 0:
                yield *key, at, at, at, _result(key), place, whole


def _result(key: tuple[str, str, str]) -> str:
    """What stays of the result of an old run."""
    told = {"files": 12, "bytes": 1000, "transferred_files": 3, "transferred_bytes": 200}
    return json.dumps(
        told if key[1] == "pull" else {"version": "2026-01-01T00-00-00Z-0123", "files": 12, "bytes": 1000}
    )


def _ending(key: tuple[str, str, str], now: datetime, *, failed: bool) -> Ending:
    """The newest result, with the versions that are there."""
    at = timestamps.stamp(now) or ""
    if failed:
        return Ending("failed", at, Failed("offline", "the host does not answer", "switch it on"))
    versions = [{"id": f"{at}-{number}", "time": at, "number": number} for number in range(VERSIONS)]
    more = {} if key[1] == "pull" else {"versions": versions, "pulled": at}
    return Ending("done", at, None, {**parse_object(_result(key), "a result"), **more})


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock and of the processor."""

    clock: float
    cpu: float


def cost(paradux: Installation, act: Callable[[], object], rounds: int = 3) -> Cost:
    """The medians of some rounds."""
    found = [_once(paradux, act) for _ in range(rounds)]
    return Cost(statistics.median(each.clock for each in found), statistics.median(each.cpu for each in found))


def _once(paradux: Installation, act: Callable[[], object]) -> Cost:
    cpu, clock = _cpu(paradux), time.monotonic()
    act()
    return Cost(time.monotonic() - clock, _cpu(paradux) - cpu)


def _cpu(paradux: Installation) -> float:
    """Seconds of the daemon, of what it has started, and of the clients that have ended."""
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = own.ru_utime + own.ru_stime
    for pid in paradux.processes():
        with contextlib.suppress(psutil.NoSuchProcess):  # a worker that has ended meanwhile: its parent has its seconds
            times = psutil.Process(pid).cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def rss(paradux: Installation) -> float:
    """Megabytes of the supervisor."""
    assert paradux.daemon is not None
    return float(psutil.Process(paradux.daemon.pid).memory_info().rss / 1e6)


def row(what: str, measured: str, goal: str = "-") -> None:
    """One line of the table."""
    print(f"| {what} | {measured} | {goal} |", flush=True)


def timed(what: str, found: Cost, goal: str = "-") -> None:
    """One line of the table."""
    row(what, f"{found.clock:.2f} s, CPU {found.cpu:.2f} s", goal)


def call(paradux: Installation, name: str, **arguments: object) -> Callable[[], object]:
    """One call without a client's start."""

    def act() -> object:
        with SupervisorConnection(RunPlaces(paradux.run)) as supervisor:
            return supervisor.call(name, **arguments)

    return act


def page(paradux: Installation) -> Callable[[], object]:
    """What `paraductl status` asks for."""
    return call(paradux, "overview", most=20)


def edited(paradux: Installation) -> Callable[[], object]:
    """An edit of one field; each time another value."""
    config = paradux.config()

    def act() -> None:
        config["owner"]["phone"] = config["owner"].get("phone", "") + "1"
        paradux.edit(
            config, check=False
        )  # the metadata stashes of a daemon that was stopped before it published have no marker
        config["serial"] += 1

    return act


def measure_reading(paradux: Installation) -> None:
    """Every command that looks at all of it."""
    row("supervisor, started: RSS", f"{rss(paradux):.0f} MB", "60 MB")
    timed("status, first after the start, without the client", cost(paradux, page(paradux), 1), "0.3 s")
    timed("status, nothing has changed, without the client", cost(paradux, page(paradux)), "0.3 s")
    timed("`paraductl status`", cost(paradux, lambda: paradux.ctl("status", check=False)), "0.3 s")
    timed("`paraductl status --json`", cost(paradux, lambda: paradux.ctl("--json", "status", check=False)))
    timed("`paraductl status set-1`", cost(paradux, lambda: paradux.ctl("status", "set-1", check=False)), "0.3 s")
    timed("`paraductl history`", cost(paradux, lambda: paradux.ctl("history")), "0.3 s")
    timed("`paraductl history set-1`", cost(paradux, lambda: paradux.ctl("history", "set-1")), "0.3 s")
    timed("`paraductl history --failed`", cost(paradux, lambda: paradux.ctl("history", "--failed")), "0.3 s")
    row("supervisor, after that: RSS", f"{rss(paradux):.0f} MB", "60 MB")


def measure_saving(paradux: Installation) -> None:
    """What needs the passphrase, and what an edit costs."""
    timed("`paraductl unlock`", cost(paradux, lambda: paradux.owner("unlock")))
    timed("`paraductl show owner`, unlocked", cost(paradux, lambda: paradux.ctl("show", "owner")))
    paradux.ctl("lock")
    timed("`paraductl show`, locked", cost(paradux, lambda: paradux.owner("show")))
    text = json.dumps(paradux.config(), indent=2)
    (paradux.root / "config.json").write_text(text)
    generated = len(json.dumps({"managed": paradux.config()["managed"]}, indent=2))
    row("config", f"{(len(text) - generated) / 1e6:.1f} MB, and {generated / 1e6:.1f} MB that Paradux generates")
    timed("`paraductl check`", cost(paradux, lambda: paradux.ctl("check", str(paradux.root / "config.json"))), "3 s")
    timed("`paraductl edit`, one field", cost(paradux, edited(paradux)), "3 s")
    row("plan applied", plan_applied(paradux), "0.2 s")
    timed("status, first after an edit, without the client", cost(paradux, page(paradux), 1), "0.3 s")
    row("supervisor, after all this: RSS", f"{rss(paradux):.0f} MB", "60 MB")


def plan_applied(paradux: Installation) -> str:
    """The daemon says in its log how long it took."""
    lines = [line for line in paradux.log.read_text().splitlines() if "Plan applied" in line]
    return lines[-1].rpartition(" in ")[2]


def main() -> None:
    """Build the family, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=1000)
    parser.add_argument("--years", type=int, default=5, help="what the journal keeps of ten years are five")
    parser.add_argument("--only-read", action="store_true", help="no unlock, no edit")
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    print("| what | measured | goal |\n|---|---|---|")
    with (
        tempfile.TemporaryDirectory(
            prefix="paradux-growth-", dir=options.directory, ignore_cleanup_errors=True
        ) as folder,
        running(Path(folder)) as paradux,
    ):
        fill(paradux.root / "source", 1)
        family = answers(paradux.root, options.datasets)
        timed(f"`paraductl setup`, {options.datasets} datasets x 3", cost(paradux, lambda: paradux.setup(family), 1))
        paradux.stop()
        rows = write_history(paradux, failing=10, years=options.years)
        size = (paradux.state / "journal.sqlite").stat().st_size
        row("journal", f"{rows} runs, {size / 1e6:.0f} MB")
        begun = time.monotonic()
        paradux.start()
        row("daemon, until it answers", f"{time.monotonic() - begun:.2f} s")
        measure_reading(paradux)
        if not options.only_read:
            measure_saving(paradux)


if __name__ == "__main__":
    main()
