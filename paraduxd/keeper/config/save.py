"""Saving as one transaction: setting up, previewing an edit, saving it, changing the passphrase.

Order: check, complete what Paradux generates, vault, transport files and plan, ciphertext, schedule, publish. Up to the vault's rename
nothing has changed; from there on everything can be done again by `complete`, which every authorization calls.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

import pydantic_core

from paraduxd.api import bounded_json
from paraduxd.api.calls import JsonObject
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.config import HostKeys, Preview
from paraduxd.api.replies.config import Saved as SavedReply
from paraduxd.core.config.managed import Managed, managed_of, with_managed
from paraduxd.core.config.models import Config
from paraduxd.core.config.validation.validate import Checked, placed
from paraduxd.core.config.views.changes import changes, managed_changed
from paraduxd.core.plan import place_changes
from paraduxd.core.plan.data_keys import needed_archive_keys, needed_data_keys
from paraduxd.core.plan.servers import needed_hosts, needed_tls_hosts
from paraduxd.core.recovery import kits_written
from paraduxd.effects.files.atomic import write_atomically
from paraduxd.effects.installation import remains
from paraduxd.effects.ipc.keeper_questions import Server
from paraduxd.effects.vault.vault import OpenVault
from paraduxd.keeper.config import announce, apply, config_text, generate, repository_keys, seen_keys
from paraduxd.keeper.runtime import kit_journal
from paraduxd.keeper.runtime.incoming_passphrases import acceptable
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.opened import Opened
from paraduxd.keeper.runtime.supervisor_link import questions

HOSTKEY_TIMEOUT = 45.0
"""Seconds for asking all new SSH servers for their keys."""


@dataclass(frozen=True)
class SavedConfig:
    """A config that is in the vault and not yet in effect, and what was found when it was checked."""

    opened: Opened
    checked: Checked


def open_vault(installation: Installation, passphrase: bytes) -> Opened:
    """Open the vault; raises `ParaduxError` "wrong-passphrase", "no-vault", "vault-missing" where one was, or "damaged-vault"."""
    check_vault(installation)
    try:
        return opened_from(installation, installation.vault().open(passphrase))
    except ParaduxError as problem:
        if problem.code != "damaged-vault":
            raise
        raise remains.damaged_vault(installation.state, problem.message) from None


def check_vault(installation: Installation) -> None:
    """Raise `ParaduxError` "vault-missing" where a vault was and is gone: nothing may take its place but what was in it."""
    if missing := remains.missing_vault(installation.state):
        raise missing


def opened_from(installation: Installation, vault: OpenVault) -> Opened:
    """The checked config of an open vault; raises `ParaduxError` "damaged-vault", or "invalid-config"."""
    try:
        text = vault.document.decode()
    except UnicodeDecodeError:
        raise ParaduxError(
            "damaged-vault", "it opens, but what is in it is not text", "the previous vault lies beside it"
        ) from None
    config = config_text.valid(installation.check(text))
    return Opened(vault, config, _value(text), text)


def complete(installation: Installation, opened: Opened) -> tuple[int, ...]:
    """Make what runs follow the open config, whatever an interrupted save left; the runs that publish it, if any had to."""
    apply.write_plan(installation.state, opened.config, installation.capabilities)
    announce.write_announcement(installation.state, opened.managed, installation.memory)
    seen_keys.write(installation.state, opened.managed)
    unpublished = not apply.is_published(installation.state, opened.managed, opened.serial)
    if unpublished:
        apply.write_outbox(installation.state, opened, installation.memory)
    apply.tidy_outbox(installation.state, opened.managed, opened.serial)
    runs = questions(installation.control).apply(publish=unpublished).runs
    installation.state.pending.unlink(missing_ok=True)
    return runs


def preview(installation: Installation, text: str, opened: Opened | None) -> Preview:
    """What saving `text` would do: problems, changes, and the keys of SSH servers that are not pinned yet."""
    checked = config_text.looked_at(text, installation.check(text, answers=opened is None))
    config = checked.config
    if config is None:
        return Preview(config_text.shown(checked.problems))
    if opened is not None and managed_changed(opened.config, config):
        return Preview(config_text.shown([config_text.managed_problem()]))
    found = (
        place_changes.changes(opened.config, config, installation.capabilities) if opened else place_changes.Changes({})
    )
    unfit = (*found.findings, *config_text.refusals(installation, config, opened.config if opened else None))
    if unfit:
        return Preview(config_text.shown(placed(text, unfit)))
    before = place_changes.as_renamed(opened.config, found) if opened else None
    return Preview(
        problems=config_text.shown(checked.problems),
        changes=(*place_changes.described(found), *changes(before, config, installation.capabilities)),
        unchanged=opened is not None and _with_kits_of(opened, _value(text)) == opened.document,
        hosts=_ask_host_keys(installation, config),
    )


def _ask_host_keys(installation: Installation, config: Config) -> dict[str, HostKeys]:
    """The keys and certificates that are not pinned; when nobody could ask for them, the config can be saved without.

    A certificate that an authority vouches for is nothing to ask the owner about.
    """
    hosts, tls = needed_hosts(config, installation.capabilities), needed_tls_hosts(config, installation.capabilities)
    if not hosts and not tls:
        return {}
    servers: list[Server] = [(host.rpartition(":")[0], int(host.rpartition(":")[2])) for host in hosts]
    servers += tls
    names = (*hosts, *(f"{host}:{port}" for host, port, _ in tls))
    try:
        found = questions(installation.control, HOSTKEY_TIMEOUT).hostkeys(hosts=servers).hosts
    except ParaduxError as problem:
        return {host: HostKeys(error=problem.message) for host in names}
    return {host: answer for host, answer in found.items() if answer.keys or answer.error}


def set_up(
    installation: Installation, answers: str, passphrase: bytes, trusted: Mapping[str, list[str]]
) -> SavedConfig:
    """Make a new installation from answers: keys, shares, vault. Refused where a vault was: what is left of it may be somebody's last."""
    check_vault(installation)
    if installation.vault().exists():
        raise ParaduxError(
            "already-set-up",
            "this Paradux is set up already",
            "change it with: paraductl edit; if it does not open: paraductl recover",
        )
    checked = config_text.looked_at(answers, installation.check(answers, answers=True))
    config = config_text.valid(checked)
    if unfit := list(config_text.refusals(installation, config, None)):
        raise config_text.invalid(placed(answers, unfit))
    acceptable(passphrase.decode(), config.owner.name, config.owner.email)
    managed = generate.new_managed(config.policy, [each.id for each in config.stewards], installation.memory)
    document = with_managed(_with_defaults(_value(answers), config), generate.with_hosts(managed, trusted))
    return SavedConfig(create(installation, {**document, "serial": 1}, passphrase, recovered=False).opened, checked)


