"""How a run ended, as the journal keeps it, what follows from it for its dataset, and how a run is shown to a client."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies import results, transfer_runs
from paraduxd.api.replies.results import KitChecked, Pulled, Pushed, Removed, Result, read_as
from paraduxd.core.devices.stick_arguments import KitCheckArguments, StickArguments
from paraduxd.core.devices.stick_rules import Stick, known_kit
from paraduxd.core.installation.health import JOURNAL_LOST
from paraduxd.core.plan.model import DatasetPlan
from paraduxd.core.recovery.kit_records import of_check
from paraduxd.core.recovery.machine_claim import SUPERSEDED
from paraduxd.core.runs.facts import Key
from paraduxd.core.runs.guard.holds import Approval, Hold
from paraduxd.core.runs.guard.rules import MANY_CHANGED
from paraduxd.core.runs.order_arguments import NotifyArguments, PullArguments, PushArguments, Reach, VerifyArguments
from paraduxd.core.runs.orders import Done, Failed, Held, Order, Progress, Step
from paraduxd.core.runs.requests import SOURCE
from paraduxd.core.status.notifications import told_fact
from paraduxd.effects.journal.journal import Ending, Journal, RecordedRun
from paraduxd.supervisor.runs import alarms, damage_records
from paraduxd.supervisor.runs.launcher import Final
from paraduxd.supervisor.runs.order_factory import changes_fact, maintenance_fact, part_fact, staging_is_filled

log = logging.getLogger("paradux.runs")


def ending(order: Order, final: Final, progress: Progress, stopped: Failed | None, now: str) -> Ending:
    """The end of a run; `stopped` is why it was asked to end, which counts only if it had not ended well before that."""
    if isinstance(final, Done):
        result = {**final.result, "staging": order.staging} if order.step == Step.PULL else final.result
        told = results.read(order.step, result)
        return Ending("done", now, None, result, _moved(told, progress), results.files_of(told))
    if isinstance(final, Held):
        return Ending("held", now, Failed("held", final.text, _approve(order.dataset)))
    if stopped is not None:
        state = "interrupted" if stopped.code == "interrupted" else "cancelled"
        return Ending(state, now, stopped, None, progress.bytes)
    return Ending("failed", now, final, None, progress.bytes)


def remember(journal: Journal, order: Order, final: Final, started: str, now: str) -> None:
    """Keep what later runs of the dataset depend on: holds, used-up approvals, changes, maintenance; and what a kit was found to be."""
    damage_records.remember(journal, order, final, now)
    match final:
        case Done():
            _remember_done(journal, order, final, started, now)
        case Held():
            if order.step == Step.PULL:
                journal.clear_approval(order.dataset)
            _remember_hold(journal, order.dataset, final, now)
        case Failed(code=code) if code == SUPERSEDED:
            alarms.raise_alarm(journal, now, "another machine has taken over")
        case Failed():
            pass
        case _:
            assert_never(final)


def _remember_done(journal: Journal, order: Order, final: Done, started: str, now: str) -> None:
    match order.step:
        case Step.PULL:
            _remember_pull(journal, order, final, started, now)
        case Step.PUSH | Step.PRUNE:
            _remember_push(journal, order, read_as(Pushed, final.result), now)
        case Step.VERIFY:
            _remember_part(journal, order)
        case Step.KIT_CHECK:
            _remember_kit(journal, order, final, now)
        case Step.NOTIFY:
            if told := order.read(NotifyArguments).told:
                journal.set_fact(told_fact(order.location), told)
        case _:
            pass


def _remember_pull(journal: Journal, order: Order, final: Done, started: str, now: str) -> None:
    pulled = read_as(Pulled, final.result)
    journal.clear_approval(order.dataset)
    _remember_hold(journal, order.dataset, final, now)
    if name := order.read(PullArguments).staged_as:
        journal.set_fact(name, {"files": pulled.files})
    if _has_changes(pulled):
        journal.set_fact(changes_fact(journal, order.dataset), started)


def _remember_push(journal: Journal, order: Order, pushed: Pushed, now: str) -> None:
    key: Key = (order.dataset, order.step, order.location)
    _keep_removed(journal, key, pushed.removed, now)
    if order.step == Step.PUSH and order.read(PushArguments).prune and pushed.pruned:  # space was there to be reclaimed
        journal.set_fact(maintenance_fact(journal, key), now)


def remember_restore(journal: Journal, order: Order, final: Final, now: str) -> None:
    """After a restore into the source, the next pull may find as many files changed, and nothing is removed anywhere for a while."""
    found = results.read(order.step, final.result) if isinstance(final, Done) else None
    if not isinstance(found, results.RestoredVersion) or not found.in_place or found.dry_run or not found.files:
        return
    with journal.batch():
        alarms.raise_alarm(journal, now, f"{order.dataset} was restored into its source")
        before = journal.approval(order.dataset) or Approval()
        journal.set_approval(order.dataset, before.removed, max(before.changed, found.files))


def release(journal: Journal, dataset: str, now: str) -> None:
    """End the hold of a dataset: its next pull may lose and change as many files as were seen; nothing is removed anywhere for a while.

    Raises `ParaduxError` "not-held" where there is none.
    """
    hold = journal.holds().get(dataset)
    if hold is None:
        raise ParaduxError("not-held", f"nothing of {dataset} is held", "see: paraductl status")
    with journal.batch():
        alarms.raise_alarm(journal, now, f"a held push of {dataset} was approved")
        journal.set_approval(dataset, hold.removed, hold.changed)
        journal.clear_hold(dataset)


def _moved(told: Result, progress: Progress) -> int:
    """Bytes that came or went over the line."""
    match told:
        case Pulled(transferred_bytes=int(moved)) | Pushed(added_bytes=int(moved)):
            return moved
        case _:
            return progress.bytes


def _keep_removed(journal: Journal, key: Key, removed: Sequence[Removed], now: str) -> None:
    """Every removal is in the journal, and in the log."""
    for each in removed:
        log.info("Removed %s of %s/%s: %s", each.id, key[0], key[2], each.reason)
    if removed:
        journal.record_removals(key[0], key[2], [(each.id, each.reason) for each in removed], now)


def _remember_part(journal: Journal, order: Order) -> None:
    """The next scheduled check reads the next part."""
    identity, how = order.read(Reach).identity, order.read(VerifyArguments)
    if identity is not None and how.parts:
        journal.set_fact(part_fact(identity.place), how.part + 1)


def _remember_kit(journal: Journal, order: Order, final: Done, now: str) -> None:
    stick, owner = order.read(StickArguments), order.read(KitCheckArguments).owner
    here = Stick(serial=stick.device_serial, uuid=stick.uuid)
    record = of_check(read_as(KitChecked, final.result), owner, now, known_kit(here, journal.kits()))
    if record is not None:
        journal.record_kit(record)


def _remember_hold(journal: Journal, dataset: str, final: Done | Held, now: str) -> None:
    """A good pull ends a hold, and another hold replaces it, unless only the owner may end it."""
    standing = journal.holds().get(dataset, Hold())
    if standing.reason == MANY_CHANGED or (standing.reason == JOURNAL_LOST and not _is_for_good(final)):
        return
    if isinstance(final, Done):
        journal.clear_hold(dataset)
        return
    since = standing.since or now
    journal.set_hold(dataset, Hold(final.reason, final.text, since, final.removed, final.changed, final.files))


def _is_for_good(final: Done | Held) -> bool:
    """Whether it is a hold that no later pull ends."""
    return isinstance(final, Held) and final.reason == MANY_CHANGED


def _has_changes(pulled: Pulled) -> bool:
    return bool(pulled.transferred_files or pulled.removed or pulled.changed)


def refusal(journal: Journal, dataset: DatasetPlan) -> Failed | None:
    """Why nothing of the dataset may be pushed now, if so."""
    hold = journal.holds().get(dataset.id)
    if hold is not None:
        message = f"nothing of {dataset.id} is pushed: {hold.text or 'the guard holds it'}"
        return Failed("held", message, _approve(dataset.id))
    if not staging_is_filled(dataset, journal.latest((dataset.id, Step.PULL, SOURCE))):
        message = f"nothing of {dataset.id} is pushed: it was not pulled completely yet"
        return Failed("not-run", message, f"pull it: paraductl backup {dataset.id}")
    return None


def not_pushed(pull: Ending) -> Failed:
    """The error of a push whose pull did not end well."""
    error = pull.error or Failed("", "")
    if pull.state == "cancelled":
        return replace(error, code="cancelled")
    return replace(error, code="not-run", message=f"not pushed, because the pull before it failed: {error.message}")


def _approve(dataset: str) -> str:
    return f"look at the source; if it is as it should be: paraductl approve {dataset}"


def describe(run: RecordedRun, progress: Progress | None) -> transfer_runs.Run:
    """A run as clients see it; `progress` while it runs."""
    error = run.error
    return transfer_runs.Run(
        run=run.number,
        dataset=run.dataset,
        step=run.step,
        location=run.location,
        trigger=run.trigger,
        state="running" if progress else run.state,
        requested=run.requested,
        started=run.started,
        ended=run.ended,
        percent=progress.percent if progress else (100.0 if run.state == "done" else None),
        bytes=progress.bytes if progress else run.bytes,
        eta=progress.eta if progress else None,
        error=transfer_runs.RunError(error.code, error.message, error.hint) if error else None,
        result=run.result,
    )
