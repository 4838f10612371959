"""Where a tree store keeps what: complete versions, unfinished ones, manifests; reached through rsync alone.

    ROOT/README.txt               what this is
    ROOT/versions/<id>/           one tree per version; files that did not change are hard links to the version before
    ROOT/manifests/<id>.json      written last: a version without one is unfinished and will be removed
    ROOT/manifests/<id>.contents  what the first deep verification read (see `rsync.Contents`), in hexadecimal digits
    ROOT/current                  (local disks) symbolic link to the newest version

A manifest is a JSON object: format "paradux-tree/1", id, time (RFC 3339, UTC), dataset, files and bytes as rsync counts them (bytes
include the lengths of symbolic links' targets). An id is the UTC time at the start of the push, "2026-11-23T06-05-00Z", with "-2"
and so on when taken.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory

from paraduxd.api.errors import ParaduxError
from paraduxd.core.keep import in_order, moment
from paraduxd.effects import rsync
from paraduxd.protocols.base import Version

FORMAT = "paradux-tree/1"
_ID = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(-\d+)?")

_README = """\
This directory is one destination of Paradux: copies of one set of files, one per point in time.

versions/<time in UTC>/   the files as they were then; copy them back with any tool (cp -a, rsync -aHAX, sftp)
manifests/<time>.json     how many files and bytes that version has; a version without a manifest is unfinished

Unchanged files are hard links between versions: never edit anything here, only copy from it.
"""


@dataclass(frozen=True)
class State:
    """What is in a store: complete versions (oldest first), ids of unfinished ones, the datasets that the manifests name, and what
    versions contained when they were first read."""

    versions: tuple[Version, ...] = ()
    unfinished: tuple[str, ...] = ()
    datasets: frozenset[str] = frozenset()
    contents: dict[str, str] = field(default_factory=dict)

    def version(self, wanted: str) -> Version | None:
        """The complete version with this id."""
        return next((version for version in self.versions if version.id == wanted), None)


def new_id(now: str, taken: Iterable[str]) -> str:
    """An id for a version that starts at `now` (RFC 3339)."""
    base = moment(now).astimezone(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    used, number, name = set(taken), 1, base
    while name in used:
        number += 1
        name = f"{base}-{number}"
    return name


def read(root: rsync.Place) -> State | None:
    """What is in the store, by one run of rsync; None when `root` does not exist. Raises `ParaduxError`."""
    rules = ("/manifests/", "/manifests/*.json", "/manifests/*.contents", "/versions/", "/versions/*/")
    options = (*rsync.BARE, *(f"--include={rule}" for rule in rules), "--exclude=*", "--chmod=u=rwX")
    with _scratch() as folder:
        ran = rsync.run_once(root, _local(folder), options)
        if ran.missing():
            return None
        rsync.check(ran, root.name)
        return _state(folder)


def _state(folder: Path) -> State:
    manifests = [json_ for path in folder.glob("manifests/*.json") if (json_ := _manifest(path))]
    trees = {path.name for path in folder.glob("versions/*") if _ID.fullmatch(path.name)}
    versions = in_order(version for version, _ in manifests)
    complete = {version.id for version in versions}
    datasets = frozenset(dataset for _, dataset in manifests)
    contents = {path.stem: path.read_text(errors="replace").strip() for path in folder.glob("manifests/*.contents")}
    return State(versions, tuple(sorted(trees - complete)), datasets, contents)


def _manifest(path: Path) -> tuple[Version, str] | None:
    """The version and dataset of a manifest; what is not one of ours is passed over."""
    try:
        plain = json.loads(path.read_bytes())
        version = Version(str(plain["id"]), str(plain["time"]), int(plain["files"]), int(plain["bytes"]))
        moment(version.time)
    except (ValueError, KeyError, TypeError, OSError, RecursionError):
        return None
    ours = plain.get("format") == FORMAT and version.id == path.stem and _ID.fullmatch(version.id)
    return (version, str(plain.get("dataset", ""))) if ours else None


def create(root: rsync.Place) -> None:
    """Make the directories of a new store, with those above it; what is there already stays as it is."""
    with _scratch() as folder:
        inner = folder / root.path.strip("/")
        try:
            for name in ("versions", "manifests"):
                (inner / name).mkdir(parents=True)
            (inner / "README.txt").write_text(_README)
        except OSError as problem:
            text = f"the directories of {root.name} cannot be made: {problem.strerror}"
            raise ParaduxError("unusable-directory", text, "correct the address with paraductl edit") from None
        above = replace(root, path="/" if root.path.startswith("/") else ".")
        _copy(folder, above, root.name)


def write_manifest(root: rsync.Place, version: Version, dataset: str) -> None:
    """Declare a version complete."""
    plain = {"format": FORMAT, "id": version.id, "time": version.time, "dataset": dataset}
    text = json.dumps({**plain, "files": version.files, "bytes": version.bytes}, indent=1)
    _write(root, f"{version.id}.json", text)


def write_contents(root: rsync.Place, version: Version, text: str) -> None:
    """Remember what a version contains, for later deep verifications."""
    _write(root, f"{version.id}.contents", text)


def _write(root: rsync.Place, name: str, text: str) -> None:
    with _scratch() as folder:
        (folder / name).write_text(text + "\n")
        _copy(folder, root.below("manifests"), root.name)


def remove(root: rsync.Place, ids: Iterable[str]) -> None:
    """Remove versions, finished or not: first their manifests, then their trees; nothing else is touched."""
    wanted = [name for name in ids if _ID.fullmatch(name)]
    if not wanted:
        return
    manifests = [f"--include=/{name}.{kind}" for name in wanted for kind in ("json", "contents")]
    trees = [rule for name in wanted for rule in (f"--include=/{name}/", f"--include=/{name}/**")]
    with _scratch() as folder:
        for part, rules in (("manifests", manifests), ("versions", trees)):
            _copy(folder, root.below(part), root.name, ("--delete", *rules, "--exclude=*"))


def _copy(folder: Path, target: rsync.Place, where: str, options: tuple[str, ...] = ()) -> None:
    rsync.check(rsync.run_once(_local(folder), target, (*rsync.BARE, *options)), where)


def _local(folder: Path) -> rsync.Place:
    return rsync.Place(str(folder), str(folder))


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    with TemporaryDirectory(prefix="paradux-") as name:
        yield Path(name)
