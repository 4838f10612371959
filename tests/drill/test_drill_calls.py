"""The keeper's part without places, and the client's."""

from __future__ import annotations

import os
from typing import Any

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.transfer_runs import Nothing
from paraduxd.core.config.managed import Managed, Shares
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.keeper.drill import drill_calls
from paraduxd.keeper.runtime.session import LONGEST_WORK, Session
from paraduxd.shares import slip39

SECRET = bytes(range(32))
WORDS = slip39.split(SECRET, 3)


def managed(**changes: Any) -> Managed:
    shares = {"threshold": 3, "words": WORDS, "issued": {"alice": 4, "bob": 0, "carol": 9, "dave": 15}, **changes}
    return Managed.model_construct(shares=Shares.model_validate(shares))


def test_any_shares_that_are_issued_give_the_secret() -> None:
    chosen = set()
    for _ in range(30):
        secret, who = drill_calls._combined(managed())
        assert secret == SECRET.hex()
        chosen.add(who)
    assert len(chosen) > 1, "chosen at random"
    assert all(len(who.split(", ")) == 3 for who in chosen)


def test_a_wrong_share_is_no_secret() -> None:
    other = slip39.split(bytes(32), 3)
    for wrong in (other[4], WORDS[4].replace("academic", "acid", 1), " ".join(WORDS[4].split()[:-1])):
        words = [*WORDS[:4], wrong, *WORDS[5:]]
        with pytest.raises(ParaduxError) as failed:
            drill_calls._combined(managed(words=words, issued={"alice": 4, "bob": 0, "carol": 9}))
        assert failed.value.code == "bad-shares"
        assert "alice" in failed.value.message
        assert not any(share in failed.value.message for share in words)


def test_too_few_shares() -> None:
    with pytest.raises(ParaduxError) as failed:
        drill_calls._combined(managed(issued={"alice": 4, "bob": 0}))
    assert failed.value.code == "not-enough-shares"


class Now:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_the_keeper_stays_for_a_drill_but_not_for_ever() -> None:
    clock = Now()
    session = Session(lambda _: None, clock)
    with session.working():
        clock.seconds += LONGEST_WORK - 10
        assert session.seconds_left() == 10
        clock.seconds += 20
        assert session.seconds_left() < 0
    assert session.seconds_left() <= 1


MEMBER = os.geteuid() + 4242


class Desk:
    """A connection of this user, on which nobody has authorized."""

    def __init__(self, uid: int) -> None:
        self.session = Session(lambda _: None)
        self.peer = Peer(1, uid, uid)
        self.visit = self.session.enter(uid)


def test_one_drill_at_a_time() -> None:
    desk, others = Desk(MEMBER), Desk(MEMBER + 1)
    with drill_calls._one(desk), pytest.raises(ParaduxError) as failed, drill_calls._one(desk):  # type: ignore[arg-type]
        pass
    assert failed.value.code == "busy"
    with drill_calls._one(desk):  # type: ignore[arg-type]
        with pytest.raises(ParaduxError) as failed:
            drill_calls.drill_cancel(others)  # type: ignore[arg-type]
        assert failed.value.code == "not-allowed"
        assert not drill_calls._cancelled.is_set()
        assert drill_calls.drill_cancel(desk) == Nothing()  # type: ignore[arg-type]
        assert drill_calls._cancelled.is_set()
        for uid in (0, os.geteuid()):
            drill_calls._cancelled.clear()
            drill_calls.drill_cancel(Desk(uid))  # type: ignore[arg-type]
            assert drill_calls._cancelled.is_set()
