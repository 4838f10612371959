"""One line in the log for the start of every run and one for its end, with the same facts as fields for journald."""

from __future__ import annotations

import logging
from collections.abc import Collection

from paraduxd.core.primitives import timestamps
from paraduxd.core.primitives.disks import uuid_of
from paraduxd.core.runs.queue import Request
from paraduxd.effects.journal.journal import Ending

log = logging.getLogger("paradux.runs")

Fields = dict[str, object]


def started(request: Request, trigger: str) -> None:
    """The run begins; `uid` is 0 for the owner and for the schedule."""
    fields = {**_of(request), "trigger": trigger, "uid": request.uid}
    log.info("Run %d started: %s", request.number, _shown(fields), extra={"fields": fields})


def ended(request: Request, ending: Ending, begun: str | None) -> None:
    """The run has ended; `begun`: when it started (`None`: it never did)."""
    fields = {**_of(request), "uid": request.uid, "state": ending.state}
    start, end = timestamps.parse(begun), timestamps.parse(ending.at)
    if start and end:
        fields |= {"seconds": max(0, int((end - start).total_seconds()))}
    fields |= {name: value for name, value in (("files", ending.files), ("bytes", ending.bytes)) if value is not None}
    error = ending.error
    fields |= {"code": error.code, "error": error.message} if error and error.code else {}
    level = logging.WARNING if ending.state in ("failed", "held") else logging.INFO
    log.log(level, "Run %d ended: %s", request.number, _shown(fields), extra={"fields": fields})


def safe_to_remove(place: str, used: Collection[str]) -> None:
    """A disk that was plugged in can be taken out when none of the places that are used, or are about to be, is on it."""
    uuid = uuid_of(place)
    if uuid and place not in used:
        log.info("The disk %s is unmounted: it is safe to remove", uuid)


def _of(request: Request) -> Fields:
    return {"run": request.number, "step": str(request.step), "dataset": request.dataset, "location": request.location}


def _shown(fields: Fields) -> str:
    """`name=value`, without the number, which stands before; a value with blanks is quoted."""
    return " ".join(f"{name}={_value(value)}" for name, value in fields.items() if name != "run" and value != "")


def _value(value: object) -> str:
    text = str(value)
    return text if text.isprintable() and not set(text) & set(' "=') else '"' + text.replace('"', "'") + '"'
