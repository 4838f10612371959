"""Commands that start runs and follow them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from paraductl import follow
from paraductl.terminal import wording
from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.listing_questions import RestoreOptions
from paraduxd.api.replies.transfer_runs import Run as AnyRun
from tests.commands.conftest import Outcome
from tests.fakes_client import FakeDaemon, FakeSupervisor, a_run

Run = Callable[..., Outcome]

FAILED = {"code": "network", "message": "the network is down", "hint": "plug it in"}


def test_backup_follows_to_the_end(paraductl: Run, daemon: FakeDaemon) -> None:
    running = a_run(8, state="running", percent=41.0, bytes=1024, eta=12)
    daemon.will_run(a_run(7, "pull"), [a_run(8, state="queued"), running, a_run(8)])
    outcome = paraductl("backup", "home", "--destination", "friend")
    assert outcome.code == 0
    assert outcome.out == "home: pulled: 3 files, 2.0 KiB\nhome: pushed to friend: 3 files, 2.0 KiB\n"
    assert daemon.calls("backup") == [
        {"datasets": ["home"], "destination": "friend", "pull_only": False, "push_only": False}
    ]


def test_progress_on_a_terminal(paraductl: Run, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    running = [a_run(number, state="running", percent=50.0, bytes=1024, eta=12) for number in (7, 8)]
    daemon.will_run([running[0], a_run(7)], [running[1], a_run(8)], [a_run(9, state="queued"), a_run(9)])
    outcome = paraductl("backup", answers=[])
    line = "push home to friend  [##########----------]  50 %  1.0 KiB  12 s left"
    assert f"{line}\n{line}\n1 waiting" in outcome.err


def test_backup_as_json(paraductl: Run, daemon: FakeDaemon) -> None:
    daemon.will_run(a_run(7))
    assert paraductl("--json", "backup").document == {"runs": [a_run(7)]}


def test_backup_without_waiting(paraductl: Run, daemon: FakeDaemon) -> None:
    daemon.will_run([a_run(7, state="queued")])
    assert paraductl("backup", "--no-wait").out == "Started run 7; follow it with: paraductl status\n"
    assert paraductl("backup", "--no-wait", "--json").document == {"runs": [7]}


def test_nothing_to_do(paraductl: Run) -> None:
    assert paraductl("backup").out == "Nothing to do.\n"


def test_a_failed_run_is_one_sentence_and_a_hint(paraductl: Run, daemon: FakeDaemon) -> None:
    daemon.will_run(a_run(7, state="failed", error=FAILED, result=None))
    outcome = paraductl("backup")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "paraductl: cannot push home to friend: the network is down\n  plug it in\n"


def test_a_failed_run_as_json_is_still_one_document(paraductl: Run, daemon: FakeDaemon) -> None:
    daemon.will_run(a_run(7, state="failed", error=FAILED, result=None))
    outcome = paraductl("backup", "--json")
    assert (outcome.code, outcome.document["runs"][0]["state"]) == (1, "failed")


def test_a_held_run_says_how_to_approve(paraductl: Run, daemon: FakeDaemon) -> None:
    held = {"code": "removed", "message": "90 % of the files vanished", "hint": ""}
    daemon.will_run(a_run(7, state="held", error=held, result=None))
    outcome = paraductl("backup")
    assert outcome.code == 1
    assert outcome.err == (
        "paraductl: held: push home to friend: 90 % of the files vanished\n  if it is right: paraductl approve home\n"
    )


def test_halves_exclude_each_other(paraductl: Run) -> None:
    assert paraductl("backup", "--pull-only", "--push-only").code == 2


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C at the first pause."""

    def press(*_: object, **__: object) -> None:
        monkeypatch.setattr(FakeSupervisor, "_await_end", lambda *_, **__: {"waited": True})
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeSupervisor, "_await_end", press)


