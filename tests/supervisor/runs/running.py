"""A dispatcher (and scheduler) on a real journal, with workers and a clock that tests hold in their hands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from paraduxd.api.paths import StatePlaces
from paraduxd.core.plan.model import (
    DatasetPlan,
    DestinationPlan,
    Limits,
    MetadataPlan,
    Plan,
    SourcePlan,
    Timing,
    with_uids,
)
from paraduxd.core.primitives import timestamps
from paraduxd.effects.journal.journal import Journal
from paraduxd.supervisor.runs.dispatcher import Dispatcher
from paraduxd.supervisor.runs.engine import Engine
from paraduxd.supervisor.schedule.scheduler import Scheduler
from tests.fakes import Clock, Workers

HOURLY = Timing(every=3600)
DAILY = Timing(every=86_400)


def destination(name: str, timing: Timing | None = DAILY, **more: object) -> DestinationPlan:
    values = {"protocol": "sftp", "place": f"{name}.example", "transport": f"dest-{name}", **more}
    return DestinationPlan(name, timing=timing, **values)  # type: ignore[arg-type]


def dataset(
    name: str = "home",
    destinations: Sequence[DestinationPlan] = (),
    timing: Timing | None = HOURLY,
    **more: object,
) -> DatasetPlan:
    source = SourcePlan("rsync", f"{name}-laptop", f"source-{name}", timing)
    values = {"staging": f"/srv/{name}", "destinations": tuple(destinations or [destination("disk")]), **more}
    return DatasetPlan(name, "", source, **values)  # type: ignore[arg-type]


def plan(
    *datasets: DatasetPlan,
    serial: int = 1,
    stashes: Sequence[str] = (),
    verify_every: int | None = None,
    **more: object,
) -> Plan:
    made = Plan(
        serial=serial,
        saved="2026-11-23T12:00:00Z",
        epoch=1,
        owner="fred",
        instance="one",
        shares_required=2,
        verify_every=verify_every,
        datasets=datasets or (dataset(),),
        metadata_stashes=tuple(MetadataPlan(name, "disk", "local", f"metadata-{name}") for name in stashes),
        limits=Limits(**more) if more else Limits(transfers=8, per_place=8),  # type: ignore[arg-type]
    )
    return with_uids(made)


@dataclass
class Rig:
    """One supervisor's running things; `restart` is a new supervisor on the same state."""

    root: Path
    clock: Clock = field(default_factory=Clock)
    workers: Workers = field(default_factory=Workers)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.journal = Journal(self.root / "journal.sqlite", self.clock())
        state = StatePlaces(self.root)
        engine = Engine(self.journal, self.workers, self.clock, state)
        self.dispatcher = Dispatcher(engine, self.journal, self.clock, state)
        self.scheduler = Scheduler(self.dispatcher, self.journal, self.clock)

    def run_by(self, plan: Plan, *, ready: bool = True) -> None:
        self.dispatcher.engine.apply_plan(plan)
        self.scheduler.apply_plan(plan)
        self.dispatcher.engine.set_ready(ready)

    def restart(self, plan: Plan, *, killed: bool = True) -> None:
        """By SIGKILL, or by an orderly stop."""
        if killed:
            self.workers = Workers()
        else:
            self.dispatcher.engine.stop()
        self.journal.close()
        self.begin()
        self.run_by(plan)
        self.dispatcher.engine.resume()

    def pulled(self, *names: str, files: int = 10, **result: int) -> None:
        """A good pull of these datasets, by hand."""
        for name in names or ("home",):
            self.dispatcher.backup([name], pull_only=True)
            self.workers.done(name, "pull", files=files, **result)

    def next_for(self, dataset: str, step: str, location: str) -> datetime | None:
        """When this runs next by itself."""
        return timestamps.parse(self.scheduler.next_runs().get((dataset, step, location)))

    def state(self, number: int) -> str:
        (run,) = self.dispatcher.runs([number])
        return str(run.state)

    def error(self, number: int) -> str:
        (run,) = self.dispatcher.runs([number])
        return str(run.error.code if run.error else None)

    def pass_time(self, seconds: float, step: float = 10.0) -> None:
        """Let the clock run and the scheduler look at it, as its alarm and heartbeat would."""
        end = self.clock.time.timestamp() + seconds
        while self.clock.time.timestamp() < end:
            self.clock.advance(seconds=step)
            self.scheduler.tick()


def without_timing(source: DatasetPlan) -> DatasetPlan:
    return replace(source, source=replace(source.source, timing=None))
