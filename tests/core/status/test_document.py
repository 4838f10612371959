"""Whatever the facts are, the status document is built and fits its schema."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paraduxd.api.replies.results import Listed, Published, Pulled, Pushed, Rehearsal, Version
from paraduxd.api.replies.state import RunningState
from paraduxd.core.installation.health import Health, JournalLoss
from paraduxd.core.plan.model import Plan, Timing
from paraduxd.core.recovery.kit_records import Kit
from paraduxd.core.runs.facts import Daemon, Drills, Facts, Latest
from paraduxd.core.runs.guard.holds import Hold
from paraduxd.core.runs.orders import Failed
from paraduxd.core.status import document
from paraduxd.core.status.assessment import judge
from tests.checkout import ROOT
from tests.core.status.sample import DOCS, MAIL, NOW, PHOTOS, healthy, plan
from tests.status_json import build

SCHEMA = json.loads((ROOT / "schema" / "status.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

times = st.none() | st.text(max_size=5) | st.datetimes().map(lambda time: time.isoformat() + "+14:00")
words = st.text(max_size=5)
errors = st.none() | st.builds(Failed, words | st.sampled_from(["unreachable", "damaged"]), words, words, st.booleans())
numbers = st.none() | st.integers()
versions = st.lists(st.builds(Version, words, words, numbers, numbers, numbers, st.integers()), max_size=2).map(tuple)
results = (
    st.none()
    | st.builds(Pulled, files=numbers, bytes=numbers, unread_count=st.integers(), staging=words)
    | st.builds(Pushed, version=words, versions=st.none() | versions, bytes=numbers, kept_because=words)
    | st.builds(Listed, versions)
    | st.builds(Published, numbers, numbers, st.lists(st.integers(0, 3), max_size=2).map(tuple))
    | st.builds(Rehearsal, serial=numbers, epoch=numbers, protected=st.none() | st.booleans())
)
latest = st.builds(
    Latest, times, times, st.integers(0, 9), errors, results, st.none() | st.sampled_from(["done", "failed"])
)
datasets = st.sampled_from(["photos", "docs", "mail", "gone", ""])
locations = st.sampled_from(["source", "disk", "cloud", "friend", "sister"])
keys = st.tuples(datasets, st.sampled_from(["pull", "push", "verify", "versions", "publish"]), locations)
counts = st.integers(0, 2**63 - 1)
running = st.builds(
    RunningState,
    counts,
    datasets,
    st.sampled_from(["push", "odd"]),
    locations,
    st.none() | st.floats(0, 100),
    counts,
    st.none() | counts,
)
facts = st.builds(
    Facts,
    st.builds(Daemon, started=times, locked=st.booleans(), init_on_free=st.none() | st.booleans()),
    st.dictionaries(keys, latest, max_size=12),
    st.dictionaries(keys, times.filter(bool), max_size=4),
    st.dictionaries(datasets, st.builds(Hold, words | st.just("journal-lost"), words), max_size=2),
    st.lists(running, max_size=3).map(tuple),
    st.dictionaries(
        st.sampled_from(["alice", "bob", "carol"]), st.builds(Kit, st.integers(0, 2), times, times), max_size=3
    ),
    st.builds(
        Drills,
        times,
        st.none() | st.integers(0, 2),
        st.dictionaries(st.tuples(datasets, locations), times.filter(bool)),
    ),
    st.booleans(),
    st.booleans(),
    st.builds(
        Health,
        st.none() | st.builds(JournalLoss, st.text(max_size=5), st.text(max_size=5), st.text(max_size=5)),
        st.lists(st.text(max_size=5)).map(tuple),
    ),
    st.booleans(),
)
timings = st.none() | st.builds(Timing, st.none() | st.integers(1 - 2**63, 2**63 - 1), st.none() | st.text(max_size=9))
plans = st.none() | st.builds(
    lambda chosen, timing, required, fates, stashes: plan(
        datasets=tuple(
            replace(dataset, source=replace(dataset.source, timing=timing, fates=fates)) for dataset in chosen
        ),
        metadata_stashes=plan().metadata_stashes[:stashes],
        shares_required=required,
        owner_fates=fates,
    ),
    st.lists(st.sampled_from([PHOTOS, DOCS, MAIL]), unique=True, max_size=3),
    timings,
    st.integers(2, 6),
    st.sampled_from([(), ("place:house",), ("odd",), ("place:", ":")]),
    st.integers(0, 3),
)


@settings(max_examples=100, deadline=None)
@given(plans, facts)
def test_any_facts_make_a_valid_document(some_plan: Plan | None, some_facts: Facts) -> None:
    document = build(some_plan, some_facts, NOW)
    VALIDATOR.validate(json.loads(json.dumps(document, allow_nan=False)))
    critical = [problem for problem in document["problems"] if problem["level"] == "critical"]
    assert document["recoverable"]["today"] is not bool(critical)
    assert ("yes, proven" in document["headline"]) <= (document["recoverable"]["proven"] is not None)
    assert document["level"] == ("critical" if critical else "warning" if document["problems"] else "ok")


@pytest.mark.parametrize("path", [("headline",), ("recoverable", "today"), ("datasets", 0, "staging"), ("running",)])
def test_the_schema_misses_what_is_missing(path: tuple[Any, ...]) -> None:
    document = build(plan(), healthy(plan()), NOW)
    part = document
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    assert not VALIDATOR.is_valid(document)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_a_page_gets_the_datasets_that_are_not_well_and_the_verdict_on_all() -> None:
    everything = plan(datasets=tuple(replace(PHOTOS, id=f"set-{number}") for number in range(10)))
    facts = healthy(everything)
    gone = {key: Latest() for key in facts.latest if key[0] in ("set-3", "set-7", "set-8")}
    whole = judge(everything, replace(facts, latest={**facts.latest, **gone}), NOW)
    few = document.brief(whole, 2)
    assert [each.plan.id for each in few.conditions] == ["set-3", "set-7"]
    assert (few.headline, few.level, few.problems) == (whole.headline, whole.level, whole.problems)
    assert document.brief(whole, 10) is whole
