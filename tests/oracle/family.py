"""A family that uses Paradux, and what has happened to it, as plain values of the oracle's own.

Nothing here comes from the code under test. Ages are hours before now; `None`: never. Labels are what can be lost as a whole.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from enum import StrEnum

Labels = tuple[str, ...]

MACHINE = "the machine"
"""The address of what lies on the machine that runs Paradux."""

DISK = "disk:"
"""What the address of a disk that is plugged in now and then begins with."""


class Form(StrEnum):
    """How a copy lies at its place: what is needed to read it once the place is there."""

    IN_HAND = "clear, on a disk in hand"
    CLEAR_AWAY = "clear, behind somebody's login"
    KEYED = "encrypted with a password that this machine uses"
    SEALED = "encrypted to a key whose private half is in the config only"


@dataclass(frozen=True)
class Tries:
    """How one step has gone at one place: when it last went well, when it was last tried, how often it failed since, and why."""

    well: float | None = None
    tried: float | None = None
    failures: int = 0
    code: str = ""

    @property
    def failing(self) -> bool:
        """Whether the last try failed."""
        return self.failures > 0


@dataclass(frozen=True)
class Destination:
    """A place for copies of a dataset. `since`: the serial since which it is as it is now; `every`: hours between two pushes.

    `seen`: the place was listed; `empty`: the list had no version in it.
    """

    name: str
    form: Form
    address: str
    labels: Labels = ()
    since: int = 1
    every: int | None = 24
    pushed: Tries = field(default_factory=Tries)
    verified: Tries = field(default_factory=Tries)
    rehearsed: Tries = field(default_factory=Tries)
    seen: Tries = field(default_factory=Tries)
    empty: bool = False


@dataclass(frozen=True)
class Source:
    """Where a dataset comes from. `in_place`: it is pushed from where it lies, without a staging copy."""

    form: Form
    address: str
    labels: Labels = ()
    since: int = 1
    every: int | None = 1
    in_place: bool = False
    pulled: Tries = field(default_factory=Tries)


@dataclass(frozen=True)
class Dataset:
    """What is kept together. `held`: the guard holds its push."""

    name: str
    source: Source
    destinations: tuple[Destination, ...] = ()
    held: bool = False


@dataclass(frozen=True)
class Kit:
    """What a steward holds. `serial`: of the config on it; `None`: not known."""

    epoch: int
    serial: int | None
    void: bool = False
    damaged: bool = False
    age: float = 100.0


@dataclass(frozen=True)
class Steward:
    """Who holds a share."""

    name: str
    labels: Labels = ()
    kit: Kit | None = None


@dataclass(frozen=True)
class Holding:
    """What a metadata stash was seen to hold, and when: the config of this serial, encrypted for these epochs."""

    serial: int
    epochs: tuple[int, ...]
    age: float


@dataclass(frozen=True)
class Stash:
    """Where encrypted configs are published. `read`: what a rehearsal read there, `unread`: one that failed."""

    name: str
    address: str
    labels: Labels = ()
    since: int = 1
    published: Holding | None = None
    publishing_fails: bool = False
    read: Holding | None = None
    unread: Tries = field(default_factory=Tries)


@dataclass(frozen=True)
class Proof:
    """A place that a drill has used: its name, that of its dataset ("" for a stash), whether it was the place that has this name now."""

    dataset: str
    place: str
    same: bool = True


@dataclass(frozen=True)
class Drill:
    """The last drill: at which epoch and serial, what it restored from, and where it opened a config."""

    age: float
    epoch: int
    serial: int
    restored: tuple[Proof, ...] = ()
    opened: tuple[Proof, ...] = ()
    by_kit: bool = False


@dataclass(frozen=True)
class Family:
    """All of it. `required`: shares that are needed; `rotating`: a next epoch is being prepared; `names`: what the machine is called in
    a network; `recovered`: this machine has taken over from another one."""

    required: int
    serial: int
    epoch: int
    machine: Labels = ()
    unattended: bool = True
    credentials_there: bool = True
    rotating: bool = False
    stewards: tuple[Steward, ...] = ()
    stashes: tuple[Stash, ...] = ()
    datasets: tuple[Dataset, ...] = ()
    names: Labels = ()
    recovered: bool = False
    drill: Drill | None = None


POOL = ("place:house", "place:friend", "account:cloud", "place:bank", "device:laptop", "place:sister", "person:owner")
HOSTS = (
    "friend.example",
    "cloud.example",
    "Friend.Example.",
    "sister.example",
    "localhost",
    "127.0.0.1",
    "::1",
    "HOME.example",
)
DISKS = ("1111-AAAA", "2222-BBBB")
OFFLINE = ("unreachable", "timeout", "not-inserted")
"""Why there was no answer."""


def draw(seed: int) -> Family:
    """The family of this seed."""
    return _Draw(random.Random(seed)).family()


class _Draw:
    """One family being drawn. `sound`: how likely a thing is as it should be; some families are well kept, others are not.
    `tidy`: what can be kept apart is kept apart. `changes`: how often something was changed, and copies of the config left behind."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.sound = chance.choice((0.6, 0.85, 0.97, 1.0))
        self.tidy = chance.random() < 0.4
        self.recovered = chance.random() < 0.1
        self.pool = chance.sample(POOL, chance.randint(4, 6) if self.tidy else chance.randint(2, 5))
        self.often_held = chance.choice((0.0, 0.1, 0.7))
        self.labelled = chance.choice((0.7, 0.95, 1.0))
        self.serial = chance.randint(1, 9)
        self.changes = chance.choice((0.0, 0.2, 0.6))
        self.epoch = chance.randint(1, 3)
        self.rotating = chance.random() < 0.1

    def family(self) -> Family:
        count = self.chance.choice((4, 5)) if self.tidy else self.chance.randint(2, 5)
        family = Family(
            required=2 if self.tidy else self.chance.randint(2, min(count, 3)),
            serial=self.serial,
            epoch=self.epoch,
            machine=self.labels(2),
            unattended=self.chance.random() < 0.85,
            credentials_there=self.chance.random() < 0.95,
            rotating=self.rotating,
            stewards=tuple(self.steward(f"s{number}") for number in range(count)),
            stashes=tuple(self.stash(f"m{number}") for number in range(self.chance.randint(1, 3))),
            datasets=tuple(self.dataset(f"d{number}") for number in range(self.chance.randint(1, 3))),
            names=("home.example",) if self.chance.random() < 0.5 else (),
            recovered=self.recovered,
        )
        return replace(family, drill=self.drill(family)) if self.chance.random() < 0.7 else family

    def drill(self, family: Family) -> Drill:
        """A drill that has seen most of it."""
        epoch = self.epoch if self.well() else max(1, self.epoch - 1)
        copies = [Proof(each.name, place.name, self.well()) for each in family.datasets for place in each.destinations]
        stashes = [Proof("", each.name, self.well()) for each in family.stashes]
        return Drill(
            self.chance.choice((4.0, 40.0, 300.0)),
            epoch,
            self.serials(),
            tuple(filter(lambda _: self.well(), copies)),
            tuple(filter(lambda _: self.well(), stashes)),
            self.chance.random() < 0.2,
        )

    def well(self) -> bool:
        """Whether the next thing is as it should be."""
        return self.chance.random() < self.sound

    def labels(self, most: int) -> Labels:
        if self.chance.random() > self.labelled:
            return ()
        count = 1 if self.tidy else self.chance.randint(1, most)
        return tuple(sorted(self.chance.sample(self.pool, min(len(self.pool), count))))

    def since(self) -> int:
        return self.chance.randint(1, self.serial) if self.chance.random() < self.changes else 1

    def serials(self) -> int:
        return self.chance.randint(1, self.serial) if self.chance.random() < self.changes else self.serial

    def steward(self, name: str) -> Steward:
        own = (f"person:{name}",) if self.chance.random() < (0.9 if self.tidy else 0.3) else self.labels(2)
        return Steward(name, own, self.kit() if self.well() else None)

    def kit(self) -> Kit:
        epoch = self.epoch if self.well() else self.chance.randint(max(1, self.epoch - 1), self.epoch)
        if self.rotating and self.chance.random() < 0.5:
            epoch = self.epoch + 1
        serial = None if self.chance.random() < 0.03 else self.serials()
        return Kit(epoch, serial, not self.well(), not self.well(), self.chance.choice((2.0, 500.0, 10_000.0)))

    def stash(self, name: str) -> Stash:
        disk = DISK + self.chance.choice(DISKS)
        stash = Stash(name, disk if self.chance.random() < 0.1 else self.address(), self.labels(2), self.since())
        if not self.well():
            return replace(stash, publishing_fails=self.chance.random() < 0.5)
        stash = replace(stash, published=self.holding(48.0), publishing_fails=not self.well())
        if self.chance.random() < 0.3:
            stash = replace(stash, read=self.holding(self.chance.choice((24.0, 72.0))))
        return stash if self.well() else replace(stash, unread=self.unread())

    def unread(self) -> Tries:
        code = self.chance.choice(("not-opened", "not-mounted", "not-found", *OFFLINE))
        return Tries(None, self.chance.choice((2.0, 12.0, 60.0, 96.0)), 1, code)

    def holding(self, age: float) -> Holding:
        epochs = (self.epoch, self.epoch + 1) if self.rotating else (self.epoch,)
        return Holding(self.serials(), epochs if self.well() else (max(1, self.epoch - 1),), age)

    def address(self) -> str:
        if self.chance.random() < 0.3:
            return MACHINE
        return self.chance.choice(HOSTS[:4] if self.well() else HOSTS)

    def dataset(self, name: str) -> Dataset:
        source = self.source()
        count = self.chance.choice((3, 4)) if self.tidy else self.chance.randint(1, 3)
        destinations = tuple(self.destination(f"c{number}") for number in range(count))
        return Dataset(name, source, destinations, held=self.chance.random() < self.often_held)

    def source(self) -> Source:
        pulled = self.tries(1)
        kind = self.chance.randrange(3)
        if kind == 0:
            return Source(Form.CLEAR_AWAY, self.address_away(), self.labels(2), self.since(), 1, pulled=pulled)
        return Source(Form.IN_HAND, MACHINE, self.labels(2), self.since(), 1, kind == 1, pulled)

    def address_away(self) -> str:
        return self.chance.choice(HOSTS[:4] if self.well() else HOSTS)

    def destination(self, name: str) -> Destination:
        form = self.chance.choice(list(Form))
        every = self.chance.choice((6, 24, 24, 168, None))
        place = Destination(name, form, self.address_of(form), self.labels(3), self.since(), every)
        if self.recovered and self.chance.random() < 0.3:
            return place
        return replace(
            place,
            pushed=self.tries(every or 1),
            verified=self.checked(),
            rehearsed=self.checked(),
            seen=self.listed(every or 1),
            empty=self.chance.random() < 0.3,
        )

    def address_of(self, form: Form) -> str:
        if form is Form.CLEAR_AWAY:
            return self.address_away()
        if self.chance.random() < 0.3:
            return DISK + self.chance.choice(DISKS) if form is not Form.KEYED else MACHINE
        return MACHINE if form is Form.IN_HAND else self.address()

    def tries(self, every: int) -> Tries:
        """A step that the schedule runs every so many hours."""
        if self.well():
            return Tries(every * 0.4, every * 0.4)
        if self.chance.random() < 0.4:
            return Tries() if self.chance.random() < 0.5 else Tries(None, 1.0, 3, "unreachable")
        age = every * self.chance.choice((0.5, 1.2, 1.8, 2.5, 9.0))
        if self.chance.random() < 0.4:
            return Tries(age, age)
        return Tries(age, min(age, 1.0) / 2, 2, self.chance.choice(("unreachable", "login-refused", "not-inserted")))

    def checked(self) -> Tries:
        """A check that somebody asked for, or nobody."""
        if self.well() or self.chance.random() < 0.4:
            return Tries() if self.chance.random() < 0.7 else Tries(5.0, 5.0)
        well = self.chance.choice((None, 200.0))
        codes = ("damaged", "damaged", "no-version", "not-found", "nothing-to-compare", "unreachable", "timeout")
        return Tries(well, self.chance.choice((1.0, 3.0, 30.0)), 1, self.chance.choice(codes))

    def listed(self, every: int) -> Tries:
        if self.chance.random() < 0.85 or self.well():
            return Tries()
        age = every * self.chance.choice((0.1, 0.9, 5.0))
        return Tries(age, age)
