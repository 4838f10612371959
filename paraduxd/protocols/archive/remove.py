"""Removing versions of an archive destination, and the objects that nothing needs any more. Removing is slow: `PushRequest` has the rules.

A version goes in two steps: the list of the newest run is written anew without it, then its objects are deleted, as far as no other
version builds on them. Before, every run that the newest version builds on is read back whole.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.core.runs import retention
from paraduxd.core.runs.orders import Progress
from paraduxd.protocols.archive import chain, complete_run
from paraduxd.protocols.archive.chain import Manifest
from paraduxd.protocols.archive.local_state import Index, State
from paraduxd.protocols.archive.manifests import Keys, StoredRuns
from paraduxd.protocols.archive.receive import Receiver
from paraduxd.protocols.base import BlobStore, Context, PushRequest, Removed, TransientError, Version

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RemoveTask:
    """Where something is removed; `stored` is what is there now."""

    store: BlobStore
    keys: Keys
    context: Context
    stored: StoredRuns
    index: Index


@dataclass(frozen=True)
class Removal:
    """The newest manifest as it is now, what went, whether space was reclaimed, and why something could not go."""

    manifest: Manifest
    removed: tuple[Removed, ...] = ()
    pruned: bool = False
    kept_because: str = ""


def after_push(task: RemoveTask, manifest: Manifest, request: PushRequest, known: Sequence[str]) -> Removal:
    """What goes after a push: versions that the rules let go, and garbage if space may be reclaimed; `known`: runs that were there before.

    Raises `ParaduxError` "damaged" when the newest version does not read back as it was sent. A failure to remove is told, and left to the
    next push.
    """
    if not request.may_remove:
        return Removal(manifest)
    _remove_old_lists(task, manifest)
    dropped = retention.to_remove(versions_of(manifest), request.keep, request.now, request.grace)
    try:
        return _remove(task, manifest, request, dropped, known)
    except ParaduxError as problem:
        if problem.code == "damaged":
            task.index.save(State())  # so that the next run is a full one
            raise
        _log.warning("Old archives stay for now: %s", problem.message)
        lasting = not isinstance(problem, TransientError)
        return Removal(manifest, kept_because=f"old versions stay: {problem.message}" if lasting else "")


def _remove_old_lists(task: RemoveTask, manifest: Manifest) -> None:
    """The last two lists are enough."""
    try:
        for name in chain.superseded(task.stored.sizes, manifest.run.id):
            _delete(task, name)
    except ParaduxError as problem:
        _log.info("Lists of earlier runs stay for now: %s", problem.message)


def _delete(task: RemoveTask, name: str) -> None:
    task.store.delete(name)
    task.stored.forget(name)


def now(task: RemoveTask, manifest: Manifest, request: PushRequest) -> Removal:
    """Remove what `request.keep` does not want, however young; raises what keeps it from going."""
    whatever_age = replace(request, grace=0, prune=True, read_back=True)
    dropped = retention.to_remove(versions_of(manifest), request.keep, request.now)
    return _remove(task, manifest, whatever_age, dropped, [run.id for run in manifest.runs])


def _remove(
    task: RemoveTask, manifest: Manifest, request: PushRequest, dropped: Sequence[Version], known: Sequence[str]
) -> Removal:
    stored = task.stored
    stays = replace(manifest, runs=_without(manifest, dropped))
    names = chain.garbage(stored.sizes, known, stays) if request.prune else []
    if not dropped and not names:
        return Removal(manifest)
    if (dropped or chain.manifested(names)) and not _is_proven(task, stored, manifest, may_read=request.read_back):
        return Removal(manifest)
    if dropped:
        complete_run.write_list(complete_run.Place(task.store, task.keys, stored), stays)
    for name in names:
        _delete(task, name)
    reason = retention.why_removed(request.keep, request.grace)
    return Removal(stays, tuple(Removed(version.id, reason) for version in dropped), bool(dropped or names))


def _without(manifest: Manifest, dropped: Sequence[Version]) -> tuple[chain.Run, ...]:
    return chain.retained(manifest.runs, {version.id for version in dropped}, manifest.run.parent)


def _is_proven(task: RemoveTask, stored: StoredRuns, manifest: Manifest, *, may_read: bool) -> bool:
    """Whether every run that the newest version builds on was read back whole; reads what was not yet, if that is allowed.

    Raises `ParaduxError` "damaged".
    """
    line = stored.line(manifest)
    unread = [each for each in line if each.run.id not in task.index.state.proven]
    if unread and not may_read:
        return False
    receiver = Receiver(task.store, lambda size: task.context.progress(Progress(None, size)))
    for each in unread:
        stored.check_sizes(each.objects)
        for part in each.objects:
            receiver.check(part)
    task.index.save(replace(task.index.state, proven=tuple(each.run.id for each in line)))
    return True


def version_of(run: chain.Run) -> Version:
    """A run as a version."""
    return Version(run.id, run.time, run.files, run.bytes, run.number, run.missing)


def versions_of(manifest: Manifest) -> tuple[Version, ...]:
    """The versions that the newest manifest lists, oldest first."""
    return retention.in_order(version_of(run) for run in (*manifest.runs, manifest.run) if run.listed)
