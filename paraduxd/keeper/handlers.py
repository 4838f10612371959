"""What answers each call of the keeper: the contract of `api/contract.py` brought to life."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.listing_questions import Question, RestoreOptions
from paraduxd.api.replies.config import Document, Hello, Preview, Saved, Serial, Shown, Unlocked
from paraduxd.api.replies.drills import DrillOutcome
from paraduxd.api.replies.kits import Arming, Challenge, CodeTaken, KitConfirmed, KitFiles
from paraduxd.api.replies.recovery import Collected, Proven, Recovered
from paraduxd.api.replies.rotations import RotationCancelled, Standing
from paraduxd.api.replies.setup_forms import PlaceForms, ProtocolForms, Tried
from paraduxd.api.replies.transfer_runs import Left, Nothing, Started
from paraduxd.core.config.capabilities import Role
from paraduxd.core.config.views.lookup import lookup
from paraduxd.core.config.views.masking import mask
from paraduxd.core.plan.data_keys import private_archive_keys
from paraduxd.effects.ipc.keeper_questions import KeeperQuestions
from paraduxd.keeper import archive_key_pipe
from paraduxd.keeper.config import rotate, save
from paraduxd.keeper.drill import drill_calls as drilling
from paraduxd.keeper.kits import kit_calls as kit_writing
from paraduxd.keeper.recovery import recovery_calls as recovering
from paraduxd.keeper.runtime import kit_journal
from paraduxd.keeper.runtime.incoming_passphrases import acceptable, encoded
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.opened import Opened
from paraduxd.keeper.runtime.request_context import ClientContext, Note
from paraduxd.keeper.runtime.supervisor_link import questions
from paraduxd.keeper.setup import place_trials
from paraduxd.keeper.setup.forms import place_forms, protocol_forms

MAX_WINDOW = 24 * 3600
"""Seconds; nobody needs the vault open for longer."""

log = logging.getLogger("paradux.keeper")


@dataclass(frozen=True)
class Handlers:
    """Answers one request, whose access and arguments were checked; members of lists and objects are untrusted until checked here.

    `note` takes what the person should know besides. Every method raises `ParaduxError`.
    """

    context: ClientContext
    note: Note

    @property
    def _installation(self) -> Installation:
        return self.context.installation

    @property
    def _supervisor(self) -> KeeperQuestions:
        return questions(self._installation.control)

    # Setting up

    def setup_protocols(self) -> ProtocolForms:
        return ProtocolForms(protocol_forms(self._installation.capabilities))

    def setup_places(self, *, typed: str, role: str) -> PlaceForms:
        if role not in list(Role):
            raise ParaduxError("bad-request", "a place can be a source, a destination or a metadata stash")
        return PlaceForms(place_forms(typed, Role(role), self._installation.capabilities))

    def setup_try(
        self,
        *,
        protocol: str,
        role: str,
        answers: str,
        encryption: str = "",
        access: str = "",
        trust_hosts: Mapping[str, object] = {},
    ) -> Tried:
        if role not in list(Role) or protocol not in self._installation.capabilities:
            raise ParaduxError("bad-request", "there is no such protocol, or no such role")
        place = place_trials.Place(protocol, Role(role), answers, encryption, access)
        return place_trials.tried(self._installation, place, _hosts(trust_hosts))

    # Opening the vault

    def hello(self) -> Hello:
        save.check_vault(self._installation)
        return Hello(self._installation.vault().exists(), self.context.session.covers(self.context.visit))

    def authorize(self, *, passphrase: str) -> Serial:
        session = self.context.session
        with session.attempt(self.context.peer.uid), session.exclusive():
            opened = self._open(passphrase)
            self.context.hold(opened)
            with session.saving():
                self._complete(opened)
            return Serial(self.context.opened().serial)

    def _open(self, passphrase: str) -> Opened:
        try:
            return save.open_vault(self._installation, encoded(passphrase))
        except ParaduxError as problem:
            if problem.code == "wrong-passphrase":
                log.warning("A wrong passphrase was given by uid %d", self.context.peer.uid)
            raise

    def _complete(self, opened: Opened) -> None:
        """Finish what an interrupted save or rotation left. When that is not possible the config can still be read and mended."""
        try:
            advanced = rotate.advance(self.context, opened, self.note)
            save.complete(self._installation, advanced.opened if advanced else opened)
            kit_journal.give_back(self._installation.control, opened.managed)
        except Exception as problem:
            reason = save.reason(problem)
            log.error("The config could not be put into effect: %s", reason)
            self.note(f"the config is open, but could not be put into effect: {reason}")

    def unlock(self, *, seconds: int | None = None) -> Unlocked:
        length = self.context.opened().config.policy.unlock_for if seconds is None else seconds
        if not 1 <= length <= MAX_WINDOW:
            raise ParaduxError("bad-request", "the vault can be unlocked for 1 second to 24 hours", "say --for 15m")
        with self.context.change() as opened:
            if self._installation.state.pending.exists():
                save.complete(self._installation, opened)
        return Unlocked(self.context.session.unlock(self.context.peer.uid, length).until)

    def lock(self) -> Nothing:
        if not self.context.session.close(None if self.context.is_trusted() else self.context.peer.uid):
            raise ParaduxError(
                "not-allowed",
                "somebody else is using the open vault: closing it needs the operational passphrase",
                "give it, or wait",
                ExitCode.NOT_AUTHORIZED,
            )
        return Nothing()

    def passphrase(self, *, new: str) -> Serial:
        with self.context.change() as opened:
            owner = opened.config.owner
            changed = save.change_passphrase(opened, acceptable(new, owner.name, owner.email))
            self.context.hold(changed)
            self.context.session.revoke_others(self.context.visit)
        return Serial(changed.serial)

    # The config

    def preview_setup(self, *, answers: str) -> Preview:
        return save.preview(self._installation, answers, None)

    def setup(self, *, answers: str, passphrase: str, trust_hosts: Mapping[str, object] = {}) -> Saved:
        with self.context.session.exclusive(), self.context.session.saving():
            saved = save.set_up(self._installation, answers, encoded(passphrase), _hosts(trust_hosts))
            self.context.hold(saved.opened)
            return save.put_into_effect(self._installation, saved)

    def document(self) -> Document:
        opened = self.context.opened()
        return Document(opened.text, opened.serial)

    def preview(self, *, text: str, serial: int) -> Preview:
        return save.preview(self._installation, text, self.context.opened())

    def save(self, *, text: str, serial: int, trust_hosts: Mapping[str, object] = {}) -> Saved:
        with self.context.change() as opened:
            saved = save.save(self._installation, opened, text, serial, _hosts(trust_hosts))
            self.context.hold(saved.opened)
            # Without a steward who cannot be reached a rotation may be complete.
            if advanced := rotate.advance(self.context, saved.opened, self.note):
                saved = replace(saved, opened=advanced.opened)
            return save.put_into_effect(self._installation, saved)

    def show(self, *, path: str = "", secrets: bool = False) -> Shown:
        document = self.context.opened().document
        part = lookup(document if secrets else mask(document, self._installation.capabilities), path)
        return Shown(json.dumps(part, indent=2, ensure_ascii=False))

    # What the supervisor does for who is authorized

    def restore(
        self,
        *,
        dataset: str,
        to: str,
        source: str | None = None,
        at: str | None = None,
        paths: Sequence[str] = (),
        options: RestoreOptions = RestoreOptions(),  # noqa: B008  (it is frozen)
        on_behalf_of: int | None = None,
    ) -> Started:
        uid = on_behalf_of if on_behalf_of is not None and self.context.is_owner() else self.context.peer.uid
        keys = private_archive_keys(self.context.opened().config, dataset)
        with archive_key_pipe.offered(keys, self._installation.state.directory) as handover:
            started = self._supervisor.restore(
                keys=dict(handover.paths),
                uid=uid,
                dataset=dataset,
                to=to,
                source=source,
                at=at,
                paths=paths,
                options=options,
            )
            handover.wait(started.needs_key)
        return Started(started.runs)

    def look(self, *, dataset: str, question: Question, source: str | None = None) -> Started:
        keys = private_archive_keys(self.context.opened().config, dataset)
        with archive_key_pipe.offered(keys, self._installation.state.directory) as handover:
            started = self._supervisor.look(
                keys=dict(handover.paths), uid=self.context.peer.uid, dataset=dataset, question=question, source=source
            )
            handover.wait(started.needs_key)
        return Started(started.runs)

    def approve(self, *, dataset: str) -> Started:
        return self._supervisor.approve(dataset=dataset)

    def prune(self, *, dataset: str, destination: str | None = None) -> Started:
        return self._supervisor.prune(dataset=dataset, destination=destination)

    def verify(self, *, dataset: str | None = None, deep: bool = False) -> Started:
        return self._supervisor.verify(dataset=dataset, deep=deep)

    def cancel(self, *, runs: Sequence[int]) -> Left:
        return self._supervisor.cancel(runs=runs)

    def ask(self, *, steward: str) -> Challenge:
        return self._supervisor.ask(steward=steward)

    def confirm(self, *, code: str) -> CodeTaken:
        return self._supervisor.confirm(code=code, uid=self.context.peer.uid)

    # Kits and shares

    def kits_directory(self, *, steward: str) -> KitFiles:
        return kit_writing.kits_directory(self.context, steward)

    def kits_confirm(self, *, steward: str, sha256: str) -> KitConfirmed:
        return kit_writing.kits_confirm(self.context, self.note, steward, sha256)

    def kits_arm(
        self, *, stewards: Sequence[object] = (), erase: bool = False, device: str | None = None, wait: bool = True
    ) -> Arming:
        return kit_writing.kits_arm(self.context, self.note, stewards, erase=erase, device=device, wait=wait)

    def rotate(self) -> Standing:
        return rotate.rotate(self.context, self.note)

    def rotate_cancel(self) -> RotationCancelled:
        return rotate.rotate_cancel(self.context)

    # Recovery and drills

    def recover_add(self, *, materials: Sequence[object]) -> Collected:
        return recovering.recover_add(self.context, materials)

    def recover_device(self, *, device: str) -> Collected:
        return recovering.recover_device(self.context, device)

    def recover_state(self) -> Collected:
        return recovering.recover_state(self.context)

    def recover_prove(self) -> Proven:
        return recovering.recover_prove(self.context, self.note)

    def recover_commit(self, *, passphrase: str, candidate: int = 0, accept_older: bool = False) -> Recovered:
        return recovering.recover_commit(self.context, passphrase, candidate, accept_older=accept_older)

    def recover_cancel(self) -> Nothing:
        return recovering.recover_cancel(self.context)

    def drill(self, *, scratch: str = "") -> DrillOutcome:
        return drilling.drill(self.context, self.note, scratch)

    def drill_kits(self, *, materials: Sequence[object], scratch: str = "") -> DrillOutcome:
        return drilling.drill_kits(self.context, self.note, materials, scratch)

    def drill_cancel(self) -> Nothing:
        return drilling.drill_cancel(self.context)


def _hosts(untrusted_hosts: Mapping[str, object]) -> dict[str, list[str]]:
    """The host keys that the owner accepted, of the right type; what they say is checked with the config."""
    return {host: _lines(lines) for host, lines in untrusted_hosts.items()}


def _lines(untrusted_lines: object) -> list[str]:
    if not isinstance(untrusted_lines, list) or not all(type(line) is str for line in untrusted_lines):
        raise ParaduxError("bad-request", "host keys must be lists of lines")
    return untrusted_lines
