"""The status document as people see it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paraductl.terminal.status_page import render
from paraductl.terminal.table import TableCell, columns, safe, table
from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.phrases import ago, ahead, span
from paraduxd.api.replies.state import Overview, StashState, Status

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ERROR = {"code": "unreachable", "message": "cannot reach friend.example", "hint": "switch it on"}


def at(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat()


def destination(name: str, state: str = "ok", **changes: Any) -> dict[str, Any]:
    base = {
        "last_success": at(-7200),
        "last_verified": None,
        "last_restored": None,
        "next": at(720),
        "versions": 12,
        "bytes": 5 << 30,
    }
    return {"id": name, "state": state, **base, "error": None, **changes}


def dataset(name: str, state: str, *destinations: dict[str, Any]) -> dict[str, Any]:
    source = {"last_success": at(-600), "last_attempt": at(-600), "next": None, "error": None}
    staging = {"path": f"/srv/{name}", "files": 1200, "bytes": 3 << 20}
    kept = {"destinations": list(destinations), "proven": None}
    return {"id": name, "state": state, "source": source, "staging": staging, **kept}


def problem(
    subject: str = "home/friend", code: str = "destination-overdue", level: str = "warning", text: str = "it is late"
) -> dict[str, str]:
    return {
        "level": level,
        "code": code,
        "subject": subject,
        "text": text,
        "hint": "try: paraductl create-steward-device",
    }


def document(**changes: Any) -> dict[str, Any]:
    daemon = {
        "version": "0.1",
        "pid": 7,
        "started": at(-864000),
        "vault": "mapped",
        "locked": True,
        "unlocked_until": None,
    }
    base: dict[str, Any] = {
        "schema": "paradux.status/1",
        "level": "warning",
        "headline": "Recoverable: not proven: no drill has been run.",
        "daemon": {**daemon, "memory_locked": True, "init_on_free": False},
        "config": {"serial": 42, "saved": at(-86400), "epoch": 1},
        "recoverable": {"today": True, "proven": None, "survives_any": 1, "weakest": []},
        "datasets": [
            dataset(
                "home",
                "ok",
                destination("friend"),
                destination("bank", "never", last_success=None, versions=0, bytes=None),
            )
        ],
        "metadata_stashes": [
            {"id": "friend", "serial": 42, "current": True, "last_success": at(-7200), "error": None},
            {"id": "cloud", "serial": 42, "current": True, "last_success": at(-7200), "error": None},
            {"id": "sister", "serial": None, "current": False, "last_success": None, "error": ERROR},
        ],
        "stewards": [
            {
                "id": "alice",
                "epoch": 1,
                "written": at(-86400),
                "last_seen": at(-86400),
                "current": True,
                "device_serial": "S",
                "seen_by_code": None,
            },
            {"id": "bob", "epoch": None, "written": None, "last_seen": None, "current": False, "device_serial": None},
        ],
        "running": [],
        "problems": [],
    }
    return {**base, **changes}


def overview(some_document: dict[str, Any], left_out: int = 0) -> Overview:
    return Overview(from_json_value(Status, some_document), left_out)


def lines(some_document: dict[str, Any], width: int = 80, left_out: int = 0) -> list[str]:
    return render(overview(some_document, left_out), colour=False, now=NOW, width=width).splitlines()


def test_a_calm_page() -> None:
    assert (
        "\n".join(lines(document()))
        == """\
Recoverable: not proven: no drill has been run.

Datasets           last        next       holds           size
  home      ok     10 min ago  -          1,200 files  3.0 MiB
    friend  ok     2 h ago     in 12 min  12 versions  5.0 GiB
    bank    never  never       in 12 min  0 versions

Config    friend, cloud: serial 42, 2 h ago
          sister: nothing published yet: cannot reach friend.example
Stewards  alice: kit current, seen 24 h ago
          bob: no kit yet
