"""What gives access to what: things, ways to them, and what is had in the end.

A thing that is not lost is had when one of its ways has enough needs that are had. What is had is the least fixed point, so a circle (a
mailbox resets the password manager that holds the password of the mailbox) does not pull itself up. This is the account access graph of
Hammann, Radomirovic, Sasse and Basin (CCS 2019), with k-of-n ways.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from paraduxd.api.frozen import dataclass


@dataclass(frozen=True)
class Way:
    """One way to a thing: all of `needs`, or at least so many of them."""

    needs: tuple[str, ...]
    at_least: int | None = None

    @property
    def required(self) -> int:
        """How many different needs it takes."""
        return len(set(self.needs)) if self.at_least is None else self.at_least


Rules = Mapping[str, Sequence[Way]]
"""Thing -> ways to it. A way without needs is open to everybody; a thing without ways is had by nobody who does not begin with it."""


def reached(rules: Rules, start: Iterable[str], without: Collection[str] = ()) -> frozenset[str]:
    """Everything that somebody gets to who begins with `start`; never what is in `without`."""
    waiting: dict[str, list[tuple[str, int]]] = defaultdict(list)
    missing: dict[tuple[str, int], int] = {}
    ready = [thing for thing in start if thing not in without]
    for thing, ways in rules.items():
        for number, way in enumerate(ways):
            missing[thing, number] = way.required
            if way.required <= 0:
                ready.append(thing)
            for need in set(way.needs):
                waiting[need].append((thing, number))
    return _spread(ready, waiting, missing, without)


def _spread(
    ready: list[str],
    waiting: Mapping[str, list[tuple[str, int]]],
    missing: dict[tuple[str, int], int],
    without: Collection[str],
) -> frozenset[str]:
    found: set[str] = set()
    while ready:
        thing = ready.pop()
        if thing in found or thing in without:
            continue
        found.add(thing)
        for way in waiting.get(thing, ()):
            missing[way] -= 1
            if missing[way] == 0:
                ready.append(way[0])
    return frozenset(found)


def circle(rules: Rules, thing: str, closed: Collection[str]) -> tuple[str, ...]:
    """A circle among the `closed` things to which `thing` leads: "a", "b", "a" where a needs b and b needs a; empty without one."""
    path: list[str] = []
    while thing not in path:
        path.append(thing)
        needs = (need for way in rules.get(thing, ()) for need in way.needs if need in closed)
        following = next(needs, None)
        if following is None:
            return ()
        thing = following
    return (*path[path.index(thing) :], thing)
