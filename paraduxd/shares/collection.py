"""A whole recovery conversation as a value: what was brought, what each thing is, what is still missing.

Nothing here is believed: a manifest may be forged, a share may be wrong. `candidates` gives every secret that could be meant, and
whoever uses it proves which one opens something.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from itertools import combinations
from math import comb

from paraduxd.api.frozen import dataclass
from paraduxd.shares.kit_manifest import KitInfo, Member, SetInfo
from paraduxd.shares.slip39 import Share, ShareError, combine, read_share
from paraduxd.shares.words import parse_words

MOST_SUBSETS = 20_000
"""More than any honest recovery needs: 12,870 ways to take 8 of 16."""


@dataclass(frozen=True)
class Material:
    """What somebody brings: `label` says where it comes from ("Alice's stick", a path, "typed words")."""

    label: str
    share_text: str | None = field(default=None, repr=False)
    manifest: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)
    config: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class MaterialState:
    """What one material is: good, duplicate, old-epoch, foreign, mistyped, damaged or no-share; `text` says it to a person."""

    label: str
    state: str
    steward: str | None
    epoch: int | None
    text: str


@dataclass(frozen=True)
class ShareSet:
    """The shares of one secret. `held`: whose are there; `missing`: who else has one, as far as manifests tell; `stewards`: both.

    `owner` is empty and `epoch` `None` while only words were brought and no manifest.
    """

    owner: str
    epoch: int | None
    identifier: int
    threshold: int
    held: tuple[str, ...]
    missing: tuple[str, ...]
    stewards: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether there are enough shares to make a secret."""
        return len(self.held) >= self.threshold


@dataclass(frozen=True)
class _Entry:
    """One material, read. `problem`: why its share is none."""

    material: Material
    share: Share | None = None
    problem: str = ""
    info: KitInfo | None = None


