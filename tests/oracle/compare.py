"""Holds what status says against what is so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests import status_json as status
from tests.oracle import sentence, translate
from tests.oracle.family import Family
from tests.oracle.truth import Loss, Truth, truth

LISTED = 10
"""The document names at most so many of the weakest losses."""


@dataclass(frozen=True)
class Disagreement:
    """One thing that status says otherwise. `too_much`: it claims more than is so."""

    kind: str
    too_much: bool
    text: str


def disagreements(family: Family) -> tuple[Disagreement, ...]:
    """Everything about which status and the oracle disagree: for the whole, and for every dataset by itself."""
    plan, facts = translate.plan(family), translate.facts(family)
    names = {each.name for each in family.datasets}
    found = list(compare(truth(family), status.build(plan, facts, translate.NOW), names))
    for name in names:
        alone = compare(truth(family, name), status.build(plan, facts, translate.NOW, name), {name})
        found += [replace(each, kind=f"{each.kind} of one", text=f"status {name}: {each.text}") for each in alone]
    return tuple(found)


def compare(expected: Truth, document: Mapping[str, Any], datasets: set[str]) -> tuple[Disagreement, ...]:
    """What a status document says otherwise than it is."""
    return tuple(_compare(expected, document, datasets))


def _compare(expected: Truth, document: Mapping[str, Any], datasets: set[str]) -> Iterator[Disagreement]:
    said = document["recoverable"]
    if said["today"] != expected.today:
        yield Disagreement("today", said["today"], f"said today {said['today']}, is {expected.today}")
    if said["survives_any"] != expected.survives:
        more = said["survives_any"] > expected.survives
        yield Disagreement("survives", more, f"said {said['survives_any']}, is {expected.survives}")
    yield from _weakest(expected, list(map(frozenset, said["weakest"])))
    yield from _named(expected, document["problems"], datasets)
    yield from _proven(expected, document)
    for too_much, text in sentence.wrong(expected, document["headline"], list(map(frozenset, said["weakest"]))):
        yield Disagreement("headline", too_much, f"{text}, but the headline is: {document['headline']}")


def _weakest(expected: Truth, said: list[Loss]) -> Iterator[Disagreement]:
    """Minimal losses, the smallest first; none of the smallest is left out unless the list is full."""
    if list(map(len, said)) != sorted(map(len, said)):
        yield Disagreement("weakest", True, f"the smallest do not come first: {', '.join(map(_shown, said))}")
    for loss in said:
        if not expected.world.is_minimal(loss):
            yield Disagreement("weakest", False, f"named {_shown(loss)}, which is no minimal loss")
    missing = expected.weakest.difference(said)
    if missing and len([loss for loss in said if loss in expected.weakest]) < LISTED:
        for loss in missing:
            yield Disagreement("weakest", True, f"did not name {_shown(loss)}, which takes {_taken(expected, loss)}")


def _taken(expected: Truth, loss: Loss) -> str:
    return ", ".join(name or "the config" for name in sorted(expected.lost_by[loss]))


def _named(expected: Truth, problems: list[Mapping[str, Any]], datasets: set[str]) -> Iterator[Disagreement]:
    critical = {each["subject"].partition("/")[0] for each in problems if each["level"] == "critical"}
    for name in sorted((critical & datasets) ^ expected.named):
        too_much = name in expected.named
        said = "no critical problem" if too_much else "a critical problem"
        yield Disagreement("named", too_much, f"{said} names {name}")


def _proven(expected: Truth, document: Mapping[str, Any]) -> Iterator[Disagreement]:
    """What a drill has proven and nothing has disproven since: of each dataset, and of all."""
    datasets = {each["id"]: each["proven"] for each in document["datasets"]}
    for name, said in datasets.items():
        known = name in expected.proven
        if bool(said) != known:
            yield Disagreement("proven", bool(said), f"{name} is {'said' if said else 'not said'} to be proven")
    whole = len(expected.proven) == len(datasets)
    if bool(document["recoverable"]["proven"]) != whole:
        yield Disagreement("proven", not whole, "that all is proven, or that it is not")


def _shown(loss: Loss) -> str:
    return " + ".join(sorted(loss)) or "nothing"
