"""What is published to the metadata stashes: names, the signed envelope, and the note for whoever finds it.

A published config is an OpenPGP message, encrypted to the recovery key and signed by it, whose text is one JSON object
`{"header": {...}, "config": {...}}`. The header is inside the signature, so that an old copy cannot pass for a newer one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from paraduxd.core.plain import from_plain, to_plain

FORMAT = "paradux.config/1"
KEEP = 10
"""How many published configs stay at a stash."""

README = "README.txt"

_CONFIG = re.compile(r"config-([1-9][0-9]{0,8})-([1-9][0-9]{0,11})\.gpg")


@dataclass(frozen=True)
class Header:
    """Whose config this is and how new: `date` RFC 3339 in UTC."""

    format: str
    owner: str
    instance: str
    epoch: int
    serial: int
    date: str


def envelope(header: Header, config: dict[str, Any]) -> bytes:
    """The text that is signed and encrypted."""
    return (json.dumps({"header": to_plain(header), "config": config}, indent=2, ensure_ascii=False) + "\n").encode()


def open_envelope(text: bytes) -> tuple[Header, dict[str, Any]]:
    """Header and config of a decrypted text; raises `ValueError` when it is not one."""
    document = json.loads(text)
    if not isinstance(document, dict) or not isinstance(document.get("config"), dict):
        raise ValueError("not a published config")
    header = from_plain(Header, document.get("header"))
    if header.format != FORMAT:
        raise ValueError("a published config of an unknown format")
    return header, document["config"]


def config_name(epoch: int, serial: int) -> str:
    """The object name of a published config."""
    return f"config-{epoch}-{serial}.gpg"


def key_name(epoch: int) -> str:
    """The object name of the recovery private key, protected by the recovery secret."""
    return f"recovery-key-{epoch}.asc"


def parse_config_name(name: str) -> tuple[int, int] | None:
    """(epoch, serial) of a published config's name, or `None`."""
    match = _CONFIG.fullmatch(name)
    return (int(match[1]), int(match[2])) if match else None


def superseded(names: Iterable[str], newest: tuple[int, int], keep: int = KEEP) -> tuple[str, ...]:
    """Which published configs may go now that (epoch, serial) `newest` is there: of it and its predecessors all but `keep`.

    Oldest first. A config with a higher number is not ours, and no other object is ever named.
    """
    configs = sorted((parsed, name) for name in names if (parsed := parse_config_name(name)) and parsed <= newest)
    return tuple(name for _, name in configs[:-keep])


def readme(epoch: int) -> bytes:
    """The note that lies beside the published objects."""
    return f"""This folder belongs to a Paradux installation: it holds encrypted copies of one person's disaster-recovery file.

config-<epoch>-<serial>.gpg   the file, encrypted; the highest numbers are the newest
{key_name(epoch)}          the key that opens it, itself locked with the recovery secret

Nobody can read any of it alone. The recovery secret is split among people whom the owner trusts (stewards).
When enough of them bring their shares together:

1. Combine the shares with any SLIP-39 program. The result, written as 64 hexadecimal digits, is the recovery secret.
2. gpg --import {key_name(epoch)}              (when asked for a passphrase, give the 64 digits)
3. gpg --decrypt config-{epoch}-<serial>.gpg > config.json

config.json is readable text: it names the people to call, the places where the data is, and how to get it.

Please do not delete this folder.
""".encode()
