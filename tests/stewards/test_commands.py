"""What the two commands print, with a daemon in memory."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from paraductl.main import main
from paraductl.terminal import ask_passphrase, status_page
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.framing import ClosedError
from paraduxd.api.replies.kits import SeenByCode
from tests.fakes_client import PASSPHRASE, FakeDaemon, FakeKeeper, FakeSupervisor

ALICE: dict[str, Any] = {
    "id": "alice",
    "name": "Alice Example",
    "accepted_on": "2026-10-01",
    "epoch": 2,
    "serial": 42,
    "written": "2026-11-01T10:00:00Z",
    "last_seen": "2026-11-02T10:00:00Z",
    "device_serial": "AA0001",
    "current": True,
    "void": False,
    "problems": [],
    "overdue": False,
    "next": None,
    "seen_by_code": None,
}
NONE = {"epoch": None, "serial": None, "written": None, "last_seen": None, "device_serial": None, "current": False}


def stewards(*others: dict[str, Any], **more: Any) -> dict[str, Any]:
    everybody = [ALICE, *({**ALICE, "accepted_on": None, **other} for other in others)]
    return {"epoch": 2, "serial": 42, "rotation": None, "shares_required": 2, "stewards": everybody, **more}


@pytest.fixture(autouse=True)
def debuggable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave this process debuggable, and its terminal wide."""
    monkeypatch.setattr(ask_passphrase, "harden", lambda: None)
    monkeypatch.setenv("COLUMNS", "120")


def answer(monkeypatch: pytest.MonkeyPatch, kind: type, call: str, reply: Any) -> None:
    """Let the daemon answer this call so."""
    monkeypatch.setattr(kind, f"_{call}", lambda _, **__: reply, raising=False)


@pytest.fixture
def secret(tmp_path: Path) -> list[str]:
    """The passphrase, as options."""
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    return ["--passphrase-file", str(tmp_path / "passphrase")]


def test_the_table_says_who_holds_what(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    others = (
        {"id": "bob", "name": "Bob \x1b[31m", "device_serial": None, "overdue": True},
        {"id": "carol", "name": "Carol", **NONE},
        {"id": "dave", "name": "Dave", "current": False, "void": True},
        {"id": "erin", "name": "Erin", "current": False, "problems": ["share.txt cannot be read"]},
        {"id": "finn", "name": "Finn", "current": False, "epoch": 1},
    )
    answer(monkeypatch, FakeSupervisor, "stewards", stewards(*others))
    assert main(["stewards"], FakeDaemon()) == 0
    lines = capsys.readouterr().out.splitlines()
    found = {line.split()[0]: line for line in lines[1:7]}
    assert "current" in found["alice"]
    assert "2026-11-01" in found["alice"]
    assert found["alice"].endswith("AA0001    2026-10-01")
    assert "check-up due" in found["bob"]
    assert "a folder" in found["bob"]
    assert "\x1b" not in found["bob"]
    for name, state in (("carol", "none"), ("dave", "void"), ("erin", "damaged"), ("finn", "of old epoch 1")):
        assert state in found[name]
        assert found[name].endswith("not yet")
    assert "2 of 6 hold a current kit (epoch 2); any 2 together open the config." in lines
    assert "erin: share.txt cannot be read" in lines
    assert lines[-1] == "Write what is missing: paraductl create-steward-device carol dave erin finn"


def test_while_a_rotation_runs_the_next_kits_are_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document = stewards({"id": "bob", "next": False}, rotation=3)
    document["stewards"][0] = {**ALICE, "next": True}
    answer(monkeypatch, FakeSupervisor, "stewards", document)
    main(["stewards"], FakeDaemon())
    printed = capsys.readouterr().out
    assert "A rotation is under way: 1 of 2 hold a kit of epoch 3." in printed
    assert printed.endswith("paraductl create-steward-device bob\n")


def test_json_is_what_the_daemon_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answer(monkeypatch, FakeSupervisor, "stewards", stewards())
    assert main(["--json", "stewards"], FakeDaemon()) == 0
    assert json.loads(capsys.readouterr().out) == stewards()


def test_without_a_config_there_are_no_stewards(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, FakeSupervisor, "stewards", {"epoch": None, "stewards": []})
    assert main(["stewards"], FakeDaemon()) == 1
    assert "no config is in force" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (
            {"written": [{"steward": "alice", "name": "Alice", "epoch": 1, "serial": 1}], "waiting": [], "until": None},
            "1 kit written and read back.",
        ),
        ({"written": [], "waiting": [], "until": None}, "Nothing to write: every steward holds a current kit."),
        ({"written": [], "waiting": ["bob"], "until": "2026-11-23T12:00:00Z"}, "Waiting for sticks until"),
    ],
)
def test_sticks_are_left_to_the_daemon(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    secret: list[str],
    reply: dict[str, Any],
    sentence: str,
) -> None:
    answer(monkeypatch, FakeKeeper, "kits_arm", reply)
    daemon = FakeDaemon()
    assert main([*secret, "create-steward-device", "bob", "alice", "--erase", "--no-wait"], daemon) == 0
    assert sentence in capsys.readouterr().out
    assert daemon.calls("kits_arm") == [
        {"stewards": ["bob", "alice"], "erase": True, "device": None, "wait": False},
    ]


