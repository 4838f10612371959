"""From a saved config to a running Paradux: transport files, plan, ciphertext for the metadata stashes.

All of it can be done again at any time with the same result; that is how an interrupted save is completed.
"""

from __future__ import annotations

from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.api.paths import StatePlaces
from paraduxd.core.config.capabilities import Capabilities
from paraduxd.core.config.managed import Managed, Recovery
from paraduxd.core.config.models import Config
from paraduxd.core.plan import model as plans
from paraduxd.core.plan.derive import derive
from paraduxd.core.recovery import published_config, rotation
from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.effects.files import bounded, transport_files
from paraduxd.effects.files.atomic import write_atomically
from paraduxd.effects.installation import outbox
from paraduxd.keeper.config.generate import now
from paraduxd.keeper.runtime.opened import Opened


def write_plan(state: StatePlaces, config: Config, capabilities: dict[str, Capabilities]) -> None:
    """Write the transport files, then the plan that needs them."""
    previous = _present_plan(state)
    saved = previous.saved if previous and previous.serial == config.serial else now()
    derived = derive(config, capabilities, saved)
    transport_files.write_all(state, derived.transports, unattended=config.policy.unattended)
    text = plans.to_json(derived.plan).encode()
    if not state.plan.exists() or bounded.content(state.plan) != text:
        write_atomically(state.plan, text, 0o600)


def _present_plan(state: StatePlaces) -> plans.Plan | None:
    try:
        return plans.from_json(bounded.text(state.plan))
    except (OSError, ValueError):
        return None


def is_published(state: StatePlaces, managed: Managed, serial: int) -> bool:
    """Whether the ciphertext of this serial, for every epoch, waits in the outbox or has been sent from there."""
    return not outbox.lacking(state.outbox, rotation.epochs(managed), serial)


def write_outbox(state: StatePlaces, opened: Opened, memory: Path) -> None:
    """Encrypt and sign the config into the outbox, during a rotation for both epochs."""
    state.outbox.mkdir(mode=0o700, exist_ok=True)
    for part in opened.managed.parts:
        recovery = part.recovery
        message = _sealed(opened, recovery, memory)
        write_atomically(state.outbox / published_config.key_name(recovery.epoch), recovery.private_key.encode(), 0o600)
        write_atomically(state.outbox / published_config.config_name(recovery.epoch, opened.serial), message, 0o600)


def _sealed(opened: Opened, recovery: Recovery, memory: Path) -> bytes:
    """What of the config this epoch may read, encrypted to its key and signed by it."""
    managed, serial = opened.managed, opened.serial
    header = published_config.Header(
        published_config.FORMAT, managed.owner_id, managed.instance, recovery.epoch, serial, now()
    )
    with private_gpg(memory) as gpg:
        gpg.import_key(recovery.private_key, recovery.secret)
        text = published_config.envelope(header, rotation.published_under(opened.document, recovery.epoch, serial))
        message = gpg.encrypt_signed(text, recovery.fingerprint, recovery.secret)
        if gpg.decrypt_signed(message, recovery.fingerprint, recovery.secret) != text:
            raise ParaduxError("gpg", "the encrypted config does not decrypt to what was encrypted")
    return message


def tidy_outbox(state: StatePlaces, managed: Managed, serial: int) -> None:
    """Remove older serials, epochs that have ended, and what a killed keeper left; call it once all that is new is there."""
    epochs = rotation.epochs(managed)
    present = {published_config.config_name(epoch, serial) for epoch in epochs} | {
        published_config.key_name(one) for one in epochs
    }
    for path in state.outbox.iterdir():
        ours = published_config.parse_config_name(path.name) or published_config.is_key_name(path.name)
        if (ours and path.name not in present) or path.name.startswith("."):
            path.unlink(missing_ok=True)
