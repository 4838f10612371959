"""When the keeper ends, and who may work with the open config until then."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from paraduxd.keeper.runtime import session as sessions
from paraduxd.keeper.runtime.opened import Opened
from paraduxd.keeper.runtime.session import GRACE, LONGEST_SAVE, START, UNASKED, Session

OWNER, OTHER = 1000, 2000
UNLOCK_FOR = 900


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 50_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(clock: Clock) -> Session:
    return Session(lambda _: None, clock)


def opened() -> Opened:
    config = SimpleNamespace(policy=SimpleNamespace(unlock_for=UNLOCK_FOR))
    return Opened(cast(Any, None), cast(Any, config), {"a": "secret"}, "secret")


def test_a_new_keeper_waits_for_the_connection_it_was_started_for(session: Session) -> None:
    assert session.seconds_left() == START + GRACE


def test_a_person_who_answers_questions_is_waited_for(session: Session, clock: Clock) -> None:
    session.enter(OWNER)
    clock.now += 1000
    assert session.seconds_left() == UNASKED - 1000
    session.asked()
    assert session.seconds_left() == UNASKED


def test_a_passphrase_counts_on_its_own_connection_only(session: Session) -> None:
    mine, anothers = session.enter(OWNER), session.enter(OWNER)
    session.hold(opened(), mine)
    assert session.covers(mine)
    assert not session.covers(anothers)


def test_authority_ends_with_its_time(session: Session, clock: Clock) -> None:
    visit = session.enter(OWNER)
    session.hold(opened(), visit)
    assert session.seconds_left() == UNLOCK_FOR
    clock.now += UNLOCK_FOR
    assert not session.covers(visit)
    assert session.seconds_left() <= 0


def test_the_keeper_ends_soon_after_its_last_authorized_connection(session: Session, clock: Clock) -> None:
    visit = session.enter(OWNER)
    session.hold(opened(), visit)
    clock.now += 10
    session.leave(visit)
    assert session.seconds_left() == GRACE


def test_somebody_without_authority_keeps_no_open_config_in_memory(session: Session, clock: Clock) -> None:
    owner = session.enter(OWNER)
    session.hold(opened(), owner)
    session.leave(owner)
    stranger = session.enter(OTHER)
    clock.now += GRACE
    session.asked()
    assert session.seconds_left() <= 0
    session.leave(stranger)
    assert session.seconds_left() <= 0


def test_a_window_covers_its_user_and_root_until_it_is_over(session: Session, clock: Clock) -> None:
    visit = session.enter(OWNER)
    session.hold(opened(), visit)
    session.unlock(OWNER, 60)
    session.leave(visit)
    assert session.seconds_left() == 60
    assert session.covers(session.enter(OWNER))
    assert session.covers(session.enter(0))
    assert not session.covers(session.enter(OTHER))
    clock.now += 60
    assert not session.covers(session.enter(OWNER))


def test_a_new_passphrase_takes_authority_from_those_who_gave_the_old_one(session: Session) -> None:
    mine, another = session.enter(OWNER), session.enter(OTHER)
    session.hold(opened(), another)
    session.unlock(OTHER, 60)
    session.hold(opened(), mine)
    session.revoke_others(mine)
    assert session.covers(mine)
    assert not session.covers(another)
    assert session.window is None


def test_a_save_is_finished_though_the_time_is_over(session: Session, clock: Clock) -> None:
    visit = session.enter(OWNER)
    session.hold(opened(), visit)
    with session.exclusive(), session.saving():
        clock.now += UNLOCK_FOR + 5
        assert session.seconds_left() == LONGEST_SAVE - UNLOCK_FOR - 5
    assert session.seconds_left() == GRACE


def test_a_save_that_hangs_does_not_keep_the_config_for_ever(session: Session, clock: Clock) -> None:
    with session.saving():
        clock.now += LONGEST_SAVE
        assert session.seconds_left() <= 0


def test_a_passphrase_that_is_being_tried_keeps_the_keeper_but_guessing_does_not(
    session: Session, clock: Clock
) -> None:
    session.hold(opened(), session.enter(OWNER))
    clock.now += UNLOCK_FOR
    with session.attempt(OTHER):
        assert session.seconds_left() <= 0, "an attempt that begins after the end prolongs nothing"


def test_the_process_ends_when_it_is_over(session: Session, clock: Clock) -> None:
    clock.now += START + GRACE
    codes: list[int] = []
    session.end_when_over(codes.append)
    assert codes == [0]


def test_a_config_of_nobody_makes_way_at_once_for_what_is_to_last(session: Session) -> None:
    ended = threading.Event()
    owner = session.enter(OWNER)
    session.hold(opened(), owner)
    watch = threading.Thread(target=session.end_when_over, args=(lambda _: ended.set(),))
    watch.start()
    session.make_way()
    assert not ended.is_set(), "somebody works with it"
    session.leave(owner)
    session.enter(OTHER)
    session.make_way()
    watch.join(GRACE)
    assert ended.is_set()


def test_a_keeper_without_a_config_does_not_make_way(session: Session) -> None:
    session.make_way()
    assert session.seconds_left() == START + GRACE


def test_nothing_of_the_config_shows_in_a_traceback() -> None:
    assert "secret" not in repr(opened())


def test_the_clock_counts_the_hours_of_sleep() -> None:
    assert sessions.boot_clock() > 0


def test_what_stays_is_authorized_for_as_long_as_who_asked_for_it(session: Session, clock: Clock) -> None:
    visit = session.enter(OWNER)
    session.hold(opened(), visit)
    clock.now += 100
    stays = session.stay_for(visit)
    session.leave(visit)
    assert session.covers(stays)
    assert session.seconds_left() == UNLOCK_FOR - 100
    clock.now += UNLOCK_FOR - 100
    assert not session.covers(stays)
    assert session.seconds_left() <= 0


def test_what_stays_ends_with_a_new_passphrase(session: Session) -> None:
    visit, other = session.enter(OWNER), session.enter(OWNER)
    session.hold(opened(), visit)
    stays = session.stay_for(visit)
    session.hold(opened(), other)
    session.revoke_others(other)
    assert not session.covers(stays)


def test_nobody_closes_what_another_opened(session: Session) -> None:
    owners, others = session.enter(OWNER), session.enter(OTHER)
    session.hold(opened(), owners)
    assert not session.close(OTHER)
    assert session.covers(owners) and session.seconds_left() == UNLOCK_FOR
    session.hold(opened(), others)
    session.unlock(OWNER, 60)
    assert not session.close(OTHER)
    assert not session.covers(others) and session.window is not None


def test_what_one_opened_alone_is_closed_at_once(session: Session) -> None:
    session.hold(opened(), session.enter(OTHER))
    session.unlock(OTHER, 60)
    assert session.close(OTHER)
    assert session.window is None and session.seconds_left() <= 0


def test_the_owner_closes_everything(session: Session) -> None:
    session.hold(opened(), session.enter(OTHER))
    session.unlock(OTHER, 60)
    with session.working():
        assert session.close()
        assert session.seconds_left() <= 0


def test_a_member_who_locks_again_and_again_stops_no_passphrase_that_is_tried(session: Session, clock: Clock) -> None:
    visit = session.enter(OWNER)
    with session.attempt(OWNER):
        for _ in range(10):
            session.enter(OTHER)
            session.close(OTHER)
            clock.now += 1
            assert session.seconds_left() > 0
        session.hold(opened(), visit)
    assert session.covers(visit)
