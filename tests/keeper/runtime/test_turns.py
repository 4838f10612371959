"""Who tries a passphrase next."""

from __future__ import annotations

import threading

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.keeper.runtime.turns import MOST_WAITING, Turns

OWNER, FIRST, SECOND = 1000, 2000, 3000
PATIENCE = 30


class Trying:
    """Users who try one after another; the first one holds its turn until the others wait."""

    def __init__(self) -> None:
        self.turns = Turns(frozenset({0, OWNER}))
        self.order: list[int] = []
        self.together = 0
        self.threads: list[threading.Thread] = []

    def wait(self, uid: int) -> None:
        """Begin to wait; returns when it does."""
        waiting = len(self.turns._waiting) + 1
        thread = threading.Thread(target=self._try, args=(uid,), daemon=True)
        self.threads.append(thread)
        thread.start()
        while len(self.turns._waiting) < waiting:
            thread.join(0.001)

    def _try(self, uid: int) -> None:
        with self.turns.turn(uid):
            self.together += 1
            assert self.together == 1, "two at a time"
            self.order.append(uid)
            self.together -= 1

    def finish(self) -> list[int]:
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        return self.order


def test_the_owner_waits_for_one_try_of_others_and_no_more() -> None:
    trying = Trying()
    with trying.turns.turn(FIRST):
        for uid in (FIRST, SECOND, SECOND + 1, SECOND + 2, OWNER):
            trying.wait(uid)
    assert trying.finish()[0] == OWNER


def test_root_is_an_owner() -> None:
    trying = Trying()
    with trying.turns.turn(OWNER):
        trying.wait(FIRST)
        trying.wait(0)
    assert trying.finish() == [0, FIRST]


def test_one_who_guesses_on_many_connections_keeps_no_other_member_waiting() -> None:
    trying = Trying()
    with trying.turns.turn(FIRST):
        for uid in (FIRST, FIRST, FIRST, SECOND):
            trying.wait(uid)
    assert trying.finish() == [SECOND, FIRST, FIRST, FIRST]


def test_a_try_that_fails_gives_its_turn_on() -> None:
    trying = Trying()
    try:
        with trying.turns.turn(FIRST):
            trying.wait(SECOND)
            raise ValueError
    except ValueError:
        pass
    assert trying.finish() == [SECOND]


def test_one_user_does_not_fill_the_queue() -> None:
    """Each waiting try holds a connection: 48 of them, of three members, kept every other member out."""
    trying = Trying()
    with trying.turns.turn(SECOND):
        for _ in range(MOST_WAITING):
            trying.wait(FIRST)
        with pytest.raises(ParaduxError) as refused, trying.turns.turn(FIRST):
            pass
        trying.wait(SECOND)
        for _ in range(MOST_WAITING + 2):
            trying.wait(OWNER)
    assert refused.value.code == "busy"
    assert sorted(trying.finish()) == sorted([OWNER] * (MOST_WAITING + 2) + [FIRST] * MOST_WAITING + [SECOND])
