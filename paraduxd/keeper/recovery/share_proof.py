"""Proof before change: a secret that shares give must open something before anything is believed or done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from paraduxd.api import bounded_json
from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.core.recovery.candidates import CandidateConfig, FoundConfig, Named, newest_first
from paraduxd.core.recovery.published_config import FORMAT, Header
from paraduxd.effects.vault.vault import LockedVault, OpenVault
from paraduxd.keeper.recovery.opening import Sealed, open_all

if TYPE_CHECKING:
    from paraduxd.shares.collection import ShareCollection, ShareSet

MOST_CANDIDATES = 64
"""Secrets that are tried; honest shares of one epoch give one."""

IN_VAULT = "the vault of this machine"
IN_PREVIOUS = "this machine's vault before the last save"
"""Where a config was found that was not published."""


@dataclass(frozen=True)
class Proof:
    """What the proven secrets open.

    `share_set`: the shares whose secret opens the newest of what was brought; `secret`: the one that opens the vault, else that of
    `share_set`; `secrets` and `keys`: all that may open more. `found`: newest first, of one owner. `closed`: what nothing opens yet.
    `vault`: that of this machine, if a secret opens it. `refused`: sentences. `named`: what anything says that there is.
    """

    share_set: ShareSet
    secret: str = field(repr=False)
    keys: tuple[str, ...] = field(repr=False)
    found: tuple[CandidateConfig, ...] = field(repr=False)
    vault: OpenVault | None = field(default=None, repr=False)
    refused: tuple[str, ...] = ()
    highest_generation: int = 0
    highest_serial: int = 0
    secrets: tuple[str, ...] = field(default=(), repr=False)
    closed: tuple[Sealed, ...] = field(default=(), repr=False)
    opens_previous: bool = False
    named: tuple[Named, ...] = ()

    @property
    def owner(self) -> str:
        """The owner whose config or vault was opened."""
        return self.found[0].header.owner

    @property
    def newest(self) -> CandidateConfig:
        """The config that counts."""
        return self.found[0]

    def with_more(self, found: Sequence[CandidateConfig], refused: Sequence[str]) -> Proof:
        """The proof with configs that were found later; those of another owner are refused."""
        ours = [each for each in found if each.header.owner == self.owner]
        foreign = [f"{each.labels[0]}: the config there is of another owner" for each in found if each not in ours]
        return replace(self, found=newest_first([*self.found, *ours]), refused=(*self.refused, *refused, *foreign))


def prove(session: ShareCollection, vault: LockedVault, memory: Path) -> Proof:
    """What every secret opens that enough of the shares give, of whatever epoch.

    Raises `ParaduxError` "not-proven" when none opens anything. The vault of this machine says who the owner is, where a
    secret opens it; else what the newest epoch opens does.
    """
    keys = tuple(dict.fromkeys(key.decode(errors="replace") for _, key in session.keys))
    sealed = tuple(dict.fromkeys(session.configs))
    candidates = [(each, raw.hex()) for each, raw in islice(session.candidates(), MOST_CANDIDATES)]
    opened = open_all(sealed, keys, [secret for _, secret in candidates], memory)
    here = list(_in_vaults(vault, [secret for _, secret in candidates]))
    by_secret = [*((secret, found) for secret, found, _ in here), *opened.found]
    if not by_secret:
        raise _not_proven(bool(keys and sealed), vault.exists())
    first = by_secret[0][1]
    share_set, secret = _proven_by(candidates, by_secret)
    proof = Proof(
        share_set=share_set,
        secret=next((secret for secret, _, it in here if it), secret),
        keys=opened.keys,
        found=(first,),
        vault=next((it for _, _, it in here if it), None),
        secrets=opened.secrets,
        closed=opened.closed,
        opens_previous=any(it is None for _, _, it in here),
    )
    proof = proof.with_more([found for _, found in by_secret[1:]], opened.refused)
    refused = (*proof.refused, *_other_owner(share_set, proof.newest))
    return replace(proof, refused=refused, named=tuple(_named(session, proof.owner)))


def _proven_by(
    candidates: Sequence[tuple[ShareSet, str]], opened: Sequence[tuple[str, CandidateConfig]]
) -> tuple[ShareSet, str]:
    """The set of shares, with its secret, that opens the newest of what was opened with shares."""
    given = {secret: share_set for share_set, secret in candidates}
    newest = max((pair for pair in opened if pair[0] in given), key=lambda pair: pair[1].rank)
    return given[newest[0]], newest[0]


def _in_vaults(vault: LockedVault, secrets: Sequence[str]) -> Iterator[tuple[str, CandidateConfig, OpenVault | None]]:
    """The config in the vault of this machine, if a secret opens it; else that of the vault before it, which is not to be used as one."""
    for secret in secrets:
        if (opened := _open_vault(vault, secret)) is not None:
            yield secret, _in_vault(opened, IN_VAULT), opened
            return
    for secret in secrets:
        if (opened := _open_vault(vault.before(), secret)) is not None:
            yield secret, _in_vault(opened, IN_PREVIOUS), None
            return


def _open_vault(vault: LockedVault, secret: str) -> OpenVault | None:
    if not vault.exists():
        return None
    try:
        return vault.open_with_recovery(secret.encode())
    except ParaduxError:  # of another owner, of another epoch, damaged: what was brought may open all the same
        return None


def _in_vault(opened: OpenVault, label: str) -> CandidateConfig:
    """A vault's own config, as if it had been published."""
    document = bounded_json.parse_object(opened.document, "the config", bounded_json.CONFIG)
    config = from_json_value(FoundConfig, document)
    epoch = config.managed.recovery.epoch if config.managed.recovery else 0
    header = Header(FORMAT, config.managed.owner_id, config.managed.instance, epoch, config.serial, "")
    return CandidateConfig((label,), header, document)


def _named(session: ShareCollection, owner: str) -> Iterator[Named]:
    """What the kits say that they hold, whether it opens or not."""
    for label, kit in session.manifests:
        if kit.owner_id == owner:
            yield Named(label, kit.epoch, kit.serial)


def _other_owner(share_set: ShareSet, opened: CandidateConfig) -> list[str]:
    """The config is signed, a manifest that came with the shares is not checked: the config decides."""
    if share_set.owner in ("", opened.header.owner):
        return []
    return ["the kits name another owner than the config that they open; kit.json was altered on most of them"]


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
