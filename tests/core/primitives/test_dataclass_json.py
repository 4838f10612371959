"""The plan and the orders go through JSON unchanged, and wrong types are named."""

from __future__ import annotations

import json

import pytest

from paraduxd.core.plan import model as plans
from paraduxd.core.plan.model import DatasetPlan, DestinationPlan, MetadataPlan, Plan, SourcePlan, StewardPlan, Timing
from paraduxd.core.plan.terms import Keep
from paraduxd.core.runs.orders import (
    Done,
    Failed,
    Held,
    Order,
    Progress,
    order_from_json,
    report_from_json,
    report_to_json,
)

PLAN = Plan(
    serial=3,
    saved="2026-11-01T10:00:00Z",
    epoch=1,
    owner="o" * 32,
    instance="i" * 32,
    shares_required=2,
    owner_fates=("place:house",),
    datasets=(
        DatasetPlan(
            "home",
            "Fred's laptop",
            SourcePlan("rsync", "laptop.local", "dataset.home.source.json", Timing(every=3600), uid="a" * 32),
            "/srv/home",
            destinations=(
                DestinationPlan(
                    "cloud",
                    "restic",
                    "local",
                    "dataset.home.cloud.json",
                    Timing(cron="0 3 * * *"),
                    keep=Keep(last=3),
                    uid="b" * 32,
                    since=2,
                ),
            ),
            uid="c" * 32,
            staging_uid="e" * 32,
        ),
    ),
    metadata_stashes=(MetadataPlan("nas", "disk", "local", "metadata.nas.json", uid="d" * 32, since=3),),
    stewards=(StewardPlan("alice", "Alice Example"),),
)


def test_a_plan_comes_back_the_same() -> None:
    assert plans.from_json(plans.to_json(PLAN)) == PLAN


def test_a_key_of_a_newer_version_is_ignored() -> None:
    newer = {**json.loads(plans.to_json(PLAN)), "invented_later": [1]}
    assert plans.from_json(json.dumps(newer)) == PLAN


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"serial": "3"}, "Plan.serial"),
        ({"datasets": {}}, "Plan.datasets"),
        ({"limits": {"transfers": 1.5}}, "transfers"),
    ],
)
def test_a_wrong_type_is_named(change: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        plans.from_json(json.dumps({**json.loads(plans.to_json(PLAN)), **change}))


def test_a_missing_field_is_an_error() -> None:
    with pytest.raises(ValueError, match="epoch"):
        plans.from_json(json.dumps({"serial": 1, "saved": "x"}))


def test_orders_and_reports_come_back_the_same() -> None:
    order = Order(7, "push", "home", "cloud", "/t/x.json", "/srv/home", {"keep": {"last": 3}, "prune": True})
    assert order_from_json(order.to_json()) == order
    for report in (
        Progress(41.5, 10, None),
        Done({"files": 1}),
        Held("source-empty", "text", 1, 2, 3),
        Failed("c", "m"),
    ):
        assert report_from_json(report_to_json(report)) == report


@pytest.mark.parametrize("line", ["", "{}", "[]", '{"event": "invented"}', '{"event": ["done"]}', "garbage"])
def test_a_line_that_is_no_report_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        report_from_json(line)
