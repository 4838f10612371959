"""Names that the daemon knows: of datasets, destinations, stewards, losses, runs. Asked of the supervisor only, which holds no secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from paraductl.completion.offer import Chosen, Source, Word
from paraduxd.api.contract import SupervisorCalls
from paraduxd.api.replies.state import Status
from paraduxd.api.replies.what_if import WhatIf

Reply = TypeVar("Reply", Status, WhatIf)


class LiveNames:
    """`connect` gives the calls of the daemon with this run directory. Where it does not answer there are no names, and no error."""

    def __init__(self, connect: Callable[[str | None], SupervisorCalls]) -> None:
        self._connect = connect
        self._out_of_reach = False

    def sources(self) -> Mapping[str, Source]:
        """Where the values of an argument come from, by the capital words of its metavar."""
        return {
            "DATASET": self._datasets,
            "ID": self._destinations,
            "STEWARD": self._stewards,
            "RUN": self._runs,
            "FATE": self._labels,
            "THING": lambda chosen: [*self._labels(chosen), Word("machine"), Word("credentials")],
            "SCENARIO": self._scenarios,
        }

    def _ask(self, chosen: Chosen, question: Callable[[SupervisorCalls], Reply]) -> Reply | None:
        """Ask once: a daemon that did not answer is left alone."""
        if self._out_of_reach:
            return None
        try:
            return question(self._connect(next(iter(chosen.get("run", ())), None)))
        except Exception:  # nothing that goes wrong may reach a person who has only pressed TAB
            self._out_of_reach = True
            return None

    def _status(self, chosen: Chosen) -> Status | None:
        return self._ask(chosen, lambda supervisor: supervisor.status())

    def _whatif(self, chosen: Chosen) -> WhatIf | None:
        return self._ask(chosen, lambda supervisor: supervisor.whatif())

    def _datasets(self, chosen: Chosen) -> Iterator[Word]:
        status = self._status(chosen)
        given = chosen.get("datasets", ())
        yield from (Word(each.id, each.state) for each in (status.datasets if status else ()) if each.id not in given)

    def _destinations(self, chosen: Chosen) -> Iterator[Word]:
        status = self._status(chosen)
        named = {word.partition("#")[0] for key in ("dataset", "datasets") for word in chosen.get(key, ())}
        datasets = [each for each in (status.datasets if status else ()) if not named or each.id in named]
        ids = dict.fromkeys(place.id for dataset in datasets for place in dataset.destinations)
        return map(Word, ids)

    def _stewards(self, chosen: Chosen) -> Iterator[Word]:
        status = self._status(chosen)
        given = chosen.get("stewards", ())
        yield from (Word(each.id) for each in (status.stewards if status else ()) if each.id not in given)

    def _runs(self, chosen: Chosen) -> Iterator[Word]:
        status = self._status(chosen)
        yield from (Word(str(run.run), f"{run.dataset}: {run.step}") for run in (status.running if status else ()))

    def _labels(self, chosen: Chosen) -> Iterable[Word]:
        found = self._whatif(chosen)
        return map(Word, found.labels if found else ())

    def _scenarios(self, chosen: Chosen) -> Iterable[Word]:
        found = self._whatif(chosen)
        return map(Word, found.scenarios if found else ())
