"""Looking for newer configs at the metadata stashes that a proven config names. A stash that cannot be reached is a sentence, no error."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.core import machine, removables
from paraduxd.core.checks import check
from paraduxd.core.config import Config
from paraduxd.core.derive import derive, metadata_file
from paraduxd.core.orders import Order, Step
from paraduxd.core.shapes import Shapes
from paraduxd.effects.process import sealed_file
from paraduxd.keeper import workers
from paraduxd.keeper.desk import Note
from paraduxd.keeper.making import Json, now
from paraduxd.keeper.recover_proof import Proof, open_configs
from paraduxd.keeper.transaction import Keeping

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
    """What one stash holds: configs as they are, the highest serial in a name, who is the owner's machine; or why nobody knows."""

    stash: str
    configs: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    highest_serial: int = 0
    machine: machine.Machine | None = None
    problem: str = ""


def look_everywhere(keeping: Keeping, proof: Proof, note: Note) -> Proof:
    """The proof with what the stashes of the newest config hold, and of those that a newer one names besides."""
    asked: set[str] = set()
    for _ in range(ROUNDS):
        transports = _transports(keeping.shapes, proof.found[0].document)
        new = {name: transport for name, transport in transports.items() if _identity(transport) not in asked}
        if not new:
            break
        asked |= {_identity(transport) for transport in new.values()}
        note(f"asking {', '.join(new)} for newer configs")
        epochs = sorted({each.header.epoch for each in proof.found} | {proof.share_set.epoch or 1})
        proof = _with_answers(proof, _ask_all(new, epochs), keeping)
    return proof


def _transports(shapes: Shapes, document: Json) -> dict[str, Json]:
    """Stash id -> what a worker needs to reach it; nothing of a config that this version does not understand."""
    config: Config | None = check(json.dumps(document), shapes).config
    if config is None:
        return {}
    made = derive(config, shapes, now()).transports
    return {stash.id: made[metadata_file(stash.id)] for stash in config.metadata_stashes}


def _identity(transport: Json) -> str:
    return json.dumps([transport["protocol"], transport["settings"]], sort_keys=True)


def _ask_all(transports: Mapping[str, Json], epochs: Sequence[int]) -> list[Answer]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda item: _ask(item[0], item[1], epochs), transports.items()))


def _ask(stash: str, transport: Json, epochs: Sequence[int]) -> Answer:
    """Ask one stash; its credentials are handed over in a file that exists in memory only."""
    try:
        with sealed_file(json.dumps(transport).encode()) as (descriptor, path):
            disk = transport["protocol"] == removables.PROTOCOL
            order = Order(next(_numbers), Step.FETCH, "", stash, path, arguments={"epochs": list(epochs)}, disk=disk)
            result = workers.run_order(order, pass_fds=(descriptor,), timeout=PATIENCE)
        return _answer(stash, result)
    except ParaduxError as problem:
        return Answer(stash, problem=problem.message)


def _answer(stash: str, untrusted: dict[str, Any]) -> Answer:
    try:
        configs = tuple((str(each["name"]), base64.b64decode(each["data"])) for each in untrusted["configs"])
        claimed = base64.b64decode(untrusted["machine"]) if untrusted.get("machine") else b""
        return Answer(stash, configs, int(untrusted["highest_serial"]), machine.claimed(claimed))
    except (KeyError, TypeError, ValueError):
        return Answer(stash, problem="what it sent is not understood")


def _with_answers(proof: Proof, answers: Sequence[Answer], keeping: Keeping) -> Proof:
    """Open what came. A serial or generation that is only claimed makes ours higher, and does nothing else."""
    refused = [f"{each.stash} could not be asked: {each.problem}" for each in answers if each.problem]
    sealed = [(each.stash, content) for each in answers for _, content in each.configs]
    found, bad, _ = open_configs(sealed, proof.keys, proof.secret, keeping.memory)
    good_places = {label for each in found for label in each.labels}
    refused += [sentence for sentence in bad if sentence.partition(":")[0] not in good_places]
    refused += [
        f"{each.stash} holds no config of these epochs" for each in answers if not each.problem and not each.configs
    ]
    proof = proof.with_more(found, refused)
    machines = [each.machine for each in answers if each.machine and each.machine.owner == proof.owner]
    newest = proof.found[0]
    return replace(
        proof,
        highest_generation=_highest(newest.generation, [each.generation for each in machines]),
        highest_serial=_highest(newest.header.serial, [each.highest_serial for each in answers]),
    )


def _highest(proven: int, claimed: Sequence[int]) -> int:
    """The highest number that may be in use: who can write to a stash may make it grow, but not without bounds."""
    return min(max([proven, *claimed]), proven + MOST_AHEAD)
