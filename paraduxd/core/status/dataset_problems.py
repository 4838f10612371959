"""Whether each dataset could be had back today: on a blank machine, by the stewards, with everything else where it is.

Critical, each with the dataset as its subject:

    dataset-no-destination  only the source and this machine hold it
    dataset-no-version      no destination holds a version
    dataset-damaged         the destinations hold damaged versions only
    dataset-no-copy         the destinations that hold one have been out of reach for longer than two periods
    dataset-not-in-config   no config that the stewards can open leads to a copy: the place, or the whole dataset, is in a newer one only

Warning: dataset-unknown (this machine was recovered, and nobody has looked at the destinations yet), not-protected (a destination is not
what `protects` says).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from paraduxd.core.plan.model import Plan
from paraduxd.core.recoverability.append_only_places import protection
from paraduxd.core.recoverability.copies import needed
from paraduxd.core.runs.conditions import Condition, DatasetCondition
from paraduxd.core.runs.facts import Facts
from paraduxd.core.status.problems import Problem

UNKNOWN = "dataset-unknown"


def of_datasets(plan: Plan, datasets: Sequence[DatasetCondition], serial: int | None) -> Iterator[Problem]:
    """What keeps each dataset from being had back; `serial`: of the newest config that the stewards can open. When they can open none, that
    is said once elsewhere."""
    for condition in datasets:
        yield from _of_dataset(condition, plan, serial)


def _of_dataset(condition: DatasetCondition, plan: Plan, serial: int | None) -> Iterator[Problem]:
    name, parts, recovered = condition.plan.id, condition.destinations, plan.generation > 1
    counts = any(part.counts for part in parts)
    if counts and (serial is None or _is_led_to(condition, serial)):
        return
    if recovered and any(is_unknown(part) for part in parts):
        text = f"nobody has looked yet at what the destinations of {name} hold, since this machine was recovered"
        hint = f"they are being asked; ask now: paraductl versions {name}"
        yield Problem("warning", UNKNOWN, name, text, hint)
    elif counts:
        text = (
            f"the newest config that stewards can open has serial {serial}, and the places of {name} are in later ones"
            " only: without this machine nobody finds them"
        )
        hint = "publish the config, or write new kits: paraductl publish; paraductl create-steward-device --all"
        claim = "no config that stewards can open leads to {names}"
        yield _critical("dataset-not-in-config", name, text, hint, claim)
    else:
        yield from _without_copy(condition, f"paraductl backup {name}", recovered)


def is_unknown(part: Condition) -> bool:
    """Nobody has looked at this destination, nor tried to."""
    return not part.completed and not part.looked_at


def _is_led_to(condition: DatasetCondition, serial: int) -> bool:
    pairs = zip(condition.plan.destinations, condition.destinations, strict=True)
    return any(state.counts and (needed(destination) or 0) <= serial for destination, state in pairs)


def _without_copy(condition: DatasetCondition, now: str, recovered: bool) -> Iterator[Problem]:
    name, parts = condition.plan.id, condition.destinations
    if not parts:
        text = f"{name} has no destination, so only its source and this machine hold it"
        claim = "there is no destination for {names}"
        yield _critical("dataset-no-destination", name, text, "add one: paraductl edit", claim)
    elif not any(part.completed for part in parts):
        text = f"no destination of {name} has completed a version yet"
        claim = "no destination holds a version of {names}"
        if recovered:  # and who could not be reached may hold one
            text = f"no destination of {name} was seen to hold a version since this machine was recovered"
            claim = "no destination was seen to hold a version of {names}"
        yield _critical("dataset-no-version", name, text, now, claim)
    elif not any(part.completed and not part.damaged for part in parts):
        text = f"every destination of {name} that holds a version failed its last check"
        claim = "the destinations hold damaged versions only of {names}"
        yield _critical("dataset-damaged", name, text, now, claim)
    else:
        text = f"no copy of {name} can be relied on: what destinations hold it have been out of reach for more than two periods"
        yield _critical("dataset-no-copy", name, text, now, "no copy can be relied on of {names}")


def _critical(code: str, subject: str, text: str, hint: str, claim: str) -> Problem:
    return Problem("critical", code, subject, text, hint, claim)


def of_protection(facts: Facts, datasets: Sequence[DatasetCondition]) -> Iterator[Problem]:
    """Places that are said to be protected from this machine, and are not: a rehearsal or a check has tried."""
    for condition in datasets:
        for each in condition.plan.destinations:
            if protection(facts, condition.plan.id, each) is False:
                subject = f"{condition.plan.id}/{each.id}"
                text = f"{subject} is said to be {each.protects}, but this machine could replace or remove an object of its own there"
                hint = "take the right to remove away from its credentials, or take protects out: paraductl edit"
                yield Problem("warning", "not-protected", subject, text, hint)
