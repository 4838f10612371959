"""The last verdict is kept until something changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from paraduxd.api.replies.state import RunningState
from paraduxd.core.runs.facts import Facts, Latest
from paraduxd.effects.journal.journal import Ending, Journal
from paraduxd.supervisor.status.verdict_cache import VerdictCache
from tests.fakes import Clock
from tests.supervisor.runs.running import plan

NOW = Clock()()
RUN = RunningState(1, "home", "push", "disk", 1.0)


def test_nothing_new_is_judged_once() -> None:
    judging, some_plan, facts = VerdictCache(), plan(), Facts(running=(RUN,))
    first = judging.verdict(some_plan, facts, NOW)
    further = replace(facts, running=(replace(RUN, percent=9.0),))
    assert judging.verdict(some_plan, further, NOW + timedelta(seconds=59)) is first
    assert judging.verdict(some_plan, further, NOW + timedelta(seconds=60)) is not first


def test_whatever_changes_is_judged_at_once() -> None:
    judging, some_plan, facts = VerdictCache(), plan(), Facts()
    known = judging.verdict(some_plan, facts, NOW)
    pushed = replace(facts, latest={("home", "push", "disk"): Latest("2026-11-23T11:00:00Z")})
    for changed in (pushed, replace(facts, running=(RUN,)), replace(facts, kits={}, transport_ready=False)):
        assert judging.verdict(some_plan, facts, NOW).headline == known.headline
        assert judging.verdict(some_plan, changed, NOW) != known
    assert judging.verdict(replace(some_plan, serial=2), facts, NOW) is not known
    assert judging.verdict(some_plan, facts, NOW - timedelta(hours=1)) is not known, "the clock was set back"


def test_the_journal_is_read_anew_after_every_change(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite", NOW)
    key = ("home", "push", "disk")
    assert journal.latest_by_target() == {}
    _ran(journal, key, "2026-11-23T12:00:00Z")
    found = journal.latest_by_target()
    assert found[key].last_success == "2026-11-23T12:00:00Z"
    found.clear()
    assert journal.latest_by_target()[key].state == "done"
    with pytest.raises(RuntimeError), journal.batch():
        _ran(journal, key, "2026-11-23T13:00:00Z")
        assert journal.latest_by_target()[key].last_success == "2026-11-23T13:00:00Z"
        raise RuntimeError
    assert journal.latest_by_target()[key].last_success == "2026-11-23T12:00:00Z", "it was taken back"
    journal.use_places({("home", "disk"): "f" * 32})
    assert key not in journal.latest_by_target(), "another place is called so now"


def test_only_what_was_written_is_read_anew(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite", NOW)
    push, pull = ("home", "push", "disk"), ("home", "pull", "source")
    _ran(journal, pull, "2026-11-23T11:00:00Z")
    _ran(journal, push, "2026-11-23T12:00:00Z")
    before = journal.latest_by_target()
    _ran(journal, push, "2026-11-23T13:00:00Z")
    journal.set_fact("x", 1)
    after = journal.latest_by_target()
    assert after[pull] is before[pull]
    assert after[push].last_success == "2026-11-23T13:00:00Z"
    journal.use_places({("letters", "disk"): journal.named("", "home", "disk").strip("/")})
    assert journal.latest_by_target()[("letters", "push", "disk")] is after[push], (
        "names change without reading anything"
    )


def _ran(journal: Journal, key: tuple[str, str, str], at: str) -> None:
    run = journal.add(key, "schedule", at)
    journal.start(run.number, at)
    journal.finish(run.number, Ending("done", at, None, {}))
