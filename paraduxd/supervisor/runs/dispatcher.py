"""What can be asked of the daemon: backups, checks, restores, publishing, and what is known of their runs.

A source without a timing is pulled right before each push that is due; a destination without one follows every pull that
changed something (`scheduler.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from paraduxd.api.calls import JsonObject
from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.listing_questions import DIFF, FIND, Question, RestoreOptions
from paraduxd.api.paths import StatePlaces
from paraduxd.api.replies.listings import Page
from paraduxd.api.replies.state import RunningState
from paraduxd.api.replies.transfer_runs import Run
from paraduxd.core.devices.stick_rules import Stick
from paraduxd.core.plan.model import DatasetPlan, Plan, Timing
from paraduxd.core.plan.terms import Keep
from paraduxd.core.primitives import timestamps
from paraduxd.core.runs import requests
from paraduxd.core.runs.conditions import versions_of
from paraduxd.core.runs.facts import Key
from paraduxd.core.runs.orders import Step
from paraduxd.core.runs.queue import STAGING
from paraduxd.core.runs.requests import Draft
from paraduxd.effects.installation import probes
from paraduxd.effects.journal.journal import Journal, RecordedRun
from paraduxd.supervisor.runs import outcomes
from paraduxd.supervisor.runs.engine import NO_PLAN, Engine
from paraduxd.supervisor.runs.order_factory import staging_is_filled

FRESH = timedelta(minutes=5)
"""A source without a timing is not pulled again for another push within this time."""


class Dispatcher:
    """A request gives the numbers of its runs, at once; what is queued already is not queued twice."""

    def __init__(self, engine: Engine, journal: Journal, clock: Callable[[], datetime], state: StatePlaces) -> None:
        self.engine = engine
        self._journal = journal
        self._clock = clock
        self._state = state

    @property
    def plan(self) -> Plan:
        """What is run by."""
        return self.engine.plan

    def backup(
        self,
        datasets: Sequence[str] = (),
        destination: str | None = None,
        *,
        pull_only: bool = False,
        push_only: bool = False,
        trigger: str = "manual",
        removes: bool = True,
        uid: int = 0,
    ) -> tuple[int, ...]:
        """Pull, then push to all destinations or one. No `datasets`: all.

        `removes`: the pushes may remove what `keep` does not want; else that is left to the next one that the schedule makes.
        """
        if pull_only and push_only:
            raise ParaduxError("bad-request", "a backup cannot be pull only and push only", "choose one of the two")
        self._need_credentials()
        drafts = requests.backup(self.plan, datasets, destination, pulls=not push_only, pushes=not pull_only)
        if push_only and len(refused := {draft.key[0] for draft in drafts}) == 1:
            self._need_pushable(refused.pop())
        more = {} if removes else {"keep": asdict(Keep())}
        drafts = [replace(each, trigger=trigger, arguments={**each.arguments, **more}) for each in drafts]
        return self.engine.submit(drafts, uid)

    def verify(self, dataset: str | None = None, *, deep: bool = False, uid: int = 0) -> tuple[int, ...]:
        """Check all destinations of one dataset, or of all; `deep` reads all data."""
        self._need_credentials()
        return self.engine.submit(requests.verify(self.plan, dataset, deep=deep), uid)

    def versions(
        self, dataset: str, destination: str | None = None, *, others: bool = False, uid: int = 0
    ) -> tuple[int, ...]:
        """Ask destinations what can be restored; `others`: what was not pushed there as well."""
        self._need_credentials()
        return self.engine.submit(requests.versions(self.plan, dataset, destination, others=others), uid)

    def look(
        self, dataset: str, source: str | None, question: Question, *, keys: Mapping[str, str], uid: int = 0
    ) -> tuple[int, ...]:
        """Look into versions: at one place, or for `find` at all; `keys` as of `restore`. What is found, `page` gives."""
        self.need_plan()
        (chosen,) = requests.chosen_datasets(self.plan, [dataset])
        places = [source] if source else [each.id for each in chosen.destinations]
        if not source and question.ask != FIND:
            places = [self.where_from(dataset, None, question.at, question.version)]
        if question.ask == DIFF and places == [STAGING]:
            places = [self._newest_destination(chosen, None)]
        if places != [STAGING]:
            self._need_credentials()
        drafts = [requests.look(self.plan, dataset, place, question, uid) for place in places or [STAGING]]
        return self.engine.submit(
            [replace(each, arguments={**each.arguments, **_key(keys, each)}) for each in drafts], uid
        )

    def page(self, run: int, uid: int = 0) -> Page:
        """What a run of `look` has found, for who asked."""
        return from_json_value(Page, self.engine.pages.get(run, uid))

    def where_from(
        self, dataset: str, source: str | None = None, at: str | None = None, version: str | None = None
    ) -> str:
        """From where a dataset is restored: what was asked for, else the newest copy that is known, or that has the version."""
        return source or self._newest_copy(dataset, at, version)

    def restore(
        self,
        dataset: str,
        to: str,
        source: str | None = None,
        at: str | None = None,
        paths: Sequence[str] = (),
        *,
        options: RestoreOptions = RestoreOptions(),  # noqa: B008  (it is frozen)
        key: str = "",
        uid: int = 0,
    ) -> tuple[int, ...]:
        """Write a version into the directory `to`; from staging, a destination's id, or (`None`) the newest copy that is known.

        `key` is the path where the worker gets the private key of encrypted archives; without it, restoring from such is "not-allowed".
        `uid`: who asks, and may own the directory.
        """
        location = self.where_from(dataset, source, at, options.version)
        if location != STAGING:
            self._need_credentials()
        draft = requests.restore(self.plan, dataset, location, to=to, at=at, paths=paths, uid=uid, options=options)
        if requests.needs_key(self.plan, dataset, location):
            if not key:
                raise ParaduxError(
                    "not-allowed",
                    f"{location} keeps encrypted archives: restoring from it needs the operational passphrase",
                    "give it",
                    ExitCode.NOT_AUTHORIZED,
                )
            draft = replace(draft, arguments={**draft.arguments, "key": key})
        return self.engine.submit([draft], uid)

    def publish(self, *, uid: int = 0) -> tuple[int, ...]:
        """Upload the outbox to every metadata stash."""
        self._need_credentials()
        return self.engine.submit(requests.publish(self.plan), uid)

    def notify_test(self, *, uid: int = 0) -> tuple[int, ...]:
        """Send a test through every address for notices."""
        self._need_credentials()
        return self.engine.submit(requests.notify_test(self.plan), uid)

    def hostkeys(self, hosts: Sequence[tuple[str, int] | tuple[str, int, str]]) -> tuple[int, ...]:
        """Fetch the keys of SSH servers (host, port) and certificates of TLS servers (host, port, how); needs no plan."""
        return self.engine.submit([requests.hostkeys(hosts)])

    def kit_check(self, stick: Stick, steward: str) -> tuple[int, ...]:
        """Check up the kit on a stick that is known; needs no credentials."""
        return self.engine.submit([requests.kit_check(stick, steward)])

    def approve(self, dataset: str) -> tuple[int, ...]:
        """Let a held dataset go ahead: the next pull may lose and change as many files as were seen; the pushes after it
        remove no earlier version."""
        self._need_credentials()
        requests.chosen_datasets(self.plan, [dataset])
        self.engine.release(dataset)
        drafts = requests.backup(self.plan, [dataset], None, pulls=True, pushes=True)
        return self.engine.submit([replace(draft, arguments=_cautious(draft)) for draft in drafts])

    def prune(self, dataset: str, destination: str | None = None) -> tuple[int, ...]:
        """Remove now what `keep` does not want at the destinations of a dataset, or at one, grace or not."""
        self._need_credentials()
        return self.engine.submit(requests.prune(self.plan, dataset, destination))

    def scheduled(self, due: Iterable[tuple[Key, str]]) -> None:
        """Queue what the schedule says is due: (target, trigger)."""
        drafts: list[Draft] = []
        for key, trigger in due:
            if not self.engine.knows(key):
                continue
            needs_pull = key[1] == Step.PUSH and self._needs_pull(key)
            before = requests.pull(key[0], trigger) if needs_pull else None
            drafts += [before] if before else []
            drafts.append(Draft(key, trigger, before.key if before else None))
        self.engine.submit(drafts)

    def running(self) -> tuple[RunningState, ...]:
        """The runs that go on now, with progress, as status shows them."""
        return tuple(_shown_running(run) for run in self.runs(self.engine.under_way()) if run.state == "running")

    def runs(self, numbers: Iterable[int]) -> list[Run]:
        """These runs as clients see them; unknown numbers are left out."""
        return self._shown(self._journal.get(numbers))

    def history(self, dataset: str | None = None, *, failed: bool = False, limit: int = 100) -> list[Run]:
        """Past and present runs, newest first."""
        return self._shown(self._journal.history(dataset, failed=failed, limit=limit))

    def unfinished(self) -> list[Run]:
        """What waits or goes on, by number."""
        return [run for run in self.runs(self.engine.open_runs()) if run.state in ("queued", "running")]

    def _shown(self, runs: Iterable[RecordedRun]) -> list[Run]:
        running = self.engine.under_way()
        return [outcomes.describe(run, running.get(run.number)) for run in runs]

    def need_plan(self) -> None:
        """Raises `ParaduxError` "plan-unreadable" where there was a plan, and none is run by."""
        if self.plan is NO_PLAN and probes.was_set_up(self._state):
            raise ParaduxError(
                "plan-unreadable",
                "the plan that the daemon runs by is gone or cannot be read",
                "write it again: paraductl unlock",
            )

    def _need_pushable(self, dataset: str) -> None:
        if error := self.engine.refusal(dataset):
            raise ParaduxError(error.code, error.message, error.hint)

    def _need_credentials(self) -> None:
        self.need_plan()
        if self.plan is NO_PLAN:
            raise ParaduxError("not-set-up", "Paradux is not set up yet", "set it up: paraductl setup")
        if not self.engine.transport_ready:
            raise ParaduxError(
                "locked",
                "nothing can be transferred: nobody has unlocked Paradux since it started",
                "open the vault: paraductl unlock",
                ExitCode.NOT_AUTHORIZED,
            )

    def _needs_pull(self, key: Key) -> bool:
        """Whether a push that is due is preceded by a pull: the source has no timing of its own, or is itself what is pushed and must
        pass the guard first; and was not just pulled."""
        dataset = self.plan.dataset(key[0])
        if dataset is None or (dataset.source.timing is not None and not dataset.source.in_place):
            return False
        last = timestamps.parse(self._journal.latest(requests.pull(dataset.id).key).last_success)
        timing = next((each.timing for each in dataset.destinations if each.id == key[2]), None) or Timing()
        fresh = min(FRESH, timedelta(seconds=(timing.every or 86_400) / 2))
        return last is None or not timedelta() <= self._clock() - last < fresh

    def _newest_copy(self, name: str, at: str | None, version: str | None = None) -> str:
        """Staging, if a pull has filled it; for an earlier time or a version, or without it, the destination that was written last."""
        (dataset,) = requests.chosen_datasets(self.plan, [name])
        pulled = self._journal.latest(requests.pull(name).key)
        if at is None and version is None and not dataset.source.in_place and staging_is_filled(dataset, pulled):
            return STAGING
        return self._newest_destination(dataset, version)

    def _newest_destination(self, dataset: DatasetPlan, version: str | None) -> str:
        """The one that was written last, of those that are known to have the version."""
        having = [
            each.id for each in dataset.destinations if version is None or self._has(dataset.id, each.id, version)
        ]
        places = having or [each.id for each in dataset.destinations]
        written = [(self._journal.latest((dataset.id, Step.PUSH, place)).last_success or "", place) for place in places]
        return max(written, key=lambda pair: pair[0])[1] if written else STAGING

    def _has(self, dataset: str, place: str, version: str) -> bool:
        ran = (self._journal.latest((dataset, step, place)) for step in (Step.PUSH, Step.VERSIONS))
        known = [each for latest in ran for each in versions_of(latest) or ()]
        return any(version in (str(each.number), each.id) for each in known)


def _key(keys: Mapping[str, str], draft: Draft) -> dict[str, str]:
    return {"key": keys[draft.key[2]]} if draft.key[2] in keys else {}


def _shown_running(run: Run) -> RunningState:
    percent = run.percent if run.percent is not None and 0 <= run.percent <= 100 else None
    eta = run.eta if run.eta is not None and run.eta >= 0 else None
    return RunningState(run.run, run.dataset, run.step, run.location, percent, max(run.bytes or 0, 0), eta)


def _cautious(draft: Draft) -> JsonObject:
    return {**draft.arguments, "held": True} if draft.key[1] == Step.PUSH else draft.arguments
