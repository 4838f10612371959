"""`restore --all`: from which place each dataset comes, and what happens when that one fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from paraductl.recovery import next_place
from paraductl.recovery.restore_all import BringingBack, Copy, copies
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.replies.state import DatasetState, DestinationState, SourceState, StagingState
from paraduxd.api.replies.transfer_runs import Run, RunError

NEVER = SourceState()


def dataset(state: str = "ok", source: SourceState = NEVER, files: int | None = None) -> DatasetState:
    return DatasetState("home", state, None, source, StagingState("/srv/home", files))


def a_run(step: str, location: str, state: str = "done", **more: Any) -> Run:
    return Run(1, "home", step, location, "manual", state, "2026-11-23T10:00:00Z", **more)


def listed(location: str, *times: str, state: str = "done") -> Run:
    result = {"versions": [{"id": time, "time": time} for time in times]} if state == "done" else None
    return a_run("versions", location, state, result=result)


HERE: dict[str, Any] = {"source": SourceState("2026-11-23T10:00:00Z"), "files": 12}


def test_the_newest_version_comes_first_wherever_it_is() -> None:
    found = [
        listed("disk", "2026-11-20T10:00:00Z", "2026-11-21T10:00:00Z"),
        listed("friend", "2026-11-22T10:00:00Z"),
        listed("cloud", state="failed"),
        listed("bank"),
        replace(listed("other", "2027-01-01T00:00:00Z"), dataset="photos"),
    ]
    assert [copy.location for copy in copies(dataset(), found)] == ["friend", "disk"]
    assert [copy.location for copy in copies(dataset(**HERE), found)] == ["staging", "friend", "disk"]


def test_a_clock_that_was_ahead_makes_nothing_newer() -> None:
    found = [
        listed("disk", "2019-01-01T10:00:00Z", "2099-01-01T10:00:00Z", "2020-11-21T10:00:00Z"),
        listed("bank", "2099-06-01T10:00:00Z"),
        listed("friend", "2020-11-20T10:00:00Z"),
    ]
    ordered = copies(dataset(), found)
    assert [copy.location for copy in ordered] == ["disk", "friend", "bank"]
    assert ordered[0].time == "2020-11-21T10:00:00Z"


def test_staging_of_a_held_dataset_comes_last() -> None:
    found = [listed("friend", "2026-11-22T10:00:00Z")]
    assert [copy.location for copy in copies(dataset(**HERE, state="held"), found)] == ["friend", "staging"]


class Daemon:
    """Answers restores as it is told: location -> files, or an error code."""

    def __init__(self, **outcomes: int | str) -> None:
        self.outcomes = outcomes
        self.filled: set[str] = set()
        self.asked: list[tuple[str, str]] = []

    def start(self, name: str, to: str, source: str) -> list[int]:
        self.asked.append((source, to))
        return [len(self.asked)]

    def follow(self, numbers: Sequence[int]) -> list[Run]:
        source, to = self.asked[numbers[0] - 1]
        outcome: int | str = "not-empty" if to in self.filled else self.outcomes[source]
        if isinstance(outcome, str):
            if outcome == "half":
                self.filled.add(to)
            return [a_run("restore", source, "failed", error=RunError(outcome, outcome))]
        self.filled.add(to)
        result = {"files": outcome, "bytes": 1, "time": "2026-11-22T10:00:00Z"}
        return [a_run("restore", source, result=result)]

    def bring_back(self, *places: Copy) -> Any:
        return BringingBack("/back", self.start, self.follow).dataset("home", places)


A, B = Copy("a", "2026-11-22T10:00:00Z"), Copy("b", "2026-11-21T10:00:00Z")


def test_the_next_place_when_one_cannot_be_reached() -> None:
    outcome = Daemon(a="unreachable", b=12).bring_back(A, B)
    assert (outcome.location, outcome.to, outcome.failures) == ("b", "/back/home", ("a: unreachable",))


@pytest.mark.parametrize("code", [ExitCode.NOT_AUTHORIZED, ExitCode.UNREACHABLE])
def test_a_place_that_needs_a_forgotten_passphrase_keeps_none_of_the_others_away(code: ExitCode) -> None:
    """It ended the whole command, although the machine itself could have opened the next place."""
    daemon = Daemon(friend=12)

    def start(name: str, to: str, source: str) -> list[int]:
        if source == "archive":
            raise ParaduxError("wrong-passphrase", "wrong passphrase", exit_code=code)
        return daemon.start(name, to, source)

    places = [Copy("archive", "2026-11-23T10:00:00Z"), Copy("friend", "2026-11-22T10:00:00Z")]
    bringing = BringingBack("/srv", start, daemon.follow)
    if code is not ExitCode.NOT_AUTHORIZED:
        with pytest.raises(ParaduxError):
            bringing.dataset("home", places)
        return
    outcome = bringing.dataset("home", places)
    assert (outcome.location, outcome.failures) == ("friend", ("archive: wrong passphrase",))


def test_half_a_restore_stays_where_it_is_and_the_next_goes_beside_it() -> None:
    outcome = Daemon(a="half", b=12).bring_back(A, B)
    assert (outcome.location, outcome.to) == ("b", "/back/home.from-b")


def test_a_staging_that_has_lost_files_is_no_copy() -> None:
    outcome = Daemon(staging=3, b=12).bring_back(Copy("staging", "2026-11-23T10:00:00Z", 12), B)
    assert outcome.location == "b" and "3 files only, of 12" in outcome.failures[0]


def test_what_no_place_gives_is_lost() -> None:
    assert Daemon(a="damaged", b="unreachable").bring_back(A, B).lost
    assert Daemon().bring_back().failures == ("no place has a version of it",)


def test_a_folder_that_holds_something_is_left_alone() -> None:
    daemon = Daemon(a=12)
    daemon.filled.add("/back/home")
    with pytest.raises(ParaduxError, match="not empty"):
        daemon.bring_back(A, B)


def test_a_restore_goes_on_to_every_place_that_was_not_asked_and_staging_last() -> None:
    """On a machine that has just been recovered nothing was pushed yet."""
    never = tuple(DestinationState(name, "never") for name in ("disk", "friend", "cloud"))
    new = replace(dataset(), destinations=never)
    assert next_place.places(new, ["friend"]) == ("disk", "cloud")
    pushed = replace(never[2], last_success="2026-11-20T10:00:00Z")
    known = replace(dataset(**HERE), destinations=(*never[:2], pushed))
    assert next_place.places(known, ["disk"]) == ("cloud", "friend", "staging")
    assert next_place.places(replace(known, state="held"), []) == ("cloud", "disk", "friend")


@pytest.mark.parametrize(
    ("state", "code", "paths", "expected"),
    [
        ("failed", "not-mounted", (), True),
        ("failed", "not-found", (), True),
        ("failed", "not-found", ("letters",), False),
        ("failed", "not-empty", (), False),
        ("cancelled", "cancelled", (), False),
    ],
)
def test_another_place_is_asked_only_where_it_may_help(
    state: str, code: str, paths: tuple[str, ...], expected: bool
) -> None:
    failed = a_run("restore", "disk", state, error=RunError(code, "it is so", ""))
    assert next_place.may_help(failed, paths) is expected
