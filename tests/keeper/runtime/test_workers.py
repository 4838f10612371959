"""A worker of the keeper that ends without a report: why is told, unless it may repeat a secret, and what it wrote is in the log."""

from __future__ import annotations

import sys

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.runs.orders import Order
from paraduxd.effects.process.worker_hosts import ChildHost
from paraduxd.keeper.runtime import workers


def run(monkeypatch: pytest.MonkeyPatch, *command: str) -> ParaduxError:
    host = ChildHost(workers._start_child, workers._end_child, [sys.executable, *command])
    monkeypatch.setattr(workers.place, "host", host)
    with pytest.raises(ParaduxError) as failure:
        workers.run_order(Order(1, "pull", "home", "source", "", "", {}))
    return failure.value


def test_a_worker_that_dies_on_import_says_why(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    problem = run(monkeypatch, "-m", "paraduxd.worker.not_there")
    assert problem.message == "the worker ended without a report: No module named paraduxd.worker.not_there"
    assert "No module named paraduxd.worker.not_there" in capfd.readouterr().err


def test_a_worker_that_repeats_a_secret_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    problem = run(monkeypatch, "-c", "raise ValueError('x' * 1000 + 'staple')")
    assert problem.message == "the worker ended without a report: ValueError"
    assert capfd.readouterr().err.endswith("staple\n"), "the log has all of it"
