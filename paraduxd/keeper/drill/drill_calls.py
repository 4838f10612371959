"""The calls of a drill: a whole recovery into a scratch place, from the shares in the config or from kits. Production stays as it is."""

from __future__ import annotations

import contextlib
import os
import random
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace

from paraduxd.api.calls import JsonObject
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.drills import DrillOutcome, Opening
from paraduxd.api.replies.recovery import BroughtFinding
from paraduxd.api.replies.transfer_runs import Nothing
from paraduxd.core.config.managed import Managed
from paraduxd.core.plan import model as plans
from paraduxd.core.plan.model import Plan
from paraduxd.core.recovery.candidates import CandidateConfig
from paraduxd.core.recovery.drill_judgement import KITS, SHARES, Drill
from paraduxd.effects.files import bounded
from paraduxd.keeper.config.generate import now
from paraduxd.keeper.drill import drill_places, verdicts
from paraduxd.keeper.drill.drill_places import Places
from paraduxd.keeper.drill.verdicts import Secret
from paraduxd.keeper.recovery.collected import Recovery, material_from_plain
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.request_context import Note, RequestContext
from paraduxd.keeper.runtime.supervisor_link import questions
from paraduxd.shares import slip39

_under_way = threading.Lock()
_uids: list[int] = []
_cancelled = threading.Event()


def drill(context: RequestContext, note: Note, scratch: str) -> DrillOutcome:
    """Rehearse with shares from the open config, chosen at random. Its secret is not looked at: only what the shares give counts."""
    opened = context.opened()
    managed = opened.managed
    with _one(context):
        plan = _plan(context.installation)
        try:
            text, who = _combined(managed)
        except ParaduxError as problem:
            return _reported(context.installation, _without_secret(plan, problem))
        note(f"the shares of {who} give a secret")
        secret = Secret(text, managed.recovery.fingerprint, ())
        return _Rehearsal(context.installation, note, SHARES, plan, secret, opened.document).run(scratch)


def drill_kits(
    context: RequestContext, note: Note, untrusted_materials: Sequence[object], scratch: str
) -> DrillOutcome:
    """Rehearse with kits that were brought; the passphrase is not needed, as in a recovery."""
    brought = Recovery()
    brought.add([material_from_plain(material) for material in untrusted_materials])
    state = brought.state()
    with _one(context):
        plan = _plan(context.installation)
        if not brought.ready:
            report = "; ".join(state.report) or "no kit was brought"
            raise ParaduxError("not-enough-shares", f"no secret can be made: {report}", "bring more kits of one epoch")
        secret, opened, refused = verdicts.prove_kits(brought.brought, context.installation.memory)
        note("the shares in the kits give a secret, and it opens the config in them")
        openings = (
            *(verdicts.of_kit(found, plan) for found in opened),
            *(Opening("a kit", False, sentence, kit=True) for sentence in refused),
            *_bad_shares(state.findings),
        )
        newest = max(opened, key=lambda found: found.rank)
        rehearsal = _Rehearsal(context.installation, note, KITS, plan, secret, newest.document, openings)
        return replace(rehearsal.run(scratch), kits=state.findings)


def drill_cancel(context: RequestContext) -> Nothing:
    """End the drill that is under way, if there is one; its scratch place goes as if it had come to its end."""
    if not all(_may_end(context, uid) for uid in list(_uids)):
        raise ParaduxError(
            "not-allowed",
            "somebody else began the drill: ending it needs the operational passphrase",
            "wait for it",
            ExitCode.NOT_AUTHORIZED,
        )
    _cancelled.set()
    return Nothing()


def _may_end(context: RequestContext, uid: int) -> bool:
    """Whether this connection may end the drill of this user."""
    return context.peer.uid in (0, os.geteuid(), uid) or context.session.covers(context.visit)


def _bad_shares(findings: Iterable[BroughtFinding]) -> Iterator[Opening]:
    """What is wrong with a kit whose share did not count."""
    for finding in findings:
        if finding.state not in ("good", "duplicate"):
            yield Opening(finding.label, False, finding.text, kit=True)


