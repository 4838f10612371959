"""Saving as one transaction: setting up, previewing an edit, saving it, changing the passphrase.

Order: check, complete what Paradux generates, vault, transport files and plan, ciphertext, schedule, publish. Up to the vault's rename
nothing has changed; from there on everything can be done again by `complete`, which every authorization calls.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from paraduxd.api import bounded_json
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.replies.config import ConfigProblem, HostKeys, Preview
from paraduxd.api.replies.config import Saved as SavedReply
from paraduxd.core.config.diagnostics import PlacedDiagnostic
from paraduxd.core.config.managed import Managed
from paraduxd.core.config.models import Config
from paraduxd.core.config.validation.validate import Checked, check, placed
from paraduxd.core.config.views.diff import changes, managed_changed
from paraduxd.core.plan import place_changes
from paraduxd.core.plan.derive import needed_archive_keys, needed_data_keys, needed_hosts, needed_tls_hosts
from paraduxd.effects.files.atomic import write_atomically
from paraduxd.effects.installation import remains
from paraduxd.effects.ipc.keeper_questions import Server
from paraduxd.effects.vault.vault import OpenVault
from paraduxd.keeper.config import announce, apply, generate, repository_keys, seen_keys
from paraduxd.keeper.runtime import kit_journal
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.opened import Json, Opened
from paraduxd.keeper.runtime.passphrases import acceptable
from paraduxd.keeper.runtime.supervisor_link import questions

HOSTKEY_TIMEOUT = 45.0
"""Seconds for asking all new SSH servers for their keys."""


@dataclass(frozen=True)
class Saved:
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
    config = _valid(check(text, installation.capabilities))
    return Opened(vault, config, _value(text), text)


def complete(installation: Installation, opened: Opened) -> tuple[int, ...]:
    """Make what runs follow the open config, whatever an interrupted save left; the runs that publish it, if any had to."""
    apply.write_plan(installation.state, opened.config, installation.capabilities)
    announce.write_announcement(installation.state, opened.document["managed"], installation.memory)
    seen_keys.write(installation.state, opened.document["managed"])
    unpublished = not apply.is_published(installation.state, opened.document["managed"], opened.document["serial"])
    if unpublished:
        apply.write_outbox(installation.state, opened.document, installation.memory)
    apply.tidy_outbox(installation.state, opened.document["managed"], opened.document["serial"])
    runs = questions(installation.control).apply(publish=unpublished).runs
    installation.state.pending.unlink(missing_ok=True)
    return runs


def preview(installation: Installation, text: str, opened: Opened | None) -> Preview:
    """What saving `text` would do: problems, changes, and the keys of SSH servers that are not pinned yet."""
    checked = check(text, installation.capabilities, answers=opened is None)
    config = checked.config
    if config is None:
        return Preview(_shown(checked.problems))
    if opened is not None and managed_changed(opened.config, config):
        return Preview(_shown([_managed_problem()]))
    found = (
        place_changes.changes(opened.config, config, installation.capabilities) if opened else place_changes.Changes({})
    )
    if found.findings:
        return Preview(_shown(placed(text, found.findings)))
    before = place_changes.as_renamed(opened.config, found) if opened else None
    return Preview(
        problems=_shown(checked.problems),
        changes=(*place_changes.described(found), *changes(before, config, installation.capabilities)),
        unchanged=opened is not None and _with_kits_of(opened.document, _value(text)) == opened.document,
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


def set_up(installation: Installation, answers: str, passphrase: bytes, trusted: Mapping[str, list[str]]) -> Saved:
    """Make a new installation from answers: keys, shares, vault. Refused where a vault was: what is left of it may be somebody's last."""
    check_vault(installation)
    if installation.vault().exists():
        raise ParaduxError(
            "already-set-up",
            "this Paradux is set up already",
            "change it with: paraductl edit; if it does not open: paraductl recover",
        )
    checked = check(answers, installation.capabilities, answers=True)
    config = _valid(checked)
    acceptable(passphrase.decode(), config.owner.name, config.owner.email)
    threshold = config.policy.shares_required
    document = place_changes.without_was(_value(answers))
    document.setdefault("version", 1)
    document.setdefault("policy", {}).setdefault("shares_required", threshold)
    managed = generate.new_managed(document, installation.memory)
    document = {**document, "serial": 1, "managed": generate.with_hosts(managed, dict(trusted))}
    return Saved(create(installation, document, passphrase, recovered=False).opened, checked)


def create(
    installation: Installation,
    document: Json,
    passphrase: bytes,
    *,
    recovered: bool = True,
    replaces_previous: bool = False,
) -> Saved:
    """Make the vault of a machine that has none: for a new installation, or for one that is recovered, whose places are what they were.

    `replaces_previous`: what is in `vault.luks.previous` is known, and older than the document.
    """
    ordered = _ordered(document)
    old = _valid(check(_text(ordered), installation.capabilities)) if recovered else None
    document, config, text = _completed(installation, ordered, old)
    recovery = document["managed"]["recovery"]["secret"].encode()
    with _pending(installation, document["serial"]):
        vault = installation.vault().create(text.encode(), passphrase, recovery, replaces_previous=replaces_previous)
    return saved(installation, Opened(vault, config, document, text))


def saved(installation: Installation, opened: Opened) -> Saved:
    """A config that is in the vault, to be put into effect."""
    return Saved(opened, check(opened.text, installation.capabilities))


