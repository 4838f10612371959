"""What an archive destination holds: names of objects, manifests, and which runs may go. Pure.

Format: `docs/reference/formats.md`.

A *run* is one push: a full one, or an increment on top of a `parent`. The runs from a full one to its youngest descendant are a *chain*.
The manifest of a run names its parent and the run before it. What there is stands in the *list* of the newest run; earlier lists go, so
that all manifests together grow with the number of runs. In the first format every manifest has the list in it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, timedelta

from paraduxd.api import bounded_json
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.frozen import dataclass
from paraduxd.core.primitives.timestamps import moment
from paraduxd.core.recovery import kit_tools

FORMAT = kit_tools.ARCHIVE

FIRST_FORMAT = "paradux-archive/1"
"""Every manifest lists all runs that were still needed when it was written. Read for ever."""

_FORMATS = (FIRST_FORMAT, FORMAT)
_ANY_FORMAT = re.compile(r"paradux-archive/\d{1,9}")

LONGEST_CHAIN = 200
"""Runs: restoring the newest version reads all of them."""

OLDEST_CHAIN = timedelta(days=30)
"""A full run after this time, whatever else: it heals what no increment would notice, a clock that was set back for one."""

HEAVIEST_INCREMENTS = 1.0
"""All increments of a chain together may be so many times as large as its full run."""

MOST_LISTS = 8
"""Where more of them lie, nothing can be removed, whatever was said of the place."""

RUNS_BETWEEN_LISTS = 32
"""At least, where lists cannot be removed."""

_NAME = re.compile(r"(\d{6,}-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)\.(?:manifest|runs|names\.gpg|\d{5,}\.gpg)")
_MANIFEST = ".manifest"
_LIST = ".runs"


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
    """One run: `key` is the fingerprint of the key that its objects are encrypted to.

    `runs`, oldest first: in a list, and in the first format, the earlier ones that stay; in a manifest only the parent and the run before
    this one. `has_list`: a list was written before this manifest. `manifest_size`: this is the list, which repeats the manifest; so
    many bytes has the object that holds that. `before`: where no list was written, the `digest` of what lay there.
    """

    run: Run
    serial: int
    key: str
    names: Part
    volumes: tuple[Part, ...]
    runs: tuple[Run, ...] = ()
    format: str = FORMAT
    has_list: bool = False
    manifest_size: int = 0
    before: str = ""

    @property
    def is_list(self) -> bool:
        """Whether this is the list of a run."""
        return self.manifest_size > 0

    @property
    def is_whole(self) -> bool:
        """Whether `runs` are all that stay."""
        return self.is_list or self.format == FIRST_FORMAT

    @property
    def objects(self) -> tuple[Part, ...]:
        """Everything that belongs to this run, besides manifest and list."""
        return (*self.volumes, self.names)


class NewerError(ValueError):
    """A manifest of a format that this version does not know; the message is the format."""


def to_line(manifest: Manifest) -> bytes:
    """The first line of a manifest object: what is signed."""
    value = to_json_value(manifest)
    if manifest.format == FIRST_FORMAT:
        del value["has_list"], value["manifest_size"], value["before"]
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def from_line(line: bytes) -> Manifest:
    """The manifest or list of a first line whose signature was checked; raises `ValueError`, `NewerError` for a later format."""
    value = bounded_json.parse(line, "a manifest", bounded_json.LARGE)
    found = value.get("format") if isinstance(value, dict) else None
    if found not in _FORMATS:
        raise NewerError(found) if _ANY_FORMAT.fullmatch(str(found)) else ValueError("not a manifest of this format")
    manifest = from_json_value(Manifest, value)
    moment(manifest.run.time)
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


def list_name(run: str) -> str:
    """The object that lists all runs, as of this one; written before the manifest."""
    return f"{run}{_LIST}"


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
    """Run -> what lies there of it, lists apart, of the sizes of objects by their names."""
    found: dict[str, Objects] = {}
    for name, size in sizes.items():
        if (run := run_of(name)) and not name.endswith(_LIST):
            before = found.get(run, Objects(0, 0))
            volume = 0 if name in (manifest_name(run), names_name(run)) else size
            found[run] = Objects(before.count + 1, before.stored + volume)
    return found


def manifested(names: Iterable[str]) -> list[str]:
    """The ids of the runs that have a manifest, oldest first."""
    found = {run for name in names if name.endswith(_MANIFEST) and (run := run_of(name))}
    return sorted(found, key=serial_of)


def listed(names: Iterable[str]) -> list[str]:
    """The ids of the runs that have a list, oldest first."""
    return sorted({run for name in names if name.endswith(_LIST) and (run := run_of(name))}, key=serial_of)


def superseded(names: Iterable[str], newest: str) -> list[str]:
    """The lists that are needed no more: all but that of the newest run, and the one before it, which somebody may be reading."""
    found = [run for run in listed(names) if serial_of(run) < serial_of(newest)]
    return [list_name(run) for run in found[:-1]]


def wants_list(names: Collection[str], runs: Sequence[Run], *, removable: bool) -> bool:
    """Whether a list is written with the run that comes after `runs`; `names` are those of all objects.

    Where lists cannot be removed they are written the more rarely the longer they are, so that all of them stay in proportion.
    """
    lists = listed(names)
    if not lists or (removable and len(lists) <= MOST_LISTS):
        return True
    since = sum(run.number > serial_of(lists[-1]) for run in runs)
    return since >= max(RUNS_BETWEEN_LISTS, len(runs) // 8)


def digest(sizes: Mapping[str, int], run: Run) -> str:
    """The SHA-256 of the names and sizes of all objects, lists apart, of complete runs before this one."""
    complete = {each for each in manifested(sizes) if serial_of(each) < run.number}
    found = sorted(
        (name, size) for name, size in sizes.items() if run_of(name) in complete and not name.endswith(_LIST)
    )
    return hashlib.sha256("".join(f"{name} {size}\n" for name, size in found).encode()).hexdigest()


def manifest_of(whole: Manifest, before: str = "") -> Manifest:
    """What the manifest of a run says, of all that is known when it is written; `before`: instead of a list."""
    near = (whole.run.parent, whole.runs[-1].id if whole.runs else None)
    return replace(whole, runs=tuple(run for run in whole.runs if run.id in near), has_list=not before, before=before)


def list_of(manifest: Manifest, sha256: str, size: int) -> Manifest:
    """The list that goes with a manifest: `sha256` of its first line, `size` of its object in bytes."""
    own = replace(manifest.run, sha256=sha256)
    return replace(manifest, run=own, has_list=True, manifest_size=size, before="")


def gathered(manifests: Sequence[Manifest], whole: Manifest | None) -> Manifest:
    """The newest of some manifests (newest first), with all earlier runs that the newest list, and manifests after it, tell of.

    What is said later of a run counts.
    """
    newest, last = manifests[0], whole.run.number if whole else 0
    known = {run.id: run for run in whole.runs} if whole else {}
    for each in reversed(manifests):
        if each.run.number > last:
            known |= {run.id: run for run in each.runs}
        if each.run.number >= last:
            known[each.run.id] = each.run
    earlier = [run for run in known.values() if run.number < newest.run.number]
    return replace(newest, runs=tuple(sorted(earlier, key=lambda run: run.number)))


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
