"""`paraductl cancel`: which runs the words mean, whose they are, and what became of each."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.commands.conftest import Outcome
from tests.fakes_client import FakeDaemon, FakeSupervisor, a_run

Run = Callable[..., Outcome]


@pytest.fixture
def busy(daemon: FakeDaemon) -> FakeDaemon:
    """Run 7 of home goes on, 8 waits for it, 9 of photos goes on, 6 has ended."""
    daemon.past = [
        a_run(9, dataset="photos", state="running", result=None),
        a_run(8, state="queued", result=None),
        a_run(7, "pull", state="running", result=None),
        a_run(6),
    ]
    daemon.will_run(*daemon.past)
    return daemon


@pytest.mark.parametrize(
    ("words", "ended"),
    [([], [7, 8, 9]), (["home"], [7, 8]), (["9"], [9]), (["#8", "photos"], [8, 9]), (["7", "home"], [7, 8])],
)
def test_what_the_words_mean_ends(paraductl: Run, busy: FakeDaemon, words: list[str], ended: list[int]) -> None:
    outcome = paraductl("cancel", *words)
    assert (outcome.code, busy.cancelled) == (0, ended)
    assert [int(line.split("(run ")[1].rstrip(")")) for line in outcome.out.splitlines()] == ended
    assert all(line.startswith("cancelled: ") for line in outcome.out.splitlines())


def test_runs_of_others_need_the_passphrase(paraductl: Run, busy: FakeDaemon, secret: str) -> None:
    busy.of_others = [9]
    outcome = paraductl("--passphrase-file", secret, "cancel", "--json")
    assert busy.cancelled == [7, 8, 9]
    assert "others have asked for run 9" in outcome.err
    assert [(run["run"], run["state"]) for run in outcome.document["runs"]] == [
        (number, "cancelled") for number in (7, 8, 9)
    ]


def test_runs_of_others_stay_without_it(paraductl: Run, busy: FakeDaemon) -> None:
    busy.of_others = [9]
    outcome = paraductl("cancel")
    assert (outcome.code, busy.cancelled) == (3, [7, 8])


def test_a_run_that_ended_first_is_not_told_as_cancelled(
    paraductl: Run, busy: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy.runs[9] = [a_run(9, dataset="photos")]
    monkeypatch.setattr(FakeSupervisor, "_cancel", lambda self, runs: {"left": []})
    outcome = paraductl("cancel", "photos")
    assert outcome.out == "ended before it was cancelled: photos: pushed to friend: 3 files, 2.0 KiB\n"


@pytest.mark.parametrize("word", ["6", "#6"])
def test_what_has_ended_is_left_as_it_is(paraductl: Run, busy: FakeDaemon, word: str) -> None:
    outcome = paraductl("cancel", word)
    assert (outcome.code, outcome.out, busy.cancelled) == (0, "That has ended already.\n", [])


def test_nothing_runs(paraductl: Run, daemon: FakeDaemon) -> None:
    outcome = paraductl("cancel")
    assert (outcome.code, outcome.out, daemon.calls("cancel")) == (0, "Nothing runs.\n", [])


@pytest.mark.parametrize(
    ("word", "sentence"), [("99", "there is no run 99"), ("9" * 40, "there is no run"), ("musik", "nothing of musik")]
)
def test_what_never_ran_is_an_error(paraductl: Run, busy: FakeDaemon, word: str, sentence: str) -> None:
    outcome = paraductl("cancel", "home", word)
    assert (outcome.code, busy.cancelled) == (1, [])
    assert sentence in outcome.err
