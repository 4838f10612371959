"""A second engine: one big number for each thing, and in it a bit for each set of labels that may be lost. Slow to list, hard to get wrong.

It shares nothing with `paraduxd/core` but the inputs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import reduce

from tests.oracle.family import Family
from tests.oracle.intruder import Account
from tests.oracle.truth import MOST, World


class Bits:
    """Every loss of at most three labels at once."""

    def __init__(self, family: Family, accounts: tuple[Account, ...] = ()) -> None:
        self.world = World(family)
        self.accounts = accounts
        labels = {*self.world.labels, *(label for each in accounts for label in each.labels)}
        self.labels = sorted(labels)
        self.losses = [
            frozenset(each) for size in range(MOST + 1) for each in itertools.combinations(self.labels, size)
        ]
        self.hit = {label: self._mask(label in loss for loss in self.losses) for label in self.labels}
        self.all = (1 << len(self.losses)) - 1

    def _mask(self, bits: Iterable[bool]) -> int:
        return sum(1 << number for number, bit in enumerate(bits) if bit)

    def gone(self, labels: Iterable[str]) -> int:
        """The losses that take something with these labels."""
        return reduce(int.__or__, (self.hit[label] for label in labels), 0)

    def config(self) -> int:
        """The losses after which some config opens."""
        return self._mask(bool(self.world.configs(loss)) for loss in self.losses)

    def entries(self) -> dict[str, int]:
        """Account -> the losses after which the family still gets in: the least fixed point, all losses at once."""
        config, had = self.config(), {each.name: 0 for each in self.accounts}
        before = None
        while before != had:
            before = dict(had)
            for each in self.accounts:
                own = [*each.needs] or ([()] if each.written else [])
                ways = [self._all(way, had) & (config if each.written else self.all) for way in own]
                ways += [self._all(way, had) for way in each.resets]
                ways += [self.all] if not ways else []
                had[each.name] = reduce(int.__or__, ways, 0) & ~self.gone(each.labels) & self.all
        return had

    def _all(self, names: Iterable[str], had: dict[str, int]) -> int:
        return reduce(int.__and__, (had[name] for name in names), self.all)

    def smallest(self, left: int) -> frozenset[frozenset[str]]:
        """The smallest losses after which something is not left."""
        lost = [loss for number, loss in enumerate(self.losses) if not left >> number & 1]
        return frozenset(loss for loss in lost if not any(other < loss for other in lost))
