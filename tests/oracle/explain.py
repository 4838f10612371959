"""A family and a disagreement about it, for a person to read."""

from __future__ import annotations

from collections.abc import Iterator

from tests.oracle import translate
from tests.oracle.compare import Disagreement
from tests.oracle.family import Dataset, Destination, Family, Source, Stash, Steward, Tries
from tests.oracle.places import Fates
from tests.oracle.truth import World, counting, held_by, late_and_failing, truth


def explain(seed: int, family: Family, found: tuple[Disagreement, ...]) -> str:
    """What is wrong, the family, what its stewards can open, and what the weakest losses leave."""
    return "\n".join((f"seed {seed}: status and the oracle disagree", *_lines(family, found)))


def _lines(family: Family, found: tuple[Disagreement, ...]) -> Iterator[str]:
    for each in found:
        yield f"  {'claims too much' if each.too_much else 'claims too little'} ({each.kind}): {each.text}"
    fates, world = Fates(family), World(family)
    yield f"now {translate.NOW:%F %H:%M}, serial {family.serial}, epoch {family.epoch}, {family.required} shares needed"
    yield f"machine {_set(fates.machine)}, memory {_set(fates.memory)}, {_machine(family)}"
    yield from (_steward(each, fates) for each in family.stewards)
    yield from (_stash(each, fates) for each in family.stashes)
    for dataset in family.datasets:
        yield from _dataset(dataset, fates)
    configs = world.configs(frozenset(), machine=False)
    yield f"names {_set(family.names)}, recovered {family.recovered}, {family.drill}"
    yield f"the stewards alone open: {_set(map(str, configs))}"
    for loss, taken in truth(family).lost_by.items():
        yield f"loss of {_set(loss)} takes {_set(name or 'the config' for name in taken)}"


def _machine(family: Family) -> str:
    words = [
        "unattended" if family.unattended else "credentials in memory only",
        "" if family.credentials_there else "credentials unreadable",
        f"epoch {family.epoch + 1} is being prepared" if family.rotating else "",
    ]
    return ", ".join(filter(None, words))


def _steward(steward: Steward, fates: Fates) -> str:
    return f"steward {steward.name} {_set(fates.kit(steward))}: {steward.kit or 'no kit'}"


def _stash(stash: Stash, fates: Fates) -> str:
    held = held_by(stash)
    return (
        f"stash {stash.name} {_set(fates.place(stash))} at {stash.address}, as it is since serial {stash.since}:"
        f" holds {held}; {stash}"
    )


def _dataset(dataset: Dataset, fates: Fates) -> Iterator[str]:
    yield f"dataset {dataset.name}{' (held)' if dataset.held else ''}"
    source = dataset.source
    counts = source.pulled.well is not None and not dataset.held and not late_and_failing(source, dataset)
    where = "source, in place," if source.in_place else "source"
    yield f"  {where} {_place(source, fates)}, every {source.every} h, pulled {_tries(source.pulled)}: counts {counts}"
    for each in dataset.destinations:
        yield f"  {each.name} {_place(each, fates)}, every {each.every} h, {_history(each)}: counts {each in counting(dataset)}"


def _history(destination: Destination) -> str:
    steps = {
        "pushed": destination.pushed,
        "verified": destination.verified,
        "rehearsed": destination.rehearsed,
        "listed (empty)" if destination.empty else "listed": destination.seen,
    }
    return ", ".join(f"{name} {_tries(tries)}" for name, tries in steps.items() if tries.tried is not None)


def _place(place: Source | Destination, fates: Fates) -> str:
    return f"{_set(fates.place(place))} at {place.address}, {place.form}, as it is since serial {place.since}"


def _tries(tries: Tries) -> str:
    if tries.tried is None:
        return "never"
    well = "never well" if tries.well is None else f"well {tries.well:g} h ago"
    return f"{well}, then failed {tries.tried:g} h ago ({tries.code})" if tries.failing else well


def _set(labels: object) -> str:
    return "{" + ", ".join(sorted(map(str, labels))) + "}"  # type: ignore[call-overload]
