"""Status, lock, unlock, show, check, and the values people write."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from paraductl.arguments import duration, moment
from paraduxd.api import phrases
from tests.commands.conftest import Outcome
from tests.fakes_client import CONFIG, STATUS, FakeDaemon

Run = Callable[..., Outcome]


@pytest.mark.parametrize(("level", "code"), [("ok", 0), ("warning", 10), ("critical", 20), ("odd", 20)])
def test_status_exit_codes(paraductl: Run, daemon: FakeDaemon, level: str, code: int) -> None:
    daemon.status["level"] = level
    outcome = paraductl("status", "home", "--json", newer=level == "odd")
    assert (outcome.code, outcome.document) == (code, {**STATUS, "level": level})
    assert daemon.calls("status") == [{"dataset": "home"}]


def test_status_for_people_has_the_headline_and_no_colour(paraductl: Run) -> None:
    outcome = paraductl("status")
    assert STATUS["headline"] in outcome.out
    assert "\x1b" not in outcome.out


def test_watching_is_not_one_document(paraductl: Run) -> None:
    assert paraductl("status", "--watch", "--json").code == 2


def test_watching_goes_on_until_ctrl_c(paraductl: Run, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(_: float) -> None:
        if daemon.status["level"] == "warning":
            raise KeyboardInterrupt
        daemon.status["level"] = "warning"

    monkeypatch.setattr("paraductl.commands.status.time.sleep", sleep)
    outcome = paraductl("status", "--watch")
    assert (outcome.code, outcome.out.count(STATUS["headline"]), outcome.err) == (10, 2, "")


def test_lock(paraductl: Run, daemon: FakeDaemon) -> None:
    assert paraductl("lock").out == "Locked.\n"
    assert daemon.calls("lock") == [{}]


@pytest.mark.parametrize("call", ["hello", "authorize"])
def test_a_keeper_that_ends_with_the_time_of_another_command_is_started_again(
    paraductl: Run, daemon: FakeDaemon, secret: str, call: str
) -> None:
    """The command failed with "the connection was closed by the other side" when it came just as the one before had ended."""

    def end() -> None:
        daemon.keepers[-1].gone = True

    daemon.before[call] = end
    outcome = paraductl("--passphrase-file", secret, "show", "owner")
    assert (outcome.code, len(daemon.keepers)) == (0, 2), outcome.err


def test_a_member_locks_what_nobody_else_uses(paraductl: Run, daemon: FakeDaemon) -> None:
    daemon.is_owner = False
    assert paraductl("lock").out == "Locked.\n"
    assert daemon.calls("authorize") == []


def test_what_others_use_is_locked_with_the_passphrase(paraductl: Run, daemon: FakeDaemon, secret: str) -> None:
    daemon.is_owner, daemon.others_work = False, True
    outcome = paraductl("lock", "--passphrase-file", secret)
    assert (outcome.code, outcome.out) == (0, "Locked.\n")
    assert len(daemon.calls("authorize")) == 1


def test_unlock(paraductl: Run, daemon: FakeDaemon, secret: str) -> None:
    outcome = paraductl("unlock", "--for", "2h", "--passphrase-file", secret, "--json")
    assert outcome.document == {"until": "2026-11-20T10:15:00Z"}
    assert daemon.calls("unlock") == [{"seconds": 7200}]


def test_unlock_without_a_time_leaves_it_to_the_config(paraductl: Run, daemon: FakeDaemon, secret: str) -> None:
    assert paraductl("unlock", "--passphrase-file", secret).out.startswith("Unlocked until 2026-11-20 ")
    assert daemon.calls("unlock") == [{"seconds": None}]


def test_while_unlocked_no_passphrase_is_needed(paraductl: Run, daemon: FakeDaemon) -> None:
    daemon.window_open = True
    assert paraductl("show", "owner").code == 0
    assert daemon.calls("authorize") == []


def test_show(paraductl: Run, daemon: FakeDaemon, secret: str) -> None:
    daemon.window_open = True
    assert paraductl("show").out == '"***"\n'
    assert paraductl("show", "owner", "--secrets", "--json").document == CONFIG["owner"]


def test_without_a_config_setup_is_named(paraductl: Run, daemon: FakeDaemon, secret: str) -> None:
    daemon.document = None
    outcome = paraductl("show", "--passphrase-file", secret)
    assert outcome.err == "paraductl: there is no config yet\n  make one with: paraductl setup\n"


def test_check_names_file_line_and_column(paraductl: Run, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_text('{\n  "version": 1,\n  "ownr": {"name": "canary-4711"}\n}\n')
    outcome = paraductl("check", str(file))
    assert outcome.code == 5
    assert f"{file}:3:3: error: " in outcome.err
    assert "owner" in outcome.err
    assert "canary-4711" not in outcome.err + outcome.out


def test_check_from_standard_input_as_json(paraductl: Run) -> None:
    outcome = paraductl("check", "-", "--json", stdin="{")
    assert (outcome.code, outcome.document["valid"]) == (5, False)
    assert outcome.document["problems"][0]["line"] == 1


def test_a_checker_that_dies_is_told_of_without_what_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paraductl: Run
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\ncat >&2; exit 3\n")
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    outcome = paraductl("check", "-", stdin='{"password": "secret"}')
    assert "the checker ended with exit code 3, without an answer" in outcome.err
    assert "secret" not in outcome.out + outcome.err


def test_check_a_file_that_is_not_there(paraductl: Run) -> None:
    outcome = paraductl("check", "/nowhere/x.json")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("paraductl: cannot read /nowhere/x.json: No such file or directory\n")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("6h", 21600), ("1d", 86400), ("2w", 1209600), ("30", 30)]
)
def test_durations(text: str, seconds: int) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0m", "-5m", "5 m", "1.5h", "٣m", "soon", "9" * 40])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        duration(text)


def test_moments() -> None:
    local = datetime.fromisoformat("2026-11-20 10:00:59").astimezone()
    assert datetime.fromisoformat(moment("2026-11-20 10:00")) == local
    assert datetime.fromisoformat(moment("2026-11-20")).astimezone().strftime("%F %T") == "2026-11-20 23:59:59"
    assert moment("2026-11-20T10:00:00.75Z") == "2026-11-20T10:00:00Z"


@pytest.mark.parametrize("age", [0, 59, 61, 3599, 7200, 86399, 2 * 86400, 400 * 86400])
def test_every_age_that_is_printed_is_a_moment(age: int) -> None:
    now = datetime.now(UTC)
    then = now - timedelta(seconds=age)
    printed = {phrases.ago(then.isoformat(), now), f"{phrases.duration(age)} ago", f"{phrases.span(age)} ago"}
    for text in printed:
        found = datetime.fromisoformat(moment(text))
        assert -2 <= (found - then).total_seconds() < max(60, age), text


@pytest.mark.parametrize("text", ["", "tomorrowish", "2026-13-01", "2026-11-20 25:00"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        moment(text)
