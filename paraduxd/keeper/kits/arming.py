"""Kits that wait for their sticks: whose is next, what each stick that is plugged in comes to, and who is told."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from paraduxd.api.errors import ExitCode, ParaduxError, unforeseen
from paraduxd.api.replies.kits import WrittenKit
from paraduxd.core.config.managed import Managed
from paraduxd.core.devices.stick_rules import Armed, PluggedIn, Refuse, Seen, Stick, Write, decide, known_steward
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.keeper.kits import confirm
from paraduxd.keeper.kits.make import MadeKit, make_kit, steward_name
from paraduxd.keeper.runtime import kit_journal
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.opened import Opened
from paraduxd.keeper.runtime.request_context import Note
from paraduxd.keeper.runtime.session import Session, Visit

log = logging.getLogger("paradux.keeper")

LOOK = 1.0
"""Seconds between two looks at whether the authorized time is over."""

_UNTOUCHED = frozenset({"refused", "stick-full", "not-authorized", "no-such-steward", "no-share"})
"""Errors that leave what was on the stick."""


@dataclass(frozen=True)
class Target:
    """The stick that a kit went onto: its serial number and the identifier of its file system, as far as they are known."""

    device_serial: str | None = None
    uuid: str | None = None


class Tools(Protocol):
    """What is done with sticks, by workers. Every method raises `ParaduxError`."""

    def look(self, event: PluggedIn) -> tuple[Stick, Seen]:
        """What it is, and what is on it as far as the rules ask."""

    def write(self, event: PluggedIn, stick: Stick, files: Mapping[str, bytes], armed: Armed) -> Target:
        """Write and read back; "refused" and "stick-full" leave what was on it."""

    def check(self, event: PluggedIn, stick: Stick, managed: Managed) -> KitRecord | None:
        """What a check-up finds on a stick, every byte read; `None` when that is no kit of this owner."""


@dataclass
class StandingContext:
    """A request context (`request_context.py`) of the daemon's own, for as long as whoever asked for it is authorized, connected or not.

    `unasked`: nobody asked, so that it is enough that somebody has opened the config.
    """

    peer: Peer
    visit: Visit
    session: Session
    installation: Installation
    unasked: bool = False

    def opened(self) -> Opened:
        """The open config; raises `ParaduxError` "not-authorized"."""
        opened = self.session.opened
        if opened is None or not (self.unasked or self.session.covers(self.visit)):
            raise ParaduxError("not-authorized", "the authorized time is over", "", ExitCode.NOT_AUTHORIZED)
        return opened

    @contextlib.contextmanager
    def change(self) -> Iterator[Opened]:
        """The open config, for a change: nobody else changes it, and the keeper does not end meanwhile."""
        with self.session.exclusive(), self.session.saving():
            yield self.opened()

    def hold(self, opened: Opened) -> None:
        """Work with this config from now on."""
        self.session.hold(opened, self.visit)

    def leave(self) -> None:
        """Whoever asked for it needs it no more."""
        self.session.leave(self.visit)


@dataclass
class ArmedStewards:
    """Stewards whose kits are to be written, in the order of their sticks. One thread takes sticks; any may follow or end it.

    `names`: what the stewards are called, by id. `notes` are told every sentence. `once`: the first stick that does not get its kit
    ends it. `over` is set when nothing waits any more, with the reason in `ended` if that is a bad one.
    """

    context: StandingContext
    tools: Tools
    names: dict[str, str]
    erase: bool = False
    once: bool = False
    notes: list[Note] = field(default_factory=list)
    written: list[WrittenKit] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    ended: ParaduxError | None = None
    _busy: bool = False

    @property
    def waiting(self) -> list[str]:
        """The stewards whose kits are not written yet."""
        done = {kit.steward for kit in self.written}
        return [steward for steward in self.names if steward not in done]

    @property
    def is_live(self) -> bool:
        """Whether a stick is being written, or one that is plugged in now would be looked at."""
        return not self.over.is_set() and (self._busy or self.context.session.covers(self.context.visit))

    def say(self, sentence: str) -> None:
        """Tell whoever follows, and the log."""
        log.info("%s", sentence)
        for note in self.notes:
            note(sentence)

    def ask_for_next(self) -> None:
        """Announce whose stick is next."""
        self.say(f"Insert {self._next_name()}'s stick.")

    def wait(self) -> None:
        """Wait until it is over, which it is as well when the authorized time is; raises `ParaduxError` for a bad end."""
        while not self.over.wait(LOOK):
            if not self.is_live:
                self.end(ParaduxError("not-authorized", "the authorized time is over", "", ExitCode.NOT_AUTHORIZED))
        if self.ended is not None:
            raise self.ended

    def take(self, event: PluggedIn) -> None:
        """A stick was plugged in: write the kit that is next, or say why not. It raises nothing; what fails leaves the same kit waiting."""
        self._busy = True
        try:
            self._take(event)
        except ParaduxError as problem:
            self._not_written(problem)
        except Exception as problem:  # its text may repeat a secret
            log.error("A kit could not be written: %s", type(problem).__name__)
            self._not_written(unforeseen("the keeper failed", problem))
        finally:
            self._busy = False

    def _take(self, event: PluggedIn) -> None:
        with self.context.change() as opened:
            steward = self.waiting[0]
            steward_name(opened.config, steward)  # who was removed meanwhile gets nothing
            kit = write_onto(self, event, opened, steward)
        self._done(kit)

    def _done(self, kit: MadeKit) -> None:
        self.written.append(WrittenKit(kit.steward, kit.name, kit.epochs[0], kit.serial))
        done = f"{kit.name}'s kit is written and read back; its stick can be pulled out."
        if self.waiting:
            self.say(f"{done} Now insert {self._next_name()}'s stick.")
        else:
            self.say(done)
            self.end()

    def _not_written(self, problem: ParaduxError) -> None:
        name = self._next_name()
        how = "was not written" if problem.code in _UNTOUCHED else "is void"
        if self.once:
            self.end(ParaduxError(problem.code, f"{name}'s kit {how}: {problem.message}", problem.hint))
        else:
            hint = f" ({problem.hint})" if problem.hint else ""
            self.say(f"{name}'s kit {how}: {problem.message}{hint}. Still waiting for {name}'s stick.")

    def end(self, reason: ParaduxError | None = None) -> None:
        """Nothing waits any more. Ending twice is success."""
        if not self.over.is_set():
            self.ended = reason
            self.over.set()
            self.context.leave()

    def _next_name(self) -> str:
        return self.names[self.waiting[0]]


def write_onto(writing: ArmedStewards, event: PluggedIn, opened: Opened, steward: str) -> MadeKit:
    """Make, write and confirm one kit; call it within a change. Raises `ParaduxError`, "refused" by `core/devices/stick_rules.py`.

    Void before the first byte, confirmed after the last: no death in between leaves a kit that counts.
    """
    context, tools = writing.context, writing.tools
    kit = make_kit(context.installation, opened, steward)
    stick, seen = tools.look(event)
    armed = Armed(
        owner=opened.managed.owner_id,
        steward=steward,
        steward_name=kit.name,
        needed=sum(map(len, kit.files.values())),
        erase=writing.erase,
        known=known_steward(stick, kit_journal.known(context.installation.control)) == steward,
        beside=event.beside,
    )
    decision = decide(stick, seen, armed)
    if not isinstance(decision, Write):
        raise ParaduxError("refused", decision.reason if isinstance(decision, Refuse) else f"{stick.name} is no stick")
    writing.say(f"Writing {kit.name}'s kit onto {stick.name}: leave it where it is.")
    began = kit.records(void=True, device_serial=stick.serial, uuid=stick.uuid)
    kit_journal.record(context.installation.control, began)
    target = tools.write(event, stick, kit.files, armed)
    records = tuple(kit.records(device_serial=target.device_serial, uuid=target.uuid))
    confirm.written(context, opened, records, writing.say)
    return kit
