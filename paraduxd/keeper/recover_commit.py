"""Putting a proven recovery into effect: a new machine for the owner, or a new passphrase for the one that is there.

Killed at any moment it leaves nothing, or a vault that opens with the new passphrase and with the shares: `recover` can be run again, and
unlocking completes what is missing, as after every interrupted save.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from paraduxd.api.errors import ParaduxError
from paraduxd.core import plan as plans
from paraduxd.core.recovered import Found, renewed
from paraduxd.keeper import transaction
from paraduxd.keeper.recover_proof import Proof
from paraduxd.keeper.session import Opened
from paraduxd.keeper.transaction import Keeping, Saved


@dataclass(frozen=True)
class Recovered:
    """What is in the vault now. `alive`: it was there before, only its keys are new; `saved`: it still has to be put into effect."""

    opened: Opened
    alive: bool
    saved: Saved | None = None


def commit(keeping: Keeping, proof: Proof, candidate: int, passphrase: bytes) -> Recovered:
    """Make the vault; raises `ParaduxError` "other-owner" or "vault-exists" when there is one that the secret does not open."""
    if proof.vault is not None:
        return _new_passphrase(keeping, proof, passphrase)
    if keeping.vault().exists():
        raise _strange_vault(keeping, proof)
    if not 0 <= candidate < len(proof.found):
        raise ParaduxError("bad-request", "there is no such config to recover", "see what was found: paraductl recover")
    return _new_machine(keeping, proof, proof.found[candidate], passphrase)


def _new_passphrase(keeping: Keeping, proof: Proof, passphrase: bytes) -> Recovered:
    """The vault of this machine under a new passphrase: the config in it, instance and shares included, stays as it is."""
    vault = keeping.vault().open_with_recovery(
        proof.secret.encode()
    )  # anew: it may have been saved since it was proven
    before = transaction.opened_from(keeping, vault)
    return Recovered(transaction.change_passphrase(before, passphrase), alive=True)


def _new_machine(keeping: Keeping, proof: Proof, chosen: Found, passphrase: bytes) -> Recovered:
    document = renewed(chosen, proof.highest_generation, proof.highest_serial, secrets.token_hex(16))
    saved = transaction.create(keeping, document, passphrase)
    return Recovered(saved.opened, alive=False, saved=saved)


def _strange_vault(keeping: Keeping, proof: Proof) -> ParaduxError:
    """Why the vault that is there stays as it is."""
    owner = _owner_here(keeping)
    if owner and owner != proof.owner:
        return ParaduxError(
            "other-owner",
            "the vault on this machine belongs to another owner; nothing was changed",
            "recover into another state directory: paraduxd --state DIR --run DIR",
        )
    return ParaduxError(
        "vault-exists",
        "there is a vault on this machine, and it does not open with these shares: another owner's, another epoch's, or damaged;"
        " nothing was changed",
        f"bring shares of its epoch, or move {keeping.state.directory} away and recover as on a blank machine",
    )


def _owner_here(keeping: Keeping) -> str:
    """The owner by the plan; empty when that cannot be told."""
    try:
        return plans.from_json(keeping.state.plan.read_text()).owner
    except (OSError, ValueError):
        return ""
