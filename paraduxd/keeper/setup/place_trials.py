"""Trying a place that somebody sets up: by a worker, with what is answered so far, which is in memory only."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import field
from itertools import count
from pathlib import Path

from pydantic import ValidationError

from paraduxd.api import bounded_json
from paraduxd.api.calls import JsonObject
from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.config import HostKeys
from paraduxd.api.replies.setup_forms import Tried
from paraduxd.core.config.addresses import kit_settings
from paraduxd.core.config.capabilities import Capabilities, Role
from paraduxd.core.config.diagnostics import path_text
from paraduxd.core.config.protocol_settings import ProtocolSettings
from paraduxd.core.config.validation.pydantic_errors import model_findings
from paraduxd.core.plan.transport import Transport
from paraduxd.core.runs.keeper_results import Trial
from paraduxd.core.runs.orders import Order, Step
from paraduxd.effects.files import existence, transport_files
from paraduxd.effects.ipc.keeper_questions import Server
from paraduxd.effects.process.run import sealed_file
from paraduxd.keeper.runtime import workers
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.supervisor_link import questions

HOSTKEY_TIMEOUT = 45.0
PATIENCE = 60.0
"""Seconds."""

KIT = "kit"
"""The role of what is read by who holds a kit."""

Hosts = Mapping[str, list[str]]

_numbers = count(1)


@dataclass(frozen=True)
class Place:
    """What was answered. `access`: besides, how who holds a kit reads there, which is what is tried then."""

    protocol: str
    role: Role
    answers: str = field(repr=False)
    encryption: str
    access: str = field(repr=False)


def tried(installation: Installation, place: Place, trusted: Hosts) -> Tried:
    """What came of it. Nothing is sent to a server whose keys the owner has not accepted."""
    known = installation.capabilities[place.protocol]
    plain, used = _settings(known, place)
    shown = json.dumps(plain)
    try:
        settings = known.settings.model_validate(used)
    except ValidationError as error:
        wrong = next(iter(model_findings(error, known.settings, used)))
        where = path_text(wrong.path)
        return Tried(shown, problem=f"{where}: {wrong.message}" if where else wrong.message, hint=wrong.hint)
    hosts = _hosts_to_accept(installation, settings, trusted)
    if silent := [host.error or f"{name} shows no key" for name, host in hosts.items() if not host.keys]:
        return Tried(shown, problem=silent[0], hint="check the address, and that the server is on")
    if hosts:
        return Tried(shown, hosts)
    pinned = {host: tuple(lines) for host, lines in trusted.items()}
    transport = Transport(known.name, used, pinned, secrets.token_hex(16))
    return _outcome(shown, place, settings, transport)


def _settings(known: Capabilities, place: Place) -> tuple[JsonObject, JsonObject]:
    """The keys as the config writes them, and as the place is used."""
    answers = _object(place.answers)
    own = dict(known.setup.finish(answers)) if known.setup else answers
    if not place.access:
        return own, own
    access = _object(place.access)
    access = dict(known.setup.kit(own, access)) if known.setup else access
    return access, kit_settings(own, access, known.settings)


def _object(text: str) -> JsonObject:
    return bounded_json.parse_object(text, "the answers", bounded_json.CONFIG)


def _hosts_to_accept(installation: Installation, settings: ProtocolSettings, trusted: Hosts) -> dict[str, HostKeys]:
    """Servers with their keys, or with why there are none; a certificate that an authority vouches for is nothing to accept."""
    ssh = [(host, port) for host, port in settings.ssh_hosts() if f"{host}:{port}" not in trusted]
    tls = [each for each in settings.tls_hosts() if f"{each[0]}:{each[1]}" not in trusted]
    servers: list[Server] = [*ssh, *tls]
    if not servers:
        return {}
    found = questions(installation.control, HOSTKEY_TIMEOUT).hostkeys(hosts=servers).hosts
    return {name: host for name, host in found.items() if host.keys or host.error}


def _outcome(shown: str, place: Place, settings: ProtocolSettings, transport: Transport) -> Tried:
    folder = settings.local_path()
    if folder is not None and place.role is not Role.SOURCE and not existence.is_there(Path(folder)):
        return _missing_folder(shown, Path(folder))
    try:
        trial = _ask_worker(transport, place, disk=settings.removable_disk() is not None)
    except ParaduxError as problem:
        if problem.code == "not-inserted":
            return Tried(shown, notes=("this disk is not plugged in, so that it could not be tried",))
        return Tried(shown, problem=problem.message, hint=problem.hint)
    if trial.owned:
        hint = "choose another folder; to get back what a lost machine had: paraductl recover"
        return Tried(shown, problem="a Paradux uses this place already, as paradux-place.json says", hint=hint)
    return Tried(shown, notes=tuple(_notes(trial)))


def _missing_folder(shown: str, folder: Path) -> Tried:
    """A folder that is made by the first transfer, if that can be."""
    above = next(each for each in folder.parents if existence.is_there(each))
    if not existence.is_folder(above):
        return Tried(shown, problem=f"{above} is not a folder", hint="choose another one")
    if not os.access(above, os.W_OK):
        return Tried(
            shown, problem=f"{folder} does not exist, and cannot be made in {above}", hint="choose another one"
        )
    return Tried(shown, notes=(f"{folder} does not exist yet; it is made when it is needed, in {above}",))


def _ask_worker(transport: Transport, place: Place, *, disk: bool) -> Trial:
    with sealed_file(transport_files.content(transport)) as (descriptor, path):
        what = {"role": KIT if place.access else place.role.value, "archive": place.encryption == "gpg"}
        order = Order(next(_numbers), Step.TRY, "", "this place", path, arguments=what, disk=disk)
        return from_json_value(Trial, workers.run_order(order, pass_fds=(descriptor,), timeout=PATIENCE))


def _notes(trial: Trial) -> list[str]:
    said = {
        "the login works, but nothing else could be tried": not trial.tried,
        "nothing can be removed there, so old versions stay: the place is append-only": not trial.removed,
        "this login can also write there: whoever finds a kit could remove what is published": trial.writes,
    }
    return [sentence for sentence, holds in said.items() if holds]
