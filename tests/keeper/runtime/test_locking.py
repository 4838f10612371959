"""Who may close the open vault, as the keeper answers it."""

from __future__ import annotations

import os
from typing import Any, cast

import pytest

from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.keeper.dispatch import Conversation
from paraduxd.keeper.runtime.session import Session
from tests.keeper.runtime.test_session import opened

MEMBER, ANOTHER = os.geteuid() + 4242, os.geteuid() + 4243


def visitor(session: Session, uid: int) -> Conversation:
    return Conversation(Peer(1, uid, uid), session.enter(uid), session, cast(Any, None))


def lock(conversation: Conversation) -> dict[str, Any]:
    return conversation.answer({"call": "lock", "arguments": {}}, lambda _: None)


@pytest.fixture
def session() -> Session:
    return Session(lambda _: None)


def test_65_locks_of_a_member_leave_the_owner_at_work(session: Session) -> None:
    owner = visitor(session, 0)
    session.hold(opened(), owner.visit)
    session.unlock(0, 600)
    for _ in range(65):
        with pytest.raises(ParaduxError) as refused:
            lock(visitor(session, MEMBER))
        assert (refused.value.code, refused.value.exit_code) == ("not-allowed", ExitCode.NOT_AUTHORIZED)
    assert session.covers(owner.visit) and session.window is not None and session.seconds_left() > 500


def test_a_member_closes_what_he_opened_on_whichever_connection(session: Session) -> None:
    session.hold(opened(), visitor(session, MEMBER).visit)
    assert lock(visitor(session, MEMBER)) == {}
    assert session.seconds_left() <= 0


@pytest.mark.parametrize("uid", sorted({0, os.geteuid()}))
def test_the_owner_closes_what_anybody_opened(session: Session, uid: int) -> None:
    session.hold(opened(), visitor(session, MEMBER).visit)
    session.unlock(MEMBER, 600)
    assert lock(visitor(session, uid)) == {}
    assert session.seconds_left() <= 0


def test_with_the_passphrase_a_member_closes_everything(session: Session) -> None:
    session.hold(opened(), visitor(session, ANOTHER).visit)
    session.unlock(ANOTHER, 600)
    member = visitor(session, MEMBER)
    session.hold(opened(), member.visit)
    assert lock(member) == {}
    assert session.window is None and session.seconds_left() <= 0