def _with_defaults(answers: JsonObject, config: Config) -> JsonObject:
    """The answers with what must stand in a config and may be left out of them."""
    document = place_changes.without_was(answers)
    given = document.get("policy")
    policy = {"shares_required": config.policy.shares_required, **(given if isinstance(given, dict) else {})}
    return {**document, "version": document.get("version", 1), "policy": policy}


def create(
    installation: Installation,
    document: JsonObject,
    passphrase: bytes,
    *,
    recovered: bool = True,
    replaces_previous: bool = False,
) -> SavedConfig:
    """Make the vault of a machine that has none: for a new installation, or for one that is recovered, whose places are what they were.

    `replaces_previous`: what is in `vault.luks.previous` is known, and older than the document.
    """
    ordered = _ordered(document)
    old = config_text.valid(installation.check(_text(ordered))) if recovered else None
    made = _completed(installation, ordered, old)
    recovery = made.managed.recovery.secret.encode()
    with _pending(installation, made.config.serial or 1):
        vault = installation.vault().create(
            made.text.encode(), passphrase, recovery, replaces_previous=replaces_previous
        )
    return saved(installation, made.opened(vault))


def saved(installation: Installation, opened: Opened) -> SavedConfig:
    """A config that is in the vault, to be put into effect."""
    return SavedConfig(opened, config_text.looked_at(opened.text, installation.check(opened.text)))


def save(
    installation: Installation, opened: Opened, text: str, serial: int, trusted: Mapping[str, list[str]]
) -> SavedConfig:
    """Replace the config in the vault by `text`, which was made from the config with `serial`."""
    checked = config_text.looked_at(text, installation.check(text))
    config = config_text.valid(checked)
    if {serial, config.serial} != {opened.config.serial}:
        raise ParaduxError(
            "conflict",
            f"this text was made from another config than the present one, which has serial {opened.config.serial}",
            "begin with the present one: paraductl edit, or paraductl show --secrets",
        )
    if managed_changed(opened.config, config):
        raise config_text.invalid([config_text.managed_problem()])
    unclear = place_changes.changes(opened.config, config, installation.capabilities).findings
    if unfit := [*unclear, *config_text.refusals(installation, config, opened.config)]:
        raise config_text.invalid(placed(text, unfit))
    document = _with_kits_of(opened, _value(text))
    managed = generate.with_hosts(managed_of(document), trusted)
    if document == opened.document and managed == opened.managed:
        raise ParaduxError("unchanged", "nothing changed", exit_code=ExitCode.DONE)
    document = with_managed({**document, "serial": serial + 1}, generate.with_shares(managed, config))
    made = _completed(installation, _ordered(document), opened.config)
    with _pending(installation, serial + 1):
        vault = opened.vault.save(made.text.encode())
    return SavedConfig(made.opened(vault), checked)


def remember_kits(installation: Installation, opened: Opened) -> Opened:
    """The same config, of the same serial, that remembers the kits which the journal knows. They are not published, so nothing follows."""
    managed = kit_journal.remembered(installation.control, opened.managed, _stewards(opened.config))
    if managed is opened.managed:
        return opened
    text = _text(_ordered(with_managed(opened.document, managed)))
    config = config_text.valid(installation.check(text))
    return Opened(opened.vault.save(text.encode()), config, _value(text), text)


