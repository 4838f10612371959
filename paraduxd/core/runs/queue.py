"""Which of the queued runs may start now. Pure: values in, values out.

* A pull changes staging: it excludes every push, and every restore from staging, of its dataset, and they exclude it.
* Pushes of one dataset to different destinations run together. Two runs at the same location of a dataset never do.
* At most `limits.transfers` transfers run in all, `limits.per_place` at one place. The place "local" stands for several disks and
  counts in all only.
* Looking into versions disturbs nobody, and waits for nobody.
* What is light (versions, names in them, host keys, publishing, checking a kit) and what cannot wait (a restore) has a lane
  of its own beside the transfers.
* Manual before scheduled, then first come, first served; what cannot start yet does not hold up the others. But a pull that waits
  for pushes to end is not overtaken by more of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from paraduxd.api.frozen import dataclass
from paraduxd.core.plan.model import Limits
from paraduxd.core.primitives.disks import uuid_of
from paraduxd.core.runs.facts import Key
from paraduxd.core.runs.orders import Step

LOCAL = "local"
"""The place of everything on this machine."""

STAGING = "staging"
"""The location of the copy on this machine."""

IN_PLACE = "in place "
"""With what the detail of a restore into the source begins: nothing of that is pulled meanwhile."""

LIGHT_AT_ONCE = 4

_LIGHT = frozenset({Step.VERSIONS, Step.LIST, Step.HOSTKEYS, Step.PUBLISH, Step.KIT_CHECK, Step.NOTIFY, Step.HEARTBEAT})


@dataclass(frozen=True)
class Request:
    """One run that waits or goes on. `after`: the number of the run that must end before; `detail` tells apart what is
    not the same request although step and location are (a deep check, a restore). `uid`: who asked; 0 when others did, too."""

    number: int
    dataset: str
    step: str
    location: str
    place: str = LOCAL
    manual: bool = False
    after: int | None = None
    detail: str = ""
    uid: int = 0

    @property
    def key(self) -> Key:
        """Dataset, step and location."""
        return (self.dataset, self.step, self.location)

    @property
    def identity(self) -> tuple[Key, str]:
        """What makes a queued request the same as another one: it is not queued twice."""
        return (self.key, self.detail)


def startable(queued: Iterable[Request], running: Sequence[Request], limits: Limits) -> tuple[Request, ...]:
    """Those that start now, in this order."""
    waiting = sorted(queued, key=lambda request: (not request.manual, request.number))
    unfinished = {request.number for request in (*waiting, *running)}
    lanes = _Lanes(limits, running)
    chosen = []
    for request in waiting:
        if request.after in unfinished:
            continue
        if lanes.conflicts(request):
            lanes.block(request)
        elif lanes.has_room(request):
            lanes.take(request)
            chosen.append(request)
    return tuple(chosen)


def conflict(one: Request, other: Request) -> bool:
    """Whether the two must not run at the same time."""
    if one.dataset != other.dataset or Step.LIST in (one.step, other.step):
        return False
    if one.location == other.location:
        return True
    return Step.PULL in (one.step, other.step) and _uses_staging(one) and _uses_staging(other)


def _uses_staging(request: Request) -> bool:
    return request.step in (Step.PULL, Step.PUSH) or request.location == STAGING or request.detail.startswith(IN_PLACE)


def _lane(request: Request) -> str:
    if request.step in _LIGHT:
        return "light"
    return "restore" if request.step == Step.RESTORE else "transfer"


class _Lanes:
    """What is taken already."""

    def __init__(self, limits: Limits, running: Iterable[Request]) -> None:
        self._limits = limits
        self._lanes: Counter[str] = Counter()
        self._places: Counter[str] = Counter()
        self._busy: dict[str, list[Request]] = {}
        for request in running:
            self.take(request)

    def take(self, request: Request) -> None:
        """The request runs."""
        lane = _lane(request)
        self._lanes[lane] += 1
        if lane == "transfer" or uuid_of(request.place):
            self._places[request.place] += 1
        self.block(request)

    def block(self, request: Request) -> None:
        """Nothing that conflicts with the request may start."""
        self._busy.setdefault(request.dataset, []).append(request)

    def conflicts(self, request: Request) -> bool:
        return any(conflict(request, other) for other in self._busy.get(request.dataset, ()))

    def has_room(self, request: Request) -> bool:
        lane = _lane(request)
        if uuid_of(request.place) and self._places[request.place]:
            return False  # a disk is mounted once
        if lane == "light":
            return self._lanes[lane] < LIGHT_AT_ONCE
        if self._lanes[lane] >= self._limits.transfers:
            return False
        at_place = self._places[request.place]
        return lane == "restore" or request.place == LOCAL or at_place < self._limits.per_place