@dataclass(frozen=True)
class ShareCollection:
    """Everything that was brought; `add` gives a new session."""

    _entries: tuple[_Entry, ...] = field(default=(), repr=False)

    @staticmethod
    def empty() -> ShareCollection:
        """A session to which nothing was brought yet."""
        return ShareCollection()

    def add(self, material: Material) -> ShareCollection:
        """The session with one more material; bad material becomes a finding."""
        return replace(self, _entries=(*self._entries, _read(material)))

    @property
    def findings(self) -> tuple[MaterialState, ...]:
        """One finding for each material, in the order in which they came."""
        return tuple(self._finding(place) for place in range(len(self._entries)))

    @property
    def keys(self) -> tuple[tuple[str, bytes], ...]:
        """(label, recovery key) of each material that brought one."""
        return tuple((each.material.label, each.material.key) for each in self._entries if each.material.key)

    @property
    def configs(self) -> tuple[tuple[str, bytes], ...]:
        """(label, encrypted config) of each material that brought one."""
        return tuple((each.material.label, each.material.config) for each in self._entries if each.material.config)

    @property
    def kits(self) -> tuple[tuple[KitInfo, bytes, Share], ...]:
        """Of each kit that was brought with its share: what its manifest says, the manifest, and the share."""
        return tuple(
            (each.info, each.material.manifest, each.share)
            for each in self._entries
            if each.info and each.material.manifest and each.share
        )

    @property
    def manifests(self) -> tuple[tuple[str, KitInfo], ...]:
        """(label, what it says) of each manifest that was brought. Nothing of it is proven."""
        return tuple((each.material.label, each.info) for each in self._entries if each.info)

    @property
    def sets(self) -> tuple[ShareSet, ...]:
        """The sets that shares were brought of: newest epoch first, then the one of which most is there."""
        found = [self._set(identifier) for identifier in dict.fromkeys(each.identifier for each in self._shares())]
        return tuple(sorted(found, key=lambda each: (-(each.epoch or 0), -len(each.held), each.identifier)))

    def report(self) -> tuple[str, ...]:
        """What there is of each set, a sentence each."""
        return tuple(_sentence(each) for each in self.sets)

    def candidates(self) -> Iterator[tuple[ShareSet, bytes]]:
        """Every secret that enough of these shares give, the newest epoch first; one forged share does not stop the others."""
        for each in self.sets:
            given: set[bytes] = set()
            for secret in self._secrets(each):
                if secret not in given:
                    given.add(secret)
                    yield each, secret

    def _shares(self) -> Iterator[Share]:
        return (each.share for each in self._entries if each.share is not None)

    def _secrets(self, wanted: ShareSet) -> Iterator[bytes]:
        """The secrets of a set. A share may lie about how many are needed, so each number that is claimed is tried by itself."""
        shares = {share.words: share for share in self._shares() if share.identifier == wanted.identifier}.values()
        for threshold in dict.fromkeys((wanted.threshold, *(share.threshold for share in shares))):
            agreeing = [share for share in shares if share.threshold == threshold]
            yield from _secrets_of(sorted(agreeing, key=self._is_doubtful), threshold)

    def _set(self, identifier: int) -> ShareSet:
        shares = {share.member: share for share in self._shares() if share.identifier == identifier}
        info = self._info_of(identifier)
        told = {member.member: member.steward for member in info[1].shares if member.steward} if info else {}
        held = tuple(self._holder(share) for share in shares.values())
        missing = tuple(name for member, name in told.items() if member not in shares)
        (threshold, _), *_ = Counter(share.threshold for share in shares.values()).most_common(1)
        owner, epoch = (info[0].owner_id, info[1].epoch) if info else ("", None)
        return ShareSet(owner, epoch, identifier, threshold, held, missing, (*held, *missing))

    def _info_of(self, identifier: int) -> tuple[KitInfo, SetInfo] | None:
        """What manifests say of a set; the one that most kits agree on, the latest written of those."""
        infos = [each.info for each in self._entries if each.info and each.info.set.identifier == identifier]
        if not infos:
            return None
        (common, _), *_ = Counter(map(_claim, infos)).most_common(1)
        best = max((info for info in infos if _claim(info) == common), key=lambda info: info.written)
        return best, best.set

    def _member(self, share: Share) -> Member | None:
        """What manifests of its set say of a share."""
        info = self._info_of(share.identifier)
        return info[1].member(share.member) if info else None

    def _is_doubtful(self, share: Share) -> bool:
        """Whether a manifest names another share in its place: it is tried last."""
        member = self._member(share)
        return member is not None and member.sha256 != share.sha256

    def _holder(self, share: Share) -> str:
        member = self._member(share)
        entry = next(each for each in self._entries if each.share and each.share.words == share.words)
        return (member and member.steward) or (entry.info and entry.info.steward_name) or entry.material.label

    def _finding(self, place: int) -> MaterialState:
        entry = self._entries[place]
        if entry.share is None:
            return _without_share(entry)
        found, member = self._set(entry.share.identifier), self._member(entry.share)
        named = entry.info is not None or (member is not None and member.steward != "")
        who = self._holder(entry.share)
        state, text = self._judged(place, entry.share, found, _whose(who, named))
        return MaterialState(entry.material.label, state, who if named else None, found.epoch, text)

    def _judged(self, place: int, share: Share, found: ShareSet, whose: str) -> tuple[str, str]:
        """The state of a share that is one, and the sentence."""
        of_epoch = f" of epoch {found.epoch}" if found.epoch else ""
        main = self._main()
        if any(each.share and each.share.words == share.words for each in self._entries[:place]):
            return "duplicate", f"{whose}{of_epoch} is there already; it counts once"
        if main is not None and found.identifier != main.identifier:
            return self._of_another_set(found, main, whose)
        if self._is_doubtful(share):
            return "damaged", f"{whose}{of_epoch} is not the one that the kits name in its place: it was altered"
        return "good", f"{whose}{of_epoch} is good"

    def _of_another_set(self, found: ShareSet, main: ShareSet, whose: str) -> tuple[str, str]:
        theirs, ours = self._info_of(found.identifier), self._info_of(main.identifier)
        if theirs is None or ours is None:
            return (
                "foreign",
                f"{whose} belongs to another set of shares; bring its kit, which tells of which owner and epoch",
            )
        if found.owner != main.owner:
            return "foreign", f"{whose} belongs to another owner ({theirs[0].owner_name}) and does not fit here"
        return "old-epoch", f"{whose} is of the old epoch {found.epoch}, replaced on {ours[1].created[:10]}"

    def _main(self) -> ShareSet | None:
        """The set that this recovery is about: that of the owner of whom most shares are there, the newest epoch."""
        if not (sets := self.sets):
            return None
        counts = Counter(
            {owner: sum(len(each.held) for each in sets if each.owner == owner) for owner in _owners(sets)}
        )
        if not counts:
            return max(sets, key=lambda each: len(each.held))
        owner = counts.most_common(1)[0][0]
        return next(each for each in sets if each.owner == owner)