def take_keys(installation: Installation, opened: Opened) -> Opened:
    """The config with the keys of repositories that were made since the last save; it is to be put into effect if it is another one."""
    if repository_keys.with_copies(installation.state, opened.managed, opened.config) is opened.managed:
        return opened
    return save_managed(installation, opened, opened.managed).opened


def save_managed(
    installation: Installation,
    opened: Opened,
    managed: Managed,
    put: Callable[[OpenVault, bytes], OpenVault] = OpenVault.save,
) -> SavedConfig:
    """Replace what Paradux generates in the config. `put` writes the document into the vault; by itself it keeps the vault's keys."""
    serial = opened.serial + 1
    made = _completed(
        installation, _ordered(with_managed({**opened.document, "serial": serial}, managed)), opened.config
    )
    with _pending(installation, serial):
        vault = put(opened.vault, made.text.encode())
    return saved(installation, made.opened(vault))


def put_into_effect(installation: Installation, saved: SavedConfig) -> SavedReply:
    """Complete a save whose config is in the vault; a failure from here on says so, whatever it is."""
    opened = saved.opened
    try:
        runs = complete(installation, opened)
    except Exception as problem:
        raise ParaduxError(
            "saved-not-applied",
            f"serial {opened.config.serial} is saved, but could not be put into effect: {reason(problem)}",
            "remove the cause, then: paraductl unlock (it completes the save)",
        ) from problem
    warnings = [problem for problem in saved.checked.problems if problem.level == "warning"]
    return SavedReply(opened.serial, runs, config_text.shown(warnings))


def reason(problem: Exception) -> str:
    """Why something failed, in words that hold no secret."""
    if isinstance(problem, ParaduxError):
        return problem.message
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror.lower()
    return f"an unexpected failure ({type(problem).__name__})"


def change_passphrase(opened: Opened, new: bytes) -> Opened:
    """The same config under a new operational passphrase and a fresh volume key; no older copy stays."""
    recovery = opened.managed.recovery.secret.encode()
    vault = opened.vault.rekey(opened.text.encode(), new, recovery)
    return Opened(vault, opened.config, opened.document, opened.text)


@contextlib.contextmanager
def _pending(installation: Installation, serial: int) -> Iterator[None]:
    """Mark that a save is under way. The mark goes by `complete`, or when nothing was saved, unless it was there for an earlier save."""
    pending = installation.state.pending
    before = pending.exists()
    try:
        write_atomically(pending, f"{serial}\n".encode(), 0o600)
    except OSError as problem:
        raise ParaduxError(
            "not-saved",
            f"cannot write {pending}: {problem.strerror}; nothing was changed",
            f"see whether {pending.parent} can be written",
        ) from None
    try:
        yield
    except BaseException:
        if not before:
            pending.unlink(missing_ok=True)
        raise


@dataclass(frozen=True)
class _Made:
    """A whole config that is not in the vault yet. Its `repr` shows nothing."""

    config: Config
    managed: Managed
    document: JsonObject
    text: str

    def __repr__(self) -> str:
        return "_Made(...)"

    def opened(self, vault: OpenVault) -> Opened:
        """Once it is in the vault."""
        return Opened(vault, self.config, self.document, self.text)


def _completed(installation: Installation, document: JsonObject, old: Config | None) -> _Made:
    """The document with the uids of its places, keys for new destinations and what is known of kits; `old` is the config that it replaces.

    Which place is which may be said with `was`; that does not stay.
    """
    capabilities = installation.capabilities
    config = config_text.valid(installation.check(_text(document)))
    managed = kit_journal.remembered(installation.control, managed_of(document), _stewards(config))
    managed = generate.with_places(managed, old, config, capabilities, config.serial or 1)
    managed = repository_keys.with_copies(installation.state, managed, config)
    document = with_managed(place_changes.without_was(document), managed)
    config = config_text.valid(installation.check(_text(document)))
    managed = generate.with_data_keys(managed, needed_data_keys(config, capabilities))
    managed = generate.with_archive_keys(managed, needed_archive_keys(config), installation.memory)
    document = with_managed(document, managed)
    return _Made(config.model_copy(update={"managed": managed}), managed, document, _text(document))


def _stewards(config: Config) -> set[str]:
    return {steward.id for steward in config.stewards}


def _with_kits_of(kept: Opened, document: JsonObject) -> JsonObject:
    """The edited document with the kits that the present one remembers."""
    managed = kits_written.without(managed_of(document))
    return with_managed(document, managed.with_(kits=kept.managed.kits) if kept.managed.kits else managed)


def _text(document: JsonObject) -> str:
    """The document as the owner sees it in the editor."""
    return pydantic_core.to_json(document, indent=2).decode() + "\n"


def _ordered(document: JsonObject) -> JsonObject:
    """`version` and `serial` first, `managed` last, the rest as the owner wrote it."""
    first = {key: document[key] for key in ("$schema", "version", "serial") if key in document}
    rest = {key: value for key, value in document.items() if key not in first and key != "managed"}
    return {**first, **rest, "managed": document["managed"]}


def _value(text: str) -> JsonObject:
    """Of a config that was checked."""
    return bounded_json.parse_object(text, "the config", bounded_json.CONFIG)
