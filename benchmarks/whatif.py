"""`python -m benchmarks.whatif`: how long "what if?" takes for 1,000 datasets, 60 labels, 16 stewards and 200 inventory entries."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.replies.results import Published, Pulled, Pushed, Rehearsal, Result, Version
from paraduxd.core.plan.model import (
    DatasetPlan,
    DestinationPlan,
    EntryPlan,
    MetadataPlan,
    Plan,
    SourcePlan,
    StewardPlan,
    Timing,
)
from paraduxd.core.recovery.kit_records import Kit
from paraduxd.core.runs.facts import Facts, Latest
from paraduxd.core.whatif.answer import WhatIfQuestion, answer
from paraduxd.supervisor.status.whatif_cache import WhatIfCache

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DATASETS, LABELS, STEWARDS, ENTRIES = 1000, 60, 16, 200
MB = 1_000_000


def family(seed: int) -> tuple[Plan, Facts]:
    """Everything at random, all of it in order."""
    chance = random.Random(seed)
    labels = [f"{kind}:l{number}" for number in range(LABELS // 3) for kind in ("place", "account", "device")]
    places = [(f"host{number}.example", tuple(chance.sample(labels, chance.randint(1, 3)))) for number in range(30)]
    datasets = tuple(_dataset(f"d{number}", chance, places, labels) for number in range(DATASETS))
    names = [f"e{number}" for number in range(ENTRIES)]
    plan = Plan(
        42, _ago(1), 1, "owner", "instance", 5,
        owner_fates=(labels[0],),
        datasets=datasets,
        metadata_stashes=tuple(MetadataPlan(f"m{n}", "sftp", *_place(place), uid=f"/m{n}") for n, place in enumerate(places[:3])),
        stewards=tuple(StewardPlan(f"s{n}", f"S{n}", (f"person:s{n}", labels[3 + n]), fetch=3600 * n) for n in range(STEWARDS)),
        inventory=tuple(_entry(name, chance, names, labels) for name in names),
    )  # fmt: skip
    latest = {
        ("", "publish", each.id): _done(Published(serial=42, epoch=1, epochs=(1,))) for each in plan.metadata_stashes
    }
    for each in datasets:
        latest[each.id, "pull", "source"] = _done(Pulled(files=9, bytes=MB))
        for place in each.destinations:
            version = Version("a", _ago(5), files=9, bytes=90 * MB)
            latest[each.id, "push", place.id] = _done(Pushed(versions=(version,), bytes=90 * MB))
            latest[each.id, "rehearse", place.id] = replace(_done(Rehearsal(bytes=9 * MB)), seconds=3)
    return plan, Facts(latest=latest, kits={each.id: Kit(1, _ago(99), _ago(99), None, 42) for each in plan.stewards})


def _dataset(
    name: str, chance: random.Random, places: list[tuple[str, tuple[str, ...]]], labels: list[str]
) -> DatasetPlan:
    chosen = chance.sample(places, 3)
    source = SourcePlan("rsync", "laptop.example", f"{name}.source", Timing(3600), (labels[1],), uid=f"{name}/source")
    destinations = tuple(
        DestinationPlan(f"c{n}", "restic", place, "t", Timing(86_400), fates, "restic", uid=f"{name}/c{n}")
        for n, (place, fates) in enumerate(chosen)
    )
    return DatasetPlan(
        name, name, source, f"/srv/{name}", destinations=destinations, uid=name, staging_uid=f"{name}/staging"
    )


def _entry(name: str, chance: random.Random, names: list[str], labels: list[str]) -> EntryPlan:
    fates = (chance.choice(labels),) if chance.random() < 0.5 else ()
    needs = tuple(tuple(chance.sample(names, 2)) for _ in range(chance.choice((0, 1, 2))))
    resets = tuple((each,) for each in chance.sample(names, chance.choice((0, 1))))
    return EntryPlan(name, fates, chance.random() < 0.7, needs, resets)


def _place(place: tuple[str, tuple[str, ...]]) -> tuple[str, str, tuple[str, ...]]:
    return place[0], "transport", place[1]


def _done(result: Result) -> Latest:
    return Latest(_ago(1), _ago(1), 0, None, result, "done")


def _ago(hours: float) -> str:
    return (NOW - timedelta(hours=hours)).isoformat()


def measure(what: str, act: Callable[[], object], times: int = 3) -> float:
    """The best of some runs, in seconds of the processor."""
    best = min(_seconds(act) for _ in range(times))
    print(f"{what:<60} {best:7.3f} s")
    return best


def _seconds(act: Callable[[], object]) -> float:
    begun = time.process_time()
    act()
    return time.process_time() - begun


def main() -> None:
    """Measure and print."""
    plan, facts = family(1)
    answers = WhatIfCache()
    measure("whatif: everything", lambda: answer(plan, facts, NOW, WhatIfQuestion()))
    measure("whatif --lose, one label", lambda: answer(plan, facts, NOW, WhatIfQuestion(lose=("place:l1",))))
    measure("whatif --compromise machine", lambda: answer(plan, facts, NOW, WhatIfQuestion(compromise=("machine",))))
    answers.answer(plan, facts, NOW, WhatIfQuestion())
    again = lambda: json.dumps(to_json_value(answers.answer(plan, facts, NOW, WhatIfQuestion())))  # noqa: E731
    measure("whatif: everything, nothing has changed, as JSON", again)
    measure("whatif --advice all", lambda: answer(plan, facts, NOW, WhatIfQuestion(advice="all")), 1)


if __name__ == "__main__":
    main()
