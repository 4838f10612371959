"""What an archive destination holds: names of objects, manifests, and which runs may go. Pure.

Format: `docs/reference/formats.md`.

A *run* is one push: a full one, or an increment on top of a `parent`. The runs from a full one to its youngest descendant are a *chain*.
Every manifest lists all runs that were still needed when it was written, so the newest one alone says what there is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta

from paraduxd.api import bounded_json
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.core.primitives.timestamps import moment

FORMAT = "paradux-archive/1"

LONGEST_CHAIN = 200
"""Runs: restoring the newest version reads all of them."""

OLDEST_CHAIN = timedelta(days=30)
"""A full run after this time, whatever else: it heals what no increment would notice, a clock that was set back for one."""

HEAVIEST_INCREMENTS = 1.0
"""All increments of a chain together may be so many times as large as its full run."""

_NAME = re.compile(r"(\d{6,}-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)\.(?:manifest|names\.gpg|\d{5,}\.gpg)")
_MANIFEST = ".manifest"


@dataclass(frozen=True)
class Part:
    """One encrypted object: size in bytes, SHA-256 in hexadecimal digits."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Run:
    """What later manifests say of a run. `stored` is the size of its volumes in bytes, `sha256` that of its manifest's first line;
    `listed`: it is a version that can be restored, not only kept because a later one builds on it. `missing`: so many files could not be
    read; their names are in the names object."""

    id: str
    time: str
    parent: str | None
    files: int
    bytes: int
    stored: int
    sha256: str = ""
    listed: bool = True
    missing: int = 0

    @property
    def number(self) -> int:
        """The runs of a destination are numbered."""
        return serial_of(self.id)


@dataclass(frozen=True)
class Objects:
    """What a listing shows of one run: how many objects, and the bytes of its volumes."""

    count: int
    stored: int


@dataclass(frozen=True)
class Manifest:
    """One run: `key` is the fingerprint of the key that its objects are encrypted to; `runs` are the earlier ones that stay,
    oldest first."""

    run: Run
    serial: int
    key: str
    names: Part
    volumes: tuple[Part, ...]
    runs: tuple[Run, ...] = ()
    format: str = FORMAT

    @property
    def objects(self) -> tuple[Part, ...]:
        """Everything that belongs to this run, besides the manifest."""
        return (*self.volumes, self.names)


def to_line(manifest: Manifest) -> bytes:
    """The first line of a manifest object: what is signed."""
    return json.dumps(to_json_value(manifest), separators=(",", ":")).encode() + b"\n"


def from_line(line: bytes) -> Manifest:
    """The manifest of a first line whose signature was checked; raises `ValueError`."""
    manifest = from_json_value(Manifest, bounded_json.parse(line, "a manifest", bounded_json.LARGE))
    moment(manifest.run.time)
    if manifest.format != FORMAT:
        raise ValueError("not a manifest of this format")
    return manifest


def new_id(serial: int, now: str) -> str:
    """What a run is called: its number, and when it began (RFC 3339)."""
    return f"{serial:06}-{moment(now).astimezone(UTC):%Y-%m-%dT%H-%M-%SZ}"


def run_of(name: str) -> str | None:
    """The run to which an object of this name belongs; `None` for what is not ours."""
    match = _NAME.fullmatch(name)
    return match[1] if match else None


def serial_of(run: str) -> int:
    """The number in a run's id."""
    return int(run.partition("-")[0])


def manifest_name(run: str) -> str:
    """The object that is written last: without it a run is unfinished."""
    return f"{run}{_MANIFEST}"


def names_name(run: str) -> str:
    """The object that holds the names of all files."""
    return f"{run}.names.gpg"


def part_of(name: str, parts: int) -> int:
    """In which of so many parts an object is read (from 0): the same one every time."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % parts


def volume_name(run: str, number: int) -> str:
    """A volume; they count from 1."""
    return f"{run}.{number:05}.gpg"


def objects_of_runs(sizes: Mapping[str, int]) -> dict[str, Objects]:
    """Run -> what lies there of it, of the sizes of objects by their names."""
    found: dict[str, Objects] = {}
    for name, size in sizes.items():
        if run := run_of(name):
            before = found.get(run, Objects(0, 0))
            volume = 0 if name in (manifest_name(run), names_name(run)) else size
            found[run] = Objects(before.count + 1, before.stored + volume)
    return found


def manifested(names: Iterable[str]) -> list[str]:
    """The ids of the runs that have a manifest, oldest first."""
    found = {run for name in names if name.endswith(_MANIFEST) and (run := run_of(name))}
    return sorted(found, key=serial_of)


def chain(runs: Collection[Run], last: str) -> tuple[Run, ...]:
    """From the full run to `last`; empty when one of them is missing."""
    known = {run.id: run for run in runs}
    found: list[Run] = []
    wanted: str | None = last
    while wanted is not None:
        if wanted not in known or len(found) > len(known):
            return ()
        found.append(known[wanted])
        wanted = known[wanted].parent
    return tuple(reversed(found))


def why_full(line: Sequence[Run], now: str) -> str | None:
    """Why the next run must be a full one although it could be an increment on this chain; `None`: it need not."""
    if len(line) >= LONGEST_CHAIN:
        return f"the chain has {len(line)} runs"
    age = moment(now) - moment(line[0].time)
    if age >= OLDEST_CHAIN:
        return f"the chain is {age.days} days old"
    if age < timedelta() or moment(now) < moment(line[-1].time):
        return "the clock was set back"
    if sum(run.stored for run in line[1:]) > HEAVIEST_INCREMENTS * line[0].stored + (1 << 20):
        return "the increments have become larger than the full run"
    return None


def retained(runs: Sequence[Run], dropped: Collection[str], parent: str | None = None) -> tuple[Run, ...]:
    """The runs that stay when the versions `dropped` go: those that are listed, and those that a listed one or a new child of
    `parent` builds on."""
    left = [replace(run, listed=run.listed and run.id not in dropped) for run in runs]
    needed = {each.id for run in left if run.listed for each in chain(left, run.id)}
    needed |= {each.id for each in chain(left, parent)} if parent else set()
    return tuple(run for run in left if run.id in needed)


def garbage(names: Iterable[str], known: Collection[str], manifest: Manifest) -> list[str]:
    """The objects of runs that nothing needs any more; manifests come first.

    `manifest` is the newest, `known` are runs that an earlier one named. A run that has a manifest and was never named is left alone until
    everything that is needed is younger: somebody may want to see what it is.
    """
    needed = {run.id for run in manifest.runs} | {manifest.run.id}
    oldest = min(serial_of(run) for run in needed)
    ours = [(name, run) for name in names if (run := run_of(name)) and run not in needed]
    complete = set(manifested(name for name, _ in ours))
    gone = [name for name, run in ours if run not in complete or run in known or serial_of(run) < oldest]
    return sorted(gone, key=lambda name: (not name.endswith(_MANIFEST), name))
