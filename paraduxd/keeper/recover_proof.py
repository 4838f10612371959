"""Proof before change: the secret that shares give must open something before anything is believed or done."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from paraduxd.api.errors import ParaduxError
from paraduxd.core.published import FORMAT, Header
from paraduxd.core.recovered import Found, found_in, newest_first
from paraduxd.effects.gpg import Gpg, private_gpg
from paraduxd.effects.vault import LockedVault, OpenVault

if TYPE_CHECKING:
    from paraduxd.recovery.session import Session, ShareSet

MOST_CANDIDATES = 64
"""Secrets that are tried; honest shares of one epoch give one."""

IN_VAULT = "the vault of this machine"
"""Where a config was found that was not published."""

Sealed = tuple[str, bytes]
"""Where an encrypted config was found, and its bytes."""


@dataclass(frozen=True)
class Proof:
    """What a proven secret opens. `found`: newest first; `vault`: that of this machine, if the secret opens it; `refused`: sentences."""

    share_set: ShareSet
    secret: str = field(repr=False)
    keys: tuple[str, ...] = field(repr=False)
    found: tuple[Found, ...] = field(repr=False)
    vault: OpenVault | None = field(default=None, repr=False)
    refused: tuple[str, ...] = ()
    highest_generation: int = 0
    highest_serial: int = 0

    @property
    def owner(self) -> str:
        """The owner whose config or vault was opened."""
        return self.found[0].header.owner

    def with_more(self, found: Sequence[Found], refused: Sequence[str]) -> Proof:
        """The proof with configs that were found later; those of another owner are refused."""
        ours = [each for each in found if each.header.owner == self.owner]
        foreign = [f"{each.labels[0]}: the config there is of another owner" for each in found if each not in ours]
        return replace(self, found=newest_first([*self.found, *ours]), refused=(*self.refused, *refused, *foreign))


def prove(session: Session, vault: LockedVault, memory: Path) -> Proof:
    """The proof for the newest epoch whose shares are enough; raises `ParaduxError` "not-proven" when no secret opens anything.

    Where there is a vault, an epoch that opens it comes first: kits that were written in a rotation bring two, and it is the older one.
    """
    keys = tuple(dict.fromkeys(key.decode(errors="replace") for _, key in session.keys))
    sealed = tuple(dict.fromkeys(session.configs))
    proven: Proof | None = None
    for share_set, raw in islice(session.candidates(), MOST_CANDIDATES):
        if proven is not None and share_set.epoch == proven.share_set.epoch:
            continue
        secret = raw.hex()
        found, refused, fitting = open_configs(sealed, keys, secret, memory)
        opened = _open_vault(vault, secret)
        if opened is not None:
            found = [*found, _in_vault(opened)]
        if found:
            newest = newest_first(found)[0]
            refused += _other_owner(share_set, newest)
            proof = Proof(share_set, secret, fitting, (newest,), opened, tuple(refused)).with_more(found, ())
            if opened is not None or not vault.exists():
                return proof
            proven = proven or proof
    if proven is not None:
        return proven
    raise _not_proven(bool(keys and sealed), vault.exists())


def open_configs(
    sealed: Sequence[Sealed], keys: Sequence[str], secret: str, memory: Path
) -> tuple[list[Found], list[str], tuple[str, ...]]:
    """What the secret opens with these private keys: the configs, a sentence for each that it does not open, and the keys that fit."""
    found: dict[int, Found] = {}
    reasons: dict[int, str] = {}
    fitting: list[str] = []
    for key in keys:
        with private_gpg(memory) as gpg:
            opening = _Opening(gpg, secret, key)
            for number, (label, message) in enumerate(sealed):
                if number in found:
                    continue
                try:
                    found[number] = found_in(label, opening.open(message))
                    fitting.append(key)
                except (ParaduxError, ValueError, RecursionError) as problem:
                    reasons[number] = f"{label}: {_why(problem)}"
    refused = [reasons[number] for number in sorted(reasons) if number not in found]
    return [found[number] for number in sorted(found)], refused, tuple(dict.fromkeys(fitting))


class _Opening:
    """One private key, which nobody has vouched for: it counts if the secret locks it, signing part included."""

    def __init__(self, gpg: Gpg, secret: str, key: str) -> None:
        self._gpg = gpg
        self._secret = secret
        try:
            self._fingerprint = import_locked(gpg, key, secret)
        except ParaduxError:
            self._fingerprint = ""

    def open(self, message: bytes) -> bytes:
        """The text of a config that this key has signed; raises `ParaduxError`."""
        if not self._fingerprint:
            raise ParaduxError("foreign", "the secret does not open the key")
        return self._gpg.decrypt_signed(message, self._fingerprint, self._secret)


def import_locked(gpg: Gpg, key: str, secret: str) -> str:
    """Take a key of unknown origin into `gpg`; gives its fingerprint, or raises `ParaduxError` "foreign" if the secret does not lock it."""
    fingerprint = gpg.import_key(key, secret)
    if not gpg.is_locked_by(fingerprint, secret):
        raise ParaduxError("foreign", "the secret does not open the recovery key there", "see who can write there")
    return fingerprint


def _other_owner(share_set: ShareSet, opened: Found) -> list[str]:
    """The config is signed, a manifest that came with the shares is not checked: the config decides."""
    if share_set.owner in ("", opened.header.owner):
        return []
    return ["the kits name another owner than the config that they open; kit.json was altered on most of them"]


def _why(problem: Exception) -> str:
    if isinstance(problem, ParaduxError) and problem.code == "bad-signature":
        return "its config is not signed by the owner's recovery key"
    if isinstance(problem, ParaduxError):
        return "its config does not open with this secret and these keys"
    return "its config opens, but is not one that Paradux has published"


def _open_vault(vault: LockedVault, secret: str) -> OpenVault | None:
    if not vault.exists():
        return None
    try:
        return vault.open_with_recovery(secret.encode())
    except ParaduxError:  # of another owner, of another epoch, damaged: what was brought may open all the same
        return None


def _in_vault(opened: OpenVault) -> Found:
    """The vault's own config, as if it had been published."""
    document = json.loads(opened.document)
    managed = document["managed"]
    header = Header(
        FORMAT, managed["owner_id"], managed["instance"], managed["recovery"]["epoch"], document["serial"], ""
    )
    return Found((IN_VAULT,), header, document)


def _not_proven(has_config: bool, has_vault: bool) -> ParaduxError:
    if has_config:
        return ParaduxError(
            "not-proven",
            "the shares give a secret, but it opens none of the configs that were brought; nothing was changed",
            "bring the kits that belong to these shares",
        )
    missing = (
        "nothing was brought that it could open" if not has_vault else "it does not open the vault of this machine"
    )
    return ParaduxError(
        "nothing-to-open",
        f"the shares give a secret, but {missing}; nothing was changed",
        "bring a whole kit, or recovery-key-*.asc and config-*.gpg of a metadata stash: paraductl recover --config FILE",
    )