@contextlib.contextmanager
def _one(context: RequestContext) -> Iterator[None]:
    """One drill at a time; the keeper stays until it has ended."""
    if not _under_way.acquire(blocking=False):
        raise ParaduxError("busy", "a drill is under way already", "wait for it, or end it: paraductl lock")
    try:
        _cancelled.clear()
        _uids[:] = [context.peer.uid]
        with context.session.working():
            yield
    finally:
        _uids.clear()
        _under_way.release()


def _plan(installation: Installation) -> Plan:
    """What is in force on this machine: a drill proves that this very config can be had back."""
    try:
        return plans.from_json(bounded.text(installation.state.plan))
    except (OSError, ValueError):
        raise ParaduxError(
            "not-set-up",
            "no config is in force on this machine, so a drill has nothing to compare with",
            "to get one back from kits: paraductl recover",
        ) from None


def _combined(managed: Managed) -> tuple[str, str]:
    """The secret from as many issued shares as are needed, and the names of those who hold them."""
    part = managed.shares
    issued = sorted(part.issued.items())
    if len(issued) < part.threshold:
        raise ParaduxError("not-enough-shares", f"{len(issued)} shares are issued, {part.threshold} are needed")
    chosen = random.SystemRandom().sample(issued, part.threshold)
    try:
        secret = slip39.combine([part.words[index] for _, index in chosen])
    except slip39.ShareError as problem:
        raise ParaduxError("bad-shares", f"the shares of {_and(chosen)} give no secret: {problem}") from None
    return secret.hex(), _and(chosen)


def _and(chosen: list[tuple[str, int]]) -> str:
    return ", ".join(sorted(name for name, _ in chosen))


def _without_secret(plan: Plan, problem: ParaduxError) -> Drill:
    """A drill that ended before it began: the shares themselves are bad, and so are the kits."""
    failed = Opening("the shares in the config", False, problem.message, kit=True)
    return Drill(SHARES, now(), now(), plan.epoch, plan.serial, (failed,), (), tuple(each.id for each in plan.datasets))


@dataclass(frozen=True)
class _Rehearsal:
    """One drill once the shares have given a secret. `document`: the config that it begins with, which only tells where to look."""

    installation: Installation
    note: Note
    source: str
    plan: Plan
    secret: Secret
    document: JsonObject
    openings: tuple[Opening, ...] = ()
    started: str = field(default_factory=now)

    def run(self, scratch: str) -> DrillOutcome:
        """Open what the metadata stashes hold, then restore from every destination by the config that came from there."""
        epoch = self.secret.epoch or self.plan.epoch
        with drill_places.prepared(self.installation, self.plan, self.document, scratch, _cancelled) as places:
            found = list(self._open_stashes(places, epoch))
            recovered = _recovered([each for each, _ in found if each], self.document)
            restored = tuple(drill_places.restore_all(places, recovered, self.note))
        openings = (*self.openings, *(opening for _, opening in found))
        names = tuple(dataset.id for dataset in self.plan.datasets)
        ended = Drill(self.source, self.started, now(), epoch, self.plan.serial, openings, restored, names)
        return _reported(self.installation, ended)

    def _open_stashes(self, places: Places, epoch: int) -> Iterator[tuple[CandidateConfig | None, Opening]]:
        for answer in drill_places.ask_stashes(places, self.document, epoch):
            found, opening = verdicts.open_answer(answer, self.secret, self.plan, self.installation.memory)
            self.note(f"{opening.place}: {opening.text}")
            yield found, opening


def _recovered(found: list[CandidateConfig], otherwise: JsonObject) -> JsonObject:
    """The newest config that was had back; without any, the one that the drill began with: the destinations are tried all the same."""
    return max(found, key=lambda each: each.rank).document if found else otherwise


def _reported(installation: Installation, drill: Drill) -> DrillOutcome:
    """The outcome, after the supervisor has written it down."""
    questions(installation.control).drill_ended(drill=drill)
    return drill.outcome()
