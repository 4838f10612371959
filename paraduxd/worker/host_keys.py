"""Asking servers for the keys and certificates that the owner is to accept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.config import HostKeys, HostKeysOf
from paraduxd.core.runs.order_arguments import HostKeysArguments
from paraduxd.core.runs.orders import Order
from paraduxd.effects.tools import ssh, tls_pins

HOSTS_AT_ONCE = 16


def ask(order: Order) -> HostKeysOf:
    """The host keys that SSH servers show now, and the certificates of TLS servers that no authority vouches for.

    An unreachable one gets a sentence instead. All are asked at once: somebody waits.
    """
    asked = order.read(HostKeysArguments).hosts
    hosts = [(str(host), int(str(port)), *map(str, how)) for host, port, *how in asked]
    with ThreadPoolExecutor(HOSTS_AT_ONCE) as pool:
        answers = pool.map(_host_keys, hosts)
        return HostKeysOf({f"{host[0]}:{host[1]}": answer for host, answer in zip(hosts, answers, strict=True)})


def _host_keys(server: tuple[str, int, *tuple[str, ...]]) -> HostKeys:
    host, port, *how = server
    try:
        if how:
            return _certificate(tls_pins.ask(host, port, how[0]))
        keys = ssh.scan_host_keys(host, port)
    except ParaduxError as problem:
        return HostKeys(error=problem.message)
    return HostKeys(tuple(keys), tuple(map(ssh.fingerprint, keys)))


def _certificate(pin: str | None) -> HostKeys:
    """A certificate that an authority vouches for needs no pin: neither a key nor an error."""
    pins = (pin,) if pin else ()
    return HostKeys(pins, tuple(map(tls_pins.fingerprint, pins)))
