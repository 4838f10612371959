"""Which events make an arrival; times are the test's own."""

from __future__ import annotations

from paraduxd.core.devices.arrivals import LONGEST, SETTLE, Arrivals


def arrived(arrivals: Arrivals, disk: str, now: float = 0.0) -> None:
    arrivals.disk("add", disk, has_medium=True, now=now)


def test_a_disk_is_told_once_when_it_has_been_quiet() -> None:
    arrivals = Arrivals()
    arrived(arrivals, "sdb")
    arrivals.stirred("sdb", 1.0)
    assert arrivals.wait(1.0) == SETTLE
    assert arrivals.due(SETTLE) == (), "its partition has just come"
    assert arrivals.due(1.0 + SETTLE) == ("sdb",)
    arrivals.disk("change", "sdb", has_medium=True, now=5.0)
    arrivals.stirred("sdb", 5.0)
    assert (arrivals.due(99.0), arrivals.wait(99.0)) == ((), None), "somebody only wrote to it"


def test_a_disk_that_is_never_quiet_is_told_all_the_same() -> None:
    arrivals = Arrivals()
    arrived(arrivals, "sdb")
    for tenth in range(int(LONGEST * 10)):
        assert arrivals.due(tenth / 10) == ()
        arrivals.disk("change", "sdb", has_medium=True, now=tenth / 10)
    assert arrivals.due(LONGEST) == ("sdb",)


def test_what_was_there_before_is_never_told_but_counts_as_being_there() -> None:
    arrivals = Arrivals(["sda"])
    arrivals.disk("change", "sda", has_medium=True, now=0.0)
    arrived(arrivals, "sdb")
    assert arrivals.there == {"sda", "sdb"}
    assert arrivals.due(9.0) == ("sdb",)


def test_pulled_out_and_plugged_in_again_is_a_new_arrival() -> None:
    arrivals = Arrivals(["sdb"])
    arrivals.disk("remove", "sdb", has_medium=False, now=0.0)
    assert arrivals.there == frozenset()
    arrived(arrivals, "sdb", 1.0)
    assert arrivals.due(9.0) == ("sdb",)


def test_one_that_is_pulled_out_before_it_was_told_is_not_told() -> None:
    arrivals = Arrivals()
    arrived(arrivals, "sdb")
    arrivals.disk("remove", "sdb", has_medium=False, now=0.5)
    assert (arrivals.due(9.0), arrivals.there) == ((), frozenset())


def test_a_card_reader_is_no_stick_until_a_card_is_in_it() -> None:
    arrivals = Arrivals()
    arrivals.disk("add", "sdb", has_medium=False, now=0.0)
    assert (arrivals.due(9.0), arrivals.there) == ((), frozenset())
    arrivals.disk("change", "sdb", has_medium=True, now=10.0)
    assert arrivals.due(19.0) == ("sdb",)


def test_an_event_of_a_partition_alone_makes_no_arrival() -> None:
    arrivals = Arrivals()
    arrivals.stirred("sdb", 0.0)
    assert (arrivals.due(9.0), arrivals.there) == ((), frozenset())
