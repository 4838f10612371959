"""`restore --in-place` and `--dry-run` as a person sees them: shown first, asked, and done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from paraduxd.api.listing_questions import RestoreOptions
from tests.commands.conftest import Outcome
from tests.fakes_client import FakeDaemon, a_run

Run = Callable[..., Outcome]

IN_PLACE = ("restore", "home#3", "--in-place")


def a_change(change: str, path: str, reason: str = "") -> dict[str, Any]:
    return {"change": change, "path": path, "kind": "file", "size": 4, "reason": reason}


def asked(daemon: FakeDaemon) -> list[RestoreOptions]:
    return [call["options"] for call in daemon.calls("restore")]


@pytest.fixture
def missing(daemon: FakeDaemon) -> FakeDaemon:
    """A letter is missing, a report is newer in the source."""
    daemon.will_run(a_run(7, "restore", result={"files": 1, "bytes": 4, "kept": 1, "dry_run": True}))
    changes = [a_change("kept", "report", "newer there"), a_change("written", "a letter")]
    daemon.pages[7] = {"ask": "restore", "total": 2, "changes": changes}
    return daemon


def test_it_shows_asks_and_writes(paraductl: Run, missing: FakeDaemon) -> None:
    outcome = paraductl(*IN_PLACE, answers=["y"])
    assert outcome.code == 0
    assert outcome.out.splitlines()[:3] == [
        "= report  (newer there)",
        "+ 'a letter'",
        "1 file (4 bytes) would be written, 1 stay as they are; nothing is removed.",
    ]
    assert asked(missing) == [RestoreOptions("3", True, dry_run=True), RestoreOptions("3", True)]


def test_no_is_no(paraductl: Run, missing: FakeDaemon) -> None:
    outcome = paraductl(*IN_PLACE, answers=["n"])
    assert outcome.out.endswith("Nothing was written.\n")
    assert [options.dry_run for options in asked(missing)] == [True]


def test_where_nobody_can_be_asked_nothing_is_written_without_yes(paraductl: Run, missing: FakeDaemon) -> None:
    assert paraductl(*IN_PLACE).code == 2
    assert [options.dry_run for options in asked(missing)] == [True]
    assert paraductl(*IN_PLACE, "--yes", "--newer").code == 0
    assert asked(missing)[1:] == [RestoreOptions("3", True, True, True), RestoreOptions("3", True, True)]


def test_a_dry_run_writes_nothing(paraductl: Run, missing: FakeDaemon) -> None:
    document = paraductl(*IN_PLACE, "--dry-run", "--json").document
    assert [change["change"] for change in document["changes"]] == ["kept", "written"]
    assert [options.dry_run for options in asked(missing)] == [True]


def test_what_is_written_counts_even_when_the_page_is_full_of_what_is_kept(paraductl: Run, daemon: FakeDaemon) -> None:
    daemon.will_run(a_run(7, "restore", result={"files": 1, "bytes": 4, "kept": 2, "dry_run": True}))
    kept = [a_change("kept", name, "newer there") for name in "ab"]
    daemon.pages[7] = {"ask": "restore", "total": 3, "following": 2, "changes": kept}
    paraductl(*IN_PLACE, "--yes")
    assert [options.dry_run for options in asked(daemon)] == [True, False]


def test_where_nothing_is_missing_nobody_is_asked(paraductl: Run, daemon: FakeDaemon) -> None:
    daemon.will_run(a_run(7, "restore", result={"files": 0, "bytes": 0, "kept": 1, "dry_run": True}))
    daemon.pages[7] = {"ask": "restore", "total": 1, "changes": [a_change("kept", "a", "newer there")]}
    outcome = paraductl(*IN_PLACE)
    assert (outcome.code, [options.dry_run for options in asked(daemon)]) == (0, [True])


@pytest.mark.parametrize(
    "words",
    [
        ("restore", "home"),
        ("restore", "home", "--in-place", "--to", "/x"),
        ("restore", "home#3", "--to", "/x", "--at", "2026-11-20"),
        ("restore", "home#", "--to", "/x"),
        ("restore", "--all", "--in-place"),
        ("restore", "home", "--to", "/x", "--map-owner", "1000"),
    ],
)
def test_what_cannot_be_meant_is_refused(paraductl: Run, daemon: FakeDaemon, words: tuple[str, ...]) -> None:
    assert (paraductl(*words).code, daemon.asked) == (2, [])


def test_a_place_that_needs_the_key_is_asked_again_with_the_passphrase(
    paraductl: Run, daemon: FakeDaemon, secret: str
) -> None:
    lacking = {"code": "needs-key", "message": "names are encrypted", "hint": ""}
    daemon.will_run(a_run(7, "list", state="failed", error=lacking, result=None))
    daemon.before["authorize"] = lambda: daemon.will_run(a_run(8, "list", result={}))
    daemon.pages[8] = {
        "ask": "ls",
        "total": 1,
        "version": {"name": "3", "time": "2026-11-20T10:00:00Z"},
        "entries": [{"path": "a", "kind": "file", "size": 4, "modified": 0}],
    }
    document = paraductl("--passphrase-file", secret, "--json", "ls", "home#3").document
    assert (document["place"], [entry["path"] for entry in document["entries"]]) == ("friend", ["a"])
    assert [call["source"] for call in daemon.calls("look")] == [None, "friend"]
