"""Inventories that lead in circles, labels that nobody should have chosen, and everything in large numbers."""

from __future__ import annotations

import json

import pytest

from paraductl.terminal.whatif_page import render
from paraduxd.api.replies.what_if import WhatIf, as_document
from paraduxd.core.plan.model import EntryPlan, Plan, StewardPlan
from paraduxd.core.whatif.answer import WhatIfQuestion, answer
from tests.core.whatif.demo_family import NOW, facts, plan

COUNT = 200
NAMES = [f"e{number}" for number in range(COUNT)]

STRANGE = (
    'place:"><script>alert(1)</script>',
    "place:$(reboot)",
    "device:-rf",
    "account:\u202etxt\x1b[31m",
    "mind:e\u0301",
    "place:" + "x" * 300,
)


def ring(*, begin: EntryPlan | None = None) -> Plan:
    """Each entry needs the next one and is reset by the one before; `begin` stands in the place of the first."""
    entries = [
        EntryPlan(name, (), True, ((NAMES[(number + 1) % COUNT],),), ((NAMES[number - 1],),))
        for number, name in enumerate(NAMES)
    ]
    return plan(inventory=(begin or entries[0], *entries[1:]))


def ask(of: Plan, **question: tuple[str, ...]) -> WhatIf:
    return answer(of, facts(of), NOW, WhatIfQuestion(**question))  # type: ignore[arg-type]


def test_a_ring_does_not_pull_itself_up() -> None:
    found = ask(ring())
    assert found.unreachable == tuple(NAMES) and found.accounts == ()
    assert ask(ring(), lose=("place:house",)).out_of_reach == ()
    assert ask(ring(), compromise=("e7",)).he_reaches == tuple(NAMES)


def test_one_way_into_a_ring_is_what_all_of_it_hangs_on() -> None:
    family = ring(begin=EntryPlan("e0", ("device:phone",)))
    found = ask(family)
    assert found.unreachable == ()
    assert [(loss.lose, loss.out_of_reach) for loss in found.accounts] == [(("device:phone",), tuple(NAMES))]
    (single,) = [each for each in found.singles if each.lose == ("device:phone",)]
    assert single.out_of_reach == tuple(NAMES)


@pytest.mark.parametrize("width", [50, 80])
def test_strange_labels_stay_text(width: int) -> None:
    stewards = tuple(StewardPlan(f"s{number}", f"S{number}", (label,)) for number, label in enumerate(STRANGE))
    entries = tuple(EntryPlan(f"e{number}", (label,)) for number, label in enumerate(STRANGE))
    family = plan(stewards=stewards, inventory=entries)
    for question in ({}, {"lose": STRANGE}, {"compromise": STRANGE}, {"lose": ("place:\x1b[2J",)}):
        found = ask(family, **question)
        assert not {"\x1b", "\u202e"} & set(render(found, False, width))
        assert json.loads(json.dumps(as_document(found)))["labels"] == list(found.labels)


def test_sixteen_stewards_who_live_together_in_every_way() -> None:
    """All sets of up to three labels that leave fewer than five of sixteen are found; none of them contains another."""
    labels = [f"place:p{number}" for number in range(8)]
    stewards = tuple(
        StewardPlan(f"s{number}", "S", (labels[number % 8], labels[number // 2], f"person:s{number}"))
        for number in range(16)
    )
    family = plan(stewards=stewards, shares_required=5, owner_fates=("place:p0",))
    found = ask(family)
    sets = [frozenset(each.lose) for each in found.minimal]
    assert sets and all(not one < other for one in sets for other in sets)
    for loss in found.minimal:
        assert set(loss.lost) <= set(ask(family, lose=loss.lose).lost)
