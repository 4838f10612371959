"""Calling one address of a watchdog service. The address is a secret: nothing of it is in what is reported or logged."""

from __future__ import annotations

from pathlib import Path

from paraduxd.api.replies.results import Called
from paraduxd.core.runs.order_arguments import HeartbeatArguments
from paraduxd.core.runs.orders import Order
from paraduxd.core.status import heartbeat
from paraduxd.effects.files import transport_files


def call(order: Order) -> Called:
    """Tell that all is well, or that it is not where the service can be told; raises `TransientError` "not-called"."""
    address = transport_files.read(Path(order.transport)).address
    well = order.read(HeartbeatArguments).well
    used = heartbeat.success_address(address) if well else heartbeat.failure_address(address)
    if used is not None:
        from paraduxd.effects.tools import web_call  # urllib3 and TLS, which no other step needs

        web_call.get(used, order.location)
    return Called(well, used is not None)
