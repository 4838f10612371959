"""Looking for newer configs at the metadata stashes that a proven config names. A stash that cannot be reached is a sentence, no error."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field, replace
from itertools import count

from paraduxd.api.calls import JsonObject
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.core.config.addresses import is_on_removable_disk
from paraduxd.core.config.capabilities import ProtocolCapabilities
from paraduxd.core.config.models import Config
from paraduxd.core.config.validation.validate import check
from paraduxd.core.plan.derive import derive
from paraduxd.core.plan.transport import Transport, metadata_file
from paraduxd.core.recovery import machine_claim
from paraduxd.core.recovery.candidates import Named
from paraduxd.core.runs.keeper_results import Fetched
from paraduxd.core.runs.order_arguments import FetchArguments
from paraduxd.core.runs.orders import Order, Step
from paraduxd.effects.files import transport_files
from paraduxd.effects.process.run import sealed_file
from paraduxd.keeper.config.generate import now
from paraduxd.keeper.recovery.opening import Opened, open_all
from paraduxd.keeper.recovery.share_proof import Proof
from paraduxd.keeper.runtime import workers
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.request_context import Note

AT_ONCE = 8
PATIENCE = 60.0
"""Seconds for one stash."""

ROUNDS = 3
"""A newer config may name stashes that the older one did not."""

MOST_AHEAD = 1000
"""By how much a serial or a generation that is only claimed may exceed a proven one."""

_numbers = count(1)


@dataclass(frozen=True)
class Answer:
    """What one stash holds: configs and keys as they are, and the highest serial of each epoch in names; who is the owner's machine.

    `troubles`: what could not be read; `problem`: why nothing is known of this stash at all.
    """

    stash: str
    configs: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    keys: tuple[str, ...] = field(default=(), repr=False)
    listed: tuple[tuple[int, int], ...] = ()
    highest_serial: int = 0
    machine: machine_claim.Machine | None = None
    troubles: tuple[str, ...] = ()
    problem: str = ""


def look_everywhere(installation: Installation, proof: Proof, note: Note) -> Proof:
    """The proof with what the stashes of the newest config hold, of whatever epoch, and of those that a newer one names besides."""
    asked: set[str] = set()
    for _ in range(ROUNDS):
        transports = _transports(installation.capabilities, proof.newest.document)
        new = {name: transport for name, transport in transports.items() if _identity(transport) not in asked}
        if not new:
            break
        asked |= {_identity(transport) for transport in new.values()}
        note(f"asking {', '.join(new)} for newer configs")
        proof = _with_answers(proof, _ask_all(new, _epochs(proof), installation.capabilities), installation)
    return proof


def _epochs(proof: Proof) -> list[int]:
    """Every epoch that anything names; those that were opened first."""
    opened = [each.header.epoch for each in proof.found]
    named = [each.epoch for each in proof.named if each.epoch]
    return list(dict.fromkeys([*opened, *named, proof.newest.managed.newest_epoch]))


def _transports(capabilities: ProtocolCapabilities, document: JsonObject) -> dict[str, Transport]:
    """Stash id -> what a worker needs to reach it; nothing of a config that this version does not understand."""
    config: Config | None = check(json.dumps(document), capabilities).config
    if config is None:
        return {}
    made = derive(config, capabilities, now()).transports
    return {stash.id: made[metadata_file(stash.id)] for stash in config.metadata_stashes}


def _identity(transport: Transport) -> str:
    return json.dumps([transport.protocol, transport.settings], sort_keys=True)


def _ask_all(
    transports: Mapping[str, Transport], epochs: Sequence[int], capabilities: ProtocolCapabilities
) -> list[Answer]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda item: _ask(item[0], item[1], epochs, capabilities), transports.items()))


def _ask(stash: str, transport: Transport, epochs: Sequence[int], capabilities: ProtocolCapabilities) -> Answer:
    """Ask one stash; its credentials are handed over in a file that exists in memory only."""
    try:
        with sealed_file(transport_files.content(transport)) as (descriptor, path):
            disk = is_on_removable_disk(transport.protocol, transport.settings, capabilities)
            order = Order(
                next(_numbers),
                Step.FETCH,
                "",
                stash,
                path,
                arguments=to_json_value(FetchArguments(tuple(epochs))),
                disk=disk,
            )
            result = workers.run_order(order, pass_fds=(descriptor,), timeout=PATIENCE)
        return _answer(stash, result)
    except ParaduxError as problem:
        return Answer(stash, problem=problem.message)


def _answer(stash: str, untrusted: JsonObject) -> Answer:
    try:
        sent = from_json_value(Fetched, untrusted)
        return Answer(
            stash,
            configs=tuple((each.name, base64.b64decode(each.data)) for each in sent.configs),
            keys=tuple(base64.b64decode(each.data).decode(errors="replace") for each in sent.keys),
            listed=tuple((epoch, serial) for epoch, serial in sent.listed),
            highest_serial=sent.highest_serial,
            machine=machine_claim.claimed(base64.b64decode(sent.machine or "")),
            troubles=sent.troubles,
        )
    except ValueError:
        return Answer(stash, problem="what it sent is not understood")


def _with_answers(proof: Proof, answers: Sequence[Answer], installation: Installation) -> Proof:
    """Open what came, and what nothing had opened before. What is only claimed makes our numbers higher, and is asked about."""
    sealed = [*proof.closed, *((each.stash, content) for each in answers for _, content in each.configs)]
    keys = [*proof.keys, *(key for each in answers for key in each.keys)]
    opened = open_all(sealed, keys, proof.secrets, installation.memory)
    found = [each for _, each in opened.found]
    machines = [(each.stash, each.machine) for each in answers if each.machine and each.machine.owner == proof.owner]
    listed = [Named(each.stash, epoch, serial) for each in answers for epoch, serial in each.listed]
    taken = [Named(stash, generation=each.generation) for stash, each in machines]
    proof = proof.with_more(found, _refused(proof, answers, opened))
    return replace(
        proof,
        keys=opened.keys,
        secrets=opened.secrets,
        closed=opened.closed,
        named=(*proof.named, *listed, *taken),
        highest_generation=_highest(
            proof.newest.generation, [proof.highest_generation, *(each.generation for _, each in machines)]
        ),
        highest_serial=_highest(
            proof.newest.header.serial, [proof.highest_serial, *(each.highest_serial for each in answers)]
        ),
    )


def _refused(proof: Proof, answers: Sequence[Answer], opened: Opened) -> list[str]:
    """What could not be asked, read or opened, a sentence each; nothing of a stash of which another config did open."""
    good = {label for _, each in opened.found for label in each.labels}
    refused = [f"{each.stash} could not be asked: {each.problem}" for each in answers if each.problem]
    refused += [f"{each.stash}: {trouble}" for each in answers for trouble in each.troubles]
    refused += [each for each in opened.refused if each.partition(":")[0] not in good and each not in proof.refused]
    return refused + [
        f"{each.stash} holds no config of these epochs" for each in answers if not each.problem and not each.configs
    ]


def _highest(proven: int, claimed: Sequence[int]) -> int:
    """The highest number that may be in use: who can write to a stash may make it grow, but not without bounds."""
    return min(max([proven, *claimed]), proven + MOST_AHEAD)
