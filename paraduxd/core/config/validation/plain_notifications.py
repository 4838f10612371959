"""Notifications that go without encryption: whoever listens learns what fails, and the login of the service."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from paraduxd.core.config.diagnostics import Diagnostic
from paraduxd.core.config.models import Config
from paraduxd.core.primitives.hosts import host_of, is_loopback

# fmt: off
PLAIN = frozenset({
    "amqp", "apprise", "bark", "deltachat", "emby", "enigma2", "evolution", "flowtriq", "fluxer", "form", "goalert",
    "gorush", "gotify", "hassio", "http", "humhub", "irc", "jellyfin", "json", "kodi", "lametric", "mailto",
    "mastodon", "matrix", "misskey", "mmost", "mqtt", "ncloud", "nctalk", "notica", "notifico", "ntfy", "onebot",
    "opsimate", "parsep", "pinglet", "pjet", "psafer", "pushdeer", "rocket", "session", "signal", "smpp", "smseagle",
    "synology", "toot", "trigv", "xbmc", "xml", "xmpp",
})
# fmt: on
"""What addresses of apprise begin with, where another beginning has the same service with encryption (mailto, mailtos)."""


def findings(config: Config) -> Iterator[Diagnostic]:
    """A warning for each."""
    for index, address in enumerate(config.notify):
        scheme, host = _server(address)
        if scheme in PLAIN and host and not is_loopback(host_of(host)):
            message = (
                "may be sent without encryption: anyone on the network path can read it, and the login in the address"
            )
            hint = f"use the encrypted form of {scheme}://, which most often is {scheme}s://"
            yield Diagnostic("warning", ("notify", index), message, hint)
    for index, address in enumerate(config.heartbeat):
        scheme, host = _server(address)
        if scheme == "http" and not is_loopback(host_of(host)):
            message = "is called without encryption: anyone on the network path can call it in place of this machine"
            yield Diagnostic("warning", ("heartbeat", index), message, "use https if the service can")


def _server(address: str) -> tuple[str, str]:
    """How and where an address is spoken to; no host when it names none (`ntfy://topic` is a topic of ntfy.sh, over https)."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        topic = parts.scheme == "ntfy" and parts.port is None and "." not in host
    except ValueError:
        return "", ""
    return parts.scheme, "" if topic else host
