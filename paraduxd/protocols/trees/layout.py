"""Where a tree store keeps what: complete versions, unfinished ones, manifests, checksums; reached through rsync alone.

    ROOT/paradux-place.json       whose place this is (`place_marker.py`)
    ROOT/paradux-README.txt       what this is (README.txt, where version 0.1.0 began it)
    ROOT/versions/<id>/           one tree per version; files that did not change are hard links to the version before
    ROOT/hashes/<id>.sha256       (local disks; <id>.md5 on servers) checksums of all files of the version (`checksums.py`)
    ROOT/manifests/<id>.json      written last: a version without one is unfinished and will be removed
    ROOT/manifests/<id>.contents  (version 0.1.0) what the first deep verification read (`rsync_files.Contents`)
    ROOT/manifests/rotten.json    files that are no longer what was written (`Rotten`)
    ROOT/current                  (local disks) symbolic link to the newest version

Formats: `docs/reference/formats.md`.
An id is the UTC time at the start of the push, "2026-11-23T06-05-00Z", with "-2" and so on when taken.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, field, replace
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory

from paraduxd.api import bounded_json
from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.core.primitives.timestamps import moment
from paraduxd.core.runs.retention import in_order
from paraduxd.effects.files import bounded, existence
from paraduxd.effects.process import memory_limits
from paraduxd.effects.tools import rsync, rsync_files
from paraduxd.protocols.base import Version
from paraduxd.protocols.marking import place_marker
from paraduxd.protocols.trees import checksums as tree_sums

FORMAT = "paradux-tree/1"
ROTTEN_FORMAT = "paradux-rotten/1"
MOST_NAMES = 1000
"""So many files of a version are remembered as rotten; of more, all of the version is suspected."""

_ID = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(-\d+)?")
_ROTTEN = "rotten.json"
_README = "paradux-README.txt"
_LONGEST = 64 * 1024
"""Bytes of a manifest."""
_LONGEST_ROTTEN = 16 * 1024 * 1024
_MOST_ENTRIES, _LONGEST_ALL = 50_000, 48 * 1024 * 1024
"""Versions and manifests, and bytes of everything that is read before a store is used."""
_LONGEST_SUMS = 1 << 30
_LONGEST_LINE = 2 * 4096 + 128
"""Bytes of the checksum of one file, with its path, every byte of which may be escaped."""
_LARGEST_NUMBER = 1 << 53

_README_TEXT = """\
This directory is one destination of Paradux: copies of one set of files, one per point in time.

versions/<time in UTC>/   the files as they were then; copy them back with any tool (cp -a, rsync -aHAX, sftp)
hashes/<time>.sha256      their checksums: cd versions/<time> && sha256sum --quiet -c ../../hashes/<time>.sha256
                          (<time>.md5 and md5sum, where the copies came over the network)
manifests/<time>.json     how many files and bytes that version has; a version without a manifest is unfinished

