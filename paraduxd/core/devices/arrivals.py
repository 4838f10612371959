"""Which insertions are worth telling: events of disks and partitions, coalesced until the stick is quiet, each stick told once.

A stick causes several events when it is plugged in, and more whenever somebody writes to it, we ourselves included; only the first
make an arrival. Times are seconds of any clock that does not jump.
"""

from __future__ import annotations

from collections.abc import Iterable

SETTLE = 1.5
"""Seconds without an event after which a new stick is told; reading its partitions takes a moment."""

LONGEST = 10.0
"""Seconds after which it is told although events still come."""


class Arrivals:
    """Disks by name: those that are there, and those that have just come. `present`: there before anybody watched."""

    def __init__(self, present: Iterable[str] = ()) -> None:
        self._present = set(present)
        self._coming: dict[str, tuple[float, float]] = {}
        """When it came, and when it will have been quiet for long enough."""

    @property
    def there(self) -> frozenset[str]:
        """All disks that are plugged in, told or not."""
        return frozenset(self._present | set(self._coming))

    def disk(self, action: str, disk: str, *, has_medium: bool, now: float) -> None:
        """An event of a disk; a card reader is a disk without a medium until a card is in it."""
        if action == "remove" or not has_medium:
            self._present.discard(disk)
            self._coming.pop(disk, None)
        elif action == "add":
            self._present.discard(disk)
            self._coming.setdefault(disk, (now, now))
        elif disk not in self._present:
            self._coming.setdefault(disk, (now, now))
        self.stirred(disk, now)

    def stirred(self, disk: str, now: float) -> None:
        """Something happened to a partition of it; matters only to one that has just come."""
        if disk in self._coming:
            came, _ = self._coming[disk]
            self._coming[disk] = (came, min(now + SETTLE, came + LONGEST))

    def due(self, now: float) -> tuple[str, ...]:
        """Those that are quiet now; each is given once."""
        ready = tuple(disk for disk, (_, quiet) in self._coming.items() if quiet <= now)
        for disk in ready:
            del self._coming[disk]
            self._present.add(disk)
        return ready

    def wait(self, now: float) -> float | None:
        """Seconds until the next one is due; `None` when none is on its way."""
        return max(0.0, min(quiet for _, quiet in self._coming.values()) - now) if self._coming else None
