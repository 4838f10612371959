"""`find`, `ls` and `versions` over a month of hourly versions; prints a Markdown table.

Usage: python -m benchmarks.find [--files 100000] [--versions 720] [--changed 1000] [--directory DIR]

From one hour to the next so many files are renamed: as many names go as come, which is the worst that can happen to an index of names.
The index is fed row by row through what a worker feeds it with, version after version; only the newest version lies in a directory, which
is walked. The journal says that the destination has them all, and the destination itself is an empty folder: nothing below asks it, so
that the figures hold for every protocol. Daemon, client and worker are real. Times are those of whole commands, medians of three; CPU
seconds are those of client, daemon and worker together.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.growth_daemon import cost, timed
from paraduxd.api.replies.listings import DIRECTORY, FILE
from paraduxd.core.plan import model as plans
from paraduxd.core.primitives import timestamps
from paraduxd.core.runs.orders import Order
from paraduxd.effects.journal.journal import Ending, Journal
from paraduxd.protocols.base import NAMES, Version
from paraduxd.worker.browse import contents, names_index
from paraduxd.worker.browse.names_index import Row
from tests.rig import Installation, fill, minimal_answers, running

MODIFIED = 1_700_000_000
A_FOLDER = 200
"""Files of a folder."""


def born(place: int, version: int, files: int, changed: int) -> int:
    """Since which version the file at one of `files` places has its name: the places are renamed in turns."""
    rounds = files // changed
    turn = place // changed
    return max(1, version - (version - 1 - turn) % rounds) if version > turn else 1


def folder_of(place: int) -> str:
    """Two hundred files to a folder, fifty folders to one above."""
    return f"{place // A_FOLDER // 50:03}/{place // A_FOLDER:05}"


def names(version: int, files: int, changed: int) -> Iterator[str]:
    """The files of a version."""
    for place in range(files):
        yield f"{folder_of(place)}/letter-{place:06}-{born(place, version, files, changed):03}.txt"


def folders(files: int) -> list[str]:
    """All folders."""
    low = sorted({folder_of(place) for place in range(0, files, A_FOLDER)})
    return sorted({each.partition("/")[0] for each in low}) + low


def rows(version: int, files: int, changed: int) -> Iterator[Row]:
    """The rows of a version, as a walk of a directory tells them."""
    for name in folders(files):
        yield name.encode(), DIRECTORY, None, MODIFIED
    for name in names(version, files, changed):
        yield name.encode(), FILE, 1000, MODIFIED


def tree(folder: Path, version: int, files: int, changed: int) -> None:
    """The same as a directory; the files are holes."""
    for name in folders(files):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name in names(version, files, changed):
        path = folder / name
        path.touch()
        os.truncate(path, 1000)
        os.utime(path, (MODIFIED, MODIFIED))
    for name in folders(files):
        os.utime(folder / name, (MODIFIED, MODIFIED))


def month(count: int, files: int) -> tuple[Version, ...]:
    """One version an hour, the newest an hour old."""
    newest = datetime.now(UTC) - timedelta(hours=1)
    times = [timestamps.stamp(newest - timedelta(hours=count - number)) or "" for number in range(1, count + 1)]
    return tuple(
        Version(f"{when.replace(':', '-')}-{number:04x}", when, files=files, bytes=files * 1000, number=number)
        for number, when in enumerate(times, start=1)
    )


def feed(folder: Path, versions: tuple[Version, ...], files: int, changed: int) -> list[float]:
    """All of these versions; gives the CPU seconds of each."""
    took = []
    for number, version in enumerate(versions):
        start = time.process_time()
        with names_index.opened(folder) as index:
            index.keep_only({contents.key_of(each): each.time for each in versions[: number + 1]})
            digest = hashlib.sha256(str(number).encode()).digest()
            index.add_walked(contents.key_of(version), version.time, rows(number + 1, files, changed), digest)
        took.append(time.process_time() - start)
    return took


def remembered(folder: Path, source: Path, versions: tuple[Version, ...]) -> float:
    """The newest of them from a directory; gives the seconds by the clock, with the walk."""
    order = Order(1, "push", "home", "mirror", "", str(source), {"index": str(folder)})
    start = time.monotonic()
    contents.remember_push(order, source, versions[-1], versions)
    return time.monotonic() - start


def write_journal(paradux: Installation, versions: tuple[Version, ...]) -> None:
    """A push that told of them, into the journal of a daemon that is stopped."""
    plan = plans.from_json((paradux.state / "plan.json").read_text())
    now = datetime.now(UTC)
    told = [{"id": each.id, "time": each.time, "number": each.number, "files": each.files} for each in versions]
    with closing(Journal(paradux.state / "journal.sqlite", now)) as journal:
        journal.use_places(plan.uids)
        run = journal.add(("home", "push", "mirror"), "schedule", versions[-1].time)
        journal.start(run.number, versions[-1].time)
        result = {"version": versions[-1].id, "versions": told, "pulled": versions[-1].time}
        journal.finish(run.number, Ending("done", versions[-1].time, None, result))


def index_folder(paradux: Installation) -> Path:
    """Of the one destination."""
    plan = plans.from_json((paradux.state / "plan.json").read_text())
    return paradux.state / "index" / plan.datasets[0].destinations[0].uid


def measure(paradux: Installation, count: int, files: int, changed: int) -> None:
    """Every look that people wait for."""
    oldest, newest = f"letter-{0:06}-001.txt", f"letter-{files - 1:06}"
    commands = (
        ("`find`, one name that is gone", ("find", "home", oldest), "1 s"),
        ("`find`, a part of a name", ("find", "home", newest), "1 s"),
        ("`find`, a pattern", ("find", "home", f"00?/*/letter-{changed:06}-*.txt"), "1 s"),
        ("`find`, nothing of that name", ("find", "home", "no such name"), "1 s"),
        (f"`ls home#{count - 20}`", ("ls", f"home#{count - 20}"), "1 s"),
        (f"`ls home#{count - 20}`, one folder", ("ls", f"home#{count - 20}", folder_of(0)), "1 s"),
        (f"`diff` of two versions, {20 * changed} renamed", ("diff", f"home#{count - 20}", f"home#{count}"), "-"),
    )
    for what, command, goal in commands:
        timed(what, cost(paradux, partial(paradux.ctl, *command)), goal)


def prepare(paradux: Installation, count: int, files: int, changed: int) -> None:
    """Set up, and let a month pass."""
    fill(paradux.root / "source", 1)
    answers = minimal_answers(paradux.root)
    answers["datasets"][0]["source"]["every"] = answers["datasets"][0]["destinations"][0]["every"] = "90d"
    paradux.setup(answers)
    paradux.stop()
    versions, folder = month(count, files), index_folder(paradux)
    took = feed(folder, versions[:-1], files, changed)
    print(f"| add a version: the first, CPU | {took[0]:.2f} s | - |")
    print(
        f"| add a version: median, largest of the last fifty, CPU | {statistics.median(took[-50:]):.2f} s, {max(took[-50:]):.2f} s | - |"
    )
    tree(paradux.root / "newest", count, files, changed)
    print(
        f"| add a version, with the walk, by the clock | {remembered(folder, paradux.root / 'newest', versions):.2f} s | - |"
    )
    with names_index.opened(folder) as index:
        assert len(index.known()) == count
        spans = index._database.execute("SELECT count(*) FROM spans").fetchone()[0]
    size = (folder / NAMES).stat().st_size
    print(f"| index on the disk | {size / 1e6:.0f} MB, {spans} rows | {count * files} rows |", flush=True)
    write_journal(paradux, versions)


def main() -> None:
    """Build the month, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--versions", type=int, default=720)
    parser.add_argument("--changed", type=int, default=1000, help="from one version to the next")
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    print("| what | measured | goal |\n|---|---|---|")
    month_of = (options.versions, options.files, options.changed)
    with (
        tempfile.TemporaryDirectory(
            prefix="paradux-find-", dir=options.directory, ignore_cleanup_errors=True
        ) as folder,
        running(Path(folder)) as paradux,
    ):
        prepare(paradux, *month_of)
        paradux.start()
        measure(paradux, *month_of)


if __name__ == "__main__":
    main()
