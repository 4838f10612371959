"""Who gets into which account, device or folder of the inventory: the same rules for a loss and for somebody else's hands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from paraduxd.core.plan.model import EntryPlan, Plan
from paraduxd.core.primitives.access_rules import Rules, Way, reached
from paraduxd.core.recoverability.families import ALWAYS, UP_TO, Family, Fates, all_of, any_of, either

CONFIG = "(config)"
"""Any config, of whatever serial: which of them knows an entry is not recorded."""


def rules(entries: Iterable[EntryPlan], *, lent: bool) -> Rules:
    """Ways to each entry. `lent`: what has no way at all is simply there; for somebody else it is not."""
    return {entry.id: _ways(entry, lent=lent) for entry in entries}


def _ways(entry: EntryPlan, *, lent: bool) -> tuple[Way, ...]:
    own = (CONFIG,) if entry.in_config else ()
    ways = [Way((*own, *needs)) for needs in entry.needs]
    if not entry.needs and entry.in_config:
        ways = [Way(own)]
    ways += [Way(needs) for needs in entry.reset_by]
    return tuple(ways) if ways else ((Way(()),) if lent else ())


def had(entries: Sequence[EntryPlan], gone: Fates, *, config: bool) -> frozenset[str]:
    """The entries that the owner or the family get into after this loss."""
    lost = {entry.id for entry in entries if not gone.isdisjoint(entry.fates)}
    return reached(rules(entries, lent=True), (CONFIG,) if config else (), lost) - {CONFIG}


def lost_families(plan: Plan, config: Family, up_to: int = UP_TO) -> dict[str, Family]:
    """For each entry the smallest losses after which nobody gets in; `config`: those after which nobody has a config.

    The greatest fixed point from "all is lost", which is what the least one of "had" leaves.
    """
    known = rules(plan.inventory, lent=True)
    own = {entry.id: any_of(entry.fates) for entry in plan.inventory}
    lost: dict[str, Family] = {CONFIG: config} | dict.fromkeys(known, ALWAYS)
    users = _users(known)
    waiting = dict.fromkeys(known)
    while waiting:
        name = next(iter(waiting))
        del waiting[name]
        ways = (_any_need(way, lost) for way in known[name])
        again = either(own[name], all_of(sorted(ways, key=len), up_to))
        if again != lost[name]:
            lost[name] = again
            waiting.update(dict.fromkeys(users.get(name, ())))
    del lost[CONFIG]
    return lost


def _any_need(way: Way, lost: dict[str, Family]) -> Family:
    found: Family = frozenset()
    for need in way.needs:
        found = either(found, lost.get(need, ALWAYS))
    return found


def _users(known: Rules) -> dict[str, list[str]]:
    """Who needs whom."""
    found: dict[str, list[str]] = {}
    for name, ways in known.items():
        for way in ways:
            for need in way.needs:
                found.setdefault(need, []).append(name)
    return found
