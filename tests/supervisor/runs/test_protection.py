"""Removing is slow, and a machine that another has replaced writes nowhere."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import pytest

from paraduxd.core.plan.terms import Keep
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.supervisor.rpc.service import Calls, Services
from tests.supervisor.runs.running import Rig, dataset, destination, plan

GB = 1 << 30


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    made = Rig(tmp_path)
    made.run_by(plan(dataset("home", [destination("disk", keep=Keep(last=1)), destination("cloud")]), stashes=["nas"]))
    made.pulled("home")
    return made


def pushing(rig: Rig) -> dict[str, object]:
    """The arguments of the next push to "disk"."""
    rig.dispatcher.backup(["home"], "disk", push_only=True)
    arguments = rig.workers.find("home", "push", "disk").arguments
    rig.workers.done("home", "push", versions=[], bytes=10)
    return arguments


def test_nothing_is_protected_by_an_alarm_that_never_was(rig: Rig) -> None:
    arguments = pushing(rig)
    assert (arguments["protected_until"], arguments["grace"]) == (None, 7 * 86400)


def test_an_approved_hold_protects_everything_for_a_month(rig: Rig) -> None:
    rig.dispatcher.backup(["home"], pull_only=True)
    rig.workers.hold("home", "many-changed")
    rig.dispatcher.approve("home")
    rig.workers.all_done()
    until = str(pushing(rig)["protected_until"])
    rig.clock.advance(days=29)
    assert pushing(rig)["protected_until"] == until
    rig.clock.advance(days=2)
    assert pushing(rig)["protected_until"] is None


def test_a_machine_that_was_recovered_protects_what_it_finds(rig: Rig) -> None:
    rig.run_by(replace(rig.dispatcher.plan, instance="two", generation=2))
    until = pushing(rig)["protected_until"]
    assert until is not None
    rig.run_by(replace(rig.dispatcher.plan, serial=9))
    assert pushing(rig)["protected_until"] == until, "another config of the same machine is no alarm"


def test_an_alarm_from_the_future_protects_from_now_on(rig: Rig) -> None:
    rig.clock.advance(days=730)
    rig.dispatcher.backup(["home"], pull_only=True)
    rig.workers.hold("home", "many-changed")
    rig.dispatcher.approve("home")
    rig.workers.all_done()
    rig.clock.advance(days=-730)
    assert str(pushing(rig)["protected_until"]) < "2027"


def test_a_large_version_is_read_back_once_a_day_at_most(rig: Rig) -> None:
    rig.dispatcher.backup(["home"], "disk", push_only=True)
    arguments = rig.workers.find("home", "push", "disk").arguments
    assert arguments["read_back"], "it was never done"
    rig.workers.done("home", "push", versions=[], bytes=2 * GB, pruned=True)
    assert not pushing(rig)["read_back"]
    assert pushing(rig)["read_back"], "the newest is small"


@pytest.mark.parametrize(("code", "suspect"), [("damaged", True), ("timeout", False)])
def test_after_damage_was_found_a_push_builds_on_nothing_until_one_went_well(
    rig: Rig, code: str, suspect: bool
) -> None:
    assert not pushing(rig)["suspect"]
    rig.clock.advance(hours=1)
    rig.dispatcher.verify("home")
    rig.workers.fail("home", "verify", "disk", code=code)
    rig.clock.advance(hours=1)
    assert pushing(rig)["suspect"] is suspect
    assert not pushing(rig)["suspect"]


@pytest.mark.parametrize("seen_by", ["push", "publish"])
def test_a_replaced_machine_stops_everywhere_at_once(rig: Rig, seen_by: str) -> None:
    if seen_by == "push":
        rig.dispatcher.backup(["home"], "disk", push_only=True)
        rig.workers.fail("home", "push", code="superseded")
    else:
        rig.dispatcher.publish()
        rig.workers.fail("", "publish", code="superseded")
    (number,) = rig.dispatcher.backup(["home"], "cloud", push_only=True)
    assert rig.dispatcher.runs([number])[0].error.code == "superseded"
    if seen_by == "push":
        (number,) = rig.dispatcher.publish()
        assert rig.dispatcher.runs([number])[0].error.code == "superseded"
        rig.dispatcher.backup(["home"], "disk", push_only=True)
        assert rig.workers.find("home", "push", "disk"), "the place that has shown it is asked again"


def test_scheduled_checks_read_all_data_within_a_year(rig: Rig) -> None:
    seen = []
    rig.run_by(replace(rig.dispatcher.plan, verify_every=30 * 86400))
    for _ in range(13):
        rig.dispatcher.scheduled([(("home", "verify", "disk"), "schedule")])
        arguments = rig.workers.find("home", "verify", "disk").arguments
        seen.append((arguments["part"], arguments["parts"]))
        rig.workers.done("home", "verify", checked=3)
    assert seen == [(part % 12, 12) for part in range(13)]


def test_a_backup_that_a_member_asks_for_removes_nothing(rig: Rig) -> None:
    calls = Calls(
        Services(
            rig.dispatcher,
            cast(Any, lambda _: {}),
            cast(Any, lambda _: {}),
            lambda: None,
            cast(Any, dict),
            cast(Any, None),
            cast(Any, None),
        )
    )
    calls.handle(Peer(1, 4711, 4711), "backup", json.dumps({"push_only": True, "destination": "disk"}))
    assert rig.workers.find("home", "push", "disk").arguments["keep"] == asdict(Keep())
    rig.workers.done("home", "push", versions=[])
    calls.handle(Peer(1, 0, 0), "backup", json.dumps({"push_only": True, "destination": "disk"}))
    assert rig.workers.find("home", "push", "disk").arguments["keep"]["last"] == 1
    rig.workers.done("home", "push", versions=[])
    rig.dispatcher.scheduled([(("home", "push", "disk"), "schedule")])
    assert rig.workers.find("home", "push", "disk").arguments["keep"]["last"] == 1


def test_prune_ignores_the_grace_and_leaves_the_rest_to_the_destination(rig: Rig) -> None:
    (number,) = rig.dispatcher.prune("home", "disk")
    assert rig.workers.find("home", "prune", "disk").arguments["keep"]["last"] == 1
    rig.workers.done("home", "prune", versions=[], removed=[{"id": "v1", "reason": "not kept"}])
    assert rig.dispatcher.runs([number])[0].result["removed"][0]["id"] == "v1"
