"""What people are told about a family that a person can check by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from paraductl.terminal.whatif_page import render
from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.results import Pushed, Rehearsal
from paraduxd.api.replies.what_if import DatasetLeft, WhatIf, as_document
from paraduxd.core.plan import model as plans
from paraduxd.core.whatif.answer import WhatIfQuestion, answer
from paraduxd.supervisor.status.whatif_cache import WhatIfCache
from paraduxd.supervisor.status.whatif_schema_command import schema
from tests.core.whatif.demo_family import DAY, HOUR, NOW, at, facts, plan

ROOT = Path(__file__).parents[3]
FAMILY = plan()


def ask(of: plans.Plan = FAMILY, **question: Any) -> WhatIf:
    return answer(of, facts(of), NOW, WhatIfQuestion(**question))


def of_dataset(found: WhatIf, name: str) -> DatasetLeft:
    return next(each for each in found.datasets if each.id == name)


def test_a_fire_leaves_the_cloud_and_says_how_old_and_when() -> None:
    found = ask(lose=("place:house",))
    photos = of_dataset(found, "photos")
    assert [copy.id for copy in photos.copies if copy.left] == ["cloud"]
    assert photos.loss_of_work == int(6 * HOUR * 0.8)
    assert photos.back_in == DAY + 180  # alice is the second of the stewards; 900 MB at 5 MB/s
    assert found.config.by == "stewards" and found.config.spare == 1 and found.config.places == ("friend",)
    assert not found.loses and found.one_copy_left == ("photos",)


def test_two_losses_lose_something_and_say_what() -> None:
    found = ask(lose=("place:house", "account:aws"))
    assert found.lost == ("photos",) and found.loses
    assert found.out_of_reach == ("aws",)
    assert of_dataset(found, "docs").back_in == DAY + 180


def test_without_a_figure_there_is_no_claim() -> None:
    silent = replace(FAMILY, stewards=tuple(replace(each, fetch=None) for each in FAMILY.stewards))
    photos = of_dataset(ask(silent, lose=("place:house",)), "photos")
    assert photos.back_in is None and set(photos.no_figure) == {"fetch of alice", "fetch of bob", "fetch of carol"}
    unread = facts(FAMILY)
    unread = replace(unread, latest={key: each for key, each in unread.latest.items() if key[1] != "rehearse"})
    photos = of_dataset(answer(FAMILY, unread, NOW, WhatIfQuestion(lose=("place:house",))), "photos")
    assert photos.no_figure == () and photos.back_in == DAY + 5 * 900  # by the last push: 1 MB in 5 s


def test_a_place_is_back_when_a_kit_is_there_that_leads_to_it() -> None:
    """Alice and Bob are soon there, but only the config on Carol's kit knows the cloud as it is now."""
    known = facts(FAMILY)
    kits = {name: replace(kit, serial=42 if name == "carol" else 30) for name, kit in known.kits.items()}
    known = replace(known, kits=kits)
    photos = FAMILY.datasets[0]
    moved = replace(photos, destinations=(replace(photos.destinations[0], since=40), *photos.destinations[1:]))
    family = replace(FAMILY, datasets=(moved, FAMILY.datasets[1]), metadata_stashes=())
    found = answer(family, known, NOW, WhatIfQuestion(lose=("place:house",)))
    assert of_dataset(found, "photos").back_in == 2 * DAY + 180
    assert of_dataset(found, "docs").back_in == DAY + 180
    assert found.config.newest_serial == 42 and found.config.opens_in == 2 * DAY


def test_a_version_is_as_old_as_what_lay_in_staging_when_it_was_pushed() -> None:
    """The laptop has been away for nine days; what is pushed every six hours is what it had then."""
    known = facts(FAMILY)
    pull, push = ("photos", "pull", "source"), ("photos", "push", "cloud")
    gone = replace(known.latest[pull], last_success=at(9 * DAY))
    away = replace(known, latest={**known.latest, pull: gone})
    assert (
        of_dataset(answer(FAMILY, away, NOW, WhatIfQuestion(lose=("place:house",))), "photos").loss_of_work == 9 * DAY
    )
    pushed = known.latest[push].result
    assert isinstance(pushed, Pushed)
    told = replace(pushed, pulled=at(3 * DAY))  # and is back since an hour ago
    back = replace(known, latest={**known.latest, push: replace(known.latest[push], result=told)})
    found = of_dataset(answer(FAMILY, back, NOW, WhatIfQuestion(lose=("place:house",))), "photos")
    assert found.loss_of_work == 3 * DAY
    assert found.worst == 9 * HOUR + 2 * HOUR


def test_a_death_is_more_than_forgetting() -> None:
    found = ask(lose=("person:owner",))
    assert found.config.by == "stewards" and not found.unknown


def test_a_phone_shuts_the_family_out_of_what_hangs_on_it() -> None:
    found = ask(lose=("device:phone", "place:bank"))
    assert found.out_of_reach == ("phone", "codes", "pm", "mail", "aws")
    assert [loss.lose for loss in ask().accounts if "pm" in loss.out_of_reach][:2] == [
        ("account:pm",),
        ("place:bank", "device:phone"),
    ]


def test_an_intruder_on_the_server_leaves_what_lies_in_a_drawer() -> None:
    found = ask(compromise=("device:server",))
    docs = of_dataset(found, "docs")
    assert docs.he_reads == ("source", "staging", "cloud")
    assert docs.he_deletes == ("source", "staging", "friend", "cloud")
    assert [copy.id for copy in docs.copies if copy.left] == ["bank"]
    assert not found.loses and found.notes


