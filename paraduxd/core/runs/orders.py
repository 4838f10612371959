"""What the supervisor tells a worker, and what the worker reports: plain values, no secret.

An order goes to the worker's standard input as one JSON object; the worker writes one JSON object a line to standard
output: any number of `Progress`, then exactly one of `Done`, `Held` or `Failed`. A worker that ends without one of these has crashed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import TypeVar

from paraduxd.api import bounded_json
from paraduxd.api.calls import JsonObject
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.frozen import dataclass

T = TypeVar("T")

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

    `location` is "source", "staging", the id of a destination, of a metadata stash or of an address for notices; `transport` the path of
    the one file with settings and credentials that the worker may read ("" for none); `disk`: a disk or a stick is opened, which not every
    place where workers run allows; `private` are directories that no worker sees but for what the order names there, `others` those of
    other datasets; `common` are directories of everybody, with their device and inode: a worker must not have one of its own there;
    `staging` as the config names it, with its uid, or the source itself (`in_place`); `pulled`: the journal knows of a pull into it;
    `arguments`: what the step is told besides, as the dataclasses of `order_arguments.py` are written.
    """

    run: int
    step: str
    dataset: str
    location: str
    transport: str = ""
    staging: str = ""
    arguments: JsonObject = field(default_factory=dict)
    disk: bool = False
    staging_uid: str = ""
    in_place: bool = False
    pulled: bool = False
    private: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    common: dict[str, tuple[int, int]] = field(default_factory=dict)

    def read(self, kind: type[T]) -> T:
        """What the step is told, as far as this kind goes; raises `ValueError`."""
        return from_json_value(kind, self.arguments)

    def told(self, **more: object) -> Order:
        """The order with more arguments."""
        return replace(self, arguments={**self.arguments, **more})

    def to_json(self) -> str:
        """The order as one line."""
        return json.dumps(to_json_value(self))


def order_from_json(text: str) -> Order:
    """The order from the worker's standard input; raises `ValueError`."""
    return from_json_value(Order, bounded_json.parse(text, "an order", LONG))


@dataclass(frozen=True)
class Progress:
    """How far a transfer is: percent 0..100 or unknown, bytes moved, seconds left or unknown."""

    percent: float | None = None
    bytes: int = 0
    eta: int | None = None


@dataclass(frozen=True)
class Done:
    """The transfer ended well, with the result of its step as it was written: one of `api/replies/results.py`, or, for the keeper alone, of
    `keeper_results.py`. The page of a look into versions is for who asked alone and is not recorded."""

    result: JsonObject


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

_EVENTS: Mapping[str, type[Report]] = {"progress": Progress, "done": Done, "held": Held, "failed": Failed}


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
