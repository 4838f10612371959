"""Where this machine has learned that another one has taken over as the owner's Paradux (`core/machine.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from paraduxd.core.conditions import error_of
from paraduxd.core.facts import Key, Latest
from paraduxd.core.identity import PlaceKey
from paraduxd.core.machine import SUPERSEDED
from paraduxd.core.orders import Step
from paraduxd.core.plan import Plan

WRITES = frozenset({Step.PUSH, Step.PUBLISH, Step.PRUNE})
"""Steps that a replaced machine does not do any more."""


SEES = WRITES | {Step.VERIFY, Step.REHEARSE}
"""Steps that can find it out and that run again by themselves, so that what they have found does not stand for ever."""


def shown(latest: Mapping[Key, Latest], plan: Plan) -> Iterator[tuple[PlaceKey, dict[str, str]]]:
    """The places whose last run found another machine, with its error."""
    places = plan.uids
    for key, found in latest.items():
        error = error_of(found) if key[1] in SEES and (key[0], key[2]) in places else None
        if error is not None and error["code"] == SUPERSEDED:
            yield (key[0], key[2]), error
