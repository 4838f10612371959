"""Every loss at once: what each single label takes, the smallest sets that lose something, and what would shut people out of accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.what_if import AccountLoss, Cell, MinimalLoss, Single
from paraduxd.core.recoverability import fates
from paraduxd.core.recoverability.families import ALWAYS, Fates
from paraduxd.core.recoverability.fates import Loss
from paraduxd.core.whatif import inventory, timing
from paraduxd.core.whatif.losses import Aftermath, out_of_reach
from paraduxd.core.whatif.timing import Span
from paraduxd.core.whatif.world import Detail, World, with_implied

MOST = 200
"""So many smallest sets are listed; all are counted for `survives_any`."""


@dataclass(frozen=True)
class Survey:
    """All losses of one world."""

    world: World

    @cached_property
    def losses(self) -> tuple[Loss, ...]:
        """The smallest sets of labels that lose a dataset or the config."""
        return fates.minimal_losses(self.world.model)

    @cached_property
    def survived(self) -> int:
        """So many losses are survived, whichever they are."""
        return fates.survived(self.world.model, self.losses)

    def minimal(self, size: int | None = None) -> tuple[MinimalLoss, ...]:
        """The smallest sets, or those of one size."""
        chosen = (loss for loss in self.losses if size in (None, len(loss.fates)))
        return tuple(MinimalLoss(loss.fates, loss.lost) for loss, _ in zip(chosen, range(MOST), strict=False))

    def singles(self) -> tuple[Single, ...]:
        """What each label takes, in the order in which labels are named."""
        labels = sorted(self.world.every_label, key=fates.by_kind)
        return tuple(self._single(label) for label in labels)

    def _single(self, label: str) -> Single:
        after = Aftermath(self.world, with_implied((label,)))
        touched = tuple(self._touched(label, after))
        before = set(self._now.lost())
        kits = tuple(name for name in self._now.kits if name not in after.kits)
        lost = sorted(cell.id for cell in touched if not cell.left)
        config = after.lost()[-1:] if after.newest is None and self._now.newest is not None else ()
        return Single(
            lose=(label,),
            lost=(*(name for name in lost if name not in before), *config),
            touched=touched,
            config_by=after.by,
            spare=max(len(after.kits) - after.access.required, 0),
            stewards=kits,
            out_of_reach=out_of_reach(after) if self.world.plan.inventory else (),
        )

    @cached_property
    def _now(self) -> Aftermath:
        return Aftermath(self.world)

    @cached_property
    def _by_label(self) -> dict[str, tuple[str, ...]]:
        """The datasets that have a copy with this label."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for name, details in self.world.details.items():
            for label in frozenset().union(*(each.copy.fates for each in details)):
                found[label][name] = None
        return {label: tuple(names) for label, names in found.items()}

    def _touched(self, label: str, after: Aftermath) -> Iterator[Cell]:
        """Datasets of which less is left, or for which it takes longer."""
        access_is_hit = (
            after.newest != self._now.newest or after.machine != self._now.machine or after.by != self._now.by
        )
        names = self.world.details if access_is_hit else self._by_label.get(label, ())
        for name in names:
            details = self.world.details[name]
            left = [each for each in details if after.is_left(name, each)]
            if access_is_hit or len(left) < len(details):
                yield _cell(name, after, details, left)

    def accounts(self) -> tuple[AccountLoss, ...]:
        """For each entry of the inventory the smallest sets of labels that shut everybody out, entries with the same set together."""
        if not self.world.plan.inventory:
            return ()
        causes: dict[Fates, set[str]] = defaultdict(set)
        families = inventory.lost_families(self.world.plan, self.world.model.access.lost())
        for name, family in families.items():
            for loss in family - ALWAYS:
                causes[loss].add(name)
        order = [entry.id for entry in self.world.plan.inventory]
        found = [
            AccountLoss(tuple(sorted(loss, key=fates.by_kind)), tuple(sorted(causes[loss], key=order.index)))
            for loss in causes
        ]
        return tuple(sorted(found, key=lambda each: (len(each.lose), -len(each.out_of_reach), each.lose))[:MOST])


def _cell(name: str, after: Aftermath, details: tuple[Detail, ...], left: list[Detail]) -> Cell:
    ages = [each.age for each in left if each.age is not None]
    back = timing.fastest([after.back_in(each) for each in left]) if left else Span(None)
    return Cell(name, len(left), len(details), min(ages, default=None), back.seconds)
