"""Who may ask the keeper for what; the same check stands before every call."""

from __future__ import annotations

import inspect
import os
import typing
from typing import Any, cast

import pytest

from paraduxd.api.contract import KEEPER, SUPERVISOR, Call
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.effects.ipc.keeper_questions import QUESTIONS
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.keeper import handlers as keeper_handlers
from paraduxd.keeper.dispatch import Conversation
from paraduxd.keeper.runtime.incoming_passphrases import acceptable, encoded
from paraduxd.keeper.runtime.session import Session
from paraduxd.supervisor import keeper_answers
from paraduxd.supervisor.rpc import service as rpc_handlers

STRANGER = os.geteuid() + 4242
SAMPLES: dict[type, Any] = {str: "x", int: 1, bool: False, list: [], dict: {}}


def conversation(uid: int) -> Conversation:
    """A connection of this user, on which nobody has authorized."""
    session = Session(lambda _: None)
    return Conversation(Peer(1, uid, uid), session.enter(uid), session, cast(Any, None))


def ask(uid: int, name: object, arguments: object) -> ParaduxError:
    """What a call is refused with."""
    with pytest.raises(ParaduxError) as refused:
        conversation(uid).answer({"call": name, "arguments": arguments}, lambda _: None)
    return refused.value


def arguments_of(name: str) -> dict[str, Any]:
    return {field: SAMPLES[kind.kind] for field, kind in KEEPER[name].fields.items()}


@pytest.mark.parametrize("name", [name for name, call in KEEPER.items() if call.access == "authorized"])
@pytest.mark.parametrize("uid", [0, os.geteuid(), STRANGER])
def test_nothing_that_is_secret_without_the_passphrase(name: str, uid: int) -> None:
    refused = ask(uid, name, arguments_of(name))
    assert (refused.code, refused.exit_code) == ("not-authorized", ExitCode.NOT_AUTHORIZED)


@pytest.mark.parametrize("name", [name for name, call in KEEPER.items() if call.access == "owner"])
def test_only_the_owner_sets_up(name: str) -> None:
    refused = ask(STRANGER, name, arguments_of(name))
    assert (refused.code, refused.exit_code) == ("not-allowed", ExitCode.NOT_AUTHORIZED)


CONTRACTS = (
    (SUPERVISOR, rpc_handlers.Handlers),
    (KEEPER, keeper_handlers.Handlers),
    (QUESTIONS, keeper_answers.KeeperAnswers),
)


@pytest.mark.parametrize(("calls", "handlers"), CONTRACTS)
def test_every_call_of_a_contract_has_a_handler_with_its_arguments_and_reply(
    calls: dict[str, Call], handlers: type
) -> None:
    for name, call in calls.items():
        handler = getattr(handlers, name)
        assert list(inspect.signature(handler).parameters) == ["self", *call.fields], name
        assert typing.get_type_hints(handler)["return"] is call.reply_type(), name


def test_every_access_level_is_one_that_is_checked() -> None:
    assert {call.access for call in KEEPER.values()} == {"member", "asker", "owner", "authorized"}
    assert {name for name, call in KEEPER.items() if call.access == "member"} == {"hello", "authorize"}
    assert {name for name, call in KEEPER.items() if call.access == "asker"} == {"drill_cancel", "lock"}


@pytest.mark.parametrize(
    "name", ["", "no-such", "__init__", "answer", "check_access", None, 1, ["hello"], {"hello": 1}]
)
def test_what_is_not_in_the_table_is_no_call(name: object) -> None:
    assert ask(0, name, {}).code == "bad-request"


@pytest.mark.parametrize(
    "arguments", [None, [], "x", {"passphrase": 1}, {"passphrase": None}, {"passphrase": "x", "more": 1}]
)
def test_arguments_of_another_kind_are_refused(arguments: object) -> None:
    assert ask(0, "authorize", arguments).code == "bad-request"


def test_half_of_a_surrogate_pair_is_no_passphrase() -> None:
    with pytest.raises(ParaduxError) as refused:
        encoded("\ud800")
    assert refused.value.code == "bad-passphrase"
    assert "\\ud800" not in repr(refused.value)


@pytest.mark.parametrize("new", ["seven c", "aaaaaaaa", "abcdabcdabcdabcd", "Fred Myself", " fred@EXAMPLE.org"])
def test_what_is_guessed_at_once_is_no_new_passphrase(new: str) -> None:
    with pytest.raises(ParaduxError) as refused:
        acceptable(new, "Fred Myself", "fred@example.org")
    assert refused.value.code == "bad-passphrase"
    assert new not in repr(refused.value)


def test_what_is_not_guessed_at_once_is_one() -> None:
    assert acceptable("correct horse battery staple", "Fred Myself", "") == b"correct horse battery staple"
