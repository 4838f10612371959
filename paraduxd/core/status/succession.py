"""Where this machine has learned that another one has taken over as the owner's Paradux (`core/recovery/machine_claim.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from paraduxd.api.replies.results import Published, Rehearsal
from paraduxd.api.replies.transfer_runs import RunError
from paraduxd.core.plan.model import Plan
from paraduxd.core.primitives.place_identity import PlaceKey
from paraduxd.core.recovery.machine_claim import SUPERSEDED
from paraduxd.core.runs.conditions import error_of
from paraduxd.core.runs.facts import Key, Latest
from paraduxd.core.runs.orders import Step

WRITES = frozenset({Step.PUSH, Step.PUBLISH, Step.PRUNE})
"""Steps that a replaced machine does not do any more."""


SEES = WRITES | {Step.VERIFY, Step.REHEARSE}
"""Steps that can find it out and that run again by themselves, so that what they have found does not stand for ever."""


def by_old_shares(latest: Mapping[Key, Latest], plan: Plan) -> Iterator[tuple[str, str]]:
    """The metadata stashes at which a machine that was recovered with shares of an ended epoch was seen last, and since when it is one."""
    for stash in plan.metadata_stashes:
        looks = [latest.get(("", step, stash.id), Latest()) for step in (Step.PUBLISH, Step.REHEARSE)]
        newest = max(looks, key=lambda each: each.last_success or "")
        if isinstance(newest.result, Published | Rehearsal) and (found := newest.result.old_shares):
            yield stash.id, found.date


def shown(latest: Mapping[Key, Latest], plan: Plan) -> Iterator[tuple[PlaceKey, RunError]]:
    """The places whose last run found another machine, with its error."""
    errors = ((key, error) for key, found in latest.items() if key[1] in SEES and (error := error_of(found)))
    superseded = [((key[0], key[2]), error) for key, error in errors if error.code == SUPERSEDED]
    places = plan.uids if superseded else {}
    yield from ((place, error) for place, error in superseded if place in places)
