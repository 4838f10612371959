"""Folders of FTP servers, with and without TLS."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from paraduxd.core.config.protocol_settings import parse_ssh_url
from paraduxd.effects.tools import tls_pins
from paraduxd.protocols.by_hand.telling import ByHand, PublishedAt, lines


def _published(place: PublishedAt) -> Iterator[str]:
    """The settings and the command with which wget fetches every copy of this epoch; any FTP client will do as well."""
    scheme = urlsplit(place.url).scheme
    address = parse_ssh_url(place.url, scheme)
    port = urlsplit(place.url).port or 21
    pins = place.host_keys.get(f"{address.host}:{port}", ())
    if pins:
        yield "  the server's certificate: the next lines; save them as CERTFILE, without the blanks in front"
        yield from lines(tls_pins.ca_file(pins))
    login = {"user": address.user or "anonymous", "password": place.credentials.get("password", "")}
    yield "  the settings for wget: the next lines; save them as WGETFILE, that only you can read, without the blanks in front"
    yield from lines("\n".join(f"{name} = {value}" for name, value in login.items()))
    name = f"[{address.host}]" if ":" in address.host else address.host
    folder = quote(address.path.rstrip("/"), errors="surrogateescape")
    path = "/%2F" + folder.lstrip("/") if folder.startswith("/") else f"/{folder}"
    remote = shlex.quote(f"{scheme}://{name}:{port}{path}/{place.pattern}")
    options = ["--config=WGETFILE", *(["--ca-certificate=CERTFILE"] if pins else [])]
    yield "  fetch them into this folder with"
    yield ""
    yield f"    {' '.join(['wget', *options, remote])} --directory-prefix=."


BY_HAND = ByHand(
    archives="""\
wget takes user and password from the file place/wgetrc.

  wget --config=place/wgetrc ${CERTIFICATE:+--ca-certificate="$CERTIFICATE"} --directory-prefix=ARCHIVES "$URL/*\"""",
    elsewhere="""\
macOS: "brew install wget"; the same command in Terminal. Windows: WinSCP or FileZilla fetch the whole folder into
one called ARCHIVES.""",
    published=_published,
)
