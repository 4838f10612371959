"""Which of the configs that a recovery has found is the right one, what they disagree about, and what becomes of the chosen one.

Pure: the keeper has opened them and checked their signatures.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from datetime import datetime

from paraduxd.api import phrases
from paraduxd.api.calls import JsonObject
from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.frozen import dataclass
from paraduxd.core.primitives import timestamps
from paraduxd.core.recovery.published_config import Header, open_envelope


@dataclass(frozen=True)
class FoundEpoch:
    """Number of an epoch, and what opens what is published of it; of a past one the number alone."""

    epoch: int = 0
    secret: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)


@dataclass(frozen=True)
class FoundRotation:
    """A rotation that was under way."""

    recovery: FoundEpoch | None = None


@dataclass(frozen=True)
class FoundManaged:
    """As much of `managed` as a recovery needs: a config of another version may lack any of it."""

    owner_id: str = ""
    instance: str = ""
    generation: int = 1
    highest_epoch: int = 0
    recovery: FoundEpoch | None = None
    rotation: FoundRotation | None = None
    past_epochs: tuple[FoundEpoch, ...] = ()

    @property
    def epochs(self) -> tuple[FoundEpoch, ...]:
        """The epoch in force, and the next one in a rotation."""
        every = (self.recovery, self.rotation.recovery if self.rotation else None)
        return tuple(each for each in every if each is not None)

    @property
    def newest_epoch(self) -> int:
        """The highest number of an epoch that the config knows of, whether it was ever in force or not."""
        return max(self.highest_epoch, *(each.epoch for each in (*self.epochs, *self.past_epochs)), 0)


@dataclass(frozen=True)
class FoundConfig:
    """As much of a config as a recovery needs."""

    managed: FoundManaged
    serial: int


@dataclass(frozen=True)
class CandidateConfig:
    """One config: where it was (`labels`, all places with the very same one), and what it says of itself."""

    labels: tuple[str, ...]
    header: Header
    document: JsonObject = field(repr=False)

    @property
    def managed(self) -> FoundManaged:
        """What it holds of epochs and machines."""
        return from_json_value(FoundConfig, self.document).managed

    @property
    def generation(self) -> int:
        """How many machines the owner had had when it was saved."""
        return self.managed.generation

    @property
    def digest(self) -> str:
        """The same for the same config."""
        return hashlib.sha256(json.dumps(self.document, sort_keys=True).encode()).hexdigest()

    @property
    def rank(self) -> tuple[int, int, str]:
        """Higher is newer: a machine that has taken over counts more than what the one before it still saved. The clock counts last."""
        return (self.generation, self.header.serial, self.header.date)


@dataclass(frozen=True)
class Named:
    """What something at `where` says that there is: a config (`serial` 0: not told) or a machine (`generation`). Unproven."""

    where: str
    epoch: int = 0
    serial: int = 0
    generation: int = 0

    @property
    def text(self) -> str:
        """The sentence, without its end."""
        if self.generation:
            return f"{self.where} tells of a machine that has taken over since (generation {self.generation})"
        what = f"serial {self.serial} of epoch {self.epoch}" if self.serial else f"epoch {self.epoch}"
        return f"{self.where} has {what}"


def later(named: Iterable[Named], found: Sequence[CandidateConfig]) -> tuple[Named, ...]:
    """What is later than the newest config that was opened (the first of `found`), the latest first: each epoch once.

    In a rotation two epochs are published with one serial, and the older one knows the number of the next one: that one is not later.
    """
    newest = found[0]
    opened = {(each.header.epoch, each.header.serial) for each in found}
    known = newest.managed.newest_epoch
    unopened = [
        each
        for each in named
        if each.generation > newest.generation
        or each.epoch > max(known, newest.header.epoch)
        or (each.serial > newest.header.serial and (each.epoch, each.serial) not in opened)
    ]
    unopened.sort(key=lambda each: (each.generation, each.serial, each.epoch), reverse=True)
    return tuple({(each.generation, each.epoch): each for each in reversed(unopened)}.values())[::-1]


def found_in(label: str, text: bytes) -> CandidateConfig:
    """The config of an opened and checked message; raises `ValueError` when header and config do not belong together."""
    header, document = open_envelope(text)
    config = from_json_value(FoundConfig, document)
    if (config.managed.owner_id, config.serial) != (header.owner, header.serial):
        raise ValueError("a config that is not the one its header names")
    return CandidateConfig((label,), header, document)


def newest_first(found: Sequence[CandidateConfig]) -> tuple[CandidateConfig, ...]:
    """The different configs, each once, with all the places where it was."""
    same: dict[str, CandidateConfig] = {}
    for each in found:
        known = same.get(each.digest)
        labels = tuple(dict.fromkeys((*(known.labels if known else ()), *each.labels)))
        headers = [known.header, each.header] if known else [each.header]
        same[each.digest] = CandidateConfig(labels, max(headers, key=lambda header: header.date), each.document)
    return tuple(sorted(same.values(), key=lambda each: each.rank, reverse=True))


def disagreements(found: Sequence[CandidateConfig]) -> Iterator[str]:
    """What a person should know before they choose, a sentence each."""
    by_serial: dict[tuple[int, int, int], list[CandidateConfig]] = defaultdict(list)
    for each in newest_first(found):
        # In a rotation both epochs have the same serials, and the older one does not get to see all.
        by_serial[(each.generation, each.header.serial, each.header.epoch)].append(each)
    for (_, serial, _), several in by_serial.items():
        if len(several) > 1:
            places = " and ".join(" = ".join(each.labels) for each in several)
            yield f"there are {len(several)} different configs with serial {serial}: {places}"
    instances: dict[int, set[str]] = defaultdict(set)
    for each in found:
        instances[each.generation].add(each.header.instance)
    for generation, several_instances in instances.items():
        if len(several_instances) > 1:
            count = len(several_instances)
            yield f"{count} machines have saved configs as generation {generation}: one was recovered while another lived"


def age(date: str, now: datetime) -> str:
    """How old something is, in words."""
    moment = timestamps.parse(date)
    if moment is None:
        return "of an unknown date"
    seconds = (now - moment).total_seconds()
    if seconds < -timestamps.DAY:
        return f"dated {date[:10]}, in the future: this machine's clock may be wrong"
    return f"{phrases.duration(max(seconds, 0.0))} old"


def renewed(chosen: CandidateConfig, highest: int, serial: int, instance: str, epoch: int = 0) -> JsonObject:
    """The config for the machine that takes over: a new `instance`, and numbers beyond all that are known to be in use."""
    managed = chosen.document.get("managed")
    changed: JsonObject = {"instance": instance, "generation": max(highest, chosen.generation) + 1}
    if epoch > chosen.managed.newest_epoch:
        changed = {**changed, "highest_epoch": epoch}
    return {
        **chosen.document,
        "serial": max(serial, chosen.header.serial) + 1,
        "managed": {**(managed if isinstance(managed, dict) else {}), **changed},
    }
