"""Which queued runs may start: conflicts, limits, lanes, order."""

from __future__ import annotations

import itertools
import random

import pytest

from paraduxd.core.plan.model import Limits
from paraduxd.core.runs.queue import Request, conflict, startable

LIMITS = Limits(transfers=4, per_place=2)


def pull(number: int, dataset: str = "home", **more: object) -> Request:
    return Request(number, dataset, "pull", "source", **{"place": f"host-{number}", **more})  # type: ignore[arg-type]


def push(number: int, dataset: str = "home", to: str = "disk", **more: object) -> Request:
    return Request(number, dataset, "push", to, **{"place": f"host-{number}", **more})  # type: ignore[arg-type]


def numbers(requests: tuple[Request, ...]) -> list[int]:
    return [request.number for request in requests]


def started(queued: list[Request], running: list[Request] | None = None, limits: Limits = LIMITS) -> list[int]:
    return numbers(startable(queued, running or [], limits))


def test_pull_excludes_pushes_of_its_dataset_and_the_other_way_round() -> None:
    assert started([push(2)], [pull(1)]) == []
    assert started([pull(2)], [push(1)]) == []
    assert started([push(2, "photos")], [pull(1)]) == [2]


def test_pull_excludes_restore_from_staging_only() -> None:
    assert started([Request(2, "home", "restore", "staging")], [pull(1)]) == []
    assert started([Request(2, "home", "restore", "disk")], [pull(1)]) == [2]
    assert started([Request(2, "home", "restore", "staging")], [push(1)]) == [2]


def test_pushes_of_one_dataset_to_different_places_run_together() -> None:
    assert started([push(1, to="disk"), push(2, to="cloud")]) == [1, 2]


@pytest.mark.parametrize("step", ["push", "verify", "versions", "restore"])
def test_never_two_runs_at_the_same_location(step: str) -> None:
    assert started([Request(2, "home", step, "disk")], [push(1, to="disk")]) == []


def test_limit_in_all() -> None:
    assert started([pull(number, f"d{number}") for number in range(1, 10)]) == [1, 2, 3, 4]
    running = [pull(number, f"r{number}") for number in range(3)]
    assert started([pull(10, "a"), pull(11, "b")], running) == [10]


def test_limit_per_place_does_not_stop_others() -> None:
    queued = [push(number, f"d{number}", place="nas") for number in range(1, 4)] + [push(9, "other", place="cloud")]
    assert started(queued) == [1, 2, 9]


def test_local_counts_in_all_only() -> None:
    assert started([push(number, f"d{number}", place="local") for number in range(1, 7)]) == [1, 2, 3, 4]


def test_light_runs_and_restores_are_not_stuck_behind_transfers() -> None:
    running = [pull(number, f"d{number}") for number in range(1, 5)]
    light = [
        Request(10, "home", "versions", "disk"),
        Request(11, "", "publish", "friend"),
        Request(12, "", "hostkeys", ""),
        Request(13, "home", "restore", "cloud"),
    ]
    assert started(light, running) == [10, 11, 12, 13]


def test_light_lane_has_a_limit_too() -> None:
    assert started([Request(number, "", "publish", f"stash-{number}") for number in range(1, 9)]) == [1, 2, 3, 4]


def test_manual_first_then_first_come_first_served() -> None:
    queued = [pull(3, "c"), pull(1, "a"), pull(2, "b", manual=True)]
    assert started(queued, limits=Limits(transfers=2)) == [2, 1]


def test_push_waits_for_its_pull() -> None:
    assert started([pull(1), push(2, after=1)]) == [1]
    assert started([push(2, after=1)], [pull(1)]) == []
    assert started([push(2, after=1)]) == [2]


def test_waiting_pull_is_not_overtaken_by_more_pushes() -> None:
    assert started([pull(2), push(3, to="cloud")], [push(1, to="disk")]) == []


def test_manual_push_behind_a_scheduled_pull_does_not_lock_both() -> None:
    assert started([pull(1), push(2, after=1, manual=True)]) == [1]


def test_same_request_has_same_identity() -> None:
    assert pull(1).identity == pull(2, manual=True).identity
    assert Request(1, "home", "verify", "disk").identity != Request(2, "home", "verify", "disk", detail="deep").identity


def test_whatever_is_chosen_never_conflicts_nor_exceeds_limits() -> None:
    steps = [("pull", "source"), ("push", "a"), ("push", "b"), ("verify", "a"), ("restore", "staging")]
    everything = [
        Request(number, dataset, step, location, place=f"host-{location}")
        for number, (dataset, (step, location)) in enumerate(itertools.product("xyz", steps))
    ]
    dice = random.Random(7)
    for _ in range(500):
        order = dice.sample(everything, 8)
        chosen = startable(order, [], Limits(transfers=3, per_place=1))
        assert chosen
        assert not any(conflict(one, other) for one, other in itertools.combinations(chosen, 2))
        transfers = [request for request in chosen if request.step != "restore"]
        assert len(transfers) <= 3 and len({request.place for request in transfers}) == len(transfers)
