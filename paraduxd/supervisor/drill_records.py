"""What the supervisor has to do with drills: it keeps their outcomes, and removes what killed ones left behind.

The journal keeps what the last drill saw, as the fact "drill/seen", and every place that was tried as a run of the step "rehearse", as if
the schedule had run it. Version 0.1.0 kept two facts, "drill/last" and "drill/proven", which do not say what was seen: such a drill has
been run, but proves nothing.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.paths import StatePlaces
from paraduxd.api.replies.drills import Rehearsed
from paraduxd.core.plan.model import Plan
from paraduxd.core.primitives import timestamps
from paraduxd.core.recovery.drill_judgement import Drill
from paraduxd.core.runs import damage
from paraduxd.core.runs import facts as known
from paraduxd.core.runs.facts import Key, Latest
from paraduxd.core.runs.orders import Failed, Step
from paraduxd.effects.files import scratch
from paraduxd.effects.ipc.keeper_questions import DrillPlace
from paraduxd.effects.journal.journal import Ending, Journal
from paraduxd.supervisor.runs import damage_records

log = logging.getLogger("paradux.drills")

SEEN, BASES = "drill/seen", "drill/bases"
"""Names of facts in the journal: `SeenDrill` as plain values, and [directory]."""

LAST, PROVEN = "drill/last", "drill/proven"
"""Names of facts of version 0.1.0: {"ended", "epoch", ...} of the last drill, and of the last that proved the whole."""

UNSAID = "an earlier version of Paradux ran it, and did not keep what it had proven"

TRIGGER = "drill"


class DrillRecords:
    """Everything about drills that outlives the keeper."""

    def __init__(self, journal: Journal, state: StatePlaces, clock: Callable[[], datetime]) -> None:
        self._journal = journal
        self._mark = scratch.mark_of(state.directory)
        self._clock = clock

    def begins(self, base: str) -> DrillPlace:
        """A drill is about to use scratch space below `base` ("": the usual place): sweep, and remember where to sweep if it is killed."""
        folder = Path(base) if base else scratch.BASE
        if not folder.is_absolute() or not folder.is_dir():
            raise ParaduxError("bad-scratch", f"{folder} is no directory", "give the absolute path of one that exists")
        self.sweep()
        bases = self._bases()
        if str(folder) not in bases:
            self._journal.set_fact(BASES, [*bases, str(folder)])
        return DrillPlace(str(folder), self._mark)

    def _keep_damage(self, plan: Plan, key: Key, ending: Ending) -> None:
        if key[0] and ending.error and ending.error.code == damage_records.CODE:
            place = plan.uids[key[0], key[2]]
            damage_records.keep(self._journal, place, damage.found(ending.error, ending.at, deep=True))

    def sweep(self, *, at_start: bool = False) -> None:
        """Remove what killed drills left; `at_start`: none can be under way."""
        for base in self._bases():
            scratch.sweep(Path(base), self._mark, also_living=at_start)
        if at_start and self._bases() != [str(scratch.BASE)]:
            with contextlib.suppress(ParaduxError):  # then they are swept once more
                self._journal.set_fact(BASES, None)

    def _bases(self) -> list[str]:
        bases = self._journal.fact(BASES)
        return [*dict.fromkeys([str(scratch.BASE), *(bases if isinstance(bases, list) else [])])]

    def ended(self, plan: Plan, drill: Drill) -> set[str]:
        """Keep the outcome of a drill; gives the datasets that it has to do with ("" for the metadata stashes)."""
        now = timestamps.stamp(self._clock()) or ""
        places = _places(plan)
        with self._journal.batch():
            for key, ending in _endings(drill, now):
                if key in places:
                    self._keep_damage(plan, key, ending)
                    run = self._journal.add(key, TRIGGER, drill.started)
                    self._journal.start(run.number, drill.started)
                    self._journal.finish(run.number, ending)
            self._journal.set_fact(SEEN, to_json_value(_seen(plan, drill, now)))
            for name in (LAST, PROVEN):
                self._journal.set_fact(name, None)
        log.info("A drill has ended: %s", "proven" if drill.proven else "not proven")
        return {key[0] for key in places}


@dataclass(frozen=True)
class SeenDrill:
    """A drill as the journal keeps it: the fields of `facts.Drills` that are its own."""

    ended: str
    epoch: int
    serial: int
    proven: tuple[known.SeenCopy, ...] = ()
    opened: tuple[known.SeenStash, ...] = ()
    kit_opened: bool = False
    lacking: str = ""


def _seen(plan: Plan, drill: Drill, now: str) -> SeenDrill:
    """What is kept of a drill. What the plan does not know any more is not."""
    uids = plan.uids
    copies = (
        known.SeenCopy(each.dataset, each.destination, uid, *_version(each.result))
        for each in drill.restored
        if each.good and (uid := uids.get((each.dataset, each.destination)))
    )
    stashes = (
        known.SeenStash(each.place, uid, drill.serial, now)
        for each in drill.openings
        if each.present and not each.kit and (uid := uids.get(("", each.place)))
    )
    by_kit = any(each.present and each.kit for each in drill.openings)
    lacking = next(iter(drill.lacking), "")
    return SeenDrill(now, drill.epoch, drill.serial, tuple(copies), tuple(stashes), by_kit, lacking)


def _version(result: Rehearsed | None) -> tuple[str, str | None]:
    """Id and time of the version that was restored from."""
    return (result.version, result.time or None) if result else ("", None)


def _places(plan: Plan) -> set[Key]:
    stashes = {("", str(Step.REHEARSE), stash.id) for stash in plan.metadata_stashes}
    return stashes | {
        (dataset.id, str(Step.REHEARSE), each.id) for dataset in plan.datasets for each in dataset.destinations
    }


def _endings(drill: Drill, now: str) -> Iterator[tuple[Key, Ending]]:
    for opening in drill.openings:
        if not opening.kit:
            error = None if opening.good else Failed("not-opened", opening.text)
            result = {"epoch": drill.epoch, "serial": drill.serial} if opening.good else None
            yield ("", Step.REHEARSE, opening.place), Ending(_state(opening.good), now, error, result)
    for each in drill.restored:
        found = each.result
        error = Failed(each.error.code, each.error.message, each.error.hint) if each.error else None
        ending = Ending(_state(each.good), now, error)
        if found is not None:
            ending = replace(ending, result=to_json_value(found), bytes=found.bytes, files=found.files)
        yield (each.dataset, Step.REHEARSE, each.destination), ending


def _state(good: bool) -> str:
    return "done" if good else "failed"


def facts(journal: Journal, latest: Mapping[Key, Latest]) -> known.Drills:
    """What status is told of drills."""
    restored = {
        (dataset, location): when
        for (dataset, step, location), found in latest.items()
        if step == Step.REHEARSE and dataset and (when := found.last_success)
    }
    seen = _last(journal)
    if seen is None:
        return known.Drills(restored=restored)
    return known.Drills(
        seen.ended, seen.epoch, seen.serial, seen.proven, seen.opened, seen.kit_opened, seen.lacking, restored
    )


def _last(journal: Journal) -> SeenDrill | None:
    """The last drill; of one that version 0.1.0 ran only that it was."""
    if journal.fact(SEEN) is not None:
        return journal.fact_as(SeenDrill, SEEN)
    for old in (journal.fact(LAST), journal.fact(PROVEN)):
        if isinstance(old, dict) and isinstance(old.get("epoch"), int):
            return SeenDrill(str(old.get("ended") or ""), old["epoch"], 0, lacking=UNSAID)
    return None
