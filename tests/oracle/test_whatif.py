"""`whatif` against brute force on random families, with accounts that need each other in circles.

`PARADUX_ORACLE_WHATIF=20000` tries more.
"""

from __future__ import annotations

import itertools
import os
import random
from dataclasses import replace
from typing import Any

import pytest

from paraduxd.api.replies.results import Published, Pushed, Version
from paraduxd.core.plan.model import DestinationPlan, EntryPlan, Plan
from paraduxd.core.primitives.access_rules import reached
from paraduxd.core.recoverability import copies
from paraduxd.core.recoverability.families import UP_TO
from paraduxd.core.runs.facts import Latest
from paraduxd.core.whatif import inventory
from paraduxd.core.whatif.answer import WhatIfQuestion, answer
from paraduxd.core.whatif.compromise import Intruder
from paraduxd.core.whatif.losses import Aftermath, out_of_reach
from paraduxd.core.whatif.survey import Survey
from paraduxd.core.whatif.world import World
from tests.oracle import translate
from tests.oracle.bits import Bits
from tests.oracle.family import Family, draw
from tests.oracle.intruder import Account, Walk, draw_accounts, reached_after
from tests.oracle.truth import World as Truth

FAMILIES = int(os.environ.get("PARADUX_ORACLE_WHATIF", "300"))
CHUNK = 50
CONFIG = {"(config)": "", "(key)": ""}


def entries(accounts: tuple[Account, ...]) -> tuple[EntryPlan, ...]:
    return tuple(EntryPlan(each.name, each.labels, each.written, each.needs, each.resets) for each in accounts)


def world_of(family: Family, accounts: tuple[Account, ...] = (), **more: Any) -> World:
    plan, facts = translate.plan(family), translate.facts(family)
    return World(replace(plan, inventory=entries(accounts)), replace(facts, **more), translate.NOW)


def drawn(seed: int) -> tuple[Family, tuple[Account, ...], random.Random]:
    family = draw(seed)
    return family, draw_accounts(seed, Truth(family).labels), random.Random(seed)


@pytest.mark.parametrize("first", range(0, FAMILIES, CHUNK))
def test_a_loss_takes_what_a_walk_through_the_recovery_finds_lost(first: int) -> None:
    for seed in range(first, first + CHUNK):
        family, accounts, chance = drawn(seed)
        truth, world = Truth(family), world_of(family, accounts)
        for loss in losses(truth, chance):
            after = Aftermath(world, loss)
            told = frozenset(CONFIG.get(name, name) for name in after.lost())
            assert told == truth.taken(loss), f"seed {seed}, loss of {sorted(loss)}"
            had = reached_after(accounts, loss, config=bool(truth.configs(loss)))
            now = reached_after(accounts, frozenset(), config=bool(truth.configs(frozenset())))
            assert set(out_of_reach(after)) == now - had, f"seed {seed}, loss of {sorted(loss)}"


def losses(truth: Truth, chance: random.Random) -> list[frozenset[str]]:
    """Nothing, each label, and some pairs and threes."""
    more = [chance.sample(truth.labels, min(size, len(truth.labels))) for size in (2, 2, 2, 3, 3, 3)]
    return [frozenset(), *(frozenset((label,)) for label in truth.labels), *map(frozenset, more)]


@pytest.mark.parametrize("first", range(0, FAMILIES, CHUNK))
def test_two_engines_find_the_same_smallest_losses_of_accounts_in_circles(first: int) -> None:
    for seed in range(first, first + CHUNK):
        family, accounts, _ = drawn(seed)
        world, bits = world_of(family, accounts), Bits(family, accounts)
        families = inventory.lost_families(world.plan, world.model.access.lost(), UP_TO)
        for name, left in bits.entries().items():
            assert families[name] == bits.smallest(left), f"seed {seed}: {name}"


@pytest.mark.parametrize("first", range(0, FAMILIES, CHUNK))
def test_an_intruder_gets_as_far_as_one_who_walks_from_door_to_door(first: int) -> None:
    for seed in range(first, first + CHUNK):
        family, accounts, chance = drawn(seed)
        disks = frozenset(chance.sample(("1111-AAAA", "2222-BBBB"), chance.randint(0, 2)))
        world = world_of(family, accounts, plugged_in=disks)
        names = {(each.id, place.id) for each in world.plan.datasets for place in each.destinations}
        protected = frozenset(name for name in sorted(names) if chance.random() < 0.4)
        world = replace(world, plan=protecting(world.plan, protected))
        others = (
            "machine",
            "credentials",
            *(each.id for each in world.plan.stewards),
            *(each.name for each in accounts),
        )
        for _ in range(6):
            seeds = frozenset(chance.sample([*Truth(family).labels, *others], chance.randint(1, 3)))
            walk = Walk(family, accounts, seeds, protected, disks)
            compare(Intruder(world, seeds), walk, f"seed {seed}: {sorted(seeds)}")


