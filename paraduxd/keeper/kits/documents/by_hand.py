"""BY-HAND.txt: the way with common tools, in numbered steps."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from string import Template
from urllib.parse import quote, unquote, urlsplit

from paraduxd.core.config.protocol_settings import parse_ssh_url
from paraduxd.effects.tools import tls_pins
from paraduxd.keeper.kits.documents.facts import Access, KitFacts
from paraduxd.keeper.kits.documents.share_text import one_line
from paraduxd.keeper.kits.documents.texts import read
from paraduxd.protocols import s3_urls

_ORDINALS = (
    "FIRST", "SECOND", "THIRD", "FOURTH", "FIFTH", "SIXTH", "SEVENTH", "EIGHTH", "NINTH", "TENTH", "ELEVENTH", "TWELFTH",
    "THIRTEENTH", "FOURTEENTH", "FIFTEENTH", "SIXTEENTH",
)  # fmt: skip

_GPG = "gpg --batch --ignore-time-conflict --ignore-valid-from"
"""The clock of that computer may be wrong, and stand before the day on which the key was made."""

_OPEN = f"{_GPG} --pinentry-mode loopback --passphrase-fd 0 --output config.json --decrypt 1/config.gpg"


class _Text(Template):
    """`%{name}`: a dollar sign is the shell's here."""

    delimiter = "%"


def by_hand(facts: KitFacts) -> bytes:
    """The text, in English: it is for whoever knows computers best. The commands are for as many kits as are needed."""
    numbers = range(1, facts.threshold + 1)
    folders = " ".join(map(str, numbers))
    values = {
        "gpg": _GPG,
        "owner": one_line(facts.owner.name),
        "steward": one_line(facts.steward.name),
        "needed": str(facts.threshold),
        "holders": str(facts.issued),
        "epoch": str(facts.number),
        "day": facts.day,
        "fingerprint": facts.fingerprint,
        "copies": "\n".join(f'$ cp -r "{_ORDINALS[n - 1]}-STICK/PARADUX" {n}' for n in numbers),
        "checks": "\n".join(f"$ (cd {n} && sha256sum --quiet -c SHA256SUMS)" for n in numbers),
        "serials": "$ grep -H '\"serial\"' " + " ".join(f"{n}/kit.json" for n in numbers),
        "combine": f"$ python3 1/recover.py --secret-only {folders} | \\\n    {_OPEN}",
        "access": "\n\n".join("\n".join(_access(place, facts)) for place in facts.access)
        or "(none that a kit may name)",
    }
    return _Text(read("by-hand.txt")).substitute(values).encode()


def _access(place: Access, facts: KitFacts) -> Iterator[str]:
    yield f"* {place.protocol}: {one_line(place.url, 2000)}"
    for name, value in (*place.settings, *place.credentials):
        if "\n" in value.strip():
            yield f"  {one_line(name)}: the next lines; save them as KEYFILE, that only you can read, without the blanks in front"
            yield from _lines(value)
        else:
            yield f"  {one_line(name)}: {one_line(value, 2000)}"
    if place.protocol == "sftp":
        yield from _by_sftp(place, facts)
    elif place.protocol in {"ftp", "ftps"}:
        yield from _by_wget(place, facts)
    elif place.protocol in {"s3", "rclone"}:
        yield from _by_rclone(place, facts)


def _lines(text: str) -> Iterator[str]:
    return (f"    {one_line(line, 2000)}" for line in text.splitlines())


def _by_sftp(place: Access, facts: KitFacts) -> Iterator[str]:
    """The command that fetches every copy of this epoch, and the keys by which the server is known."""
    address = parse_ssh_url(place.url, "sftp")
    name = f"[{address.host}]" if ":" in address.host else address.host
    keys = [key for host, key in facts.host_keys if host == f"{address.host}:{address.port}"]
    if keys:
        yield "  the server's keys: the next lines; save them as HOSTFILE, without the blanks in front"
        known = name if address.port == 22 else f"[{address.host}]:{address.port}"
        yield from _lines("\n".join(f"{known} {key}" for key in keys))
    folder = re.sub(r"""([\s'"#*?\[\]\\])""", r"\\\1", address.path.rstrip("/"))  # sftp reads it as words with patterns
    remote = f"{address.user}@{name}" if address.user else name
    options = [
        *(["-i", "KEYFILE"] if any(kind == "private_key" for kind, _ in place.credentials) else []),
        *(["-o", "UserKnownHostsFile=HOSTFILE"] if keys else []),
    ]
    remote_files = shlex.quote(f"{remote}:{folder}/config-{facts.number}-*").encode(errors="replace").decode()
    yield "  fetch them into this folder with"
    yield ""
    yield f"    {' '.join(['sftp', '-P', str(address.port), *options, remote_files])} ."


def _by_wget(place: Access, facts: KitFacts) -> Iterator[str]:
    """The settings and the command with which wget fetches every copy of this epoch; any FTP client will do as well."""
    address = parse_ssh_url(place.url, place.protocol)
    port = urlsplit(place.url).port or 21
    pins = [key for host, key in facts.host_keys if host == f"{address.host}:{port}"]
    if pins:
        yield "  the server's certificate: the next lines; save them as CERTFILE, without the blanks in front"
        yield from _lines(tls_pins.ca_file(pins))
    login = {"user": address.user or "anonymous", "password": dict(place.credentials).get("password", "")}
    yield "  the settings for wget: the next lines; save them as WGETFILE, that only you can read, without the blanks in front"
    yield from _lines("\n".join(f"{name} = {value}" for name, value in login.items()))
    name = f"[{address.host}]" if ":" in address.host else address.host
    folder = quote(address.path.rstrip("/"), errors="surrogateescape")
    path = "/%2F" + folder.lstrip("/") if folder.startswith("/") else f"/{folder}"
    remote = shlex.quote(f"{place.protocol}://{name}:{port}{path}/config-{facts.number}-*")
    options = ["--config=WGETFILE", *(["--ca-certificate=CERTFILE"] if pins else [])]
    yield "  fetch them into this folder with"
    yield ""
    yield f"    {' '.join(['wget', *options, remote])} --directory-prefix=."


def _by_rclone(place: Access, facts: KitFacts) -> Iterator[str]:
    """The configuration and the command with which rclone fetches every copy of this epoch; any client of the service will do as well."""
    options, folder = dict(place.credentials), unquote(place.url.removeprefix("rclone:").partition(":")[2])
    if place.protocol == "s3":
        bucket, prefix = s3_urls.parse_url(place.url)
        own = dict(place.settings)
        region, addressing = own.get("region", s3_urls.REGION), own.get("addressing", "path")
        options, folder = s3_urls.options(own.get("endpoint"), region, addressing, options), f"{bucket}/{prefix}"
    yield "  the settings for rclone: the next lines; save them as RCLONEFILE, that only you can read, without the blanks in front"
    yield from _lines("\n".join(["[place]", *(f"{name} = `{value}`" for name, value in options.items())]))
    if place.protocol == "rclone":
        yield "  put what this command prints in the place of every password there, for rclone wants them so: rclone obscure PASSWORD"
    wanted = shlex.quote(f"/config-{facts.number}-*")
    remote = shlex.quote(f"place:{folder.rstrip('/')}/").encode(errors="replace").decode()
    yield "  fetch them into this folder with"
    yield ""
    yield f"    rclone --config RCLONEFILE copy --include {wanted} {remote} ."
