"""The one change that helps most: candidates are tried on the model, and whichever leaves the family best off wins.

A change is better when more losses are survived, whichever they are; then when the smallest losses that are not survived take less; then
when there are fewer of them; then when somebody who controls the machine could remove fewer datasets. Of equals the cheaper one wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from paraduxd.api.replies.what_if import Advice
from paraduxd.core.plan.model import DatasetPlan, DestinationPlan, Plan
from paraduxd.core.recoverability import copies
from paraduxd.core.recoverability.access import Access, Kit, Stash
from paraduxd.core.recoverability.families import ALWAYS, UP_TO, Family, Fates
from paraduxd.core.recoverability.fates import Copy, Model, Pattern, Search
from paraduxd.core.whatif.compromise import MACHINE, Intruder
from paraduxd.core.whatif.survey import Survey
from paraduxd.core.whatif.world import World

ELSEWHERE: Fates = frozenset(("place:elsewhere",))
"""A place that shares nothing with any other."""

TRIED = 12
"""So many datasets, places or stewards are tried of each kind."""

COSTS = {
    "label": 0,
    "move-share": 1,
    "new-kits": 2,
    "protect": 3,
    "add-stash": 4,
    "add-copy": 5,
    "add-steward": 6,
}
"""What is easier for a family comes first."""


@dataclass(frozen=True, order=True)
class Score:
    """How well off a family is: larger is better."""

    survives: int
    lost: int
    sets: int
    destroyed: int


@dataclass(frozen=True)
class Candidate:
    """One change. `model`: what is where after it; `plan`: if it changes what somebody else may do."""

    change: str
    subject: str
    sentence: str
    model: Model
    plan: Plan | None = None


@dataclass
class Scorer:
    """Scores of models; what they have in common is computed once."""

    _searches: dict[int, tuple[Access, Search]] = field(default_factory=dict)
    _families: dict[tuple[int, Pattern], Family] = field(default_factory=dict)

    def score(self, model: Model, destroyed: int) -> Score:
        """How well off they are with this model."""
        sizes = self.lost_by_size(model)
        critical = next((size for size, (lost, _) in enumerate(sizes) if lost), UP_TO + 1)
        lost, sets = sizes[critical] if critical <= UP_TO else (0, 0)
        return Score(max(critical - 1, 0) if critical else -1, -lost, -sets, -destroyed)

    def lost_by_size(self, model: Model) -> list[tuple[int, int]]:
        """For each number of labels: how many things sets of that size lose, and how many sets there are."""
        search = self._searches.setdefault(id(model.access), (model.access, Search(model.access, UP_TO)))[1]
        lost, sets = [0] * (UP_TO + 1), [set[Fates]() for _ in range(UP_TO + 1)]
        for fates in model.access.lost(0, UP_TO):
            lost[len(fates)] += 1
            sets[len(fates)].add(fates)
        for pattern, names in model.patterns.items():
            for fates in self._family(model.access, search, pattern):
                lost[len(fates)] += len(names)
                sets[len(fates)].add(fates)
        return [(count, len(found)) for count, found in zip(lost, sets, strict=True)]

    def _family(self, access: Access, search: Search, pattern: Pattern) -> Family:
        key = (id(access), pattern)
        if key not in self._families:
            self._families[key] = search.lost(pattern) if pattern else ALWAYS
        return self._families[key]


@dataclass(frozen=True)
class Advisor:
    """Tries everything on one world."""

    survey: Survey
    scorer: Scorer = field(default_factory=Scorer)

    @cached_property
    def world(self) -> World:
        """As it is now."""
        return self.survey.world

    @cached_property
    def destroyed(self) -> tuple[str, ...]:
        """The datasets that somebody who controls the machine could remove altogether."""
        return _destroyed(self.world)

    def best(self) -> tuple[Advice, ...]:
        """All changes that help, the best first."""
        now = self.scorer.score(self.world.model, len(self.destroyed))
        critical = max(now.survives + 1, 0)
        before = self.scorer.lost_by_size(self.world.model)[critical][0] if critical <= UP_TO else 0
        found: list[tuple[Score, int, Candidate]] = []
        for each in self._candidates():
            destroyed = (
                len(self.destroyed) if each.plan is None else len(_destroyed(replace(self.world, plan=each.plan)))
            )
            score = self.scorer.score(each.model, destroyed)
            if score > now:
                found.append((score, COSTS[each.change], each))
        found.sort(key=lambda each: each[1])
        found.sort(key=lambda each: each[0], reverse=True)
        return tuple(self._advice(score, before, critical, each) for score, _, each in found)

    def _advice(self, score: Score, before: int, critical: int, candidate: Candidate) -> Advice:
        after = self.scorer.lost_by_size(candidate.model)[critical][0] if critical <= UP_TO else 0
        return Advice(
            change=candidate.change,
            subject=candidate.subject,
            sentence=candidate.sentence,
            survives_any=max(score.survives, 0),
            lost_by_critical=(before, after),
            destroyed_by_machine=(len(self.destroyed), -score.destroyed),
        )

    def _candidates(self) -> Iterator[Candidate]:
        yield from self._labels()
        yield from self._moved_shares()
        yield from self._kits()
        yield from self._protection()
        yield from self._copies()

    @cached_property
    def _critical(self) -> tuple[Fates, ...]:
        losses = self.survey.losses
        smallest = len(losses[0].fates) if losses else 0
        return tuple(frozenset(loss.fates) for loss in losses if len(loss.fates) == smallest)

    @cached_property
    def _critical_labels(self) -> Fates:
        return frozenset().union(*self._critical)

    def _labels(self) -> Iterator[Candidate]:
        """A place without a fate gets one of its own, if it really lies elsewhere."""
        for assumed in self.world.labels.assumed[:TRIED]:
            plan = _labelled(self.world.plan, assumed.place)
            if plan is not None:
                sentence = f'say what takes {assumed.place} along, like "fate": ["place:..."]: it is taken to die with this machine'
                yield Candidate("label", assumed.place, sentence, replace(self.world, plan=plan).model)

    def _moved_shares(self) -> Iterator[Candidate]:
        access, world = self.world.model.access, self.world
        stewards = [each for each in world.plan.stewards if copies.has_kit(world.plan, world.facts, each.id)]
        for steward, kit in list(zip(stewards, access.kits, strict=True))[:16]:
            own = frozenset((f"person:{steward.id}",))
            if kit.fates == own or kit.fates.isdisjoint(self._critical_labels):
                continue
            moved = tuple(replace(each, fates=own) if each is kit else each for each in access.kits)
            sentence = f"let {steward.id} keep the share elsewhere: {_listed(kit.fates - own)} takes it along"
            yield self._with_access("move-share", steward.id, sentence, replace(access, kits=moved))

    def _kits(self) -> Iterator[Candidate]:
        """New kits for those who have none, or an old one; a steward more; a metadata stash more, and new kits that name it."""
        world, access = self.world, self.world.model.access
        plan, where = world.plan, world.labels
        fresh = tuple(Kit(where.of_steward(each), plan.serial) for each in plan.stewards)
        if frozenset(fresh) != frozenset(access.kits):
            lacking = [each.id for each in plan.stewards if not copies.has_kit(plan, world.facts, each.id)]
            whose = ", ".join(lacking) if lacking else "all stewards"
            sentence = (
                f"write new kits, and hand them over: paraductl create-steward-device {' '.join(lacking) or '--all'}"
            )
            yield self._with_access("new-kits", whose, sentence, replace(access, kits=fresh))
        more = (*access.kits, Kit(frozenset(("person:elsewhere",)), plan.serial))
        sentence = "ask one more person, who lives elsewhere, to be a steward"
        yield self._with_access("add-steward", "a new steward", sentence, replace(access, kits=more))
        stash = Stash(ELSEWHERE, 1, plan.serial)
        sentence = "publish the config to one more metadata stash, elsewhere, and write new kits that name it"
        yield self._with_access(
            "add-stash", "a new metadata stash", sentence, replace(access, stashes=(*access.stashes, stash), kits=fresh)
        )

    def _with_access(self, change: str, subject: str, sentence: str, access: Access) -> Candidate:
        return Candidate(change, subject, sentence, replace(self.world.model, access=access))

    def _protection(self) -> Iterator[Candidate]:
        """A place from which this machine can remove nothing."""
        names = set(self.destroyed)
        places: dict[str, None] = {}
        for dataset in self.world.plan.datasets:
            if dataset.id in names:
                places.update((each.id, None) for each in dataset.destinations if each.protects == "none")
        for name in list(places)[:TRIED]:
            plan = _protected(self.world.plan, name)
            sentence = (
                f"make {name} append-only: whoever controls this machine could remove every copy of {_some(names)}"
            )
            yield Candidate("protect", name, sentence, self.world.model, plan)

    @cached_property
    def _saved(self) -> Access:
        """What opens the config once a change of it was saved: kits stay as they are; stashes that hold the present one get the next."""
        access, serial = self.world.model.access, self.world.plan.serial
        stashes = (replace(each, serial=serial + 1) if each.serial == serial else each for each in access.stashes)
        return replace(access, serial=serial + 1, stashes=tuple(stashes))

    def _copies(self) -> Iterator[Candidate]:
        """Another copy of what the smallest losses take, at each place that there is, and elsewhere."""
        model, world = self.world.model, self.world
        wanted = self.survey.losses[: TRIED * 4] if self.survey.losses else ()
        lost = dict.fromkeys(name for loss in wanted for name in loss.lost if name in model.datasets)
        lost.update((name, None) for name, held in model.datasets.items() if not held)
        groups = {**_groups(world.plan.datasets, world), "elsewhere": ELSEWHERE}
        for name in list(lost)[:TRIED]:
            held = model.datasets[name]
            for place, fates in list(groups.items())[-TRIED:]:
                if any(copy.fates <= fates for copy in held):
                    continue
                copy = Copy("new", fates, world.plan.serial + 1)
                datasets: Mapping[str, Sequence[Copy]] = {**model.datasets, name: (*held, copy)}
                where = (
                    "elsewhere, where nothing else of it is"
                    if place == "elsewhere"
                    else f"at {place} ({_listed(fates)})"
                )
                sentence = f"keep another copy of {name} {where}"
                changed = Model({key: tuple(value) for key, value in datasets.items()}, self._saved)
                yield Candidate("add-copy", f"{name} at {place}", sentence, changed)


def _destroyed(world: World) -> tuple[str, ...]:
    """The datasets of which nothing is left when the machine is in somebody else's hands."""
    taken = Intruder(world, frozenset((MACHINE,))).taken.copies
    return tuple(
        name
        for name, details in world.details.items()
        if details and all((name, each.copy.location) in taken for each in details)
    )


