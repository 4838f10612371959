"""What is published to the metadata stashes: names, the signed envelope, and the note for whoever finds it.

A published config is an OpenPGP message, encrypted to the recovery key and signed by it, whose text is one JSON object
`{"header": {...}, "config": {...}}`. The header is inside the signature, so that an old copy cannot pass for a newer one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator

from paraduxd.api import bounded_json
from paraduxd.api.calls import JsonObject
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.frozen import dataclass

FORMAT = "paradux.config/1"
KEEP = 10
"""How many published configs stay at a stash."""

README = "paradux-README.txt"
"""Version 0.1.0 called it README.txt, which may as well be the owner's, so that it is left as it is."""

_KEY = re.compile(r"recovery-key-([1-9][0-9]{0,8})\.asc")
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


def envelope(header: Header, config: JsonObject) -> bytes:
    """The text that is signed and encrypted."""
    return (
        json.dumps({"header": to_json_value(header), "config": config}, indent=2, ensure_ascii=False) + "\n"
    ).encode()


def open_envelope(text: bytes) -> tuple[Header, dict[str, object]]:
    """Header and config of a decrypted text; raises `ValueError` when it is not one."""
    document = bounded_json.parse(text, "a published config", bounded_json.CONFIG)
    if not isinstance(document, dict) or not isinstance(document.get("config"), dict):
        raise ValueError("not a published config")
    header = from_json_value(Header, document.get("header"))
    if header.format != FORMAT:
        raise ValueError("a published config of an unknown format")
    return header, document["config"]


def config_name(epoch: int, serial: int) -> str:
    """The object name of a published config."""
    return f"config-{epoch}-{serial}.gpg"


def key_name(epoch: int) -> str:
    """The object name of the recovery private key, protected by the recovery secret."""
    return f"recovery-key-{epoch}.asc"


def is_key_name(name: str) -> bool:
    """Whether this is the object name of a recovery private key."""
    return _KEY.fullmatch(name) is not None


def parse_key_name(name: str) -> int | None:
    """The epoch of a published key's name, or `None`."""
    match = _KEY.fullmatch(name)
    return int(match[1]) if match else None


def key_hash(key: bytes) -> str:
    """SHA-256 of a published key without its white space, which a stash may have changed; 64 hexadecimal digits."""
    return hashlib.sha256(b"".join(key.split())).hexdigest()


def parse_config_name(name: str) -> tuple[int, int] | None:
    """(epoch, serial) of a published config's name, or `None`."""
    match = _CONFIG.fullmatch(name)
    return (int(match[1]), int(match[2])) if match else None


def is_ours(name: str) -> bool:
    """Whether this is the name of a published config, or of the key that opens one."""
    return parse_config_name(name) is not None or is_key_name(name)


def newest_serial(names: Iterable[str], epoch: int) -> int:
    """The highest serial of the published configs of the epoch; 0: there is none."""
    return max((serial for serial, _ in _serials(names, epoch)), default=0)


def superseded(names: Iterable[str], newest: tuple[int, int], keep: int = KEEP) -> tuple[str, ...]:
    """Which published configs may go now that (epoch, serial) `newest` is there: of it and its predecessors all but `keep`.

    Oldest first. Each epoch is counted by itself, because during a rotation two are published side by side. A config with a higher
    serial is not ours, and no other object is ever named.
    """
    epoch, serial = newest
    configs = sorted((found, name) for found, name in _serials(names, epoch) if found <= serial)
    return tuple(name for _, name in configs[:-keep])


def _serials(names: Iterable[str], epoch: int) -> Iterator[tuple[int, str]]:
    """Serial and name of every published config of the epoch."""
    for name in names:
        parsed = parse_config_name(name)
        if parsed is not None and parsed[0] == epoch:
            yield parsed[1], name


def of_epoch(names: Iterable[str], epoch: int) -> tuple[str, ...]:
    """The published objects of an epoch that are among `names`, oldest config first, the key last."""
    names = frozenset(names)
    key = (key_name(epoch),) if key_name(epoch) in names else ()
    return (*(name for _, name in sorted(_serials(names, epoch))), *key)


def readme(epoch: int, next_epoch: int | None = None) -> bytes:
    """The note that lies beside the published objects; `next_epoch` during a rotation."""
    return f"""This folder belongs to a Paradux installation: it holds encrypted copies of one person's disaster-recovery file.

config-<epoch>-<serial>.gpg   the file, encrypted; the highest numbers are the newest
{key_name(epoch)}          the key that opens it, itself locked with the recovery secret

Nobody can read any of it alone. The recovery secret is split among people whom the owner trusts (stewards).
When enough of them bring their shares together:

1. Combine the shares with any SLIP-39 program. The result, written as 64 hexadecimal digits, is the recovery secret.
2. gpg --import {key_name(epoch)}              (when asked for a passphrase, give the 64 digits)
3. gpg --decrypt config-{epoch}-<serial>.gpg > config.json

Where gpg says that a key was made in the future, the clock of the computer is wrong: set it, or give both commands the options
--ignore-time-conflict --ignore-valid-from

config.json is readable text: it names the people to call, the places where the data is, and how to get it.
{_two_sets(epoch, next_epoch) if next_epoch else ""}
Please do not delete this folder.
""".encode()


def _two_sets(epoch: int, next_epoch: int) -> str:
    return f"""
The keys are being replaced just now, and two sets of shares open this: shares of epoch {epoch} as above,
shares of epoch {next_epoch} with {key_name(next_epoch)} and config-{next_epoch}-<serial>.gpg. Every share says of
which epoch it is; only shares of the same epoch fit together.
"""
