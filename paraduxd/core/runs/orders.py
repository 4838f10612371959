"""What the supervisor tells a worker, and what the worker reports: plain values, no secret.

An order goes to the worker's standard input as one JSON object; the worker writes one JSON object a line to standard
output: any number of `Progress`, then exactly one of `Done`, `Held` or `Failed`. A worker that ends without one of these has crashed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from paraduxd.api import bounded_json
from paraduxd.api.dataclass_json import from_json_value, to_json_value

LONG = bounded_json.Bound(48 << 20, 32, 400_000)
"""Of an order or a report: a kit's files travel in it, and names of files."""

_LONGEST_TEXT, _LONGEST_CODE = 4000, 100
"""Characters."""


class Step(StrEnum):
    """What a worker can do."""

    PULL = "pull"
    PUSH = "push"
    PRUNE = "prune"
    VERIFY = "verify"
    VERSIONS = "versions"
    LIST = "list"
    RESTORE = "restore"
    PUBLISH = "publish"
    HOSTKEYS = "hostkeys"
    REHEARSE = "rehearse"
    FETCH = "fetch"
    NOTIFY = "notify"
    HEARTBEAT = "heartbeat"
    NOTIFY_CHECK = "notify-check"
    TRY = "try"
    KIT_LOOK = "kit-look"
    KIT_WRITE = "kit-write"
    KIT_READ = "kit-read"
    KIT_CHECK = "kit-check"


@dataclass(frozen=True)
class Order:
    """One transfer.

    `location` is "source", "staging", the id of a destination, of a metadata stash or of an address for notices;
    `transport` the path of the
    one file with settings and credentials that the worker may read ("" for none); `disk`: a disk or a stick is opened, which not every
    place where workers run allows; `private` are directories that no worker sees but for what the order names there, `others` those of
    other datasets; `staging` as the config names it, with its uid, or the source itself (`in_place`); `pulled`: the
    journal knows of a pull into it; `arguments` are `cache` (a directory for engines), `files` (of the dataset, as
    far as they were counted, or null) and those of the step:

    pull      guard {max_removed, max_changed}, known_files (files at the last good pull, or null), allowed {removed, changed}
              (what the owner approved, or null), index (path: what the guard remembers),
              since (end of the last good pull if a later one was cut off, or null), staged_as (name of the fact that remembers it),
              mounts [paths], mounts_looked (as the last good pull reported them)
              of every step at a destination or stash: identity (`Identity` of `protocols/base.py`; outbox in place of what lies there)
    push      keep {last, hourly, ...}, grace (seconds), known_versions [{id, time, ...}] (as last reported), held (bool: keep all),
              pushed_before (bool: a push of this machine to this place has succeeded; a listing or a restore is none),
              prune (bool: maintenance may reclaim space now), guard {max_removed, max_changed}, index (directory of this destination),
              unread [names], unread_count (what the last pull could not read or store), protected_until (RFC 3339), read_back (bool),
              pulled (RFC 3339: when staging was filled; null without staging)
    prune     as of push
    verify    deep (bool), or part (from 0) of parts; known_versions, index, protects (what the config says of the place)
    versions  -
    list      question (`api/questions.py`), root (of the source); index, known_versions; of encrypted archives: key, as below
    restore   to (absolute path), at (RFC 3339 or null), options (`api/questions.py`), root (of the source), paths and patterns [str],
              uid (who asks: that user may own what leads to `to`), index, known_versions; of encrypted archives, and where given
              of verify and rehearse:
              key (path of a file in memory or a pipe: {private_key, passphrase})
    publish   outbox (directory), serial, epochs [the one in force, the next one during a rotation],
              ended [{epoch, key_sha256}] (whose objects go)
    hostkeys  hosts [[host, port] of SSH, or [host, port, how] of TLS: "tls" or "ftp"]
    rehearse  scratch (existing directory), mark (`effects/files/scratch.py`); of a destination: sample {files, bytes}, known_versions,
              seed (int or null), protects; of a metadata stash (dataset ""): epoch, and to compare with what was sent: outbox
              (directory), serial
    fetch     epochs [int]
    try       role ("source", "destination", "metadata stash", "kit": reads only), archive (bool: as a store of encrypted archives)
    notify    title, body, told (what the journal remembers of it, `core/status/notifications.py`)
    heartbeat well (bool: everything could be recovered)
    notify-check -
    kit-...   device (node of a disk) or directory, device_serial (as it was when it was chosen, or null); and besides
    kit-write files {name: base64}, armed {owner, steward, steward_name, needed, erase, known, beside} (`core/devices/stick_rules.py`)
    kit-check keys [{epoch, fingerprint, public_key}]; of the supervisor: owner, uuid
    """

    run: int
    step: str
    dataset: str
    location: str
    transport: str = ""
    staging: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    disk: bool = False
    staging_uid: str = ""
    in_place: bool = False
    pulled: bool = False
    private: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The order as one line."""
        return json.dumps(to_json_value(self))


def order_from_json(text: str) -> Order:
    """The order from the worker's standard input; raises `ValueError`."""
    return from_json_value(Order, bounded_json.parse(text, "an order", LONG))


