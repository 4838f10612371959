"""What `paraductl rotate` prints, with a daemon in memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from paraductl.main import main
from paraductl.terminal import ask_passphrase
from tests.fakes_client import PASSPHRASE, FakeDaemon, FakeKeeper

EPOCH = {
    "epoch": 2,
    "threshold": 2,
    "holders": ["alice", "bob"],
    "former": ["dave"],
    "up_to_serial": None,
    "before": None,
}
PAST = {
    "epoch": 1, "threshold": 3, "holders": [], "former": ["erin"], "up_to_serial": 41, "before": "2026-10-01T10:00:00Z",
}  # fmt: skip
BEGUN: dict[str, Any] = {
    "state": "begun",
    "serial": 43,
    "epoch": 2,
    "next_epoch": 3,
    "started": "2026-11-23T12:00:00Z",
    "confirmed": [],
    "missing": ["alice", "bob"],
    "shares_required": 2,
    "exposure": {"epochs": [PAST, EPOCH], "credentials": ["inventory[0].password"]},
    "runs": [],
}


@pytest.fixture(autouse=True)
def debuggable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave this process debuggable."""
    monkeypatch.setattr(ask_passphrase, "harden", lambda: None)


@pytest.fixture
def rotate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command on a daemon that answers so; gives exit code and output."""
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")

    def run(reply: dict[str, Any], *words: str, call: str = "rotate", options: tuple[str, ...] = ()) -> tuple[int, str]:
        monkeypatch.setattr(FakeKeeper, f"_{call}", lambda _, **__: reply, raising=False)
        code = main([*options, "--passphrase-file", str(tmp_path / "passphrase"), "rotate", *words], FakeDaemon())
        return code, capsys.readouterr().out

    return run


def test_the_beginning_says_what_to_do_and_what_is_exposed(rotate: Any) -> None:
    code, text = rotate(BEGUN)
    assert code == 0
    assert "A rotation has begun: epoch 3 will replace epoch 2." in text
    assert "Missing: alice, bob." in text
    assert "  epoch 1: erin; any 3 of them open configs up to serial 41, published before 2026-10-01" in text
    assert "  epoch 2: alice, bob, dave (former); any 2 of them open every published config" in text
    assert "  inventory[0].password\n" in text
    assert "Locked again." in text


def test_one_that_is_under_way_says_who_is_missing(rotate: Any) -> None:
    reply = {**BEGUN, "state": "under-way", "confirmed": ["alice"], "missing": ["bob"]}
    _, text = rotate(reply)
    assert "1 of 2 stewards have a kit of epoch 3." in text
    assert "Missing: bob." in text


def test_one_that_is_complete_and_without_any_kit(rotate: Any) -> None:
    done = {**BEGUN, "state": "completed", "epoch": 3, "next_epoch": None, "missing": []}
    _, text = rotate({**done, "exposure": {"epochs": [], "credentials": ["inventory[0].password"]}})
    assert "The rotation is complete: epoch 3 is in force" in text
    assert "nobody holds a share" in text
    assert "inventory" not in text


def test_cancelling_names_who_needs_a_kit_again(rotate: Any) -> None:
    reply = {"epoch": 2, "cancelled": 3, "kits_again": ["alice", "bob"], "serial": 44, "runs": []}
    code, text = rotate(reply, "--cancel", call="rotate_cancel")
    assert code == 0
    assert "epoch 2 stays in force" in text
    assert "paraductl create-steward-device alice bob" in text
    _, text = rotate({**reply, "kits_again": []}, "--cancel", call="rotate_cancel")
    assert "create-steward-device" not in text


def test_json_has_all_of_it(rotate: Any) -> None:
    code, text = rotate(BEGUN, options=("--json",))
    assert code == 0
    assert json.loads(text) == BEGUN
