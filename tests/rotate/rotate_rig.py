"""A Paradux in this process: the keeper's own calls, a real vault, a real journal, and one stash that is a folder."""

from __future__ import annotations

import base64
import itertools
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.paths import StatePlaces
from paraduxd.core.config.managed import managed_of, with_managed
from paraduxd.core.plan import model as plans
from paraduxd.core.recovery import kits_written, published_config
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.core.runs.orders import Order
from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.effects.journal.journal import Journal
from paraduxd.effects.vault.vault import Kdf, LockedVault
from paraduxd.keeper.config.protocol_plugins import capabilities_of
from paraduxd.keeper.dispatch import Conversation
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.session import Session
from paraduxd.keeper.runtime.supervisor_link import Control
from paraduxd.protocols import registry
from paraduxd.protocols.disk import DiskBlobs
from paraduxd.shares import slip39
from paraduxd.worker.publishing.publish import publish
from tests.rig import PASSPHRASE, minimal_answers

Json = dict[str, Any]

NAMES = ("alice", "bob", "carol")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Supervisor:
    """The supervisor as the keeper sees it. With `reachable` it publishes to the stash as soon as it gets a plan."""

    def __init__(self, state: StatePlaces, stash: Path) -> None:
        self.state = state
        self.stash = stash
        self.reachable = True
        self.journal = Journal(state.journal, NOW)

    def ask(self, what: str, timeout: float = 60.0, **arguments: Any) -> Json:
        if what == "kits":
            return {"kits": [to_json_value(record) for record in self.journal.kits()]}
        if what == "kit":
            self.journal.record_kit(from_json_value(KitRecord, json.loads(json.dumps(arguments["record"]))))
        if what == "apply" and self.reachable:
            self.publish()
        return {"runs": []}

    def tell(self, **news: Any) -> None:
        pass

    def publish(self) -> Json:
        """Send the outbox to the stash, as a worker does with the order of `supervisor/runs/order_factory.py`."""
        plan = plans.from_json(self.state.plan.read_text())
        ended = [asdict(past) for past in plan.ended]
        more = {
            "outbox": str(self.state.outbox),
            "serial": plan.serial,
            "epochs": list(plan.epochs),
            "ended": ended,
        }
        store = DiskBlobs(self.stash)
        return to_json_value(publish(Order(1, "publish", "", "stash", arguments=more), store, store))


@dataclass
class Paradux:
    """One installation below `root`; `said` is what the person was told."""

    root: Path
    memory: Path
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        places = StatePlaces(self.root / "state")
        places.directory.mkdir(parents=True, exist_ok=True)
        self.supervisor = Supervisor(places, self.root / "stash")
        control = cast(Control, self.supervisor)
        self.installation = Installation(places, capabilities_of(registry.load()), Kdf.WEAK, self.memory, control)
        peer, session = Peer(os.getpid(), os.geteuid(), os.getegid()), Session(lambda _: None)
        self.keeper = Conversation(peer, session.enter(peer.uid), session, self.installation)

    def call(self, name: str, **arguments: Any) -> Json:
        """One call of a client."""
        return self.keeper.answer({"call": name, "arguments": arguments}, self.said.append)

    def set_up(self, **changes: Any) -> Paradux:
        """From answers."""
        answers = json.dumps(minimal_answers(Path("/srv/nobody"), **changes))
        self.call("setup", answers=answers, passphrase=PASSPHRASE)
        return self

    def unlock(self) -> Paradux:
        """Give the passphrase, which completes what was cut off."""
        self.call("authorize", passphrase=PASSPHRASE)
        return self

    def hand_out(self, steward: str) -> dict[str, bytes]:
        """The steward's kit, which the client has still to write and to confirm."""
        made = self.call("kits_directory", steward=steward)
        self._sha256 = made["sha256"]
        return {name: base64.b64decode(content) for name, content in made["files"].items()}

    def write_kit(self, steward: str) -> dict[str, bytes]:
        """The steward's kit, confirmed."""
        files = self.hand_out(steward)
        self.call("kits_confirm", steward=steward, sha256=self._sha256)
        return files

    def write_kits(self, *stewards: str) -> None:
        """Kits of several stewards, confirmed."""
        for steward in stewards:
            self.write_kit(steward)

    @property
    def document(self) -> Json:
        """The config."""
        return json.loads(self.call("document")["text"])

    @property
    def published(self) -> Json:
        """What of the config is published."""
        document = self.document
        return with_managed(document, kits_written.without(managed_of(document)))

    @property
    def managed(self) -> Json:
        """What Paradux generates in it."""
        managed: Json = self.document["managed"]
        return managed

    def save(self, document: Json) -> Json:
        """Save a changed config."""
        return self.call("save", text=json.dumps(document), serial=document["serial"])

    def names(self, folder: str = "stash") -> set[str]:
        """The objects at the stash, or in another folder, that are of an epoch."""
        found = {path.name for path in (self.root / folder).iterdir()}
        return {
            name for name in found if published_config.parse_config_name(name) or published_config.is_key_name(name)
        }

    def vault_opens(self, secret: str) -> Json | None:
        """What the vault holds, opened by a recovery secret."""
        return vault_opens(self.root, secret)


def vault_opens(root: Path, secret: str) -> Json | None:
    """What the vault of an installation holds, opened by a recovery secret."""
    try:
        opened = LockedVault(root / "state" / "vault.luks", kdf=Kdf.WEAK).open_with_recovery(secret.encode())
    except ParaduxError:
        return None
    found: Json = json.loads(opened.document)
    return found


def objects_of(epochs: Iterable[int], *serials: int) -> set[str]:
    """The objects of these epochs and serials."""
    epochs = tuple(epochs)
    configs = {published_config.config_name(epoch, serial) for epoch, serial in itertools.product(epochs, serials)}
    return configs | {published_config.key_name(epoch) for epoch in epochs}


def secret_of(part: Json, stewards: Iterable[str]) -> str:
    """What these stewards' shares give; `part` holds the shares of an epoch."""
    held = part["shares"]
    return slip39.combine([held["words"][held["issued"][name]] for name in stewards]).hex()


def opened_at(folder: Path, secret: str, memory: Path) -> Json | None:
    """The newest config in a stash or outbox that the secret opens, as a person with stock gpg finds it: each key, newest config first."""
    for key in sorted(folder.glob("recovery-key-*.asc"), reverse=True):
        epoch = int(key.stem.rpartition("-")[2])
        with private_gpg(memory) as gpg:
            fingerprint = gpg.import_key(key.read_text(), secret)
            for _, path in sorted(_configs(folder, epoch), reverse=True):
                try:
                    text = gpg.decrypt_signed(path.read_bytes(), fingerprint, secret)
                except ParaduxError:
                    break
                return published_config.open_envelope(text)[1]
    return None


def _configs(folder: Path, epoch: int) -> Iterable[tuple[int, Path]]:
    for path in folder.iterdir():
        found = published_config.parse_config_name(path.name)
        if found and found[0] == epoch:
            yield found[1], path