Unchanged files are hard links between versions: never edit anything here, only copy from it.
"""


@dataclass(frozen=True)
class Record:
    """What the manifest of a complete version says.

    `dataset`: its name at that time; `place`, `owner`, `instance`: whose it is ("" in manifests of 0.1.0); `algorithm` and `sums`: of which
    kind its checksums are ("": there are none) and the SHA-256 of their file; `unread`: some of what is missing; `closed`: by then, the
    directories of the store had been closed to others.
    """

    version: Version
    dataset: str
    place: str = ""
    owner: str = ""
    instance: str = ""
    algorithm: str = ""
    sums: str = ""
    unread: tuple[str, ...] = ()
    closed: bool = False


@dataclass(frozen=True)
class Rotten:
    """Files that are no longer what was written: version -> paths; `whole`: versions with so many of them that nothing there is trusted."""

    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    whole: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.names or self.whole)


@dataclass(frozen=True)
class State:
    """What is in a store: complete versions (oldest first), what their manifests say, the ids of unfinished ones and of those whose
    manifest cannot be read, the marker as it lies there, what is rotten, and what versions of 0.1.0 contained when first read."""

    versions: tuple[Version, ...] = ()
    records: Mapping[str, Record] = field(default_factory=dict)
    unfinished: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    marker: bytes | None = None
    rotten: Rotten = field(default_factory=Rotten)
    contents: Mapping[str, str] = field(default_factory=dict)

    @property
    def newest(self) -> Record | None:
        """What the manifest of the newest version says."""
        return self.records[self.versions[-1].id] if self.versions else None


def new_id(now: str, taken: Iterable[str]) -> str:
    """An id for a version that starts at `now` (RFC 3339)."""
    base = moment(now).astimezone(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    used, number, name = set(taken), 1, base
    while name in used:
        number += 1
        name = f"{base}-{number}"
    return name


def read(root: rsync.Place, now: str) -> State | None:
    """What is in the store, by one run of rsync; None when `root` does not exist. Raises `ParaduxError`."""
    files = ("/manifests/*.json", "/manifests/*.contents", f"/{place_marker.NAME}")
    rules = ("/manifests/", *files, "/versions/", "/versions/*/")
    options = (*(f"--include={rule}" for rule in rules), "--exclude=*", "--chmod=u=rwX")
    sizes = rsync_files.Sizes(root.name, _MOST_ENTRIES, _LONGEST_ALL)
    with _scratch() as folder:
        wanted = (*rsync.BARE, sizes.FORMAT, f"--max-size={_LONGEST_ROTTEN}", *options)
        ran = rsync.run_once(root, _local(folder), wanted, on_output=sizes.add)
        if ran.missing():
            return None
        rsync.check(ran, root.name)
        return _state(folder, now)


def _state(folder: Path, now: str) -> State:
    manifests = {path.stem for path in folder.glob("manifests/*.json") if _ID.fullmatch(path.stem)}
    records = {name: record for name in manifests if (record := _record(folder / "manifests" / f"{name}.json"))}
    trees = {path.name for path in folder.glob("versions/*") if _ID.fullmatch(path.name)}
    versions = in_order((record.version for record in records.values()), now)
    contents = {path.stem: _text_of(path) for path in folder.glob("manifests/*.contents")}
    unclear = trees & (manifests - set(records))
    return State(
        versions,
        records,
        tuple(sorted(trees - manifests)),
        tuple(sorted(unclear)),
        _bytes_of(folder / place_marker.NAME, place_marker.LONGEST),
        _rotten(folder / "manifests" / _ROTTEN, records),
        contents,
    )


def _bytes_of(path: Path, most: int) -> bytes | None:
    """At most so many bytes of a file; `None` when there is none."""
    if not path.is_file():
        return None
    with contextlib.suppress(OSError):  # too long
        return bounded.content(path, most)
    return b""


def _text_of(path: Path) -> str:
    return (_bytes_of(path, _LONGEST) or b"").decode(errors="replace").strip()


def _record(path: Path) -> Record | None:
    """What a manifest says; what is not one of ours is passed over."""
    try:
        plain = bounded_json.parse_object(_bytes_of(path, _LONGEST) or b"", "a manifest")
        version = Version(str(plain["id"]), str(plain["time"]), plain["files"], plain["bytes"])
        number, missing = plain.get("number"), plain.get("missing", 0)
        counts = (version.files, version.bytes, missing, 0 if number is None else number)
        ours = plain.get("format") == FORMAT and version.id == path.stem and all(map(_is_count, counts))
        if not ours:
            return None
        moment(version.time)
        texts = {key: str(plain.get(key, "")) for key in ("dataset", "place", "owner", "instance", "algorithm", "sums")}
        unread = tuple(map(str, plain.get("unread", ())))
        closed = plain.get("closed") is True
        return Record(replace(version, number=number, missing=missing), **texts, unread=unread, closed=closed)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < _LARGEST_NUMBER


@dataclass(frozen=True)
class _RottenFile:
    """`rotten.json` as it is written."""

    format: str
    versions: dict[str, tuple[str, ...]]
    whole: tuple[str, ...] = ()


def _rotten(path: Path, records: Mapping[str, Record]) -> Rotten:
    """What is remembered of versions that are still there; a file that cannot be read is taken as nothing, until the next look."""
    try:
        plain = from_json_value(
            _RottenFile, bounded_json.parse(_bytes_of(path, _LONGEST_ROTTEN) or b"{}", _ROTTEN, bounded_json.MEDIUM)
        )
    except (ValueError, RecursionError):
        return Rotten()
    if plain.format != ROTTEN_FORMAT:
        return Rotten()
    names = {name: paths for name, paths in plain.versions.items() if name in records and paths}
    return Rotten(names, tuple(name for name in plain.whole if name in records))


def check_no_links(root: Path) -> None:
    """Refuse a store whose directories are links: whoever can write there could lead what is written anywhere."""
    for name in ("versions", "manifests", "hashes"):
        if existence.is_link(root / name):
            text = f"{root / name} is a symbolic link, where a directory of the copies should be"
            raise ParaduxError("unusable-directory", text, "see who can write there, and remove the link")


def create(root: rsync.Place, marker: bytes | None) -> None:
    """Make the directories of a store, with those above it, and its marker; what is new is private, what is there stays as it is."""
    with _scratch() as folder:
        inner = folder / root.path.strip("/")
        try:
            for name in ("versions", "manifests", "hashes"):
                (inner / name).mkdir(parents=True)
            (inner / _README).write_text(_README_TEXT)
            if marker is not None:
                (inner / place_marker.NAME).write_bytes(marker)
        except OSError as problem:
            text = f"the directories of {root.name} cannot be made: {problem.strerror}"
            raise ParaduxError("unusable-directory", text, "correct the address with paraductl edit") from None
        above = replace(root, path="/" if root.path.startswith("/") else ".")
        _copy(folder, above, root.name, ("--ignore-existing", "--chmod=D0700,F0600"))


def mark(root: rsync.Place, marker: bytes) -> None:
    """Renew the marker."""
    with _scratch() as folder:
        (folder / place_marker.NAME).write_bytes(marker)
        _copy(folder, root, root.name)


def declare(root: rsync.Place, record: Record, sums: bytes, marker: bytes | None) -> None:
    """Declare a version complete: marker, checksums, and last the manifest, in the order in which rsync goes."""
    plain = {key: value for key, value in asdict(record).items() if key != "version" and value}
    version = {key: value for key, value in asdict(record.version).items() if value is not None}
    with _scratch() as folder:
        (folder / "hashes").mkdir()
        (folder / "manifests").mkdir()
        checksums = folder / "hashes" / f"{record.version.id}.{record.algorithm}"
        checksums.write_bytes(sums)
        checksums.chmod(0o600)  # it names files that the directory of the version may hide
        if marker is not None:
            (folder / place_marker.NAME).write_bytes(marker)
        manifest = folder / "manifests" / f"{record.version.id}.json"
        manifest.write_text(json.dumps({"format": FORMAT, **version, **plain}, indent=1) + "\n")
        _copy(folder, root, root.name)


def sums_of(root: rsync.Place, record: Record) -> tree_sums.Sums | None:
    """The checksums of a version; `None`: there are none, or they are no longer what was written."""
    if record.algorithm not in (tree_sums.SHA256, tree_sums.MD5):
        return None
    name = f"{record.version.id}.{record.algorithm}"
    with _scratch() as folder:
        most = min(_LONGEST_SUMS, memory_limits.most_checksums(), (record.version.files or 0) * _LONGEST_LINE)
        options = (*rsync.BARE, f"--max-size={most}", f"--include=/{name}", "--exclude=*", "--chmod=u=rw")
        ran = rsync.run_once(root.below("hashes"), _local(folder), options)
        if ran.missing():
            return None
        rsync.check(ran, root.name)
        path = folder / name
        data = bounded.content(path, most) if path.is_file() else b""
    try:
        return tree_sums.parse(data, record.algorithm) if tree_sums.digest_of(data) == record.sums else None
    except ValueError:
        return None


def write_rotten(root: rsync.Place, rotten: Rotten) -> None:
    """Remember what is rotten, in place of what was remembered."""
    plain = _RottenFile(ROTTEN_FORMAT, dict(rotten.names), rotten.whole)
    with _scratch() as folder:
        (folder / _ROTTEN).write_text(json.dumps(asdict(plain), indent=1) + "\n")
        _copy(folder, root.below("manifests"), root.name)


def remove(root: rsync.Place, ids: Iterable[str]) -> None:
    """Remove versions, finished or not: first their manifests, then their trees; nothing else is touched."""
    wanted = [name for name in ids if _ID.fullmatch(name)]
    if not wanted:
        return
    manifests = [f"/{name}.{kind}" for name in wanted for kind in ("json", "contents")]
    trees = [rule for name in wanted for rule in (f"/versions/{name}/", f"/versions/{name}/**")]
    sums = [f"/hashes/{name}.{kind}" for name in wanted for kind in (tree_sums.SHA256, tree_sums.MD5)]
    with _scratch() as folder:
        for name in ("versions", "hashes"):
            (folder / name).mkdir()
        _remove(folder / "versions", root.below("manifests"), root.name, manifests)
        _remove(folder, root, root.name, ["/versions/", "/hashes/", *trees, *sums])


def _remove(empty: Path, target: rsync.Place, where: str, rules: Iterable[str]) -> None:
    _copy(empty, target, where, ("--delete", *(f"--include={rule}" for rule in rules), "--exclude=*"))


def _copy(folder: Path, target: rsync.Place, where: str, options: tuple[str, ...] = ()) -> None:
    """`--ignore-times`: two writings within one second may have the same size."""
    rsync.check(rsync.run_once(_local(folder), target, (*rsync.BARE, "--ignore-times", *options)), where)


def _local(folder: Path) -> rsync.Place:
    return rsync.Place(str(folder), str(folder))


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    with TemporaryDirectory(prefix="paradux-") as name:
        yield Path(name)
