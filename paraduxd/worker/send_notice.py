"""Sending one notice to one address, through apprise. The address may hold a password: nothing of it is in what is reported or logged."""

from __future__ import annotations

import logging
from pathlib import Path

from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.core.runs.keeper_results import AddressesChecked, NoticeTaken
from paraduxd.core.runs.order_arguments import NotifyArguments
from paraduxd.core.runs.orders import Order
from paraduxd.effects.files import transport_files


def notify(order: Order) -> NoticeTaken:
    """Send `title` and `body`; raises `TransientError` "not-delivered", `ParaduxError` "bad-address"."""
    address = transport_files.read(Path(order.transport)).address
    told = order.read(NotifyArguments)
    logging.disable(logging.CRITICAL)  # apprise and what it uses log addresses
    try:
        sent = _send(address, told.title, told.body)
    except Exception:  # a plugin of apprise's may raise anything, with the address in it
        sent = False
    finally:
        logging.disable(logging.NOTSET)
    if sent is None:
        text = f"the address {order.location} cannot take notices"
        raise ParaduxError("bad-address", text, "see how apprise writes addresses, then: paraductl edit")
    if not sent:
        text = f"a notice could not be delivered to {order.location}"
        raise TransientError("not-delivered", text, "check the address and its password in notify: paraductl edit")
    return NoticeTaken()


def check(order: Order) -> AddressesChecked:
    """Which addresses have a form that nothing could be sent to, by number, and how such addresses look; asks no network."""
    addresses = transport_files.read(Path(order.transport)).address.splitlines()
    logging.disable(logging.CRITICAL)
    try:
        unfit = {str(index): _forms(each) for index, each in enumerate(addresses) if not _is_fit(each)}
        return AddressesChecked(unfit)
    finally:
        logging.disable(logging.NOTSET)


def _is_fit(address: str) -> bool:
    import apprise

    try:
        return apprise.Apprise.instantiate(address, suppress_exceptions=True) is not None
    except Exception:  # a plugin of apprise's may raise anything, with the address in it
        return False


def _forms(address: str) -> tuple[str, ...]:
    """At most three patterns of addresses that begin like this one."""
    import apprise

    scheme = address.partition(":")[0].lower()
    for service in apprise.Apprise().details().get("schemas", []):
        if scheme in (*(service.get("protocols") or ()), *(service.get("secure_protocols") or ())):
            templates = service.get("details", {}).get("templates", ())
            return tuple(str(each).replace("{schema}", scheme) for each in templates[:3])
    return ()


def _send(address: str, title: str, body: str) -> bool | None:
    """Whether it was taken; `None`: apprise knows no such address."""
    import apprise

    asset = apprise.AppriseAsset(async_mode=False, secure_logging=True, app_id="Paradux", app_desc="Paradux")
    sender = apprise.Apprise(asset=asset)
    if not sender.add(address):
        return None
    return bool(sender.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT))
