"""A keeper in this process, with a real config, a real journal and the real rules, and sticks that are dictionaries."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from paraduxd.api import frozen
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.paths import StatePlaces
from paraduxd.core.config.managed import Managed
from paraduxd.core.devices.stick_rules import Armed, PluggedIn, Seen, Stick
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.effects.ipc.keeper_news import KeeperNews
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.effects.journal.journal import Journal
from paraduxd.effects.vault.vault import Kdf
from paraduxd.keeper.config import save as transaction
from paraduxd.keeper.config.protocol_plugins import capabilities_of
from paraduxd.keeper.kits.arming import StandingContext, Target
from paraduxd.keeper.kits.pending_kits import KitState
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.opened import Opened
from paraduxd.keeper.runtime.session import Session
from paraduxd.keeper.runtime.supervisor_link import Control
from paraduxd.keeper.stick_dispatch import Sticks
from paraduxd.protocols import registry
from tests.rig import minimal_answers

MEMORY = Path("/dev/shm")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NAMES = ("alice", "bob", "carol")


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 50_000.0

    def __call__(self) -> float:
        return self.now


class FakeControl:
    """The supervisor as the keeper sees it: it keeps kits in a real journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.unwatched = ""

    def ask(self, what: str, timeout: float = 60.0, **arguments: Any) -> dict[str, Any]:
        if what == "kits":
            return {"kits": [to_json_value(each) for each in self.journal.kits()], "unwatched": self.unwatched}
        if what == "kit":
            self.journal.record_kit(from_json_value(KitRecord, json.loads(json.dumps(arguments["record"]))))
        return {"runs": []}

    def tell(self, _: KeeperNews) -> None:
        pass


@frozen.dataclass(frozen=True)
class Inserted(PluggedIn):
    """A stick of these tests: facts that differ from an empty one's."""

    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class FakeTools:
    """Sticks have facts: perhaps "stick" and "seen", which differ from an empty one's, "breaks": how writing ends, "rotten": what a check
    finds.

    What is written stays in `kits`, by the serial number of the stick. `named`: the same for a device that is called by its node.
    """

    journal: Journal
    kits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    void_while_writing: list[bool] = field(default_factory=list)
    named: dict[str, dict[str, Any]] = field(default_factory=dict)

    def look(self, event: PluggedIn) -> tuple[Stick, Seen]:
        facts = self._facts(event)
        serial = event.serial or str(facts["serial"])
        stick = Stick(
            device=f"/dev/{serial}",
            serial=serial,
            size=8 * 10**9,
            usb=True,
            removable=True,
            whole=True,
            volume=f"/dev/{serial}",
            fs="vfat",
            uuid=f"UUID-{serial}" if serial in self.kits else "EMPTY",
        )
        seen = Seen(free=8 * 10**9, kit=self._holder(serial), has_kit_folder=serial in self.kits)
        return replace(stick, **facts.get("stick", {})), replace(seen, **facts.get("seen", {}))

    def write(self, event: PluggedIn, stick: Stick, files: Mapping[str, bytes], armed: Armed) -> Target:
        self.void_while_writing.append(self.record(armed.steward).void)
        if problem := self._facts(event).get("breaks"):
            raise problem
        assert stick.serial is not None
        self.kits[stick.serial] = dict(files)
        return Target(stick.serial, f"UUID-{stick.serial}")

    def check(self, event: PluggedIn, stick: Stick, managed: Managed) -> KitRecord | None:
        if stick.serial not in self.kits:
            return None
        manifest = json.loads(self.kits[stick.serial]["kit.json"])
        steward, epoch, serial = manifest["steward"]["id"], manifest["epoch"], manifest["serial"]
        seen = "2027-01-01T00:00:00Z"
        rotten = tuple(self._facts(event).get("rotten", ()))
        return KitRecord(
            steward, epoch, serial, manifest["written"], seen, stick.serial, stick.uuid, None, problems=rotten
        )

    def _facts(self, event: PluggedIn) -> Mapping[str, Any]:
        return event.facts if isinstance(event, Inserted) else self.named[event.device]

    def _holder(self, serial: str) -> tuple[str, ...]:
        if serial not in self.kits:
            return ()
        manifest = json.loads(self.kits[serial]["kit.json"])
        return (manifest["owner"]["id"], manifest["steward"]["id"], manifest["steward"]["name"])

    def record(self, steward: str) -> KitRecord:
        """What the journal knows of the steward's kit."""
        return next(record for record in self.journal.kits() if record.steward == steward)


@dataclass
class Keeper:
    """One keeper: `desk` is the connection of somebody who gave the passphrase, `said` what they were told."""

    clock: Clock
    session: Session
    desk: StandingContext
    tools: FakeTools
    sticks: Sticks
    said: list[str] = field(default_factory=list)

    def plug_in(self, serial: str, **more: Any) -> str:
        """Plug a stick in; gives the last sentence that was said about it."""
        self.sticks.take(Inserted(serial=serial, beside=tuple(more.pop("beside", ())), facts=more))
        return self.said[-1] if self.said else ""

    def has_kit(self, steward: str) -> bool:
        return any(record.steward == steward and record.counts for record in self.tools.journal.kits())

    def save(self, **changes: Any) -> None:
        """Save the config, changed."""
        opened = self.session.opened
        assert opened is not None
        text = json.dumps({**opened.document, **changes})
        saved = transaction.save(self.desk.installation, opened, text, opened.document["serial"], {})
        self.desk.hold(saved.opened)
        transaction.put_into_effect(self.desk.installation, saved)


def make_config(root: Path) -> Opened:
    """A vault with a config of three stewards, of whom nobody has a kit."""
    installation = keeping_of(root, Journal(root / "first.sqlite", NOW))
    installation.state.directory.mkdir()
    saved = transaction.set_up(installation, json.dumps(minimal_answers(root)), b"correct horse battery staple", {})
    transaction.put_into_effect(installation, saved)
    return saved.opened


def keeping_of(root: Path, journal: Journal) -> Installation:
    control = cast(Control, FakeControl(journal))
    return Installation(StatePlaces(root / "state"), capabilities_of(registry.load()), Kdf.WEAK, MEMORY, control)


def start(root: Path, opened: Opened, journal: Journal) -> Keeper:
    """A keeper whose config somebody has just opened."""
    clock = Clock()
    session = Session(lambda _: None, clock)
    peer = Peer(os.getpid(), os.geteuid(), os.getegid())
    desk = StandingContext(peer, session.enter(peer.uid), session, keeping_of(root, journal))
    desk.hold(opened)
    tools = FakeTools(journal)
    sticks = Sticks(session, desk.installation, tools)
    session.kept.of(KitState).sticks = sticks
    return Keeper(clock, session, desk, tools, sticks)


PULLED_OUT = ParaduxError("stick-gone", "the stick was pulled out while it was written", "insert it again")
