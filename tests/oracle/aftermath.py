"""A loss carried out on the folders and the account of a household, and the real recovery from what is left."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.oracle import cloud
from tests.oracle.family import Form
from tests.oracle.household import Household
from tests.oracle.truth import Loss, World
from tests.rig import Installation, running

NEW = "a quite different new passphrase"


@dataclass
class Outcome:
    """What nothing brings back ("": no config could be opened), and the serial of the newest config that kits opened on a blank machine."""

    taken: frozenset[str]
    serial: int | None = None


@dataclass
class Aftermath:
    """The folders after a loss, and who tries to get everything back. `whole`: also what lies at hand is restored."""

    home: Household
    world: World
    loss: Loss
    whole: bool = False
    serial: int | None = field(default=None, init=False)

    def outcome(self) -> Outcome:
        """Carry it out, and recover."""
        self._destroy()
        with self.home.cloud.running(cloud.CHANGED if cloud.LABEL in self.loss else cloud.PASSWORD):
            opened = self._recovered()
        gone = {each for each in self.home.books.datasets if not self._is_back(each)}
        return Outcome(frozenset(gone | (set() if opened else {""})), self.serial)

    def _destroy(self) -> None:
        for fates, places in self.things():
            for place in places if self._goes(fates, places[0]) else ():
                if place.is_dir():
                    shutil.rmtree(place)
                else:
                    place.unlink(missing_ok=True)

    def _goes(self, fates: Loss, place: Path) -> bool:
        """Whether nothing is left. Who only loses the account with its provider leaves everything there, and gets no more at it."""
        locked_out = {cloud.LABEL} if place.is_relative_to(self.home.cloud.folder) else set()
        return bool(fates & self.loss - locked_out)

    def things(self) -> Iterator[tuple[Loss, tuple[Path, ...]]]:
        """Everything that can be lost: its labels, and where it lies."""
        root, fates, family = self.home.root, self.world.fates, self.world.family
        for stash in family.stashes:
            yield fates.place(stash), (self.home.folders[stash.name],)
        for dataset in family.datasets:
            yield fates.place(dataset.source), (root / "sources" / dataset.name,)
            for each in dataset.destinations:
                yield fates.place(each), (self.home.folders[each.name],)
        for steward in family.stewards:
            yield fates.kit(steward), (self.home.kit(steward.name),)
        yield fates.machine, (root / "state", root / "staging")

    @property
    def _lives(self) -> bool:
        return not self.world.fates.machine & self.loss

    def _recovered(self) -> bool:
        """Bring back what can be brought back below `back`; gives whether a config was opened."""
        with running(self.home.root if self._lives else self.home.root / "blank") as machine:
            opened = self._open(machine)
            if opened or self._lives:
                self._restore(machine)
            machine.stop()
            return opened

    def _restore(self, machine: Installation) -> None:
        back = str(self.home.root / "back")
        if self.whole:
            machine.owner("restore", "--all", "--to", back, check=False)
            return
        for name in self.home.books.datasets:
            if not self._is_back(name):
                machine.owner("restore", name, "--to", f"{back}/{name}", check=False)

    def _open(self, machine: Installation) -> bool:
        """With the passphrase, or with the kits that are left and a new one."""
        if self._lives and not self.world.fates.memory & self.loss:
            return machine.owner("show", check=False).returncode == 0
        machine.passphrase_file.write_text(NEW + "\n")
        kits = [word for path in self._kits() for word in ("--kit", str(path))]
        done = machine.owner("--json", "recover", *kits, check=False)
        if not done.returncode and not self._lives:
            self.serial = max(each["serial"] for each in json.loads(done.stdout)["candidates"])
        return done.returncode == 0

    def _kits(self) -> Iterator[Path]:
        return (path for each in self.world.family.stewards if (path := self.home.kit(each.name)).exists())

    def _is_back(self, name: str) -> bool:
        """Whether the dataset is there whole: where it came from, on a disk in hand, or restored."""
        dataset, root = self.home.books.datasets[name], self.home.root
        expected = self.home.contents(name)
        in_hand = [self.home.folders[each.name] for each in dataset.destinations if each.form is Form.IN_HAND]
        places = (root / "sources" / name, root / "staging" / name, root / "back", *in_hand)
        return any(_holds(place, expected) for place in places)


def _holds(place: Path, expected: dict[str, bytes]) -> bool:
    """Whether some folder there has every file."""
    first = next(iter(expected))
    tops = (
        [path.parents[len(Path(first).parts) - 1] for path in place.rglob(Path(first).name)] if place.is_dir() else []
    )
    return any(all(_same(top / path, data) for path, data in expected.items()) for top in tops)


def _same(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data
