"""What the real watcher tells on a machine of umockdev's: `umockdev-wrapper python -m tests.sticks.watched SCENE`.

It runs in a process of its own because umockdev takes the place of /sys and of udev's socket by its preloaded library. Printed are, as
JSON, the sticks that were told, each with the serial numbers of those beside it.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from paraduxd.core.devices import arrivals
from paraduxd.core.devices.stick_rules import Stick
from paraduxd.supervisor.devices.usb_watcher import Watcher
from tests.sticks.mock_udev import Machine

SETTLE = 0.3
PATIENCE = 20.0
STORM = 200

Told = tuple[Stick, tuple[Stick, ...]]


class Counted(Watcher):
    """The watcher, with a bell at each event."""

    def __init__(self, audience: Audience) -> None:
        super().__init__(audience)
        self._taken = audience.taken

    def _take(self, device: Any) -> None:
        super()._take(device)
        self._taken.release()


class Audience:
    """Whoever is told of sticks."""

    def __init__(self) -> None:
        self.told: queue.SimpleQueue[Told] = queue.SimpleQueue()
        self.taken = threading.Semaphore(0)
        """Counts the events of disks and partitions that the watcher has taken."""

    def __call__(self, stick: Stick, others: tuple[Stick, ...]) -> None:
        if stick.serial == "BAD":
            raise ValueError("whoever is told fails")
        self.told.put((stick, others))

    def next(self) -> Told:
        return self.told.get(timeout=PATIENCE)

    def forget_events(self) -> None:
        """Count from here."""
        while self.taken.acquire(blocking=False):
            pass

    def rest(self) -> Iterator[Told]:
        while not self.told.empty():
            yield self.told.get()


def one(machine: Machine, audience: Audience) -> Iterator[Told]:
    machine.plug_in("sdb", "S1", fs="vfat", uuid="AAAA-0001")
    yield audience.next()


def partitioned(machine: Machine, audience: Audience) -> Iterator[Told]:
    machine.plug_in("sdb", "S1", fs="exfat", uuid="AAAA-0001", partition=True)
    yield audience.next()
    yield from marked(machine, audience)


def written(machine: Machine, audience: Audience) -> Iterator[Told]:
    machine.plug_in("sdb", "S1")
    yield audience.next()
    for _ in range(3):
        machine.changed("sdb")
    yield from marked(machine, audience)


def again(machine: Machine, audience: Audience) -> Iterator[Told]:
    machine.plug_in("sdb", "S1")
    yield audience.next()
    machine.pull_out("sdb")
    machine.plug_in("sdb", "S2")
    yield audience.next()


def two(machine: Machine, audience: Audience) -> Iterator[Told]:
    machine.plug_in("sdb", "S1")
    machine.plug_in("sdc", "S2")
    yield audience.next()
    yield audience.next()


def card(machine: Machine, audience: Audience) -> Iterator[Told]:
    machine.plug_in("sdb", "READER", medium=False)
    yield from marked(machine, audience)
    machine.put_card_in("sdb")
    yield audience.next()
    audience.forget_events()
    machine.take_card_out("sdb")
    assert audience.taken.acquire(timeout=PATIENCE), "it has been seen without its card"
    machine.put_card_in("sdb")
    yield audience.next()


def storm(machine: Machine, audience: Audience) -> Iterator[Told]:
    """One event after the other is taken: umockdev ends the process when more than a few wait."""
    machine.plug_in("sdb", "S1")
    for _ in range(STORM):
        machine.changed("sdb")
        assert audience.taken.acquire(timeout=PATIENCE)
    yield audience.next()
    yield from marked(machine, audience)


def marked(machine: Machine, audience: Audience) -> Iterator[Told]:
    """All that is told until a stick that is plugged in last of all is told."""
    machine.plug_in("sdz", "LAST")
    while (told := audience.next())[0].serial != "LAST":
        yield told
    yield from audience.rest()
    machine.pull_out("sdz")


def stubborn(machine: Machine, audience: Audience) -> Iterator[Told]:
    """Whoever is told of the first stick fails."""
    machine.plug_in("sdb", "BAD")
    machine.plug_in("sdc", "S2")
    yield audience.next()


SCENES: dict[str, Callable[[Machine, Audience], Iterator[Told]]] = {
    scene.__name__: scene for scene in (one, partitioned, written, again, two, card, storm, stubborn)
}


def main(scene: str) -> None:
    arrivals.SETTLE = SETTLE
    machine, audience = Machine(), Audience()
    machine.plug_in("sda", "THERE")

    watcher = Counted(audience)
    watcher.start(privileged=True)
    told = [described(*each) for each in SCENES[scene](machine, audience)]
    watcher.stop()
    print(json.dumps({"told": told, "watching": "sticks" in {thread.name for thread in threading.enumerate()}}))


def described(stick: Stick, others: tuple[Stick, ...]) -> dict[str, Any]:
    facts = {name: getattr(stick, name) for name in ("device", "serial", "volume", "fs", "uuid", "usb", "removable")}
    return {**facts, "name": stick.name, "beside": [other.serial for other in others]}


if __name__ == "__main__":
    main(sys.argv[1])
