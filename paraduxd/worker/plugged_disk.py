"""Around a step whose stash is a disk that is plugged in now and then: open the disk, do the step, let go of the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paraduxd.core.primitives.disks import checked_uuid
from paraduxd.core.runs.order_arguments import Reach
from paraduxd.core.runs.orders import Order, Step
from paraduxd.effects.files import transport_files

_WRITING = frozenset({Step.PUSH, Step.PUBLISH, Step.VERIFY, Step.TRY})

_ADDRESSES = frozenset({Step.NOTIFY, Step.HEARTBEAT, Step.NOTIFY_CHECK})
"""Steps whose transport file names no place."""


@contextmanager
def attached(order: Order) -> Iterator[Order]:
    """The order, with `mounted` and `posix` among its arguments while its disk is open; any other order as it is."""
    uuid = _uuid(order)
    if not uuid:
        yield order
        return
    from paraduxd.effects.devices import removable_disk

    what = f"{order.dataset}/{order.location}" if order.dataset else order.location
    reach = order.read(Reach)
    folders = reach.stick_folders or ""
    if not removable_disk.is_there(uuid, folders) and (key := reach.key):
        transport_files.receive(Path(key))  # nobody needs it, but somebody waits until it is taken
    with removable_disk.opened(uuid, what, folders, writable=order.step in _WRITING) as disk:
        yield order.told(mounted=str(disk.folder), posix=disk.posix)


def _uuid(order: Order) -> str:
    if not order.transport or order.step in _ADDRESSES:
        return ""
    from paraduxd.protocols import registry
    from paraduxd.worker.stash_settings import settings_of

    transport = transport_files.read(Path(order.transport))
    uuid = settings_of(registry.find(transport.protocol), transport.settings).removable_disk()
    return "" if uuid is None else checked_uuid(uuid)