@dataclass(frozen=True)
class Trial:
    """What came of trying a place. `tried`: it was used at all; `owned`: a Paradux has marked it as its own; `removed`: what was written
    could be removed; `writes`: a login that should only read can write."""

    tried: bool = True
    owned: bool = False
    removed: bool = True
    writes: bool = False


@dataclass(frozen=True)
class Progress:
    """How far a transfer is: percent 0..100 or unknown, bytes moved, seconds left or unknown."""

    percent: float | None = None
    bytes: int = 0
    eta: int | None = None


@dataclass(frozen=True)
class Done:
    """The transfer ended well. `result` by step:

    pull      files, bytes, transferred_files, transferred_bytes, removed, changed, unread [names], unread_count (not read or stored),
              unstored [names], unstored_count (attributes not stored), mounts [paths] (mount points inside the source),
              mounts_looked (seconds since the epoch, or null)
    push      version (id), versions [...], files, bytes (of the version), added_bytes, pruned (bool), pulled (as asked)
    prune     as of push; version is the newest that stays
    verify    checked (objects), bytes, deep, part, parts, protected (bool, where it was tried: nothing could be removed)
    versions  versions [{id, time, files, bytes}]
    list      page (`api/replies/listings.py`), for who asked alone: it is not recorded
    restore   version (id), time, files, bytes
    publish   serial, epoch (in force), epochs, objects [names]
    hostkeys  hosts {"host:port": ["ssh-ed25519 AAAA..."]}
    rehearse  version (id), time, files, bytes, compared (files equal to staging), by_itself (files that the protocol has
              checked), protected;
              of a metadata stash: epoch, serial, key and config (base64), or objects [names] that are as they were sent
    notify    sent (bool)
    fetch     configs [{name, data (base64)}], machine (base64 or null), highest_serial
    kit-look  stick, seen (`core/devices/stick_rules.py`: `Stick`, `Seen`)
    kit-write files, bytes, device_serial, fs, uuid
    kit-read  files {name: base64}, troubles [sentence]
    kit-check owner, steward, name, epoch, serial, written, kit_sha256 (null as far as unknown), signed (null: no key of that epoch),
              problems [sentence], copies (of the share that are good), files, bytes, device_serial, uuid
    """

    result: dict[str, Any]


@dataclass(frozen=True)
class Held:
    """The guard holds the push; nothing was removed anywhere. Counts are files."""

    reason: str
    text: str
    removed: int = 0
    changed: int = 0
    files: int = 0


@dataclass(frozen=True)
class Failed:
    """The transfer failed; one sentence and a hint. `retry`: trying again later can help."""

    code: str
    message: str
    hint: str = ""
    retry: bool = True


Report = Progress | Done | Held | Failed

_EVENTS: dict[str, type[Any]] = {"progress": Progress, "done": Done, "held": Held, "failed": Failed}


def report_to_json(report: Report) -> str:
    """One line of the worker's standard output, without the line feed."""
    name = next(name for name, kind in _EVENTS.items() if isinstance(report, kind))
    return json.dumps({"event": name, **to_json_value(report)})


def report_from_json(line: bytes | str) -> Report:
    """The report of one line; raises `ValueError` for anything else."""
    plain = bounded_json.parse(line, "a report", LONG)
    kind = _EVENTS.get(str(plain.get("event"))) if isinstance(plain, dict) else None
    if kind is None:
        raise ValueError("not a report")
    report: Report = from_json_value(kind, plain)
    return _short(report)


def _short(report: Report) -> Report:
    """With sentences that are as long as a person reads: a worker that somebody else has in his hands may write any."""
    if isinstance(report, Failed):
        texts = (report.code[:_LONGEST_CODE], report.message[:_LONGEST_TEXT], report.hint[:_LONGEST_TEXT])
        return Failed(*texts, report.retry)
    return replace(report, text=report.text[:_LONGEST_TEXT]) if isinstance(report, Held) else report
