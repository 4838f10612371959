"""What the supervisor has to do with drills: it keeps their outcomes, and removes what killed ones left behind.

The journal keeps of a drill what status needs, as facts ("drill/last", "drill/proven"), and every place that was tried as a run of the
step "rehearse", as if the schedule had run it. A journal of an earlier version has no such facts: then no drill has been run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.api.places import StatePlaces
from paraduxd.core import facts as known
from paraduxd.core import moments
from paraduxd.core.drills import Drill, drill_from_plain
from paraduxd.core.facts import Key, Latest
from paraduxd.core.orders import Step
from paraduxd.core.plan import Plan
from paraduxd.effects import scratch
from paraduxd.effects.journal import Ending, Journal

log = logging.getLogger("paradux.drills")

LAST, PROVEN, BASES = "drill/last", "drill/proven", "drill/bases"
"""Names of facts in the journal: {"ended", "epoch", "source", "lacking"}, {"ended", "epoch"}, [directory]."""

TRIGGER = "drill"


class Drills:
    """Everything about drills that outlives the keeper."""

    def __init__(self, journal: Journal, state: StatePlaces, clock: Callable[[], datetime]) -> None:
        self._journal = journal
        self._mark = scratch.mark_of(state.directory)
        self._clock = clock

    def begins(self, base: str) -> dict[str, Any]:
        """A drill is about to use scratch space below `base` ("": the usual place): sweep, and remember where to sweep if it is killed."""
        folder = Path(base) if base else scratch.BASE
        if not folder.is_absolute() or not folder.is_dir():
            raise ParaduxError("bad-scratch", f"{folder} is no directory", "give the absolute path of one that exists")
        self.sweep()
        bases = self._bases()
        if str(folder) not in bases:
            self._journal.set_fact(BASES, [*bases, str(folder)])
        return {"scratch": str(folder), "mark": self._mark}

    def sweep(self, *, at_start: bool = False) -> None:
        """Remove what killed drills left; `at_start`: none can be under way."""
        for base in self._bases():
            scratch.sweep(Path(base), self._mark, also_living=at_start)
        if at_start and self._bases() != [str(scratch.BASE)]:
            self._journal.set_fact(BASES, None)

    def _bases(self) -> list[str]:
        bases = self._journal.fact(BASES)
        return [*dict.fromkeys([str(scratch.BASE), *(bases if isinstance(bases, list) else [])])]

    def ended(self, plan: Plan, untrusted_drill: Mapping[str, Any]) -> set[str]:
        """Keep the outcome of a drill; gives the datasets that it has to do with ("" for the metadata stashes)."""
        drill = drill_from_plain(untrusted_drill)
        now = moments.stamp(self._clock()) or ""
        places = _places(plan)
        with self._journal.batch():
            for key, ending in _endings(drill, now):
                if key in places:
                    run = self._journal.add(key, TRIGGER, drill.started)
                    self._journal.start(run.number, drill.started)
                    self._journal.finish(run.number, ending)
            outcome = {"ended": now, "epoch": drill.epoch, "source": drill.source, "lacking": list(drill.lacking)}
            self._journal.set_fact(LAST, outcome)
            if drill.proven:
                self._journal.set_fact(PROVEN, {"ended": now, "epoch": drill.epoch})
        log.info("A drill has ended: %s", "proven" if drill.proven else "not proven")
        return {key[0] for key in places}


def _places(plan: Plan) -> set[Key]:
    stashes = {("", str(Step.REHEARSE), stash.id) for stash in plan.metadata_stashes}
    return stashes | {
        (dataset.id, str(Step.REHEARSE), each.id) for dataset in plan.datasets for each in dataset.destinations
    }


def _endings(drill: Drill, now: str) -> Iterator[tuple[Key, Ending]]:
    for opening in drill.openings:
        if not opening.kit:
            error = None if opening.good else {"code": "not-opened", "message": opening.text, "hint": ""}
            result = {"epoch": drill.epoch, "serial": drill.serial} if opening.good else None
            yield ("", Step.REHEARSE, opening.place), Ending(_state(opening.good), now, error, result)
    for each in drill.restored:
        result = each.result or {}
        ending = Ending(_state(each.good), now, each.error, each.result, result.get("bytes"), result.get("files"))
        yield (each.dataset, Step.REHEARSE, each.destination), ending


def _state(good: bool) -> str:
    return "done" if good else "failed"


def facts(journal: Journal, latest: Mapping[Key, Latest]) -> known.Drills:
    """What status is told of drills."""
    last, proven = (_object(journal.fact(name)) for name in (LAST, PROVEN))
    lacking = last.get("lacking")
    restored = {
        (dataset, location): when
        for (dataset, step, location), found in latest.items()
        if step == Step.REHEARSE and dataset and (when := found.last_success)
    }
    return known.Drills(
        last=proven.get("ended"),
        epoch=proven.get("epoch"),
        restored=restored,
        failed=last.get("ended") if lacking else None,
        failure=str(lacking[0]) if isinstance(lacking, list) and lacking else "",
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