def compare(intruder: Intruder, walk: Walk, where: str) -> None:
    """Rights at all copies that count, accounts, config, and metadata stashes."""
    details = intruder.world.details
    known = {(name, each.copy.location) for name, copies in details.items() for each in copies}
    told = {(right, name, at) for right in ("read", "delete") for name in details for at in intruder.may(right, name)}
    assert told == {each for each in walk.rights if (each[1], each[2]) in known}, where
    assert set(intruder.entries) == walk.names & {each.name for each in walk.accounts}, where
    assert intruder.opens == bool(walk.serials), where
    assert set(intruder.stashes) == {name for _, dataset, name in walk.rights if not dataset}, where


def protecting(plan: Plan, protected: frozenset[tuple[str, str]]) -> Plan:
    def protect(dataset: str, each: DestinationPlan) -> DestinationPlan:
        return replace(each, protects="append-only") if (dataset, each.id) in protected else each

    datasets = (
        replace(dataset, destinations=tuple(protect(dataset.id, each) for each in dataset.destinations))
        for dataset in plan.datasets
    )
    return replace(plan, datasets=tuple(datasets))


# What must hold whatever the family is (properties)


def some(count: int) -> list[tuple[Family, tuple[Account, ...], World]]:
    return [(*(found := drawn(seed))[:2], world_of(*found[:2])) for seed in range(1000, 1000 + count)]


def test_losing_more_never_returns_anything() -> None:
    for family, _, world in some(60):
        labels = Truth(family).labels
        for one, other in itertools.islice(itertools.combinations(labels, 2), 12):
            less, more = Aftermath(world, frozenset((one,))), Aftermath(world, frozenset((one, other)))
            assert set(less.lost()) - set(CONFIG) <= set(more.lost())
            assert set(out_of_reach(less)) <= set(out_of_reach(more))


def test_compromising_more_never_takes_a_right_away() -> None:
    for family, _, world in some(60):
        labels = Truth(family).labels
        for one, other in itertools.islice(itertools.combinations(labels, 2), 12):
            assert Intruder(world, frozenset((one,))).has <= Intruder(world, frozenset((one, other))).has


def test_what_somebody_reaches_is_what_losing_everything_else_leaves() -> None:
    """Accounts: who begins with some of the things that are simply there reaches exactly what is had when the others are lost."""
    for _, accounts, _ in some(200):
        own = tuple(replace(each, labels=(f"device:{each.name}",)) for each in accounts)
        bare = [each.name for each in own if not (each.needs or each.written or each.resets)]
        for seeds in itertools.islice(
            itertools.chain.from_iterable(itertools.combinations(bare, n) for n in range(3)), 6
        ):
            lost = frozenset(f"device:{name}" for name in bare if name not in seeds)
            had = inventory.had(entries(own), lost, config=False)
            found = reached(inventory.rules(entries(own), lent=False), seeds)
            assert had == found


def test_names_and_order_change_nothing() -> None:
    for family, _, world in some(60):
        survey = Survey(world)
        renamed = {label: f"{label.partition(':')[0]}:x{number}" for number, label in enumerate(Truth(family).labels)}
        renamed |= {"mind:owner": "mind:owner", "person:owner": "person:owner"}
        other = Survey(World(relabelled(world.plan, renamed), world.facts, world.now))
        assert other.survived == survey.survived
        turned = replace(world.plan, datasets=world.plan.datasets[::-1], stewards=world.plan.stewards[::-1])
        assert {loss.fates for loss in Survey(World(turned, world.facts, world.now)).losses} == {
            loss.fates for loss in survey.losses
        }


def relabelled(plan: Plan, names: dict[str, str]) -> Plan:
    """The same with other labels; those that are no label of anybody's stay."""

    def fates(part: Any) -> Any:
        return replace(part, fates=tuple(names.get(each, each) for each in part.fates))

    datasets = tuple(
        replace(each, source=fates(each.source), destinations=tuple(map(fates, each.destinations)))
        for each in plan.datasets
    )
    return replace(
        plan,
        owner_fates=tuple(names.get(each, each) for each in plan.owner_fates),
        datasets=datasets,
        stewards=tuple(map(fates, plan.stewards)),
        metadata_stashes=tuple(map(fates, plan.metadata_stashes)),
        inventory=tuple(map(fates, plan.inventory)),
    )


