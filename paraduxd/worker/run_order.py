"""One order: which step it is, and what comes of it as plain values.

A worker does one step, and imports are most of the work of a small one: each case imports what it needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, assert_never

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.core.runs.order_arguments import Reach
from paraduxd.core.runs.orders import Order, Step
from paraduxd.effects.files import transport_files
from paraduxd.worker import plugged_disk

if TYPE_CHECKING:
    from paraduxd.api.calls import JsonObject
    from paraduxd.api.replies.results import Result
    from paraduxd.core.devices.stick_results import StickResult
    from paraduxd.core.runs.keeper_results import KeeperResult
    from paraduxd.worker.browse.listing_pages import Looked
    from paraduxd.worker.steps import Reporter

    WorkerResult = Result | KeeperResult | StickResult | Looked
    """What a step comes to: for the journal, for the keeper, or for who asked alone."""


def carry_out(order: Order, report: Reporter) -> JsonObject:
    """Do what the order says; raises `ParaduxError` and `HeldError`."""
    if order.step == Step.LIST and (page := _indexed(order)) is not None:
        return _written(page)
    with plugged_disk.attached(order) as attached:
        return _written(perform(attached, report))


def _indexed(order: Order) -> Looked | None:
    """A page that is told without asking the place."""
    from paraduxd.worker.browse import listing_pages

    if (page := listing_pages.from_index(order)) is None:
        return None
    if path := order.read(Reach).key:
        transport_files.receive(Path(path))  # the keeper waits until it is taken
    return listing_pages.Looked(page)


def perform(order: Order, report: Reporter) -> WorkerResult:
    """Do the one thing; raises `ValueError` for a step that there is not."""
    step = Step(order.step)
    match step:
        case Step.KIT_LOOK | Step.KIT_WRITE | Step.KIT_READ | Step.KIT_CHECK:
            return _with_stick(step, order, report)
        case Step.HOSTKEYS | Step.NOTIFY | Step.NOTIFY_CHECK | Step.HEARTBEAT:
            return _with_servers(step, order)
        case _:
            return _at_place(step, order, report)


PlaceStep = Literal[
    Step.PULL,
    Step.PUSH,
    Step.PRUNE,
    Step.VERIFY,
    Step.VERSIONS,
    Step.LIST,
    Step.RESTORE,
    Step.PUBLISH,
    Step.REHEARSE,
    Step.FETCH,
    Step.TRY,
]


def _at_place(step: PlaceStep, order: Order, report: Reporter) -> WorkerResult:  # noqa: PLR0911  (a case for each step)
    from paraduxd.worker import steps

    match step:
        case Step.PULL:
            return steps.pull(order, report)
        case Step.PUSH:
            return steps.push(order, report)
        case Step.PRUNE:
            return steps.prune(order, report)
        case Step.VERIFY:
            return steps.verify(order, report)
        case Step.VERSIONS:
            return steps.versions(order, report)
        case Step.LIST:
            return steps.look(order, report)
        case Step.RESTORE:
            return steps.restore(order, report)
        case Step.PUBLISH:
            return steps.publish(order, report)
        case Step.REHEARSE:
            return steps.rehearse(order, report)
        case Step.FETCH:
            return steps.fetch(order, report)
        case Step.TRY:
            return steps.try_place(order, report)
        case _:
            assert_never(step)


def _with_stick(
    step: Literal[Step.KIT_LOOK, Step.KIT_WRITE, Step.KIT_READ, Step.KIT_CHECK], order: Order, report: Reporter
) -> WorkerResult:
    from paraduxd.worker.kits import kit_check, stick_io

    match step:
        case Step.KIT_LOOK:
            return stick_io.look(order, report)
        case Step.KIT_WRITE:
            return stick_io.write(order, report)
        case Step.KIT_READ:
            return stick_io.read(order, report)
        case Step.KIT_CHECK:
            return kit_check.check(order, report)
        case _:
            assert_never(step)


def _with_servers(
    step: Literal[Step.HOSTKEYS, Step.NOTIFY, Step.NOTIFY_CHECK, Step.HEARTBEAT], order: Order
) -> WorkerResult:
    match step:
        case Step.HOSTKEYS:
            from paraduxd.worker import host_keys

            return host_keys.ask(order)
        case Step.NOTIFY | Step.NOTIFY_CHECK:
            from paraduxd.worker import send_notice

            return send_notice.notify(order) if step == Step.NOTIFY else send_notice.check(order)
        case Step.HEARTBEAT:
            from paraduxd.worker import send_heartbeat

            return send_heartbeat.call(order)
        case _:
            assert_never(step)


def _written(result: WorkerResult) -> JsonObject:
    plain: JsonObject = to_json_value(result)
    return plain
