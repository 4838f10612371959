"""Which versions of a tree store go after a push, and what is said when there is no room."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from paraduxd.api import phrases
from paraduxd.api.errors import ParaduxError
from paraduxd.core.runs import retention
from paraduxd.effects.tools import rsync
from paraduxd.protocols.base import Context, PushRequest, PushResult, Removed, TransientError, Version
from paraduxd.protocols.trees import layout
from paraduxd.protocols.trees.layout import State


def tidied(root: rsync.Place, request: PushRequest, unfinished: Sequence[str], done: PushResult) -> PushResult:
    """Remove what interrupted pushes left and what `keep` does not hold; a failure is left to the next push."""
    old = retention.to_remove(done.versions, request.keep, request.now, request.grace) if request.may_remove else ()
    left = tuple(version for version in done.versions if version not in old)
    try:
        layout.remove(root, (*unfinished, *(version.id for version in old)))
    except ParaduxError:
        left = _versions_again(root, request.now, done.versions)
    why = retention.why_removed(request.keep, request.grace)
    removed = tuple(Removed(version.id, why) for version in done.versions if version not in left)
    until = retention.protected_until(left, request.keep, request.now, request.grace, request.protected_until)
    return replace(done, versions=left, pruned=bool(removed), removed=removed, protected_until=until)


def _versions_again(root: rsync.Place, now: str, believed: tuple[Version, ...]) -> tuple[Version, ...]:
    with contextlib.suppress(ParaduxError):
        return (layout.read(root, now) or State()).versions
    return believed


def full(
    problem: TransientError, dry: rsync.Ran, versions: tuple[Version, ...], request: PushRequest, context: Context
) -> TransientError:
    """How much was still to be copied when the disk was full, if a dry run could tell, and why nothing goes to make room."""
    amount = f": {phrases.size(dry.stats.transferred_bytes)} more are needed" if dry.code == 0 else ""
    versions = (*versions, Version("this one", request.now, number=retention.next_number(versions)))
    until = retention.protected_until(versions, request.keep, request.now, request.grace, request.protected_until)
    if until is None:
        return TransientError(problem.code, problem.message + amount, problem.hint)
    return TransientError(
        problem.code,
        f"{problem.message}{amount}; the versions that could go are protected until {until}",
        f"make room there, or remove them now: paraductl prune {context.dataset} --destination {context.location}",
    )