def test_the_end_of_a_run_is_awaited_and_not_polled_for(
    paraductl: Run, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_pause(_: float) -> None:
        raise AssertionError("paused")

    monkeypatch.setattr(follow.time, "sleep", no_pause)
    daemon.will_run([a_run(7, state="running"), a_run(7)])
    assert paraductl("backup").code == 0


def test_who_may_not_wait_looks_now_and_then(
    paraductl: Run, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(follow.time, "sleep", pauses.append)
    monkeypatch.setattr(FakeSupervisor, "_await_end", lambda *_, **__: {"waited": False})
    daemon.will_run([a_run(7, state="running"), a_run(7)])
    assert paraductl("backup").code == 0
    assert pauses == [follow.CROWDED_PAUSE]


def test_ctrl_c_leaves_the_daemon_to_its_work(paraductl: Run, daemon: FakeDaemon, interrupt: None) -> None:
    daemon.will_run([a_run(7, state="running")])
    outcome = paraductl("backup")
    assert outcome.code == 1
    assert outcome.err.startswith("paraductl: interrupted; the daemon goes on\n")
    assert daemon.cancelled == []


def test_ctrl_c_cancels_when_asked_to(paraductl: Run, daemon: FakeDaemon, interrupt: None) -> None:
    daemon.will_run([a_run(7, state="running")])
    outcome = paraductl("backup", "--cancel")
    assert (outcome.code, daemon.cancelled) == (1, [7])
    assert outcome.err == "paraductl: cancelled: push home to friend\n"


def test_a_run_that_the_daemon_forgot_ends_the_wait(paraductl: Run, daemon: FakeDaemon) -> None:
    daemon.next_runs = [99]
    outcome = paraductl("backup")
    assert (outcome.code, outcome.err) == (1, "paraductl: the daemon does not know run 99\n")


def test_approve_needs_the_passphrase(paraductl: Run, daemon: FakeDaemon, secret: str) -> None:
    daemon.will_run(a_run(7))
    assert paraductl("approve", "home").code == 3
    assert paraductl("--passphrase-file", secret, "approve", "home").code == 0
    assert daemon.calls("approve") == [{"dataset": "home"}]


def test_prune(paraductl: Run, daemon: FakeDaemon, secret: str) -> None:
    result = {
        "removed": [{"id": "v1", "reason": "not kept"}],
        "versions": [{"id": "v2", "time": "2026-11-20T10:00:00Z"}],
        "files": 3,
    }
    daemon.will_run(a_run(7, "prune", result=result))
    outcome = paraductl("--passphrase-file", secret, "prune", "home", "--destination", "friend")
    assert (outcome.code, outcome.out) == (0, "home: old versions removed at friend: 1 removed, 1 left\n")
    assert daemon.calls("prune") == [{"dataset": "home", "destination": "friend"}]


def test_a_member_reads_all_data_with_the_passphrase(paraductl: Run, daemon: FakeDaemon, secret: str) -> None:
    daemon.is_owner = False
    daemon.will_run(a_run(7, "verify", result={"checked": 12, "bytes": 2048, "deep": True}))
    assert paraductl("verify", "home", "--deep", "--passphrase-file", secret).code == 0
    assert len(daemon.calls("authorize")) == 1 and len(daemon.calls("verify")) == 2
    daemon.will_run(a_run(8, "verify", result={"checked": 12, "bytes": 2048, "deep": False}))
    assert paraductl("verify", "home").code == 0
    assert len(daemon.calls("authorize")) == 1


def test_verify(paraductl: Run, daemon: FakeDaemon) -> None:
    daemon.will_run(a_run(7, "verify", result={"checked": 12, "bytes": 2048, "deep": True}))
    outcome = paraductl("verify", "home", "--deep")
    assert outcome.out == "home: verified at friend: 12 objects, all data read, 2.0 KiB\n"
    assert daemon.calls("verify") == [{"dataset": "home", "deep": True}]


def test_publish(paraductl: Run, daemon: FakeDaemon) -> None:
    result = {"serial": 42, "epoch": 1, "objects": ["x"]}
    daemon.will_run(a_run(7, "publish", dataset="", result=result))
    assert paraductl("publish").out == "friend: config published: serial 42, read back and compared\n"


def test_versions(paraductl: Run, daemon: FakeDaemon) -> None:
    version = {"id": "v1", "time": "2026-11-20T10:00:00Z", "files": 1200, "bytes": 1024}
    daemon.will_run(
        a_run(7, "versions", result={"versions": [version]}),
        a_run(8, "versions", location="bank", result={"versions": []}),
    )
    lines = paraductl("versions", "home").out.splitlines()
    assert lines[0] == "home at friend"
    assert lines[1].startswith("  home#v1  2026-11-20 ") and lines[1].endswith("1,200 files  1.0 KiB")
    assert lines[2:] == ["home at bank", "  nothing yet"]


def test_what_others_have_made_is_shown_with_where_it_is_from(paraductl: Run, daemon: FakeDaemon) -> None:
    other = {"id": "1a2b3c4d", "time": "2025-01-02T10:00:00Z", "origin": "old-laptop: /home/fred\x1b[31m [by-hand]"}
    daemon.will_run(a_run(7, "versions", result={"versions": [], "others": [other]}))
    lines = paraductl("versions", "home", "--all").out.splitlines()
    assert lines[1:3] == ["  nothing yet", "  not made by this Paradux: can be restored, is never counted or removed"]
    assert lines[3].startswith("  home#1a2b3c4d  2025-01-02 ")
    assert lines[4].startswith("      old-laptop: /home/fred") and lines[4].endswith("[by-hand]")
    assert "\x1b" not in lines[4]
    assert daemon.calls("versions") == [{"dataset": "home", "destination": None, "others": True}]


def test_restore_makes_the_folder_absolute_and_the_time_utc(
    paraductl: Run, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    daemon.will_run(a_run(7, "restore", result={"files": 3, "bytes": 2048, "time": "2026-11-20T09:00:00Z"}))
    words = ["restore", "home", "--to", "here/../there", "--from", "friend", "--at", "2026-11-20T11:00:00+02:00"]
    outcome = paraductl(*words, "--", "a/b", "-c")
    assert outcome.code == 0
    assert outcome.out.startswith("home: restored from friend: 3 files, 2.0 KiB, as of 2026-11-20 ")
    assert daemon.calls("restore") == [
        {
            "dataset": "home",
            "to": str(tmp_path / "there"),
            "source": "friend",
            "at": "2026-11-20T09:00:00Z",
            "paths": ["a/b", "-c"],
            "options": RestoreOptions(),
            "on_behalf_of": None,
        }
    ]


@pytest.mark.parametrize(
    ("euid", "sudo", "told"),
    [(0, "1000", 1000), (0, "", None), (0, "1000x", None), (0, "9" * 99, None), (7, "1000", None)],
)
def test_a_restore_says_who_called_root(
    paraductl: Run, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch, euid: int, sudo: str, told: int | None
) -> None:
    monkeypatch.setenv("SUDO_UID", sudo)
    monkeypatch.setattr("paraductl.sudo.os.geteuid", lambda: euid)
    daemon.will_run(a_run(7, "restore"))
    paraductl("restore", "home", "--to", "/x")
    assert daemon.calls("restore")[0].get("on_behalf_of") == told


def test_restore_by_somebody_else_needs_the_passphrase(paraductl: Run, daemon: FakeDaemon, secret: str) -> None:
    daemon.is_owner = False
    daemon.will_run(a_run(7, "restore"))
    assert paraductl("restore", "home", "--to", "/x", "--passphrase-file", secret).code == 0
    assert [name for name, _ in daemon.asked][:4] == ["restore", "hello", "hello", "authorize"]


def test_history(paraductl: Run, daemon: FakeDaemon) -> None:
    daemon.past = [a_run(8, state="failed", error=FAILED, result=None), a_run(7)]
    lines = paraductl("history").out.splitlines()
    assert lines[0].endswith("8  failed       cannot push home to friend: the network is down  (12 s)")
    assert lines[1].endswith("7  done         home: pushed to friend: 3 files, 2.0 KiB  (12 s)")
    assert [run["run"] for run in paraductl("history", "--failed", "--json").document["runs"]] == [8]
    assert daemon.calls("history")[-1] == {"dataset": None, "failed": True, "limit": 100}


def test_empty_history(paraductl: Run) -> None:
    assert paraductl("history").out == "Nothing has run yet.\n"


def test_a_dry_run_is_not_told_as_a_restore() -> None:
    result = {"files": 3, "bytes": 9, "dry_run": True}
    run = from_json_value(AnyRun, a_run(1, "restore", result=result))
    assert wording.success(run).startswith("home: nothing written")
