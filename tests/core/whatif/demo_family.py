"""A family: a server at home, a friend, a cloud, a bank; two stewards who live together; accounts that hang on a phone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from paraduxd.api.replies.results import Published, Pulled, Pushed, Rehearsal, Version
from paraduxd.core.plan.model import (
    DatasetPlan,
    DestinationPlan,
    EntryPlan,
    MetadataPlan,
    Plan,
    ScenarioPlan,
    SourcePlan,
    StewardPlan,
    Timing,
)
from paraduxd.core.recovery.kit_records import Kit
from paraduxd.core.runs.facts import Facts, Latest

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR, DAY = 3600, 86_400
MB = 1_000_000


def at(seconds: float) -> str:
    """So many seconds ago."""
    return (NOW - timedelta(seconds=seconds)).isoformat()


def destination(dataset: str, name: str, **more: Any) -> DestinationPlan:
    """A destination with what these places have in common."""
    places = {
        "cloud": ("restic", "s3.example", ("account:aws",), "restic", Timing(6 * HOUR)),
        "friend": ("sftp", "friend.example", ("place:friend",), "gpg", Timing(DAY)),
        "usb": ("removable", "removable:1111-AAAA", ("place:house",), "none", Timing(7 * DAY)),
        "bank": ("removable", "removable:2222-BBBB", ("place:bank",), "gpg", Timing(90 * DAY)),
    }
    protocol, place, fates, encryption, timing = places[name]
    return DestinationPlan(
        name, protocol, place, f"{dataset}.{name}", timing, fates, encryption, uid=f"{dataset}/{name}", **more
    )


def dataset(name: str, source: SourcePlan, *destinations: DestinationPlan) -> DatasetPlan:
    """A dataset that is staged on the server."""
    return DatasetPlan(
        name, name, source, f"/srv/{name}", destinations=destinations, uid=name, staging_uid=f"{name}/staging"
    )


def laptop(name: str) -> SourcePlan:
    """A folder of the laptop."""
    return SourcePlan(
        "rsync", "laptop.local", f"{name}.source", Timing(HOUR), ("device:laptop", "place:house"), uid=f"{name}/source"
    )


def plan(**more: Any) -> Plan:
    """What they run by."""
    given: dict[str, Any] = {
        "serial": 42,
        "saved": at(DAY),
        "epoch": 1,
        "owner": "owner",
        "instance": "instance",
        "shares_required": 2,
        "owner_fates": ("place:house", "device:server"),
        "datasets": (
            dataset("photos", laptop("photos"), destination("photos", "cloud"), destination("photos", "usb")),
            dataset(
                "docs",
                laptop("docs"),
                destination("docs", "friend"),
                destination("docs", "cloud"),
                destination("docs", "bank", fetch=2 * DAY),
            ),
        ),
        "metadata_stashes": (MetadataPlan("friend", "sftp", "friend.example", "m", ("place:friend",), uid="/friend"),),
        "stewards": (
            StewardPlan("alice", "Alice", ("place:springfield", "person:alice"), fetch=DAY),
            StewardPlan("bob", "Bob", ("place:springfield", "person:bob"), fetch=2 * HOUR),
            StewardPlan("carol", "Carol", ("place:shelbyville", "person:carol"), fetch=2 * DAY),
        ),
        "inventory": (
            EntryPlan("phone", ("device:phone",)),
            EntryPlan("codes", ("place:bank",)),
            EntryPlan("pm", ("account:pm",), True, (("phone",), ("codes",))),
            EntryPlan("mail", ("account:mail",), True, (("phone",),), (("pm",),)),
            EntryPlan("aws", ("account:aws",), False, (("pm", "phone"),), (("mail",),)),
        ),
        "scenarios": (
            ScenarioPlan("fire", ("place:house", "device:phone")),
            ScenarioPlan("burglary", ("device:laptop",), ("device:laptop",)),
        ),
    }
    return Plan(**{**given, **more})


def facts(of: Plan, **more: Any) -> Facts:
    """Everything is in order; every rehearsal has read 50 MB in 10 s."""
    latest: dict[Any, Latest] = {}
    for each in of.datasets:
        latest[each.id, "pull", "source"] = Latest(at(1800), at(1800), 0, None, Pulled(9, 900 * MB), "done")
        for place in each.destinations:
            age = (place.timing.every or 0) * 0.8 if place.timing else 0
            versions = (Version("a", at(age), 9, 900 * MB),)
            pushed = Pushed("a", versions, MB, bytes=900 * MB)
            latest[each.id, "push", place.id] = Latest(at(age), at(age), 0, None, pushed, "done", 5)
            read = Rehearsal("a", bytes=50 * MB, files=3)
            latest[each.id, "rehearse", place.id] = Latest(at(DAY), at(DAY), 0, None, read, "done", 10)
    for stash in of.metadata_stashes:
        held = Published(of.serial, of.epoch, (of.epoch,))
        latest["", "publish", stash.id] = Latest(at(DAY), at(DAY), 0, None, held, "done")
    kits = {each.id: Kit(of.epoch, at(9 * DAY), at(9 * DAY), None, 41) for each in of.stewards}
    return Facts(**{"latest": latest, "kits": kits, **more})
