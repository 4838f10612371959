"""Replacing the recovery secret: what becomes of the `managed` part of the config from beginning to end.

A rotation has two phases. While it is under way the present epoch stays in force, and the next one waits beside it in `managed.rotation`:
everything is published under both. It ends when every steward has a kit of the next epoch (`committed`), or when the owner gives
it up (`cancelled`). Both leave a note of the epoch that ended (`managed.past_epochs`); no number is ever used twice.

Pure: config and `managed` are plain JSON; they come in and new ones go out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from paraduxd.core.recovery import kits_written
from paraduxd.core.recovery.published_config import key_hash

Json = dict[str, Any]


def next_number(managed: Json) -> int:
    """The number of an epoch that was never begun."""
    return max(int(managed.get("highest_epoch", 0)), *epochs(managed)) + 1


def epochs(managed: Json) -> tuple[int, ...]:
    """The epochs that open what is published now: the one in force, then the next one."""
    return tuple(int(part["recovery"]["epoch"]) for part in parts(managed))


def parts(managed: Json) -> tuple[Json, ...]:
    """What holds `recovery` and `shares` of each of these epochs."""
    rotation = managed.get("rotation")
    return (managed, rotation) if rotation else (managed,)


def begun(managed: Json, recovery: Json, shares: Json, now: str) -> Json:
    """With the next epoch beside the present one; `now` in RFC 3339."""
    rotation = {"recovery": recovery, "shares": shares, "started": now, "confirmed": []}
    return {**managed, "rotation": rotation, "highest_epoch": recovery["epoch"]}


def confirmed(managed: Json, holders: Iterable[str], void: Iterable[str] = ()) -> Json:
    """With these stewards as holders of a kit of the next epoch, and `void` as holders of none; others stay what they were."""
    rotation = managed["rotation"]
    standing = {*rotation["confirmed"]} - {*void} | {*holders}
    names = [steward for steward in rotation["shares"]["issued"] if steward in standing]
    return {**managed, "rotation": {**rotation, "confirmed": names}}


def missing(managed: Json) -> tuple[str, ...]:
    """The stewards whose kit of the next epoch is not confirmed; empty: the rotation can be committed. One must be under way."""
    rotation = managed["rotation"]
    return tuple(steward for steward in rotation["shares"]["issued"] if steward not in rotation["confirmed"])


def committed(managed: Json, serial: int, now: str) -> Json:
    """With the next epoch in force. `serial`: of the last config that the present one opens."""
    rotation = managed["rotation"]
    past = _past(managed, _holders(managed["shares"]), serial, now)
    return _ended(managed, past) | {"recovery": rotation["recovery"], "shares": rotation["shares"]}


def cancelled(managed: Json, serial: int, now: str) -> Json:
    """Without the next epoch, as if the present one had never been about to end."""
    rotation = managed["rotation"]
    former = (each["steward"] for each in rotation["shares"].get("former", []))
    past = _past(rotation, (*rotation["confirmed"], *former), serial, now)
    return _ended(managed, {**past, "cancelled": True})


def published_under(document: Json, epoch: int) -> Json:
    """What of the config is published under this epoch.

    The present epoch does not get to see the next one: who opens a copy with old shares must learn nothing that opens newer ones.
    Their copy is the config as it is if the rotation is cancelled, so that a machine recovered from it begins a new one.
    """
    document = kits_written.without(document)
    managed = document["managed"]
    if not managed.get("rotation") or epoch != managed["recovery"]["epoch"]:
        return document
    return {**document, "managed": cancelled(managed, document["serial"], managed["rotation"]["started"])}


def _ended(managed: Json, past: Json) -> Json:
    return {
        **managed,
        "rotation": None,
        "highest_epoch": max(int(managed.get("highest_epoch", 0)), *epochs(managed)),
        "past_epochs": [*managed.get("past_epochs", []), past],
    }


def _past(part: Json, holders: Iterable[str], serial: int, now: str) -> Json:
    """The note of an epoch that ends."""
    return {
        "epoch": part["recovery"]["epoch"],
        "ended": now,
        "serial": serial,
        "threshold": part["shares"]["threshold"],
        "holders": list(dict.fromkeys(holders)),
        "key_sha256": key_hash(part["recovery"]["private_key"].encode()),
        "public_key": part["recovery"]["public_key"],
    }


def _holders(shares: Json) -> tuple[str, ...]:
    """Who has, or had, a share of the set."""
    return (*shares["issued"], *(former["steward"] for former in shares.get("former", [])))
