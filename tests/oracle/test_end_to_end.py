"""Random families with a real Paradux: what status claims is held against a real loss and the real recovery from it.

`PARADUX_ORACLE_HOUSEHOLDS="21 22 23"` tries others.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.oracle.compare import compare
from tests.oracle.explain import explain
from tests.oracle.family import Family, Form
from tests.oracle.household import Household, keep, put_back
from tests.oracle.truth import Loss, World, truth
from tests.rig import Installation, running
from tests.width import today

_OURS = today((3, 14, 15), 1)
"""These have a rotation under way, places that were moved, one that refuses, and credentials in memory only: one a day."""

SEEDS = [int(seed) for seed in os.environ.get("PARADUX_ORACLE_HOUSEHOLDS", "").split()] or _OURS

LOSSES = 9
"""Of each of the families."""

TRIED = 3
"""Of these a day, until all have had their turn."""

NEW = "a quite different new passphrase"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
def test_what_status_claims_is_what_comes_back(tmp_path: Path, seed: int) -> None:
    home = Household(tmp_path / "w", seed)
    try:
        home.prepare()
        document, family = home.status(), home.family()
        losses = list(_losses(family, random.Random(seed)))
        predicted = {loss: home.lost_if(loss) for loss in losses}
    finally:
        home.close()
    found = compare(truth(family), document, set(home.books.datasets))
    assert not found, "\n".join(each.text for each in found)
    found = compare(truth(family), document, set(home.books.datasets))
    assert not found, explain(seed, family, found)
    assert predicted == {loss: World(family).taken(loss) for loss in losses}
    archive = keep(home.root)
    for loss in today(losses, TRIED):
        put_back(archive, home.root)
        taken = _Aftermath(home, World(family), loss).taken()
        assert taken == predicted[loss], f"seed {seed}, loss of {sorted(loss)}"


def _losses(family: Family, chance: random.Random) -> Iterator[Loss]:
    """The weakest, some that are survived, some of any kind."""
    known, labels = truth(family), World(family).labels
    weakest = sorted(map(sorted, known.weakest))
    survived = [each for each in itertools.combinations(labels, known.survives) if each]
    chosen = chance.sample(weakest, min(2, len(weakest))) + chance.sample(survived, min(2, len(survived)))
    while len(chosen) < LOSSES:
        chosen.append(chance.sample(labels, chance.randint(1, 3)))
    return map(frozenset, chosen)


@dataclass
class _Aftermath:
    """The folders after a loss, and who tries to get everything back."""

    home: Household
    world: World
    loss: Loss

    def taken(self) -> frozenset[str]:
        """The datasets that nothing brings back; "" when no config could be opened."""
        self._destroy()
        opened = self._recovered()
        gone = {each for each in self.home.books.datasets if not self._is_back(each)}
        return frozenset(gone | (set() if opened else {""}))

    def _destroy(self) -> None:
        root, fates, family = self.home.root, self.world.fates, self.world.family
        for stash in family.stashes:
            self._lose(fates.place(stash), self.home.folders[stash.name])
        for dataset in family.datasets:
            self._lose(fates.place(dataset.source), root / "sources" / dataset.name)
            for each in dataset.destinations:
                self._lose(fates.place(each), self.home.folders[each.name])
        for steward in family.stewards:
            self._lose(fates.kit(steward), self.home.kit(steward.name))
        self._lose(fates.machine, root / "state", root / "staging")

    def _lose(self, fates: Loss, *places: Path) -> None:
        for place in places if fates & self.loss else ():
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)

    @property
    def _lives(self) -> bool:
        return not self.world.fates.machine & self.loss

    def _recovered(self) -> bool:
        """Bring back what can be brought back below `back`; gives whether a config was opened."""
        with running(self.home.root if self._lives else self.home.root / "blank") as machine:
            opened = self._open(machine)
            if opened or self._lives:
                machine.owner("restore", "--all", "--to", str(self.home.root / "back"), check=False)
            machine.stop()
            return opened

    def _open(self, machine: Installation) -> bool:
        """With the passphrase, or with the kits that are left and a new one."""
        if self._lives and not self.world.fates.memory & self.loss:
            return machine.owner("show", check=False).returncode == 0
        machine.passphrase_file.write_text(NEW + "\n")
        kits = [word for path in self._kits() for word in ("--kit", str(path))]
        return machine.owner("recover", *kits, check=False).returncode == 0

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
