"""Calling one address of a watchdog service. The address is a secret: nothing of it is in what is reported or logged."""

from __future__ import annotations

from pathlib import Path

from paraduxd.core.runs.orders import Order
from paraduxd.core.status import heartbeat
from paraduxd.effects.files import transport_files
from paraduxd.effects.tools import web_call


def call(order: Order, _report: object) -> dict[str, object]:
    """Tell that all is well, or that it is not where the service can be told; raises `TransientError` "not-called"."""
    address = transport_files.read(Path(order.transport)).address
    well = bool(order.arguments.get("well"))
    used = heartbeat.success_address(address) if well else heartbeat.failure_address(address)
    if used is not None:
        web_call.get(used, order.location)
    return {"well": well, "called": used is not None}
