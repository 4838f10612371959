"""The calls that a client can make: who may make each, what it takes, what it answers.

Supervisor calls go over rpyc to `<run>/paraduxd.sock`: one exposed method `call(name: str, arguments: str) -> str`, JSON inside.
Keeper calls go over `<run>/keeper.sock` in frames (`api/framing.py`): a request `{"call": name, "arguments": {...}}` is answered
by any number of `{"event": "note", "text": ...}` and then one `{"reply": {...}}` or `{"error": {...}}`.
Over either socket an error is `ParaduxError.to_wire()`; rpyc carries a reply as the text of `{"reply": ...}` or `{"error": ...}`.

Access levels: "member" may see status and trigger backups (the socket's group); "owner" is the user the daemon runs as, or root;
"authorized" has given the operational passphrase (or set the vault up) on this connection, or is the uid with an open window;
"asker" is a member, for what the same uid has asked for or opened: the rest is the owner's, and that of who is authorized.
An argument has an access level besides when other values than its default need more than the call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Protocol

from paraduxd.api.calls import (
    OF_OWNER,
    Call,
    Material,
    Path,
    Send,
    access,
    caller,
    calls_of,
    check_arguments,
)
from paraduxd.api.listing_questions import Question, RestoreOptions

if TYPE_CHECKING:  # read when a reply is: a client needs few of them
    from paraduxd.api.replies import (
        config,
        drills,
        kits,
        listings,
        recovery,
        rotations,
        setup_forms,
        state,
        transfer_runs,
        what_if,
    )

__all__ = ["KEEPER", "SUPERVISOR", "Call", "KeeperCalls", "SupervisorCalls", "check_arguments"]

member, owner, authorized, asker = access("member"), access("owner"), access("authorized"), access("asker")


class SupervisorCalls(Protocol):
    """Without secrets."""

    @member
    def status(self, *, dataset: str | None = None) -> state.Status:
        """How everything is, or one dataset."""

    @member
    def overview(self, *, most: int) -> state.Overview:
        """How everything is, for a page: with more datasets than `most`, so many of those that are not well."""

    @member
    def whatif(
        self,
        *,
        lose: Sequence[str] = (),
        compromise: Sequence[str] = (),
        scenario: str = "",
        advice: str = "",
    ) -> what_if.WhatIf:
        """What would be left, or could be done by somebody else; without a loss: everything. `advice`: "", "best" or "all"."""

    @member
    def history(self, *, dataset: str | None = None, failed: bool = False, limit: int = 100) -> transfer_runs.Runs:
        """Past and present runs, newest first."""

    @member
    def unfinished(self) -> transfer_runs.Runs:
        """The runs that wait or go on, by number."""

    @member
    def backup(
        self,
        *,
        datasets: Sequence[str] = (),
        destination: str | None = None,
        pull_only: bool = False,
        push_only: bool = False,
    ) -> transfer_runs.Started:
        """Pull, then push to all destinations or one. No `datasets`: all."""

    @member
    def runs(self, *, runs: Sequence[int]) -> transfer_runs.Runs:
        """These runs as they are now."""

    @member
    def await_end(self, *, runs: Sequence[int]) -> transfer_runs.Waited:
        """Answer when one of these runs has ended, or after a quarter of a second; at once where too many wait already."""

    @asker
    def cancel(self, *, runs: Sequence[int]) -> transfer_runs.Left:
        """End these runs."""

    @member
    def versions(
        self, *, dataset: str, destination: str | None = None, others: Annotated[bool, OF_OWNER] = False
    ) -> transfer_runs.Started:
        """Ask destinations what can be restored; `others`: what was not pushed there as well."""

    @member
    def verify(self, *, dataset: str | None = None, deep: Annotated[bool, OF_OWNER] = False) -> transfer_runs.Started:
        """Check destinations; `deep` reads all data."""

    @member
    def publish(self) -> transfer_runs.Started:
        """Upload the config to every metadata stash."""

    @owner
    def notify_test(self) -> transfer_runs.Started:
        """Send a test through every address of `notify`."""

    @owner
    def lock(self) -> transfer_runs.Nothing:
        """End the keeper."""

    @member
    def stewards(self) -> kits.Stewards:
        """Who holds what."""

    @owner
    def ask(self, *, steward: str) -> kits.Challenge:
        """A challenge for a steward, named by id or name."""

    @owner
    def confirm(self, *, code: str) -> kits.CodeTaken:
        """Take a confirmation code. Errors are "mistyped-code", "unknown-code", "code-taken" and "too-many-codes"."""

    @owner
    def look(self, *, dataset: str, question: Question, source: str | None = None) -> transfer_runs.Started:
        """Look into versions: a run for each place, or the one of `source`; what it has found, `page` gives."""

    @member
    def page(self, *, run: int) -> listings.Page:
        """What a run of `look`, or a dry run of `restore`, has found, for who asked alone."""

    @owner
    def restore(
        self,
        *,
        dataset: str,
        to: Path,
        source: str | None = None,
        at: str | None = None,
        paths: Sequence[str] = (),
        options: RestoreOptions = RestoreOptions(),  # noqa: B008  (it is frozen)
        on_behalf_of: Annotated[int | None, OF_OWNER] = None,
    ) -> transfer_runs.Started:
        """Write a version, or some paths of it, into the directory `to`.

        `on_behalf_of`: the uid of whoever called through sudo(8); a folder of theirs may be restored into as one of root's own.
        """


class KeeperCalls(Protocol):
    """With secrets. A `save` of a text that has errors fails with code "invalid-config", exit code 5 and the problems as details; of an
    unchanged one with code "unchanged"; with a `serial` that is not the current one with code "conflict"."""

    @member
    def hello(self) -> config.Hello:
        """What there is, and who is authorized."""

    @member
    def authorize(self, *, passphrase: str) -> config.Serial:
        """Open the vault, for this connection."""

    @owner
    def setup(self, *, answers: str, passphrase: str, trust_hosts: Mapping[str, Sequence[str]] = {}) -> config.Saved:
        """Set this machine up. `trust_hosts`: "host:port" -> lines, as accepted by the owner."""

    @authorized
    def preview(self, *, text: str, serial: int) -> config.Preview:
        """What saving this text would do."""

    @authorized
    def save(self, *, text: str, serial: int, trust_hosts: Mapping[str, Sequence[str]] = {}) -> config.Saved:
        """Replace the config with `serial` by this text."""

    @authorized
    def document(self) -> config.Document:
        """The config, to edit it."""

    @authorized
    def show(self, *, path: str = "", secrets: bool = False) -> config.Shown:
        """A part of the config."""

    @authorized
    def unlock(self, *, seconds: int | None = None) -> config.Unlocked:
        """Let this user's connections in without the passphrase for a while."""

    @authorized
    def passphrase(self, *, new: str) -> config.Serial:
        """Change the operational passphrase."""

    @authorized
    def look(self, *, dataset: str, question: Question, source: str | None = None) -> transfer_runs.Started:
        """As the supervisor's, also into encrypted archives."""

    @authorized
    def restore(
        self,
        *,
        dataset: str,
        to: Path,
        source: str | None = None,
        at: str | None = None,
        paths: Sequence[str] = (),
        options: RestoreOptions = RestoreOptions(),  # noqa: B008  (it is frozen)
        on_behalf_of: Annotated[int | None, OF_OWNER] = None,
    ) -> transfer_runs.Started:
        """As the supervisor's, also from encrypted archives."""

    @owner
    def setup_protocols(self) -> setup_forms.ProtocolForms:
        """What setup can make places of."""

    @owner
    def setup_places(self, *, typed: str, role: str) -> setup_forms.PlaceForms:
        """What the address that a person has typed can be, as "source", "destination" or "metadata stash"."""

    @owner
    def setup_try(
        self,
        *,
        protocol: str,
        role: str,
        answers: str,
        encryption: str = "",
        access: str = "",
        trust_hosts: Mapping[str, Sequence[str]] = {},
    ) -> setup_forms.Tried:
        """Use the place as it will be used, with what was answered (JSON); with `access` (likewise) as those do who hold a kit."""

    @owner
    def preview_setup(self, *, answers: str) -> config.Preview:
        """What setting this machine up would do."""

    @authorized
    def drill(self, *, scratch: Path = "") -> drills.DrillOutcome:
        """Rehearse a recovery with shares from the config; `scratch`: an absolute path."""

    @owner
    def drill_kits(self, *, materials: Sequence[Material], scratch: Path = "") -> drills.DrillOutcome:
        """Rehearse a recovery with kits that were brought."""

    @asker
    def drill_cancel(self) -> transfer_runs.Nothing:
        """End the drill that is under way."""

    @asker
    def lock(self) -> transfer_runs.Nothing:
        """End the keeper."""

    @authorized
    def kits_directory(self, *, steward: str) -> kits.KitFiles:
        """A kit for the client to write."""

    @authorized
    def kits_confirm(self, *, steward: str, sha256: str) -> kits.KitConfirmed:
        """The client has written this very kit and read it back."""

    @authorized
    def kits_arm(
        self, *, stewards: Sequence[str] = (), erase: bool = False, device: Path | None = None, wait: bool = True
    ) -> kits.Arming:
        """Write kits onto sticks as they are plugged in; without `stewards`, of all who have no current one."""

    @authorized
    def approve(self, *, dataset: str) -> transfer_runs.Started:
        """Release a push that the guard is holding."""

    @authorized
    def prune(self, *, dataset: str, destination: str | None = None) -> transfer_runs.Started:
        """Remove now what `keep` does not want."""

    @authorized
    def verify(self, *, dataset: str | None = None, deep: Annotated[bool, OF_OWNER] = False) -> transfer_runs.Started:
        """As the supervisor's, `deep` or not."""

    @authorized
    def cancel(self, *, runs: Sequence[int]) -> transfer_runs.Left:
        """End these runs, whoever asked for them."""

    @authorized
    def ask(self, *, steward: str) -> kits.Challenge:
        """As the supervisor's."""

    @authorized
    def confirm(self, *, code: str) -> kits.CodeTaken:
        """As the supervisor's."""

    @authorized
    def rotate(self) -> rotations.Standing:
        """Begin to replace the recovery secret, or say how far that is."""

    @authorized
    def rotate_cancel(self) -> rotations.RotationCancelled:
        """Keep the present recovery secret."""

    @owner
    def recover_add(self, *, materials: Sequence[Material]) -> recovery.Collected:
        """Bring shares and kits."""

    @owner
    def recover_device(self, *, device: Path) -> recovery.Collected:
        """Bring what is on a stick."""

    @owner
    def recover_state(self) -> recovery.Collected:
        """What was brought so far."""

    @owner
    def recover_prove(self) -> recovery.Proven:
        """What the secret opens."""

    @owner
    def recover_commit(self, *, passphrase: str, candidate: int = 0, accept_older: bool = False) -> recovery.Recovered:
        """Make this machine the owner's Paradux; `candidate` is an index into the candidates."""

    @owner
    def recover_cancel(self) -> transfer_runs.Nothing:
        """Forget all that was brought."""


SUPERVISOR = calls_of(SupervisorCalls)
KEEPER = calls_of(KeeperCalls)


def ask_supervisor(send: Send) -> SupervisorCalls:
    """The calls of the supervisor over a connection that `send` writes to."""
    calls: SupervisorCalls = caller(SUPERVISOR, send)
    return calls


def ask_keeper(send: Send) -> KeeperCalls:
    """The calls of the keeper over a connection that `send` writes to."""
    calls: KeeperCalls = caller(KEEPER, send)
    return calls
