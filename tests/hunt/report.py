"""What was found, judged and printed: leaks, where secrets were as expected, and the table of canaries and situations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tests.hunt.expected import GENERAL, Rule
from tests.hunt.situations import Situation
from tests.hunt.watch import Sighting, Watch


def why_allowed(sighting: Sighting, watch: Watch, rules: Iterable[Rule]) -> str:
    """The reason of the rule that allows it; empty for a leak."""
    canary = watch.searcher.canaries[sighting.canary]
    return next((rule.why for rule in rules if rule.allows(sighting.place, canary)), "")


class Judgement:
    """Every sighting, with the reason why it is none of a leak."""

    def __init__(self, watch: Watch, situations: Sequence[Situation]) -> None:
        self.watch = watch
        self.own = {situation.name: situation.rules for situation in situations}
        self.reasons = {each: self._reason(each) for each in watch.sightings}

    def _reason(self, sighting: Sighting) -> str:
        return why_allowed(sighting, self.watch, (*self.own.get(sighting.situation, ()), *GENERAL))

    @property
    def leaks(self) -> list[Sighting]:
        """What is nowhere allowed."""
        found = (sighting for sighting, reason in self.reasons.items() if not reason)
        return sorted(found, key=lambda each: (each.situation, each.place, each.canary))

    def lines(self) -> Iterator[str]:
        """The report."""
        names = ["setup", "first backup", *self.own]
        yield from (f"{number:3}  {name}" for number, name in enumerate(names, 1))
        yield ""
        yield from self._table(names)
        yield ""
        yield "'.' found nowhere, 'e' only where it belongs, 'L' a leak. Where they belong:"
        yield from (
            f"{count:6}  {reason}" for reason, count in Counter(filter(None, self.reasons.values())).most_common()
        )
        looked = ", ".join(f"{count} {kind}" for kind, count in sorted(self.watch.looked.items()))
        yield f"Searched: {looked}; {len(self.watch.programs)} different programs were started."
        yield f"{len(self.watch.searcher.canaries)} canaries, {len(names)} situations, {len(self.leaks)} leaks"
        yield from (f"LEAK in {each.situation!r}: {each.canary}: {each.place}" for each in self.leaks)

    def _table(self, names: Sequence[str]) -> Iterator[str]:
        cells: dict[tuple[str, str], str] = {}
        for sighting, reason in self.reasons.items():
            key = (sighting.canary, sighting.situation)
            cells[key] = "L" if not reason or cells.get(key) == "L" else "e"
        width = max(map(len, self.watch.searcher.canaries))
        for digits in zip(*(f"{number:2}" for number in range(1, len(names) + 1)), strict=True):
            yield " " * (width + 2) + "".join(digits)
        for canary in self.watch.searcher.canaries:
            yield f"{canary:{width}}  {''.join(cells.get((canary, name), '.') for name in names)}"