def _groups(datasets: Sequence[DatasetPlan], world: World) -> dict[str, Fates]:
    """Places that there are already: one for each set of labels."""
    found: dict[Fates, str] = {}
    for dataset in datasets:
        for each in dataset.destinations:
            if each.fates:
                found.setdefault(world.labels.of(each), each.id)
    return {name: fates for fates, name in found.items()}


def _labelled(plan: Plan, place: str) -> Plan | None:
    """The plan in which this place (as `Labels.assumed` names it) has a label of its own; `None` for a metadata stash's name."""
    own = (f"place:elsewhere-{place.replace('/', '-').replace(':', '-')}",)

    def label(dataset: DatasetPlan, each: DestinationPlan) -> DestinationPlan:
        is_meant = place in (f"{dataset.id}/{each.id}", f"host:{each.place}")
        return replace(each, fates=own) if is_meant and not each.fates else each

    datasets = tuple(
        replace(dataset, destinations=tuple(label(dataset, each) for each in dataset.destinations))
        for dataset in plan.datasets
    )
    stashes = tuple(
        replace(each, fates=own) if place in (each.id, f"host:{each.place}") and not each.fates else each
        for each in plan.metadata_stashes
    )
    changed = replace(plan, datasets=datasets, metadata_stashes=stashes)
    return changed if changed != plan else None


def _protected(plan: Plan, name: str) -> Plan:
    datasets = tuple(
        replace(
            dataset,
            destinations=tuple(
                replace(each, protects="append-only") if each.id == name else each for each in dataset.destinations
            ),
        )
        for dataset in plan.datasets
    )
    return replace(plan, datasets=datasets)


def _listed(labels: Fates) -> str:
    return " or ".join(sorted(labels)) or "nothing"


def _some(names: set[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - 2} more" if len(ordered) > 3 else ""
    shown = ordered[:2] if more else ordered
    return (", ".join(shown[:-1]) + " and " + shown[-1] if len(shown) > 1 and not more else ", ".join(shown)) + more