def save(installation: Installation, opened: Opened, text: str, serial: int, trusted: Mapping[str, list[str]]) -> Saved:
    """Replace the config in the vault by `text`, which was made from the config with `serial`."""
    checked = check(text, installation.capabilities)
    config = _valid(checked)
    if {serial, config.serial} != {opened.config.serial}:
        raise ParaduxError(
            "conflict",
            f"this text was made from another config than the present one, which has serial {opened.config.serial}",
            "begin with the present one: paraductl edit, or paraductl show --secrets",
        )
    if managed_changed(opened.config, config):
        raise _invalid([_managed_problem()])
    if unclear := place_changes.changes(opened.config, config, installation.capabilities).findings:
        raise _invalid(placed(text, unclear))
    document = _with_kits_of(opened.document, _value(text))
    managed = generate.with_hosts(document["managed"], dict(trusted))
    if document == opened.document and managed == opened.document["managed"]:
        raise ParaduxError("unchanged", "nothing changed", exit_code=ExitCode.DONE)
    document = _ordered({**document, "serial": serial + 1, "managed": generate.with_shares(managed, document)})
    document, config, new_text = _completed(installation, document, opened.config)
    with _pending(installation, serial + 1):
        vault = opened.vault.save(new_text.encode())
    return Saved(Opened(vault, config, document, new_text), checked)


def remember_kits(installation: Installation, opened: Opened) -> Opened:
    """The same config, of the same serial, that remembers the kits which the journal knows. They are not published, so nothing follows."""
    document = kit_journal.remembered(installation.control, opened.document)
    if document is opened.document:
        return opened
    text = _text(_ordered(document))
    config = _valid(check(text, installation.capabilities))
    return Opened(opened.vault.save(text.encode()), config, _value(text), text)


def take_keys(installation: Installation, opened: Opened) -> Opened:
    """The config with the keys of repositories that were made since the last save; it is to be put into effect if it is another one."""
    if repository_keys.with_copies(installation.state, opened.document) is opened.document:
        return opened
    return save_managed(installation, opened, opened.document["managed"]).opened


def save_managed(
    installation: Installation,
    opened: Opened,
    managed: Json,
    put: Callable[[OpenVault, bytes], OpenVault] = OpenVault.save,
) -> Saved:
    """Replace what Paradux generates in the config. `put` writes the document into the vault; by itself it keeps the vault's keys."""
    serial: int = opened.document["serial"] + 1
    document = _ordered({**opened.document, "serial": serial, "managed": managed})
    document, config, text = _completed(installation, document, opened.config)
    with _pending(installation, serial):
        vault = put(opened.vault, text.encode())
    return saved(installation, Opened(vault, config, document, text))


def put_into_effect(installation: Installation, saved: Saved) -> SavedReply:
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
    return SavedReply(opened.serial, runs, _shown(warnings))


def reason(problem: Exception) -> str:
    """Why something failed, in words that hold no secret."""
    if isinstance(problem, ParaduxError):
        return problem.message
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror.lower()
    return f"an unexpected failure ({type(problem).__name__})"


def change_passphrase(opened: Opened, new: bytes) -> Opened:
    """The same config under a new operational passphrase and a fresh volume key; no older copy stays."""
    recovery = opened.document["managed"]["recovery"]["secret"].encode()
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


def _completed(installation: Installation, document: Json, old: Config | None) -> tuple[Json, Config, str]:
    """The document with the uids of its places, keys for new destinations and what is known of kits; `old` is the config that it replaces.

    Which place is which may be said with `was`; that does not stay.
    """
    document = kit_journal.remembered(installation.control, document)
    config = _valid(check(_text(document), installation.capabilities))
    document = place_changes.without_was(generate.with_places(document, old, config, installation.capabilities))
    document = repository_keys.with_copies(installation.state, document)
    config = _valid(check(_text(document), installation.capabilities))
    passwords, archives = needed_data_keys(config, installation.capabilities), needed_archive_keys(config)
    if passwords or archives:
        managed = generate.with_data_keys(document["managed"], passwords)
        document = {**document, "managed": generate.with_archive_keys(managed, archives, installation.memory)}
        config = config.model_copy(update={"managed": Managed.model_validate(document["managed"])})
    return document, config, _text(document)


def _with_kits_of(kept: Json, document: Json) -> Json:
    """The edited document with the kits that the present one remembers."""
    managed = {name: value for name, value in document["managed"].items() if name != "kits"}
    kits = {"kits": kept["managed"]["kits"]} if "kits" in kept["managed"] else {}
    return {**document, "managed": {**managed, **kits}}


def _text(document: Json) -> str:
    """The document as the owner sees it in the editor."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _ordered(document: Json) -> Json:
    """`version` and `serial` first, `managed` last, the rest as the owner wrote it."""
    first: Json = {key: document[key] for key in ("$schema", "version", "serial") if key in document}
    rest = {key: value for key, value in document.items() if key not in first and key != "managed"}
    return {**first, **rest, "managed": document["managed"]}


def _valid(checked: Checked) -> Config:
    if checked.config is None:
        raise _invalid(checked.problems)
    return checked.config


def _invalid(problems: Sequence[PlacedDiagnostic]) -> ParaduxError:
    errors = sum(problem.level == "error" for problem in problems)
    return ParaduxError(
        "invalid-config",
        f"the config has {errors} error{'s' if errors != 1 else ''}",
        "correct what is listed and try again",
        ExitCode.INVALID_CONFIG,
        tuple(problem.to_json_value() for problem in problems),
    )


def _shown(problems: Sequence[PlacedDiagnostic]) -> tuple[ConfigProblem, ...]:
    return tuple(
        ConfigProblem(each.level, each.line, each.column, each.path, each.message, each.hint) for each in problems
    )


def _managed_problem() -> PlacedDiagnostic:
    return PlacedDiagnostic(
        "error", 1, 1, "managed", "this part is generated by Paradux and must stay as it is", "undo the change to it"
    )


def _value(text: str) -> Json:
    """Of a config that was checked."""
    return bounded_json.parse_object(text, "the config", bounded_json.CONFIG)
