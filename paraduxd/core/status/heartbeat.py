"""When a watchdog service is called, and at which address. Pure.

A service that hears nothing for longer than it was told raises an alarm by itself; some can also be told that something is wrong.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from paraduxd.core.primitives import timestamps
from paraduxd.core.runs.facts import Latest

_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_HEALTHCHECKS = re.compile(rf"(/ping)?/({_UUID}|[A-Za-z0-9_-]{{20,}}/[a-z0-9-]+)/?")
_BETTER_STACK = re.compile(r"/api/v1/heartbeat/[^/]+/?")
_UPTIME_KUMA = re.compile(r"(/[^/]+)*/api/push/[^/]+/?")
_CRONITOR = re.compile(r"(/p)?(/[^/]+){1,3}/?")


def is_due(latest: Latest, told_well: bool | None, well: bool, every: int, now: datetime) -> bool:
    """Whether an address is called now: `every` so many seconds, and as soon as what there is to tell has changed."""
    last = timestamps.parse(latest.last_success)
    if last is None or last > now or told_well is not well:
        return True
    return now - last >= timedelta(seconds=every)


def failure_address(address: str) -> str | None:
    """Where the service of this address is told that something is wrong; `None`: it has no such address, and is not called then."""
    parts = urlsplit(address)
    host, path = parts.hostname or "", parts.path
    if _UPTIME_KUMA.fullmatch(path):
        return _with_query(address, status="down", msg="not everything could be recovered")
    if host.endswith(("cronitor.link", "cronitor.io")) and _CRONITOR.fullmatch(path):
        return _with_query(address, state="fail")
    if _BETTER_STACK.fullmatch(path) or _HEALTHCHECKS.fullmatch(path):
        return urlunsplit(parts._replace(path=f"{path.rstrip('/')}/fail"))
    return None


def success_address(address: str) -> str:
    """Where it is told that all is well."""
    if _UPTIME_KUMA.fullmatch(urlsplit(address).path):
        return _with_query(address, status="up", msg="OK")
    return address


def _with_query(address: str, **values: str) -> str:
    parts = urlsplit(address)
    query = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **values}
    return urlunsplit(parts._replace(query=urlencode(query)))
