"""An owner to try status on: photos, docs and mail; a disk, a friend's server, a cloud; five stewards, three required."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from paraduxd.api.replies.results import Published, Pulled, Pushed, Rehearsal, Result, Verified, Version
from paraduxd.core.plan.model import (
    DatasetPlan,
    DestinationPlan,
    MetadataPlan,
    Plan,
    SourcePlan,
    StewardPlan,
    Timing,
    from_json,
    to_json,
)
from paraduxd.core.recovery.kit_records import Kit
from paraduxd.core.recovery.kit_tools import ARCHIVE
from paraduxd.core.runs.facts import Daemon, Drills, Facts, Key, Latest, SeenCopy, SeenStash
from paraduxd.core.runs.orders import Failed

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR, DAY = 3600, 86400

DISK = DestinationPlan("disk", "disk", "local", "t1", Timing(DAY), ("place:house",))
CLOUD = DestinationPlan("cloud", "restic", "s3.example", "t2", Timing(6 * HOUR), ("account:aws",))
FRIEND = DestinationPlan("friend", "sftp", "friend.example", "t3", Timing(DAY), ("place:friend",), "gpg")

LAPTOP = SourcePlan("rsync", "laptop.local", "t4", Timing(HOUR), ("device:laptop", "place:house"))
SERVER = SourcePlan("disk", "local", "t5", Timing(HOUR), (), in_place=True)

PHOTOS = DatasetPlan("photos", "Photos", LAPTOP, "/srv/photos", destinations=(DISK, CLOUD))
DOCS = DatasetPlan("docs", "Documents", SERVER, "/home/docs", destinations=(CLOUD, FRIEND))
MAIL = DatasetPlan("mail", "Mail", LAPTOP, "/srv/mail", destinations=(FRIEND,))

STASHES = (
    MetadataPlan("friend", "sftp", "friend.example", "t6", ("place:friend",)),
    MetadataPlan("cloud", "s3", "s3.example", "t7", ("account:aws",)),
    MetadataPlan("sister", "sftp", "sister.example", "t8", ("place:sister",)),
)
STEWARDS = tuple(
    StewardPlan(name, name.title(), (f"person:{name}",)) for name in ("alice", "bob", "carol", "dave", "erin")
)


def plan(**changes: Any) -> Plan:
    """The owner's plan, with some fields changed. Places that have no uid get one, by their names."""
    fields: dict[str, Any] = {
        "serial": 42,
        "saved": ago(30 * DAY),
        "epoch": 1,
        "owner": "Fred",
        "instance": "i1",
        "shares_required": 3,
        "owner_fates": ("place:house",),
        "drill_every": 90 * DAY,
        "datasets": (PHOTOS, DOCS),
        "metadata_stashes": STASHES,
        "stewards": STEWARDS,
    }
    return from_json(to_json(Plan(**{**fields, **changes})))


def ago(seconds: float) -> str:
    """The time so many seconds before now."""
    return (NOW - timedelta(seconds=seconds)).isoformat()


def told(**result: Any) -> Result | None:
    """The result of the step that tells all of this."""
    if "versions" in result:
        result["versions"] = tuple(Version(**{"time": "", **each}) for each in result["versions"])
    plain = {name: tuple(each) if isinstance(each, list) else each for name, each in result.items()}
    kinds: list[type[Any]] = [Pulled, Pushed, Verified, Published, Rehearsal]
    return next(kind(**plain) for kind in kinds if plain.keys() <= {each.name for each in fields(kind)})


def well(age: float = HOUR / 2, **result: Any) -> Latest:
    """A step that ended well so many seconds ago."""
    return Latest(ago(age), ago(age), 0, None, told(**result), "done")


def ill(code: str, age: float | None = None, failures: int = 1, **result: Any) -> Latest:
    """A step that has failed since its last success, so many seconds ago (`None`: it never succeeded)."""
    error = Failed(code, "it did not work", "try something else")
    return Latest(
        None if age is None else ago(age), ago(60), failures, error, told(**result) if result else None, "failed"
    )


def drilled(some_plan: Plan, age: float, **changes: Any) -> Drills:
    """A drill so many seconds ago that proved everything."""
    fields: dict[str, Any] = {
        "ended": ago(age),
        "epoch": some_plan.epoch,
        "serial": some_plan.serial,
        "proven": tuple(
            SeenCopy(dataset.id, each.id, each.uid, "b", ago(age + HOUR))
            for dataset in some_plan.datasets
            for each in dataset.destinations
        ),
        "opened": tuple(
            SeenStash(each.id, each.uid, some_plan.serial, ago(age)) for each in some_plan.metadata_stashes
        ),
    }
    return Drills(**{**fields, **changes})


def healthy(some_plan: Plan, **changes: Any) -> Facts:
    """All is done, all kits are written, a drill was run three days ago."""
    latest: dict[Key, Latest] = {}
    versions = [
        {"id": "a", "time": ago(DAY), "files": 9, "bytes": 900},
        {"id": "b", "time": ago(HOUR), "files": 10, "bytes": 1000},
    ]
    for dataset in some_plan.datasets:
        latest[dataset.id, "pull", "source"] = well(files=10, bytes=1000)
        for destination in dataset.destinations:
            latest[dataset.id, "push", destination.id] = well(version="b", versions=versions, files=10, bytes=1000)
    for stash in some_plan.metadata_stashes:
        latest["", "publish", stash.id] = well(serial=some_plan.serial, epoch=some_plan.epoch, objects=[])
    given: dict[str, Any] = {
        "daemon": Daemon("0.1", 100, ago(10 * DAY), "userspace"),
        "latest": latest,
        "kits": {
            steward.id: Kit(some_plan.epoch, ago(20 * DAY), ago(5 * DAY), "S1", some_plan.serial, reads=(ARCHIVE,))
            for steward in some_plan.stewards
        },
        "drills": drilled(some_plan, 3 * DAY),
    }
    latest |= changes.pop("latest", {})
    return Facts(**{**given, **changes})