def test_another_copy_on_the_same_labels_changes_nothing() -> None:
    doubled = 0
    for _, _, world in some(60):
        losses = Survey(world).losses
        for index, dataset in enumerate(world.plan.datasets):
            for place in dataset.destinations:
                double = replace(place, id=f"{place.id}-again", uid=f"{place.uid}-again")
                datasets = list(world.plan.datasets)
                datasets[index] = replace(dataset, destinations=(*dataset.destinations, double))
                latest = {
                    (name, step, double.id): found
                    for (name, step, location), found in world.facts.latest.items()
                    if (name, location) == (dataset.id, place.id)
                }
                facts = replace(world.facts, latest={**world.facts.latest, **latest})
                other = World(replace(world.plan, datasets=tuple(datasets)), facts, world.now)
                assert Survey(other).losses == losses
                doubled += len(other.model.datasets[dataset.id]) > len(world.model.datasets[dataset.id])
    assert doubled > 60


def test_one_more_label_on_a_copy_never_makes_a_family_survive_more() -> None:
    """A copy without any is another matter: it is taken to die with the machine, until somebody says with what it does."""
    worse = 0
    for _, _, world in some(60):
        before = Survey(world).survived
        for index, dataset in enumerate(world.plan.datasets):
            for number, place in enumerate(dataset.destinations):
                for label in ("place:one-more", *sorted(world.every_label)[:3]) if place.fates else ():
                    places = list(dataset.destinations)
                    places[number] = replace(place, fates=(*place.fates, label))
                    datasets = list(world.plan.datasets)
                    datasets[index] = replace(dataset, destinations=tuple(places))
                    after = Survey(World(replace(world.plan, datasets=tuple(datasets)), world.facts, world.now))
                    assert after.survived <= before, f"{dataset.id}/{place.id} and {label}"
                    worse += after.survived < before
    assert worse


def test_the_singles_of_the_table_say_the_same_as_each_question_by_itself() -> None:
    for _, _, world in some(40):
        for single in answer(world.plan, world.facts, world.now, WhatIfQuestion()).singles:
            asked = answer(world.plan, world.facts, world.now, WhatIfQuestion(lose=single.lose))
            before = answer(world.plan, world.facts, world.now, WhatIfQuestion()).lost
            assert set(single.lost) == set(asked.lost) - set(before) or not asked.config.opens
            told = {each.id: (each.left, each.loss_of_work, each.back_in) for each in asked.datasets}
            for cell in single.touched:
                assert told[cell.id] == (cell.left, cell.loss_of_work, cell.back_in)
            untouched = {each.id for each in asked.datasets} - {cell.id for cell in single.touched}
            assert (
                all(told[name][0] == next(d.of for d in asked.datasets if d.id == name) for name in untouched) or before
            )


def test_advice_keeps_what_it_promises() -> None:
    """Following the best advice never leaves the family worse off, and the engine agrees with the figure that was told."""
    followed = copied = 0
    for family, _, world in some(60):
        found = answer(world.plan, world.facts, world.now, WhatIfQuestion(advice="all"))
        for advice in found.advice:
            assert advice.survives_any >= found.survives_any
            if advice.change == "move-share":
                moved = tuple(
                    replace(each, labels=(f"person:{each.name}",)) if each.name == advice.subject else each
                    for each in family.stewards
                )
                after = Survey(world_of(replace(family, stewards=moved)))
                assert after.survived == advice.survives_any
                followed += 1
            if advice.change == "add-copy" and advice.subject.endswith(" at elsewhere"):
                after = Survey(with_copy_elsewhere(world, advice.subject.removesuffix(" at elsewhere")))
                assert after.survived == advice.survives_any
                copied += 1
    assert followed > 5 and copied > 5


def with_copy_elsewhere(world: World, name: str) -> World:
    """The family after another destination was added, saved, published where that works, and pushed to; kits are as they were."""
    plan, facts = world.plan, world.facts
    (dataset,) = [each for each in plan.datasets if each.id == name]
    new = DestinationPlan(
        "new",
        "sftp",
        "elsewhere.example",
        f"{name}.new",
        None,
        ("place:elsewhere",),
        "gpg",
        uid="new",
        since=plan.serial + 1,
    )
    datasets = tuple(
        replace(each, destinations=(*each.destinations, new)) if each is dataset else each for each in plan.datasets
    )
    latest = dict(facts.latest)
    for stash in plan.metadata_stashes:
        held = copies.holding(plan, facts, stash)
        if held is not None and held.serial == plan.serial:
            told = Published(serial=plan.serial + 1, epoch=plan.epoch, epochs=tuple(sorted(held.epochs)))
            latest["", "publish", stash.id] = Latest(stamp(world), stamp(world), 0, None, told, "done")
            latest.pop(("", "rehearse", stash.id), None)
    pushed = Pushed(version="a", versions=(Version("a", stamp(world)),))
    latest[name, "push", "new"] = Latest(stamp(world), stamp(world), 0, None, pushed, "done")
    return World(replace(plan, serial=plan.serial + 1, datasets=datasets), replace(facts, latest=latest), world.now)


def stamp(world: World) -> str:
    return world.now.isoformat()
