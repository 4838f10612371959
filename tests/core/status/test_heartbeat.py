"""When a watchdog is called, and at which address."""

from __future__ import annotations

from datetime import timedelta

import pytest

from paraduxd.core.primitives import timestamps
from paraduxd.core.runs.facts import Latest
from paraduxd.core.status.heartbeat import failure_address, is_due, success_address

UUID = "5f6e0f5c-1c5e-4b0e-9d8a-0a4d3f1b2c3d"
NOW = timestamps.moment("2026-11-28T12:00:00Z")


@pytest.mark.parametrize(
    ("address", "failure"),
    [
        (f"https://hc-ping.com/{UUID}", f"https://hc-ping.com/{UUID}/fail"),
        (f"https://hc.example/ping/{UUID}/", f"https://hc.example/ping/{UUID}/fail"),
        (
            "https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/paradux",
            "https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/paradux/fail",
        ),
        (
            "https://kuma.example/base/api/push/abc?status=up&msg=OK&ping=",
            "https://kuma.example/base/api/push/abc?status=down&msg=not+everything+could+be+recovered&ping=",
        ),
        ("https://cronitor.link/p/key/paradux", "https://cronitor.link/p/key/paradux?state=fail"),
        (
            "https://uptime.betterstack.com/api/v1/heartbeat/token",
            "https://uptime.betterstack.com/api/v1/heartbeat/token/fail",
        ),
        ("https://nosnch.in/c2354d53d2", None),
        ("https://example.org/any?thing=1", None),
    ],
)
def test_where_a_service_is_told_that_something_is_wrong(address: str, failure: str | None) -> None:
    assert failure_address(address) == failure


def test_uptime_kuma_is_told_that_it_is_up() -> None:
    assert success_address("http://kuma:3001/api/push/x?status=down") == "http://kuma:3001/api/push/x?status=up&msg=OK"
    assert success_address("https://nosnch.in/c2354d53d2") == "https://nosnch.in/c2354d53d2"


@pytest.mark.parametrize(
    ("latest", "told", "well", "due"),
    [
        (Latest(), None, True, True),
        (Latest(last_success="2026-11-28T11:50:00Z"), True, True, False),
        (Latest(last_success="2026-11-28T11:45:00Z"), True, True, True),
        (Latest(last_success="2026-11-28T11:59:59Z"), True, False, True),
        (Latest(last_success="2026-11-28T13:00:00Z"), True, True, True),
    ],
    ids=["never called", "called just now", "a period ago", "it has changed", "in the future"],
)
def test_when_it_is_called(latest: Latest, told: bool | None, well: bool, due: bool) -> None:
    assert is_due(latest, told, well, int(timedelta(minutes=15).total_seconds()), NOW) is due