def _claim(info: KitInfo) -> tuple[object, ...]:
    """What every honest manifest of a set says the same."""
    return info.owner_id, info.epoch, tuple((share.member, share.sha256) for share in info.set.shares)


def _secrets_of(shares: Sequence[Share], threshold: int) -> Iterator[bytes]:
    """The secrets of every `threshold` of these shares; those that agree with one are not tried again among themselves."""
    if comb(len(shares), threshold) > MOST_SUBSETS:
        shares = shares[: max(threshold, 16)]
    known: list[frozenset[Share]] = []
    for subset in combinations(shares, threshold):
        if len({share.member for share in subset}) < threshold or any(each.issuperset(subset) for each in known):
            continue
        secret = _combined(subset)
        if secret is not None:
            same = (each for each in shares if _combined((*subset[1:], each)) == secret)
            known.append(frozenset((*subset, *same)))
            yield secret


def _combined(shares: Sequence[Share]) -> bytes | None:
    try:
        return combine([share.text for share in shares])
    except ShareError:
        return None


def _owners(sets: Iterable[ShareSet]) -> list[str]:
    return list(dict.fromkeys(each.owner for each in sets if each.owner))


def _read(material: Material) -> _Entry:
    info = None
    if material.manifest is not None:
        try:
            info = KitInfo.from_json(material.manifest)
        except ValueError:
            info = None
    if material.share_text is None or not material.share_text.strip():
        return _Entry(material, info=info)
    try:
        return _Entry(material, share=read_share(parse_words(material.share_text)), info=info)
    except ShareError as problem:
        return _Entry(material, problem=str(problem), info=info)


def _without_share(entry: _Entry) -> MaterialState:
    label, info = entry.material.label, entry.info
    steward, epoch = (info.steward_name, info.epoch) if info else (None, None)
    if entry.problem:
        kit = entry.material.manifest is not None or entry.material.config is not None
        whose = _whose(steward or label, info is not None)
        return MaterialState(
            label, "damaged" if kit else "mistyped", steward, epoch, f"{whose} is not right: {entry.problem}"
        )
    brought = [name for name, part in (("config", entry.material.config), ("key", entry.material.key)) if part]
    taken = f"; its encrypted {' and '.join(brought)} can be used" if brought else ", and nothing else of a kit"
    return MaterialState(label, "no-share", steward, epoch, f"{label}: there is no share in it{taken}")


def _whose(name: str, named: bool) -> str:
    return f"{name}'s share" if named else f"the share from {name}"


def _sentence(found: ShareSet) -> str:
    epoch = f"epoch {found.epoch}" if found.epoch else "one set"
    here = f" ({', '.join(found.held)})"
    if len(found.held) > found.threshold:
        return f"{len(found.held)} shares of {epoch}{here}: more than the {found.threshold} that are needed"
    if found.complete:
        return f"{len(found.held)} of {found.threshold} of {epoch}{here}: enough"
    others = f"; {', '.join(found.missing)} could help" if found.missing else ""
    return f"{len(found.held)} of {found.threshold} of {epoch}{here}{others}"
