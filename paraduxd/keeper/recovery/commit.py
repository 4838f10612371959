"""Putting a proven recovery into effect: a new machine for the owner, or a new passphrase for the one that is there.

Killed at any moment it leaves nothing, or a vault that opens with the new passphrase and with the shares: `recover` can be run again, and
unlocking completes what is missing, as after every interrupted save.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.core.plan import model as plans
from paraduxd.core.recovery.candidates import CandidateConfig, renewed
from paraduxd.effects.files import bounded
from paraduxd.effects.vault.vault import LockedVault
from paraduxd.keeper.config import save
from paraduxd.keeper.config.save import SavedConfig
from paraduxd.keeper.recovery.share_proof import Proof
from paraduxd.keeper.recovery.stash_search import MOST_AHEAD
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.opened import Opened


@dataclass(frozen=True)
class RecoveredMachine:
    """What is in the vault now. `alive`: it was there before, only its keys are new; `saved`: it still has to be put into effect."""

    opened: Opened
    alive: bool
    saved: SavedConfig | None = None


def commit(installation: Installation, proof: Proof, candidate: int, passphrase: bytes) -> RecoveredMachine:
    """Make the vault; raises `ParaduxError` "other-owner" or "vault-exists" when there is one that the secret does not open.

    A vault that is destroyed stays beside the new one, under another name.
    """
    if proof.vault is not None:
        return _new_passphrase(installation, proof, passphrase)
    vault = installation.vault()
    if (owner := _owner_here(installation)) and owner != proof.owner:
        raise _other_owner(installation)
    if vault.exists() and not vault.is_destroyed():
        raise _strange_vault(installation)
    if not 0 <= candidate < len(proof.found):
        raise ParaduxError("bad-request", "there is no such config to recover", "see what was found: paraductl recover")
    with _set_aside(vault):
        return _new_machine(installation, proof, proof.found[candidate], passphrase)


@contextlib.contextmanager
def _set_aside(vault: LockedVault) -> Iterator[None]:
    """What is left of a destroyed vault gets another name; if no new one comes of it, its own again."""
    aside = vault.path.with_name(f"{vault.path.name}.damaged-{secrets.token_hex(4)}")
    there = vault.exists()
    if there:
        vault.path.rename(aside)
    try:
        yield
    except BaseException:
        if there and not vault.exists():
            aside.rename(vault.path)
        raise


def _new_passphrase(installation: Installation, proof: Proof, passphrase: bytes) -> RecoveredMachine:
    """The vault of this machine under a new passphrase: the config in it, instance and shares included, stays as it is."""
    vault = installation.vault().open_with_recovery(
        proof.secret.encode()
    )  # anew: it may have been saved since it was proven
    before = save.opened_from(installation, vault)
    return RecoveredMachine(save.change_passphrase(before, passphrase), alive=True)


def _new_machine(
    installation: Installation, proof: Proof, chosen: CandidateConfig, passphrase: bytes
) -> RecoveredMachine:
    epoch = max((each.epoch for each in proof.named), default=0)
    numbers = (proof.highest_generation, proof.highest_serial)
    document = renewed(chosen, *numbers, secrets.token_hex(16), min(epoch, chosen.header.epoch + MOST_AHEAD))
    saved = save.create(installation, document, passphrase, replaces_previous=proof.opens_previous)
    return RecoveredMachine(saved.opened, alive=False, saved=saved)


def _other_owner(installation: Installation) -> ParaduxError:
    directory = installation.state.directory
    return ParaduxError(
        "other-owner",
        f"what is in {directory} belongs to another owner than the kits; nothing was changed",
        f"if that was set up by mistake, stop paraduxd, move it away (mv {directory} {directory}.other), start paraduxd, and recover again;"
        " else recover beside it: paraduxd --state DIR --run DIR",
    )


def _strange_vault(installation: Installation) -> ParaduxError:
    """Why the vault that is there stays as it is."""
    directory = installation.state.directory
    return ParaduxError(
        "vault-exists",
        "there is a vault on this machine, and it does not open with these shares: another owner's, or another epoch's;"
        " nothing was changed",
        f"bring shares of its epoch; or stop paraduxd, move it away (mv {directory} {directory}.before), start paraduxd, and recover again",
    )


def _owner_here(installation: Installation) -> str:
    """The owner by the plan; empty when that cannot be told."""
    try:
        return plans.from_json(bounded.text(installation.state.plan)).owner
    except (OSError, ValueError):
        return ""
