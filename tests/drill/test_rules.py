"""What a drill proves, and what status says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.replies.drills import Opening, Rehearsed, Restored
from paraduxd.api.replies.results import Pushed, Version
from paraduxd.core.plan.model import DatasetPlan, DestinationPlan, MetadataPlan, Plan, SourcePlan
from paraduxd.core.primitives.timestamps import stamp
from paraduxd.core.recoverability.proof import Proof
from paraduxd.core.recovery.drill_judgement import SHARES, Drill
from paraduxd.core.runs.facts import Drills, Facts
from paraduxd.core.runs.orders import Failed
from paraduxd.core.status.assessment import judge
from paraduxd.core.status.headline import Claims, headline
from tests.fakes import Clock
from tests.status_json import build

NOW = Clock()()

WHOLE = Drill(
    SHARES,
    "2026-11-23T11:00:00Z",
    "2026-11-23T11:01:00Z",
    1,
    42,
    (Opening("nas", True, "opened", present=True), Opening("friend", True, "opened", present=True)),
    (
        Restored("home", "mirror", True, "restored", Rehearsed(files=3)),
        Restored("home", "cloud", True, "restored"),
        Restored("docs", "mirror", True, "restored"),
    ),
    ("home", "docs"),
)


def without(*destinations: str) -> tuple[Restored, ...]:
    return tuple(
        replace(e, good=f"{e.dataset}/{e.destination}" not in destinations, text="damaged") for e in WHOLE.restored
    )


def test_all_went_well() -> None:
    assert (WHOLE.proven, WHOLE.flawless, WHOLE.lacking) == (True, True, ())


@pytest.mark.parametrize(
    ("drill", "proven", "lacking"),
    [
        (replace(WHOLE, restored=without("home/cloud")), True, ()),
        (replace(WHOLE, openings=(Opening("nas", False, "down"), WHOLE.openings[1])), True, ()),
        (replace(WHOLE, openings=(Opening("kit of Alice", True, "opened", kit=True, present=True),)), True, ()),
        (
            replace(WHOLE, restored=without("docs/mirror")),
            False,
            ("nothing of docs was restored and compared: damaged",),
        ),
        (
            replace(WHOLE, restored=()),
            False,
            tuple(f"nothing of {n} was restored and compared" for n in ("home", "docs")),
        ),
        (
            replace(WHOLE, openings=(Opening("nas", False, "down"),)),
            False,
            ("the present config (serial 42) was opened from no place: down",),
        ),
    ],
)
def test_the_rule(drill: Drill, proven: bool, lacking: tuple[str, ...]) -> None:
    assert (drill.proven, drill.lacking) == (proven, lacking)
    assert drill.flawless == (proven and drill.openings[0].kit)


def test_it_crosses_the_line_between_keeper_and_supervisor() -> None:
    assert from_json_value(Drill, to_json_value(WHOLE)) == WHOLE
    with pytest.raises(ValueError, match="Drill"):
        from_json_value(Drill, {**to_json_value(WHOLE), "epoch": "1"})


PLAN = Plan(
    serial=42,
    saved="2026-11-01T10:00:00Z",
    epoch=1,
    owner="fred",
    instance="one",
    shares_required=2,
    drill_every=90 * 86_400,
    datasets=(
        DatasetPlan(
            "home",
            "",
            SourcePlan("disk", "local", "s"),
            "/srv/home",
            destinations=(DestinationPlan("mirror", "disk", "local", "d"),),
        ),
    ),
    metadata_stashes=(MetadataPlan("nas", "disk", "local", "m"),),
)


def codes(facts: Facts) -> set[str]:
    return {trouble.code for trouble in judge(PLAN, facts, NOW).problems}


def ago(**duration: float) -> str:
    return stamp(NOW - timedelta(**duration)) or ""


@pytest.mark.parametrize(
    ("age", "words"), [({"minutes": 3}, "today"), ({"hours": 23}, "today"), ({"days": 3}, "3 days ago")]
)
def test_the_headline_says_today(age: dict[str, int], words: str) -> None:
    proof = Proof(NOW - timedelta(**age), config=True, datasets={"home": None}, of=1)
    assert f"yes, proven {words}." in headline(Claims((), proof, 1), NOW)


def test_who_has_not_drilled_is_told_how() -> None:
    (trouble,) = [each for each in judge(PLAN, Facts(), NOW).problems if each.code == "no-drill"]
    assert trouble.hint == "run: paraductl drill"
    late = Facts(drills=Drills(ago(days=91), 1))
    (trouble,) = [each for each in judge(PLAN, late, NOW).problems if each.code == "drill-overdue"]
    assert trouble.hint == "run: paraductl drill"
    assert not codes(Facts(drills=Drills(ago(days=89), 1))) & {"no-drill", "drill-overdue", "drill-failed"}


def test_a_drill_that_failed_is_told_until_another_went_well() -> None:
    failed = Facts(drills=Drills(ago(days=1), 1, lacking="nothing of home was restored"))
    assert "drill-failed" in codes(failed)
    assert "drill-failed" not in codes(Facts(drills=replace(failed.drills, lacking="")))


def test_what_a_rehearsal_found_at_one_destination() -> None:
    from paraduxd.core.runs.facts import Latest

    def facts(code: str) -> Facts:
        error = Failed(code, "it is not what was pushed")
        good = Latest(
            ago(hours=1), ago(hours=1), result=Pushed(versions=(Version("a", ago(hours=1), 1, 1),)), state="done"
        )
        bad = Latest(None, ago(hours=1), 1, error, None, "failed")
        return Facts(latest={("home", "push", "mirror"): good, ("home", "rehearse", "mirror"): bad})

    assert "dataset-damaged" in codes(facts("damaged"))
    assert "destination-unproven" in codes(facts("nothing-to-compare"))
    assert not codes(facts("unreachable")) & {"destination-unproven", "destination-damaged", "dataset-damaged"}


def test_what_a_rehearsal_found_at_a_stash_until_it_is_published_again() -> None:
    from paraduxd.core.runs.facts import Latest

    error = Failed("not-read-back", "it is not what was sent")
    bad = Latest(None, ago(hours=2), 1, error, None, "failed")
    latest = {("", "rehearse", "nas"): bad, ("", "publish", "nas"): Latest(ago(hours=3))}
    assert "metadata-unproven" in codes(Facts(latest=latest))
    latest["", "publish", "nas"] = Latest(ago(hours=1))
    assert "metadata-unproven" not in codes(Facts(latest=latest))


def test_last_restored_stands_at_its_destination() -> None:
    facts = Facts(drills=Drills(restored={("home", "mirror"): "2026-11-20T10:00:00Z"}))
    (destination,) = build(PLAN, facts, NOW)["datasets"][0]["destinations"]
    assert destination["last_restored"] == "2026-11-20T10:00:00Z"
