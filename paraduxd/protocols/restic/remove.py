"""Which versions go from a repository, and when: slowly.

The rules are those of `core/runs/retention.py`; what is added stands at `unwanted`.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.api.frozen import dataclass
from paraduxd.core.recovery import machine_claim
from paraduxd.core.runs import retention
from paraduxd.protocols.base import Context, PushRequest, Removed, Version
from paraduxd.protocols.restic.snapshots import Listed
from paraduxd.protocols.restic.versions import Versions, ids

_log = logging.getLogger(__name__)

LOUD = ("damaged", machine_claim.SUPERSEDED)
"""What is found while removing and must be told, although the push is done."""


@dataclass(frozen=True)
class Tidied:
    """What is there now, what went, which version was read back whole, and why others could not go (`PushResult.kept_because`)."""

    listed: Listed
    proven: str
    removed: tuple[Removed, ...] = ()
    kept_because: str = ""


def unwanted(listed: Listed, request: PushRequest) -> tuple[Version, ...]:
    """The versions that may go now.

    The newest one in which nothing is missing stays: what is missing in those after it is nowhere else. One of 0.1.0 goes only if this
    machine's journal has it: by its tags alone it may be another machine's.
    """
    gone = retention.to_remove(listed.versions, request.keep, request.now, request.grace)
    whole = next((version.id for version in reversed(listed.versions) if not version.missing), "")
    foreign = set(listed.unmarked) - set(ids(request.known_versions))
    return tuple(version for version in gone if version.id != whole and version.id not in foreign)


def tidy(there: Versions, request: PushRequest, before: Tidied) -> Tidied:
    """`remove` after a push that is done: most failures are left to the next one."""
    try:
        return remove(there, request, before)
    except ParaduxError as problem:
        if problem.code in LOUD:
            raise
        _log.warning("Old versions stay for now: %s", problem.message)
        return replace(before, kept_because="" if isinstance(problem, TransientError) else problem.message)


def remove(there: Versions, request: PushRequest, before: Tidied) -> Tidied:
    """Remove what may go, after the newest version was read back whole.

    What is there is looked at again before: reading back can take hours. `restic forget --keep-...` would count versions dated in the
    future, and could remove the one just made.
    """
    if not request.may_remove or not unwanted(before.listed, request):
        return before
    newest = before.listed.versions[-1]
    if newest.id != before.proven:
        if not request.read_back:
            return before
        there.read_back(newest)
    real = there.listed(request.now, (*request.known_versions, *before.listed.versions), changing=True)
    gone = unwanted(real, request)
    if not gone or real.versions[-1].id != newest.id:
        return replace(before, listed=real, proven=newest.id)
    there.remove(ids(gone))
    reason = retention.why_removed(request.keep, request.grace)
    removed = (*before.removed, *(Removed(each.id, reason) for each in gone))
    tidied = Tidied(real.without(ids(gone)), newest.id, removed)
    return _reclaim(there, tidied) if request.prune else tidied


def make_room(there: Versions, request: PushRequest, before: Tidied, problem: TransientError) -> Tidied:
    """Remove what may go before a push for which there was no room; raises `TransientError` when that is nothing."""
    if problem.code != "disk-full":
        raise problem
    try:
        tidied = remove(there, replace(request, prune=True), before)
    except TransientError:
        raise problem from None  # a lock needs room as well
    if tidied.removed:
        return tidied
    raise _explained(problem, before.listed, request, there.context)


def _reclaim(there: Versions, tidied: Tidied) -> Tidied:
    """Free the space; a failure is left to the next time."""
    try:
        there.repository.run("prune")
    except ParaduxError as problem:
        _log.warning("Space is not reclaimed yet: %s", problem.message)
        return replace(tidied, kept_because="" if isinstance(problem, TransientError) else problem.message)
    return tidied


def _explained(problem: TransientError, listed: Listed, request: PushRequest, context: Context) -> TransientError:
    """Why there is no room, and until when the versions are protected that `keep` does not want."""
    alarm = request.protected_until
    until = retention.protected_until(listed.versions, request.keep, request.now, request.grace, alarm)
    if until is None:
        return problem
    return TransientError(
        "disk-full",
        f"{problem.message}; the versions there that keep does not want are protected until {until}",
        f"make room there, or remove them now: paraductl prune {context.dataset} --destination {context.location}",
    )
