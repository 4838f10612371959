"""From a saved config to a running Paradux: transport files, plan, ciphertext for the metadata stashes.

All of it can be done again at any time with the same result; that is how an interrupted save is completed.
"""

from __future__ import annotations

from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.api.places import StatePlaces
from paraduxd.core import plan as plans
from paraduxd.core import published, rotation
from paraduxd.core.config import Config
from paraduxd.core.derive import derive
from paraduxd.core.shapes import Shape
from paraduxd.effects import outbox, transports
from paraduxd.effects.durable import write_atomically
from paraduxd.effects.gpg import private_gpg
from paraduxd.keeper.making import Json, now


def write_plan(state: StatePlaces, config: Config, shapes: dict[str, Shape]) -> None:
    """Write the transport files, then the plan that needs them."""
    previous = _present_plan(state)
    saved = previous.saved if previous and previous.serial == config.serial else now()
    derived = derive(config, shapes, saved)
    transports.write_all(state, derived.transports, unattended=config.policy.unattended)
    text = plans.to_json(derived.plan).encode()
    if not state.plan.exists() or state.plan.read_bytes() != text:
        write_atomically(state.plan, text, 0o600)


def _present_plan(state: StatePlaces) -> plans.Plan | None:
    try:
        return plans.from_json(state.plan.read_text())
    except (OSError, ValueError):
        return None


def is_published(state: StatePlaces, managed: Json, serial: int) -> bool:
    """Whether the ciphertext of this serial, for every epoch, waits in the outbox or has been sent from there."""
    return not outbox.lacking(state.outbox, rotation.epochs(managed), serial)


def write_outbox(state: StatePlaces, document: Json, memory: Path) -> None:
    """Encrypt and sign the config into the outbox, during a rotation for both epochs."""
    managed, serial = document["managed"], document["serial"]
    state.outbox.mkdir(mode=0o700, exist_ok=True)
    for part in rotation.parts(managed):
        recovery = part["recovery"]
        message = _sealed(document, recovery, memory)
        write_atomically(state.outbox / published.key_name(recovery["epoch"]), recovery["private_key"].encode(), 0o600)
        write_atomically(state.outbox / published.config_name(recovery["epoch"], serial), message, 0o600)


def _sealed(document: Json, recovery: Json, memory: Path) -> bytes:
    """What of the config this epoch may read, encrypted to its key and signed by it."""
    managed, serial = document["managed"], document["serial"]
    header = published.Header(
        published.FORMAT, managed["owner_id"], managed["instance"], recovery["epoch"], serial, now()
    )
    with private_gpg(memory) as gpg:
        gpg.import_key(recovery["private_key"], recovery["secret"])
        text = published.envelope(header, rotation.published_under(document, recovery["epoch"]))
        message = gpg.encrypt_signed(text, recovery["fingerprint"], recovery["secret"])
        if gpg.decrypt_signed(message, recovery["fingerprint"], recovery["secret"]) != text:
            raise ParaduxError("gpg", "the encrypted config does not decrypt to what was encrypted")
    return message


def tidy_outbox(state: StatePlaces, managed: Json, serial: int) -> None:
    """Remove older serials, epochs that have ended, and what a killed keeper left; call it once all that is new is there."""
    epochs = rotation.epochs(managed)
    present = {published.config_name(epoch, serial) for epoch in epochs} | {published.key_name(one) for one in epochs}
    for path in state.outbox.iterdir():
        ours = published.parse_config_name(path.name) or published.is_key_name(path.name)
        if (ours and path.name not in present) or path.name.startswith("."):
            path.unlink(missing_ok=True)