Vault     locked (mapped); paraduxd 0.1, running for 10 days; freed memory is
          not wiped"""
    )


def test_the_last_days_of_every_place_are_shown_where_there_is_room() -> None:
    days = [*([""] * 9), "ok", "ok", "failed", "", "ok"]
    some = document(datasets=[dataset("home", "ok", destination("friend", days=days))])
    for width in (100, 80, 50):
        page = lines(some, width)
        (row,) = [line for line in page if line.startswith("    friend")]
        assert row.endswith("---------##x-#") and "2 h ago" in row and len(row) <= width
        assert "14 days, the newest on the right" in "\n".join(page) and all(len(line) <= width for line in page)


def test_problems_stand_below_the_headline_with_what_to_do() -> None:
    page = lines(document(problems=[problem(level="critical", text="word " * 20)]), width=60)
    assert page[2] == "  critical  word word word word word word word word word"
    assert page[3].startswith(" " * 12 + "word")
    assert page[5] == "            -> try: paraductl create-steward-device"


def test_many_problems_of_one_kind_are_counted() -> None:
    page = "\n".join(lines(document(problems=[problem(f"d{number}/x") for number in range(500)])))
    assert page.count("it is late") == 3
    assert "and 497 more problems of this kind" in page


def test_datasets_that_are_left_out_are_counted() -> None:
    page = lines(document(datasets=[dataset("d700", "failed", destination("x"))]), left_out=999)
    assert [line for line in page if line.startswith("  d")] == [
        "  d700    failed  10 min ago  -          1,200 files  3.0 MiB"
    ]
    assert "  999 more datasets; one of them: paraductl status DATASET" in page


def test_transfers_that_run() -> None:
    run = {
        "run": 1,
        "dataset": "home",
        "step": "push",
        "location": "friend",
        "percent": 41.0,
        "bytes": 5 << 20,
        "eta": 12,
    }
    publish = {**run, "dataset": "", "step": "publish", "percent": None, "bytes": 0, "eta": None}
    page = lines(document(running=[run, publish]))
    assert page[3:5] == [
        "  home/friend  push     [####------]  41 %  5.0 MiB  12 s left",
        "  friend       publish",
    ]


def test_an_error_that_is_no_problem_yet_is_mentioned() -> None:
    waiting = [dataset("home", "ok", destination("friend", error=ERROR))]
    assert "      last try: cannot reach friend.example" in lines(document(datasets=waiting))
    overdue = document(datasets=waiting, problems=[problem()])
    assert not any("last try" in line for line in lines(overdue))


def test_a_disk_that_is_plugged_in_is_safe_to_remove_unless_it_is_in_use() -> None:
    for state, plugged_in, told in [
        ("ok", True, "safe to remove"),
        ("running", True, "leave it plugged in"),
        ("ok", False, ""),
    ]:
        place = destination("bank", state, plugged_in=plugged_in)
        page = "\n".join(lines(document(datasets=[dataset("home", state, place)])))
        assert ("its disk" in page, told in page) == (bool(told), True)


def test_before_setup_and_unlocked() -> None:
    daemon = document()["daemon"]
    empty = document(datasets=[], metadata_stashes=[], stewards=[], daemon={**daemon, "vault": "none", "started": None})
    assert lines(empty)[-1] == "Vault     no vault; paraduxd 0.1; freed memory is not wiped"
    unlocked = {**daemon, "locked": False, "unlocked_until": at(720), "init_on_free": None}
    assert lines(document(daemon=unlocked))[-2].startswith(
        "Vault     unlocked, open for 12 min more (mapped); paraduxd"
    )


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    wide = [dataset("n" * 90, "ok", destination("日本語" * 30, error={**ERROR, "message": "m" * 300}))]
    run = {"run": 1, "dataset": "n" * 90, "step": "push", "location": "f", "percent": 41.0, "bytes": 5 << 20, "eta": 12}
    page = lines(document(datasets=wide, running=[run], problems=[problem(text="t" * 500)]), width)
    assert max(columns(line) for line in page) <= width


def hostile(value: Any) -> Any:
    """The document with an escape sequence, a new line and a direction mark in every text that is not a time or a choice."""
    if isinstance(value, dict):
        fixed = ("level", "state", "vault", "last_success", "last_seen", "written", "next", "started", "unlocked_until")
        return {key: item if key in fixed else hostile(item) for key, item in value.items()}
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return f"{value}\x1b]0;owned\x07\n\r\x9b31m\u202e\ud800" if isinstance(value, str) else value


def test_hostile_texts_stay_text() -> None:
    run = {"run": 1, "dataset": "home", "step": "push", "location": "friend", "percent": None, "bytes": 0, "eta": None}
    full = document(
        running=[run], problems=[problem()], datasets=[dataset("home", "ok", destination("friend", error=ERROR))]
    )
    page = render(overview(hostile(full)), colour=False, now=NOW, width=100)
    assert all(line.isprintable() for line in page.splitlines())
    assert page.encode()
    assert len(page.splitlines()) == page.count("\n")


def test_colour_changes_nothing_but_colour() -> None:
    full = document(problems=[problem()])
    coloured = render(overview(full), colour=True, now=NOW, width=80)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(overview(full), colour=False, now=NOW, width=80)
    assert coloured.startswith("\x1b[1;33mRecoverable")


def test_times_in_words() -> None:
    assert [ago(at(-age), NOW) for age in (5, 61, 7200, 86400, 3 * 86400)] == [
        "just now",
        "1 min ago",
        "2 h ago",
        "24 h ago",
        "3 days ago",
    ]
    assert (ago(None, NOW), ago(at(9999), NOW)) == ("never", "in the future")
    assert (ahead(None, NOW), ahead(at(-5), NOW), ahead(at(720), NOW)) == ("-", "due", "in 12 min")
    assert span(-3) == "0 s"


def test_safe_keeps_what_prints() -> None:
    assert safe((StashState("Käse 日本", 1), None, "a\tb")) == (StashState("Käse 日本", 1), None, "a b")


def test_a_table_of_nothing() -> None:
    assert list(table([], 80, colour=False)) == []
    assert list(table([[TableCell("alone")]], 80, colour=False)) == ["alone"]
