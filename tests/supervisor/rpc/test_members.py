"""What a member of the group may ask of the supervisor without the passphrase."""

from __future__ import annotations

import contextlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from paraduxd.api.calls import JsonObject
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.supervisor.keeper_answers import KeeperAnswers, answer
from paraduxd.supervisor.rpc import service
from paraduxd.supervisor.rpc.service import Calls, Services
from paraduxd.supervisor.runs.run_waiters import MAX_PER_USER, RunWaiters
from tests.supervisor.runs.running import Rig, dataset, destination, plan

MEMBER, ANOTHER = os.geteuid() + 4242, os.geteuid() + 4243
OWNERS = sorted({0, os.geteuid()})


class Asking:
    """The calls of a running supervisor."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.waiters = RunWaiters()
        others = cast(Any, None)
        self.calls = Calls(
            Services(
                rig.dispatcher,
                cast(Any, lambda _: {}),
                cast(Any, lambda _: {}),
                lambda: None,
                cast(Any, dict),
                others,
                others,
                self.waiters,
            )
        )

    def __call__(self, uid: int, name: str, **arguments: Any) -> dict[str, Any]:
        reply: dict[str, Any] = json.loads(self.calls.handle(Peer(1, uid, uid), name, json.dumps(arguments)))["reply"]
        return reply

    def for_keeper(self, name: str, **arguments: Any) -> JsonObject:
        """What the keeper is answered, which asks for somebody with the passphrase."""
        rig, other = self.rig, cast(Any, None)
        answers = KeeperAnswers(rig.dispatcher, other, rig.journal, other, other, rig.clock, other, other)
        return answer(answers, name, arguments)

    def backup(self, uid: int, **more: Any) -> list[int]:
        numbers: list[int] = self(uid, "backup", **more)["runs"]
        return numbers


@pytest.fixture
def ask(tmp_path: Path) -> Asking:
    rig = Rig(tmp_path)
    rig.run_by(plan(dataset("home", [destination("disk"), destination("cloud")]), dataset("photos")))
    return Asking(rig)


def test_what_others_have_made_is_not_a_members(ask: Asking) -> None:
    with pytest.raises(ParaduxError) as refused:
        ask(MEMBER, "versions", dataset="photos", others=True)
    assert refused.value.code == "not-allowed"
    assert ask(MEMBER, "versions", dataset="photos", others=False)["runs"]
    ask.rig.workers.done("photos", "versions")
    (number,) = ask(OWNERS[0], "versions", dataset="photos", others=True)["runs"]
    laptop = {"id": "1a2b3c4d", "time": "2026-01-01T00:00:00Z", "origin": "old-laptop: /home/fred"}
    ask.rig.workers.done("photos", "versions", others=[laptop])
    for name, asked in (("runs", {"runs": [number]}), ("history", {})):
        assert "old-laptop" in json.dumps(ask(OWNERS[0], name, **asked))
        assert "old-laptop" not in json.dumps(ask(MEMBER, name, **asked))


def test_a_deep_check_is_not_a_members(ask: Asking) -> None:
    with pytest.raises(ParaduxError) as refused:
        ask(MEMBER, "verify", deep=True)
    assert (refused.value.code, refused.value.exit_code) == ("not-allowed", ExitCode.NOT_AUTHORIZED)
    assert ask.rig.workers.orders == []
    assert ask(MEMBER, "verify", dataset="photos", deep=False)["runs"]
    assert ask.for_keeper("verify", dataset="home", deep=True)["runs"], "with the passphrase"


@pytest.mark.parametrize("uid", OWNERS)
def test_a_deep_check_is_the_owners(ask: Asking, uid: int) -> None:
    assert ask(uid, "verify", deep=True)["runs"]


def test_what_is_unfinished_is_told_to_every_member(ask: Asking) -> None:
    assert ask(MEMBER, "unfinished") == {"runs": []}
    pull, push, other = ask.backup(MEMBER, datasets=["home"])
    runs = ask(ANOTHER, "unfinished")["runs"]
    assert [(run["run"], run["state"]) for run in runs] == [(pull, "running"), (push, "queued"), (other, "queued")]
    ask(MEMBER, "cancel", runs=[push])
    assert push not in {run["run"] for run in ask(MEMBER, "unfinished")["runs"]}


def test_a_run_that_ended_before_the_call_is_not_waited_for(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "LONGEST_WAIT", 3600)
    pull, push, _ = ask.backup(MEMBER, datasets=["home"])
    ask(MEMBER, "cancel", runs=[push])
    assert ask(ANOTHER, "await_end", runs=[pull, push]) == {"waited": True}


def test_who_waits_hears_of_the_end(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "LONGEST_WAIT", 3600)
    runs = ask.backup(MEMBER, datasets=["home"])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, ANOTHER, "await_end", runs=runs)
        ask.rig.workers.done("home", "pull", files=1)
        assert waiting.result(60) == {"waited": True}


def test_few_calls_of_one_user_wait_at_once(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "LONGEST_WAIT", 0)
    runs = ask.backup(MEMBER, datasets=["home"])
    with contextlib.ExitStack() as others:
        for _ in range(MAX_PER_USER):
            assert others.enter_context(ask.waiters.one_more(MEMBER))
        assert ask(MEMBER, "await_end", runs=runs) == {"waited": False}
        assert ask(ANOTHER, "await_end", runs=runs) == {"waited": True}
    assert ask(MEMBER, "await_end", runs=runs) == {"waited": True}


def test_a_member_ends_what_he_asked_for(ask: Asking) -> None:
    pull, push, _ = numbers = ask.backup(MEMBER, datasets=["home"])
    assert ask(MEMBER, "cancel", runs=numbers) == {"left": []}
    assert ask.rig.workers.cancelled == [pull]
    assert ask.rig.state(push) == "cancelled"


@pytest.mark.parametrize("uid", [0, ANOTHER])
def test_a_member_does_not_end_what_others_asked_for(ask: Asking, uid: int) -> None:
    theirs = ask.backup(uid, datasets=["home"])
    mine = ask.backup(MEMBER, datasets=["photos"])
    assert ask(MEMBER, "cancel", runs=theirs + mine) == {"left": theirs}
    assert ask.rig.workers.cancelled == mine[:1]
    assert {ask.rig.state(number) for number in theirs} == {"running", "queued"}


def test_what_the_schedule_does_is_roots(ask: Asking) -> None:
    ask.rig.pulled("home")
    ask.backup(0, datasets=["home"], pull_only=True)
    ask.rig.dispatcher.scheduled([(("home", "push", "disk"), "schedule")])
    (push,) = ask.backup(MEMBER, datasets=["home"], destination="disk", push_only=True)
    assert ask(MEMBER, "cancel", runs=[push])["left"] == [push]
    assert ask.rig.state(push) == "queued"


def test_a_run_that_others_want_too_is_no_longer_his(ask: Asking) -> None:
    _, push, _ = ask.backup(MEMBER, datasets=["home"])
    assert push in ask.backup(0, datasets=["home"])
    assert ask(MEMBER, "cancel", runs=[push])["left"] == [push]


def test_a_run_that_others_wait_for_goes_on(ask: Asking) -> None:
    ask.rig.pulled("home", "photos")
    ask.backup(ANOTHER, datasets=["home"], push_only=True)
    (pull,) = ask.backup(MEMBER, datasets=["home"], pull_only=True)
    waits = ask.backup(0, datasets=["home"])
    assert pull in waits
    assert ask(MEMBER, "cancel", runs=[pull])["left"] == [pull]


@pytest.mark.parametrize("uid", OWNERS)
def test_the_owner_ends_everything(ask: Asking, uid: int) -> None:
    numbers = ask.backup(MEMBER, datasets=["home"])
    assert ask(uid, "cancel", runs=numbers) == {"left": []}
    assert ask.rig.workers.cancelled == numbers[:1]


def test_with_the_passphrase_everything_is_ended(ask: Asking) -> None:
    numbers = ask.backup(ANOTHER, datasets=["home"])
    assert ask.for_keeper("cancel", runs=numbers) == {"left": []}
    assert ask.rig.workers.cancelled == numbers[:1]


def test_a_restart_gives_what_was_queued_to_root(ask: Asking) -> None:
    ask.backup(MEMBER, datasets=["photos"])
    ask.rig.restart(plan(dataset("photos")))
    again = [run.run for run in ask.rig.dispatcher.history() if run.state in ("queued", "running")]
    asking = Asking(ask.rig)
    assert again and asking(MEMBER, "cancel", runs=again)["left"] == sorted(again)


def test_root_restores_for_whoever_called_it_through_sudo_and_nobody_else_says_so(ask: Asking) -> None:
    wanted = {"dataset": "home", "to": "/home/alice/back", "on_behalf_of": 1000}
    assert ask(0, "restore", **wanted)["runs"]
    assert ask.rig.workers.orders[-1].arguments["uid"] == 1000
    with pytest.raises(ParaduxError) as refused:
        ask(MEMBER, "restore", **wanted)
    assert refused.value.code == "not-allowed"
