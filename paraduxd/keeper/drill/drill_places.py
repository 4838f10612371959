"""The places of a drill: scratch space, metadata stashes, destinations; each is reached by a worker of the keeper's own.

Workers get their credentials from the config that was had back, as a file that exists in memory only: so a drill proves the credentials in
the published config too, not those that happen to lie on this machine.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import field, replace
from pathlib import Path
from typing import TypeVar

from paraduxd.api.calls import JsonObject
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.drills import Rehearsed, Restored
from paraduxd.api.replies.transfer_runs import RunError
from paraduxd.core.config.addresses import is_on_removable_disk, settings_of
from paraduxd.core.config.capabilities import ProtocolCapabilities
from paraduxd.core.config.models import Config
from paraduxd.core.config.validation.validate import check
from paraduxd.core.plan.data_keys import private_archive_keys
from paraduxd.core.plan.derive import Derived, derive
from paraduxd.core.plan.model import DatasetPlan, DestinationPlan, Plan
from paraduxd.core.plan.transport import Transport, destination_file, metadata_file
from paraduxd.core.recovery.drill_judgement import DRILL
from paraduxd.core.recovery.rehearsal_arguments import RehearseArguments
from paraduxd.core.runs.keeper_results import StashContent
from paraduxd.core.runs.order_arguments import PlaceIdentity
from paraduxd.core.runs.orders import Order, Step
from paraduxd.effects.files import scratch, transport_files
from paraduxd.effects.process.run import sealed_file
from paraduxd.keeper.config.generate import now
from paraduxd.keeper.runtime import workers
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.request_context import Note
from paraduxd.keeper.runtime.supervisor_link import questions

AT_ONCE = 4

STASH_PATIENCE = 120.0
DESTINATION_PATIENCE = 3600.0
"""Seconds for one stash, for one destination."""

Item = TypeVar("Item")
Found = TypeVar("Found")

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Places:
    """What every worker of a drill gets."""

    installation: Installation
    folder: Path
    mark: str
    cancelled: threading.Event


@dataclass(frozen=True)
class Answer:
    """What one metadata stash gave: its key and its newest config, as they are; or why it gave nothing."""

    stash: str
    key: str = field(default="", repr=False)
    config: bytes = field(default=b"", repr=False)
    problem: str = ""


@contextlib.contextmanager
def prepared(
    installation: Installation, plan: Plan, document: JsonObject, base: str, cancelled: threading.Event
) -> Iterator[Places]:
    """Scratch space below `base` ("": the usual place), apart from everything that is production."""
    given = questions(installation.control).drill_begins(base=base)
    apart_from = [str(installation.state.directory), *_local_places(installation.capabilities, plan, document)]
    with scratch.directory(Path(given.scratch), given.mark, apart_from) as folder:
        yield Places(installation, folder, given.mark, cancelled)


def _local_places(capabilities: ProtocolCapabilities, plan: Plan, document: JsonObject) -> Iterator[str]:
    """Every directory of this machine that the config names."""
    yield from (dataset.staging for dataset in plan.datasets)
    config = _config(document, capabilities)
    stashes = [*config.metadata_stashes, *(dataset.source for dataset in config.datasets)]
    stashes += [destination for dataset in config.datasets for destination in dataset.destinations]
    yield from (path for stash in stashes if (path := settings_of(stash, capabilities).local_path()))


def ask_stashes(places: Places, document: JsonObject, epoch: int) -> Iterator[Answer]:
    """What each metadata stash of the config holds for this epoch, as they answer."""
    config, derived = _derived(document, places.installation.capabilities)

    def ask(stash: str) -> Answer:
        order = _order(places, "", stash, RehearseArguments(epoch=epoch))
        try:
            return _answer(stash, _run(places, order, derived.transports[metadata_file(stash)], STASH_PATIENCE))
        except ParaduxError as problem:
            return Answer(stash, problem=problem.message)

    yield from _each(places, ask, [stash.id for stash in config.metadata_stashes])


def _answer(stash: str, untrusted: JsonObject) -> Answer:
    try:
        sent = from_json_value(StashContent, untrusted)
        key, config = (base64.b64decode(each, validate=True) for each in (sent.key, sent.config))
        return Answer(stash, key.decode(), config)
    except ValueError:
        return Answer(stash, problem="what it sent is not understood")


def restore_all(places: Places, document: JsonObject, note: Note) -> Iterator[Restored]:
    """A sample of every dataset from every destination, as they come back; encrypted archives open with the key in this very config."""
    config, derived = _derived(document, places.installation.capabilities)
    keys = {dataset.id: private_archive_keys(config, dataset.id) for dataset in config.datasets}

    def restore(pair: tuple[DatasetPlan, DestinationPlan]) -> Restored:
        dataset, destination = pair
        whose = _identity(places, derived.plan, destination)
        order = replace(
            _order(places, dataset.id, destination.id, RehearseArguments(sample=DRILL)).told(
                identity=to_json_value(whose)
            ),
            staging=dataset.staging,
            staging_uid=dataset.staging_uid,
            in_place=dataset.source.in_place,
        )
        transport = derived.transports[destination_file(dataset.id, destination.id)]
        try:
            plain = _run(places, order, transport, DESTINATION_PATIENCE, keys[dataset.id].get(destination.id))
            result = from_json_value(Rehearsed, plain)
        except ParaduxError as problem:
            error = RunError(problem.code, problem.message, problem.hint)
            return Restored(dataset.id, destination.id, False, problem.message, None, error)
        return Restored(dataset.id, destination.id, True, _described(result), result)

    for restored in _each(places, restore, [(d, each) for d in derived.plan.datasets for each in d.destinations]):
        note(f"{restored.dataset} at {restored.destination}: {restored.text}")
        yield restored


def _identity(places: Places, plan: Plan, place: DestinationPlan) -> PlaceIdentity:
    """Whose place is to be read: another one is no proof."""
    outbox = str(places.installation.state.outbox)
    return PlaceIdentity(plan.owner, place.uid, plan.instance, plan.generation, outbox, formerly=place.formerly)


def _described(result: Rehearsed) -> str:
    parts = [(result.compared, "equal to staging"), (result.by_itself, "checked by the protocol")]
    how = ", ".join(f"{count} {what}" for count, what in parts if count)
    return f"{result.files} files ({result.bytes} bytes) of the version of {result.time} restored: {how}"


def _each(places: Places, work: Callable[[Item], Found], items: Sequence[Item]) -> Iterator[Found]:
    """Work on several at once, each in a thread that lives as long as its worker; raises "cancelled" when that is asked for."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting: list[Future[Found]] = [pool.submit(work, item) for item in items]
        for done in as_completed(waiting):
            if places.cancelled.is_set():
                pool.shutdown(cancel_futures=True)
                raise ParaduxError("cancelled", "the drill was cancelled; nothing was changed", "run: paraductl drill")
            yield done.result()