def test_two_stewards_together_open_everything_and_a_mailbox_empties_the_cloud() -> None:
    assert ask(compromise=("alice",)).config.he_opens is False
    assert ask(compromise=("alice", "bob")).config.he_opens is True
    found = ask(compromise=("mail",))
    assert found.he_reaches == ("mail", "aws") and of_dataset(found, "photos").he_deletes == ("cloud",)
    assert of_dataset(found, "photos").he_reads == ()


def test_what_is_stolen_and_what_is_lost_besides_come_together() -> None:
    found = ask(compromise=("device:server",), lose=("place:bank",))
    assert found.lost == ("docs",) and found.loses
    protected = replace(
        FAMILY,
        datasets=tuple(
            replace(each, destinations=tuple(replace(place, protects="append-only") for place in each.destinations))
            for each in FAMILY.datasets
        ),
    )
    assert not ask(protected, compromise=("device:server",), lose=("place:bank",)).lost


def test_a_claim_that_a_rehearsal_has_disproved_protects_nothing() -> None:
    cloud = replace(FAMILY.datasets[0].destinations[0], protects="append-only")
    photos = replace(FAMILY.datasets[0], destinations=(cloud,))
    family = replace(FAMILY, datasets=(photos,))
    known = facts(family)
    key = ("photos", "rehearse", "cloud")
    for found, deletes in ((True, ()), (None, ()), (False, ("cloud",))):
        read = replace(known.latest[key].told(Rehearsal), protected=found)
        tried = replace(known, latest={**known.latest, key: replace(known.latest[key], result=read)})
        left = of_dataset(answer(family, tried, NOW, WhatIfQuestion(compromise=("credentials",))), "photos")
        assert left.he_deletes == ("source", *deletes)
        assert [copy.tried for copy in left.copies if copy.id == "cloud"] == [found]
        notes = answer(family, tried, NOW, WhatIfQuestion(compromise=("credentials",))).notes
        assert [note for note in notes if "photos/cloud: paraductl verify tries it" in note] == list(notes)
        assert len(notes) == (found is None)


def test_a_kit_that_was_not_handed_over_lies_with_the_machine() -> None:
    waiting = replace(FAMILY.stewards[2], handed_over=at(20 * DAY)[:10])
    family = replace(FAMILY, stewards=(*FAMILY.stewards[:2], waiting))
    assert ask(family, lose=("place:house",)).config.spare == 0
    assert ask(lose=("place:house",)).config.spare == 1
    assert [each.place for each in ask(family).assumed] == ["kit:carol"]


def test_staging_on_another_machine_dies_with_that_one() -> None:
    family = replace(FAMILY, staging_fates=("device:nas",))
    left = {copy.id: copy.left for copy in of_dataset(ask(family, lose=("device:server",)), "docs").copies}
    assert left["staging"]
    left = {copy.id: copy.left for copy in of_dataset(ask(family, lose=("device:nas",)), "docs").copies}
    assert not left["staging"]


def test_scenarios_are_asked_for_by_name_wherever_a_label_is() -> None:
    assert ask(scenario="fire").lose == ("place:house", "device:phone") == ask(lose=("fire",)).lose
    assert ask(scenario="burglary").compromise == ("device:laptop",)
    with pytest.raises(ParaduxError) as caught:
        ask(scenario="burglry")
    assert "did you mean burglary?" in caught.value.hint


def test_a_word_that_names_nothing_is_told_with_the_nearest() -> None:
    found = ask(lose=("place:hose", "place:bank"), compromise=("alicee",))
    assert [(each.name, each.meant) for each in found.unknown] == [("place:hose", "place:house"), ("alicee", "alice")]


def test_following_the_best_advice_helps() -> None:
    found = ask(advice="all")
    best = found.advice[0]
    assert (best.change, best.subject, best.lost_by_critical) == ("move-share", "alice", (7, 1))
    moved = replace(FAMILY.stewards[0], fates=("person:alice",))
    after = ask(replace(FAMILY, stewards=(moved, *FAMILY.stewards[1:])), advice="all")
    assert [loss.lose for loss in after.pairs] == [("place:house", "account:aws")]
    assert after.advice[0].change == "add-copy" and after.advice[0].survives_any == 2


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"advice": "all"},
        {"lose": ("place:house",)},
        {"compromise": ("machine",)},
        {"lose": ("x:y",)},
        {"scenario": "burglary"},
    ],
)
def test_the_document_has_its_schema(question: dict[str, Any]) -> None:
    jsonschema.validate(json.loads(json.dumps(as_document(ask(**question)))), schema())


def test_the_schema_is_as_it_was_written() -> None:
    written = json.loads((ROOT / "schema/whatif.schema.json").read_text())
    assert written == schema(), (
        "run: python -m paraduxd.supervisor.status.whatif_schema_command > schema/whatif.schema.json"
    )


@pytest.mark.parametrize("width", [50, 80, 140])
@pytest.mark.parametrize("question", [{"advice": "all"}, {"lose": ("fire", "x:y")}, {"compromise": ("alice", "bob")}])
def test_no_line_is_wider_than_the_terminal(width: int, question: dict[str, Any]) -> None:
    lines = render(ask(**question), False, width).splitlines()
    assert max(map(len, lines)) <= width


def test_an_answer_is_kept_until_something_changes() -> None:
    answers, known = WhatIfCache(), facts(FAMILY)
    first = answers.answer(FAMILY, known, NOW, WhatIfQuestion())
    assert answers.answer(FAMILY, facts(FAMILY), NOW, WhatIfQuestion()) is first
    changed = replace(known, plugged_in=frozenset(("1111-AAAA",)))
    assert answers.answer(FAMILY, changed, NOW, WhatIfQuestion()) is not first
