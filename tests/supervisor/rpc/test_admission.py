"""Who gets in when many are in already."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator

import pytest

from paraduxd.effects.ipc.connection_limits import (
    MAX_LEAVING,
    MAX_OTHERS,
    MAX_OWNER,
    MAX_PER_USER,
    ConnectionLimiter,
    LimitedConnection,
)
from paraduxd.effects.ipc.unix_sockets import Peer
from tests.supervisor.rpc.rig import hung_up

ALICE, BOB, CAROL, DAVE = (os.geteuid() + 1000 + number for number in range(4))


class House:
    """An admission, and both ends of every connection."""

    def __init__(self) -> None:
        self.admission = ConnectionLimiter()
        self.clients: dict[LimitedConnection, socket.socket] = {}
        self.busy = contextlib.ExitStack()

    def comes(self, uid: int) -> LimitedConnection | None:
        """Somebody new, if let in."""
        guest = self.stands_outside(uid)
        return guest if self.admission.enter(guest) else None

    def stands_outside(self, uid: int) -> LimitedConnection:
        """Somebody new who has not entered yet."""
        ours, theirs = socket.socketpair()
        guest = LimitedConnection(ours, Peer(1, uid, uid))
        self.clients[guest] = theirs
        return guest

    def fill(self, uid: int, count: int) -> list[LimitedConnection]:
        """Many of one user."""
        guests = [self.comes(uid) for _ in range(count)]
        assert None not in guests
        return [guest for guest in guests if guest is not None]

    def fill_busy(self, uid: int, count: int) -> None:
        """Many of one user whose calls are being answered to the end of the test."""
        for guest in self.fill(uid, count):
            self.busy.enter_context(guest.busy())

    def dismissed(self) -> list[LimitedConnection]:
        """Whom the server has hung up on; each leaves, as its thread would do."""
        gone = [guest for guest, client in self.clients.items() if hung_up(client)]
        for guest in gone:
            self.admission.leave(guest)
            self.clients.pop(guest).close()
        return gone


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    for guest, client in house.clients.items():
        client.close()
        guest.connection.close()


def test_up_to_the_limit_nobody_goes(house: House) -> None:
    house.fill(ALICE, MAX_PER_USER)
    house.fill(BOB, MAX_PER_USER)
    house.fill(CAROL, MAX_OTHERS - 2 * MAX_PER_USER)
    house.fill(0, MAX_OWNER)
    assert house.dismissed() == []


def test_one_too_many_of_a_user_costs_the_one_that_waits_longest(house: House) -> None:
    bob = house.fill(BOB, 1)
    first, *_ = house.fill(ALICE, MAX_PER_USER)
    with first.busy():
        pass
    house.fill(ALICE, 1)
    [gone] = house.dismissed()
    assert gone not in (first, *bob)
    assert gone.peer.uid == ALICE


def test_who_is_being_answered_stays_and_a_newcomer_does_not_get_in(house: House) -> None:
    house.fill_busy(ALICE, MAX_PER_USER)
    assert house.comes(ALICE) is None
    assert house.dismissed() == []
    assert house.comes(BOB) is not None


def test_when_the_house_is_full_whoever_has_most_gives_way(house: House) -> None:
    house.fill(BOB, MAX_PER_USER - 1)
    house.fill(ALICE, MAX_PER_USER)
    house.fill(CAROL, MAX_OTHERS - 2 * MAX_PER_USER + 1)
    assert house.comes(DAVE) is not None
    [gone] = house.dismissed()
    assert gone.peer.uid in (ALICE, CAROL)


@pytest.mark.parametrize("owner", sorted({0, os.geteuid()}))
def test_the_owner_gets_in_when_all_others_are_there_and_busy(house: House, owner: int) -> None:
    for uid in (ALICE, BOB, CAROL):
        house.fill_busy(uid, MAX_PER_USER)
    assert house.comes(DAVE) is None
    house.fill(owner, MAX_OWNER)
    assert house.dismissed() == []


def test_who_has_left_takes_no_place(house: House) -> None:
    for guest in house.fill(ALICE, MAX_PER_USER):
        house.admission.leave(guest)
        house.clients.pop(guest).close()
    house.fill(ALICE, MAX_PER_USER)
    assert house.dismissed() == []


def test_a_flood_waits_until_the_dismissed_have_closed(house: House) -> None:
    house.fill(ALICE, MAX_PER_USER + MAX_LEAVING)
    entering = threading.Thread(target=house.admission.enter, args=(house.stands_outside(BOB),))
    entering.start()
    entering.join(0.2)
    assert entering.is_alive()
    assert len(house.dismissed()) == MAX_LEAVING
    entering.join()


def test_making_room_dismisses_one_that_waits(house: House) -> None:
    house.fill_busy(ALICE, 1)
    [second] = house.fill(ALICE, 1)
    house.admission.make_room()
    assert house.dismissed() == [second]
    house.admission.make_room()
    assert house.dismissed() == []
