"""What the outbox says of this machine: machine.asc, and the public keys by which workers check the one that lies at a stash."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from paraduxd.api.paths import StatePlaces
from paraduxd.core.config.managed import Managed
from paraduxd.core.recovery import machine_claim
from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.effects.files import bounded
from paraduxd.effects.files.atomic import write_atomically
from paraduxd.keeper.config.generate import now


def write_announcement(state: StatePlaces, managed: Managed, memory: Path) -> None:
    """Write both, as far as they are not there yet.

    machine.asc is signed once, by the key of the epoch in which this machine began: the machine before it knows that one, but none of a
    later rotation.
    """
    state.outbox.mkdir(mode=0o700, exist_ok=True)
    _write_keys(state.outbox / machine_claim.PUBLIC_KEYS, _public_keys(managed))
    _write_keys(state.outbox / machine_claim.ENDED_KEYS, _ended_keys(managed))
    generation = managed.generation
    present = machine_claim.claimed(bounded.content_or_nothing(state.outbox / machine_claim.NAME))
    if present and (present.instance, present.generation) == (managed.instance, generation):
        return
    made = machine_claim.machine(managed.owner_id, managed.instance, generation, now())
    recovery = managed.recovery
    with private_gpg(memory) as gpg:
        gpg.import_key(recovery.private_key, recovery.secret)
        message = gpg.sign_clear(made.to_json(), recovery.fingerprint, recovery.secret)
    write_atomically(state.outbox / machine_claim.NAME, message, 0o600)


def _write_keys(path: Path, keys: Iterator[str]) -> None:
    content = "".join(key.strip() + "\n" for key in keys).encode()
    if bounded.content_or_nothing(path) != content:
        write_atomically(path, content, 0o600)


def _ended_keys(managed: Managed) -> Iterator[str]:
    """As far as they are known: version 0.1.0 did not keep them."""
    yield from (past.public_key for past in managed.past_epochs if past.public_key)


def _public_keys(managed: Managed) -> Iterator[str]:
    yield from (part.recovery.public_key for part in managed.parts)