@pytest.mark.parametrize(
    ("interruption", "code", "sentence"),
    [
        (KeyboardInterrupt(), ExitCode.FAILED, "the daemon still waits for the sticks"),
        (ClosedError(), ExitCode.NOT_AUTHORIZED, "the vault was locked, or the authorized time is over"),
        (ParaduxError("replaced", "another command waits for sticks now"), ExitCode.FAILED, "another command"),
    ],
)
def test_what_ends_the_waiting_is_said(
    capsys: pytest.CaptureFixture[str], secret: list[str], interruption: BaseException, code: int, sentence: str
) -> None:
    def interrupt() -> None:
        raise interruption

    daemon = FakeDaemon()
    daemon.before["kits_arm"] = interrupt
    assert main([*secret, "create-steward-devices", "--all"], daemon) == code
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "kind", "expected"),
    [
        (True, "whole", "3 days ago (whole)"),
        (False, "share", "of 2026-11-20 (share only, not asked for)"),
        (True, "words", "3 days ago (words of the sheet)"),
    ],
)
def test_what_a_code_said_stands_beside_what_was_seen_here(asked: bool, kind: str, expected: str) -> None:
    heard = (datetime.now(UTC) - timedelta(days=3, hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    seen = SeenByCode("2026-11-20", kind, asked, heard, 2)
    assert status_page.by_code(seen, datetime.now(UTC)) == expected


def test_the_table_is_no_wider_for_codes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    seen = {"date": "2026-11-20", "kind": "words", "asked": False, "heard": "2026-11-21T10:00:00Z", "epoch": 2}
    answer(monkeypatch, FakeSupervisor, "stewards", stewards({"id": "bob", "seen_by_code": seen}))
    assert main(["stewards"], FakeDaemon()) == 0
    told = capsys.readouterr().out.splitlines()
    assert "bob, by code: of 2026-11-20 (words of the sheet, not asked for)" in told
    assert max(map(len, told)) <= 80


def test_a_code_is_typed_as_it_is_heard(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    said = {"steward": "alice", "name": "Alice Example", "date": "2026-11-27", "kind": "share", "asked": True}
    answer(monkeypatch, FakeSupervisor, "confirm", {**said, "heard": "2026-11-28T10:00:00Z", "epoch": 2})
    assert main(["stewards", "--confirm", "089", "761", "180", "071"], FakeDaemon()) == 0
    told = capsys.readouterr().out
    assert "Alice Example (alice), on 2026-11-27" in told and "paraductl create-steward-device alice" in told
    assert "so it is new" in told


def test_a_steward_is_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    reply = {"steward": "alice", "name": "Alice Example", "challenge": "042195", "until": "2027-01-27T10:00:00Z"}
    answer(monkeypatch, FakeSupervisor, "ask", reply)
    assert main(["stewards", "--ask", "alice"], FakeDaemon()) == 0
    told = capsys.readouterr().out
    assert "042 195" in told and "recover.html" in told and "2027-01-27" in told