def _order(places: Places, dataset: str, location: str, told: RehearseArguments) -> Order:
    told = replace(told, scratch=str(places.folder), mark=places.mark)
    return Order(next(_numbers), Step.REHEARSE, dataset, location, "", "", to_json_value(told))


def _run(
    places: Places, order: Order, transport: Transport, patience: float, key: JsonObject | None = None
) -> JsonObject:
    """`key`: what opens encrypted archives; it reaches the worker as the transport does, as a file in memory."""
    if places.cancelled.is_set():
        raise ParaduxError("cancelled", "the drill was cancelled")
    with contextlib.ExitStack() as files:
        descriptor, path = files.enter_context(sealed_file(transport_files.content(transport)))
        capabilities = places.installation.capabilities
        disk = is_on_removable_disk(transport.protocol, transport.settings, capabilities)
        given, descriptors = replace(order, transport=path, disk=disk), [descriptor]
        if key is not None:
            descriptor, path = files.enter_context(sealed_file(json.dumps(key).encode()))
            given, descriptors = given.told(key=path), [*descriptors, descriptor]
        return workers.run_order(given, pass_fds=descriptors, timeout=patience, cancelled=places.cancelled)


def _derived(document: JsonObject, capabilities: ProtocolCapabilities) -> tuple[Config, Derived]:
    config = _config(document, capabilities)
    return config, derive(config, capabilities, now())


def _config(document: JsonObject, capabilities: ProtocolCapabilities) -> Config:
    config: Config | None = check(json.dumps(document), capabilities).config
    if config is None:
        raise ParaduxError(
            "not-understood", "this version does not understand the config that came back", "update Paradux"
        )
    return config
