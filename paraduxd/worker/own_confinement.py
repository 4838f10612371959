"""A worker shuts itself in before it loads a plugin, starts a program or reads anything that comes from a place.

The transport file is read first, into memory: afterwards nothing of the transport directory can be reached any more, not even this one.
Staging is made, or brought into its present form, before that as well: later nothing can be made beside what is hidden.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.transport import Transport
from paraduxd.core.runs.order_arguments import Paths, Reach
from paraduxd.core.runs.orders import Order, Step
from paraduxd.effects.files import existence, transport_files
from paraduxd.effects.isolation.confinement import Fence, Own, confine
from paraduxd.worker.transfer import staged_data

if TYPE_CHECKING:
    from paraduxd.core.config.protocol_settings import ProtocolSettings

_MAKING = frozenset({Step.PUSH, Step.PUBLISH})
"""Steps that make the directory which a stash is."""

_KITS = frozenset({Step.KIT_LOOK, Step.KIT_WRITE, Step.KIT_READ, Step.KIT_CHECK})


def shut_in(order: Order) -> Order:
    """Confine this process to what the order needs; gives the order with the transport file in memory. Call it before there are threads.

    Raises `ParaduxError` of `transport_files.read`, "private-folder" when it does not see what others see where it is to work, and
    "not-confined" when the system refuses what it can do.
    """
    transport = transport_files.read(Path(order.transport)) if order.transport else Transport()
    order = staged_data.made_ready(order)
    disk = order.disk or any(each.removable_disk() for each in _shipped_settings(transport))
    private, others = map(Path, order.private), map(Path, order.others)
    fence = Fence(tuple(private), tuple(others), tuple(_own(order, transport)))
    for own in fence.own:
        _refuse_private(own.path, order)
    try:
        confine(fence, mounts=disk, children_mount=disk and order.step in _KITS)
    except OSError as problem:
        raise ParaduxError(
            "not-confined",
            f"a transfer could not be confined: {problem.strerror}",
            "a container may forbid this even to its root: see docs/how-to/install.md, and what the container is allowed",
        ) from None
    return replace(order, transport=_in_memory(transport)) if order.transport else order


def _refuse_private(path: Path, order: Order) -> None:
    """Raise `ParaduxError` where the path lies in a folder of this process's own: what it wrote there would be gone with it.

    Where that is to be restored to, no other place would help.
    """
    code = "bad-target" if str(path) == order.read(Paths).to else "private-folder"
    for folder, outside in order.common.items():
        if path.is_relative_to(folder) and outside != _identity(folder):
            raise ParaduxError(
                code,
                f"transfers have a {folder} of their own, so they do not reach {path}",
                "name a directory elsewhere",
            )


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        status = os.stat(folder)  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _in_memory(transport: Transport) -> str:
    """A file in memory, for as long as this process lives."""
    descriptor = os.memfd_create("transport", os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(json.dumps(to_json_value(transport)).encode())
    return f"/proc/self/fd/{descriptor}"


def _own(order: Order, transport: Transport) -> Iterator[Own]:
    reach, paths = order.read(Reach), order.read(Paths)
    if order.staging:
        yield Own(Path(order.staging), whole=True)
    local = (each.local_path() for each in _shipped_settings(transport))
    yield from (Own(Path(path), whole=True, made=order.step in _MAKING) for path in local if path)
    yield from (Own(Path(each)) for each in (reach.cache, paths.scratch, reach.stick_folders) if each)
    yield from (Own(Path(each), made=True) for each in (paths.directory, paths.to) if each)
    if reach.index:
        yield Own(Path(reach.index).parent if order.step == Step.PULL else Path(reach.index))
    for outbox in (paths.outbox, reach.identity.outbox if reach.identity else None):
        if outbox:
            yield Own(Path(outbox), writable=False)
    if reach.key and existence.is_there(Path(reach.key)):
        yield Own(Path(reach.key))


def _shipped_settings(transport: Transport) -> Iterator[ProtocolSettings]:
    """The settings by which the stash is reached, kit access included. A plugin of the administrator's is not even loaded for this."""
    if not transport.protocol:
        return
    from pydantic import ValidationError

    from paraduxd.protocols import registry

    if transport.protocol in registry.SHIPPED:
        for settings in (transport.settings, transport.kit_access):
            if settings:
                with contextlib.suppress(ValidationError):  # told by whoever opens it
                    yield registry.find(transport.protocol).settings.model_validate(settings)
