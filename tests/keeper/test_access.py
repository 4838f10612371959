"""Every call of both sockets by everybody who could make it. The tables say it a second time on purpose: a changed right shows here."""

from __future__ import annotations

import json
import logging
import os
from types import SimpleNamespace
from typing import Any, cast

import pytest

from paraduxd.api.contract import KEEPER, SUPERVISOR, Call
from paraduxd.api.errors import ParaduxError
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.keeper.dispatch import Conversation
from paraduxd.keeper.runtime.session import Session
from paraduxd.supervisor.rpc.service import Calls, Services

MEMBER, ANOTHER = os.geteuid() + 4242, os.geteuid() + 4243
SAMPLES: dict[type, Any] = {str: "x", int: 1, bool: False, list: [], dict: {}}
REFUSALS = {"not-allowed", "not-authorized"}

ALL = {"member", "root", "with the passphrase", "in his window", "beside a window", "root in a window"}
OWNER = {"root", "root in a window"}
OPEN = {"with the passphrase", "in his window", "root in a window"}
KEEPER_RIGHTS = {
    **dict.fromkeys(("hello", "authorize", "drill_cancel"), ALL),
    "lock": ALL - {"beside a window"},
    **dict.fromkeys(("setup", "preview_setup", "setup_protocols", "setup_places", "setup_try", "drill_kits"), OWNER),
    **dict.fromkeys(
        ("recover_add", "recover_device", "recover_state", "recover_prove", "recover_commit", "recover_cancel"), OWNER
    ),
    **dict.fromkeys(("preview", "save", "document", "show", "unlock", "passphrase", "restore", "drill"), OPEN),
    **dict.fromkeys(("kits_directory", "kits_confirm", "kits_arm", "approve", "prune", "verify", "cancel"), OPEN),
    **dict.fromkeys(("rotate", "rotate_cancel", "ask", "confirm", "look"), OPEN),
}
MEMBERS_OF_SUPERVISOR = {
    "status",
    "overview",
    "history",
    "unfinished",
    "page",
    "backup",
    "runs",
    "await_end",
    "cancel",
    "versions",
    "verify",
    "publish",
    "stewards",
    "whatif",
}
SILENT = {"status", "overview", "history", "unfinished", "runs", "await_end", "stewards", "whatif", "page"}
OTHERWISE: dict[str, Any] = {"restore": {"at": None}, "look": {"question": {"ask": "ls"}}}


def arguments_of(call: Call) -> dict[str, Any]:
    return {name: SAMPLES[field.kind] for name, field in call.fields.items()}


def conversation(who: str) -> Conversation:
    """A connection to a keeper that holds a config, if anybody has opened it."""
    session = Session(lambda _: None)
    uid = 0 if who.startswith("root") else MEMBER
    visit = session.enter(uid)
    opened = cast(Any, SimpleNamespace(config=SimpleNamespace(policy=SimpleNamespace(unlock_for=600))))
    if who == "with the passphrase":
        session.hold(opened, visit)
    elif who not in ("member", "root"):
        gone = session.enter(ANOTHER)
        session.hold(opened, gone)
        session.leave(gone)
        session.unlock(MEMBER if who == "in his window" else ANOTHER, 600)
    return Conversation(Peer(1, uid, uid), visit, session, cast(Any, None))


def refused(who: str, name: str) -> bool:
    """Whether the call is refused; what is let in meets no vault here and fails in some other way, or is done."""
    try:
        conversation(who).answer(
            {"call": name, "arguments": {**arguments_of(KEEPER[name]), **OTHERWISE.get(name, {})}}, lambda _: None
        )
    except ParaduxError as problem:
        return problem.code in REFUSALS
    except Exception:
        return False
    return False


@pytest.mark.parametrize("name", sorted(KEEPER))
def test_who_may_ask_the_keeper(name: str) -> None:
    assert {who for who in ALL if not refused(who, name)} == KEEPER_RIGHTS[name]


class Takes:
    """Stands for what carries calls out: notes what it is asked, and for whom."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.engine = self

    def __getattr__(self, name: str) -> Any:
        def method(*plain: object, **more: Any) -> list[int]:
            self.asked.append((plain, more))
            return []

        return method


def ask_supervisor(uid: int, name: str, arguments: dict[str, Any]) -> Takes:
    taken = Takes()
    calls = Calls(
        Services(
            cast(Any, taken),
            cast(Any, lambda _: {}),
            cast(Any, lambda _: {}),
            lambda: None,
            cast(Any, dict),
            cast(Any, taken),
            cast(Any, lambda _: {}),
        )
    )
    calls.handle(Peer(1, uid, uid), name, json.dumps(arguments))
    return taken


@pytest.mark.parametrize("name", sorted(SUPERVISOR))
def test_who_may_ask_the_supervisor(name: str) -> None:
    arguments = {**arguments_of(SUPERVISOR[name]), **OTHERWISE.get(name, {})}
    ask_supervisor(0, name, arguments)
    if name in MEMBERS_OF_SUPERVISOR:
        ask_supervisor(MEMBER, name, arguments)
    else:
        with pytest.raises(ParaduxError) as told:
            ask_supervisor(MEMBER, name, arguments)
        assert told.value.code == "not-allowed"


@pytest.mark.parametrize("name", ["backup", "cancel", "versions", "verify", "publish", "page"])
def test_nobody_asks_in_the_name_of_another(name: str) -> None:
    arguments = arguments_of(SUPERVISOR[name])
    assert str(MEMBER) in repr(ask_supervisor(MEMBER, name, arguments).asked)
    with pytest.raises(ParaduxError):
        ask_supervisor(MEMBER, name, {**arguments, "uid": 0})


@pytest.mark.parametrize("name", sorted(set(SUPERVISOR) - SILENT))
def test_the_log_names_who_asked_the_supervisor(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    arguments = {**arguments_of(SUPERVISOR[name]), **OTHERWISE.get(name, {})}
    allowed = name in MEMBERS_OF_SUPERVISOR
    try:
        ask_supervisor(MEMBER, name, arguments)
    except ParaduxError:
        assert not allowed
    assert caplog.messages == [f"uid {MEMBER} {'asks for' if allowed else 'was refused'} {name}"]


@pytest.mark.parametrize("name", sorted(set(KEEPER) - {"hello", "authorize"}))
@pytest.mark.parametrize("who", ["member", "with the passphrase", "root"])
def test_the_log_names_who_asked_the_keeper(name: str, who: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    uid = 0 if who == "root" else MEMBER
    told = f"uid {uid} {'was refused' if refused(who, name) else 'asks for'} {name}"
    assert told in caplog.messages
    assert len([each for each in caplog.messages if each.startswith("uid ")]) == 1
