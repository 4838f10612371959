"""Really opening what a drill has found: in a gpg home in memory, with the secret that shares gave, by the key that lies beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.drills import Opening
from paraduxd.core.plan.model import Plan
from paraduxd.core.recovery.candidates import CandidateConfig, found_in
from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.keeper.drill.drill_places import Answer
from paraduxd.keeper.recovery.opening import import_locked, open_configs
from paraduxd.keeper.recovery.share_proof import MOST_CANDIDATES
from paraduxd.shares.collection import ShareCollection


@dataclass(frozen=True)
class Secret:
    """What the shares gave. `fingerprint`: of the key that it must open, if known; `keys`: private keys in kits; `epoch`: of the kits."""

    text: str = field(repr=False)
    fingerprint: str | None
    keys: tuple[str, ...] = field(repr=False)
    epoch: int | None = None


def prove_kits(brought: ShareCollection, memory: Path) -> tuple[Secret, list[CandidateConfig], list[str]]:
    """The secret that opens configs in the kits, each of these, and a sentence for each that it does not open.

    Raises `ParaduxError` "not-proven" when it opens none.
    """
    keys = tuple(dict.fromkeys(key.decode(errors="replace") for _, key in brought.keys))
    for number, (share_set, raw) in enumerate(brought.candidates()):
        secret = raw.hex()
        found, refused, fitting = open_configs(brought.configs, keys, secret, memory)
        if found:
            return Secret(secret, None, fitting, share_set.epoch), found, refused
        if number >= MOST_CANDIDATES:
            break
    raise ParaduxError(
        "not-proven",
        "the shares in the kits give a secret, but it opens none of the configs in them",
        "write these kits again: paraductl create-steward-device",
    )


def of_kit(found: CandidateConfig, plan: Plan) -> Opening:
    """What the config in a kit is worth: an older one is no fault of the kit, but it is not the present one."""
    header = found.header
    good = header.owner == plan.owner and header.epoch in plan.epochs
    return Opening(found.labels[0], good, _described(found, plan), kit=True, present=is_present(found, plan))


def open_answer(answer: Answer, secret: Secret, plan: Plan, memory: Path) -> tuple[CandidateConfig | None, Opening]:
    """Open what one metadata stash gave, and judge it."""
    if answer.problem:
        return None, Opening(answer.stash, False, answer.problem)
    try:
        found = _open(answer, secret, memory)
    except (ParaduxError, ValueError, RecursionError) as problem:
        reason = problem.message if isinstance(problem, ParaduxError) else "what opens is not a published config"
        return None, Opening(answer.stash, False, reason)
    present = is_present(found, plan)
    return found, Opening(answer.stash, present, _described(found, plan), present=present)


def _open(answer: Answer, secret: Secret, memory: Path) -> CandidateConfig:
    """Nobody has vouched for what a stash holds: its key counts if the secret locks it and it is the one that is expected."""
    with private_gpg(memory) as gpg:
        fingerprint = import_locked(gpg, answer.key, secret.text)
        if fingerprint not in _expected(secret, memory):
            raise ParaduxError("foreign", "the recovery key there is another one", "see who can write there")
        return found_in(answer.stash, gpg.decrypt_signed(answer.config, fingerprint, secret.text))


def _expected(secret: Secret, memory: Path) -> Sequence[str]:
    """The keys that may have signed: that of the config, or those of the kits, of which the secret has opened something."""
    if secret.fingerprint is not None:
        return [secret.fingerprint]
    with private_gpg(memory) as gpg:
        return [import_locked(gpg, key, secret.text) for key in secret.keys]


def is_present(found: CandidateConfig, plan: Plan) -> bool:
    """Whether this is the config that is in force: owner, epoch and serial are the plan's."""
    header = found.header
    return header.owner == plan.owner and header.epoch in plan.epochs and header.serial == plan.serial


def _described(found: CandidateConfig, plan: Plan) -> str:
    header = found.header
    if header.owner != plan.owner:
        return "opened, but it is the config of another owner"
    if header.epoch not in plan.epochs:
        return f"opened, but it is of epoch {header.epoch}, and the present one is {plan.epoch}"
    if header.serial != plan.serial:
        return f"opened, but it has serial {header.serial}, and the present one is {plan.serial}"
    return f"opened, and signed by its owner: serial {header.serial}, epoch {header.epoch}"
