"""Does a well-formed config make sense? What contradicts itself is an error, what does not protect is a warning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from paraduxd.api.frozen import dataclass
from paraduxd.core.config.capabilities import Capabilities, Role
from paraduxd.core.config.diagnostics import Diagnostic, Path
from paraduxd.core.config.models import Config, Dataset, Destination, Managed, MetadataStash, Source
from paraduxd.core.config.protocol_settings import ProtocolSettings
from paraduxd.core.config.validation import access_chains, notify_addresses, plain_notifications, reachable
from paraduxd.core.config.validation.look_alikes import look_alikes

RESERVED = frozenset({"source", "staging"})
"""Names of the other places of a dataset; no destination may have them."""


@dataclass(frozen=True)
class Known:
    """A stash whose protocol is known and whose settings are valid."""

    role: Role
    capability: Capabilities
    settings: ProtocolSettings

    @property
    def directory(self) -> str | None:
        """The directory of this machine that the stash is, in normal form; `None` elsewhere."""
        path = self.settings.local_path()
        return None if path is None else str(PurePosixPath(path))


Stashes = Mapping[Path, Known]


def check_semantics(config: Config, stashes: Stashes, encrypting: Sequence[str]) -> Iterator[Diagnostic]:
    """All findings of the config as a whole; a stash that is not in `stashes` has been reported elsewhere.

    `encrypting`: the protocols that encrypt by themselves.
    """
    yield from _ids(config)
    yield from _schedules(config)
    yield from _staging(config, stashes)
    yield from _overlaps(config, stashes)
    yield from _stewards(config)
    yield from _metadata(config)
    yield from _in_clear(config, stashes)
    yield from plain_notifications.findings(config)
    yield from notify_addresses.findings(config)
    yield from reachable.findings(config)
    yield from access_chains.findings(config)
    for index, dataset in enumerate(config.datasets):
        yield from _dataset(config, dataset, ("datasets", index), stashes, encrypting)
    yield from _one_place(config)
    yield from _look_alikes(config)


def _ids(config: Config) -> Iterator[Diagnostic]:
    yield from _unique("stewards", [steward.id for steward in config.stewards], ())
    yield from _unique("metadata_stashes", [stash.id for stash in config.metadata_stashes], ())
    yield from _unique("datasets", [dataset.id for dataset in config.datasets], ())
    for index, dataset in enumerate(config.datasets):
        path = ("datasets", index)
        yield from _unique("destinations", [destination.id for destination in dataset.destinations], path)
        for number, destination in enumerate(dataset.destinations):
            if destination.id in RESERVED:
                message = "expected an id other than source and staging, which every dataset has anyway"
                yield Diagnostic("error", (*path, "destinations", number, "id"), message)


def _unique(key: str, ids: list[str], base: Path) -> Iterator[Diagnostic]:
    seen: dict[str, int] = {}
    for index, name in enumerate(ids):
        first = seen.setdefault(name, index)
        if first != index:
            message = f"expected an id of its own: {key}[{first}] has the same"
            yield Diagnostic("error", (*base, key, index, "id"), message)


def _schedules(config: Config) -> Iterator[Diagnostic]:
    for path, stash in _scheduled(config):
        if stash.every is not None and stash.cron is not None:
            yield Diagnostic(
                "error", (*path, "cron"), "expected either every or cron, not both", "remove one", at_key=True
            )


def _scheduled(config: Config) -> Iterator[tuple[Path, Source | Destination]]:
    for index, dataset in enumerate(config.datasets):
        yield ("datasets", index, "source"), dataset.source
        for number, destination in enumerate(dataset.destinations):
            yield ("datasets", index, "destinations", number), destination


_LEAVING_OUT = ("exclude", "exclude_caches", "exclude_marker", "one_file_system", "max_size")
"""Keys of a source that leave something out of it, for which encrypted archives need a copy on this machine."""


def _staging(config: Config, stashes: Stashes) -> Iterator[Diagnostic]:
    for index, dataset in enumerate(config.datasets):
        path = ("datasets", index)
        source = stashes.get((*path, "source"))
        if source is None:
            continue
        if dataset.staging is None:
            if dataset.source.after is not None:
                message = "expected no after where staging is left out: the source is pushed later than that"
                yield Diagnostic("error", (*path, "source", "after"), message, "name a staging directory")
            if source.directory is None:
                message = "the key staging is missing: the source is not a directory of this machine"
                yield Diagnostic("error", (*path, "staging"), message, "name a directory for the copy on this machine")
            archived = any(each.encryption == "gpg" for each in dataset.destinations)
            for key in _LEAVING_OUT:
                if archived and source.directory is not None and dataset.source.settings.get(key):
                    message = (
                        f"expected no {key} where staging is left out: encrypted archives take the source as it is"
                    )
                    yield Diagnostic("error", (*path, "source", key), message, "name a staging directory")
        elif source.directory is not None and _touch(source.directory, str(PurePosixPath(dataset.staging))):
            message = "expected a staging directory outside of its source, and a source outside of it"
            yield Diagnostic("error", (*path, "staging"), message, "leave staging out to push the source as it is")


def _touch(one: str, other: str) -> bool:
    """Whether two absolute paths in normal form are equal or one lies in the other."""
    first, second = PurePosixPath(one), PurePosixPath(other)
    return first.is_relative_to(second) or second.is_relative_to(first)


def _overlaps(config: Config, stashes: Stashes) -> Iterator[Diagnostic]:
    """Two directories that Paradux writes must not touch, nor may a destination touch what is pushed to it in place."""
    written = sorted(_written(config, stashes), key=lambda entry: _sortable(entry[0]))
    around: list[tuple[str, Path]] = []
    for directory, path in written:
        while around and not _sortable(directory).startswith(_sortable(around[-1][0])):
            around.pop()
        if around:
            message = "expected a directory of its own: this one is, or lies in, another that Paradux writes to"
            yield Diagnostic("error", path, message)
        around.append((directory, path))
    for index, dataset in enumerate(config.datasets):
        source = stashes.get(("datasets", index, "source"))
        if dataset.staging is None and source is not None and source.directory is not None:
            yield from _pushed_into_itself(dataset, source.directory, ("datasets", index), stashes)


def _pushed_into_itself(dataset: Dataset, source: str, path: Path, stashes: Stashes) -> Iterator[Diagnostic]:
    for number in range(len(dataset.destinations)):
        known = stashes.get((*path, "destinations", number))
        if known is not None and known.directory is not None and _touch(source, known.directory):
            message = "expected a destination outside of the source that is pushed to it, and a source outside of it"
            yield Diagnostic("error", (*path, "destinations", number), message)


def _sortable(directory: str) -> str:
    return directory.rstrip("/") + "/"


def _written(config: Config, stashes: Stashes) -> Iterator[tuple[str, Path]]:
    for index, dataset in enumerate(config.datasets):
        if dataset.staging is not None:
            yield str(PurePosixPath(dataset.staging)), ("datasets", index, "staging")
    for path, known in stashes.items():
        if known.role is not Role.SOURCE and known.directory is not None:
            yield known.directory, path


def _stewards(config: Config) -> Iterator[Diagnostic]:
    required, given = config.policy.shares_required, len(config.stewards)
    if required > given:
        message = f"expected at most {given}, the number of stewards"
        yield Diagnostic("error", ("policy", "shares_required"), message, "lower it, or add stewards")
    yield from _threshold(config)
    places = _places(config.owner.fate)
    for index, steward in enumerate(config.stewards):
        path = ("stewards", index)
        if steward.accepted_on is None:
            message = f"steward {steward.id} has not agreed yet"
            yield Diagnostic("warning", path, message, "ask, then write the day as accepted_on")
        if shared := places & _places(steward.fate):
            message = f"steward {steward.id} shares {_listed(shared)} with the owner's machine"
            yield Diagnostic("warning", (*path, "fate"), message, "a share should survive what the machine does not")


def _threshold(config: Config) -> Iterator[Diagnostic]:
    """Once kits are out, another `shares_required` waits for a rotation."""
    managed = config.managed
    if managed is None or not managed.kits_written:
        return
    wanted, in_force = config.policy.shares_required, managed.shares.threshold
    newest = managed.rotation.shares.threshold if managed.rotation else in_force
    if wanted != newest:
        message = f"{wanted} takes effect with the next rotation; until then {in_force} shares open the config"
        yield Diagnostic("warning", ("policy", "shares_required"), message, _new_epoch(managed))
    if len(config.stewards) < in_force:
        message = f"{in_force} shares are needed until the recovery secret is replaced, and there are {len(config.stewards)} stewards"
        yield Diagnostic("warning", ("stewards",), message, _new_epoch(managed))


def _new_epoch(managed: Managed) -> str:
    if managed.rotation is None:
        return "replace the recovery secret: paraductl rotate"
    return "a rotation is under way: write the kits it waits for, or cancel it and begin another"


def _in_clear(config: Config, known: Stashes) -> Iterator[Diagnostic]:
    """What is stored is encrypted all the same, but anybody on the way can log in afterwards."""
    stashes: list[tuple[Path, MetadataStash | Destination]] = [
        (("metadata_stashes", index), stash) for index, stash in enumerate(config.metadata_stashes)
    ]
    for number, dataset in enumerate(config.datasets):
        stashes += [
            (("datasets", number, "destinations", index), each) for index, each in enumerate(dataset.destinations)
        ]
    for path, stash in stashes:
        if path in known and (hint := known[path].capability.traits.login_in_clear):
            message = f"{stash.id} sends its password in the clear: anyone who listens on the way can remove or replace what is there"
            yield Diagnostic("warning", (*path, "protocol"), message, hint)


def _metadata(config: Config) -> Iterator[Diagnostic]:
    stashes = config.metadata_stashes
    if len(stashes) == 1:
        message = "there is only one metadata stash: when it is lost, kits hold the only other copies of this document"
        yield Diagnostic(
            "warning", ("metadata_stashes",), message, "add a second one that is not lost together with it"
        )
    for index, stash in enumerate(stashes):
        if not stash.fate:
            message = f"metadata stash {stash.id} has no fate: it counts as lost together with this machine"
            yield Diagnostic("warning", ("metadata_stashes", index), message, 'add one, like "fate": ["place:friend"]')
    if config.owner.fate and all(set(config.owner.fate) <= set(stash.fate) for stash in stashes):
        message = "every metadata stash shares every fate with the owner's machine"
        yield Diagnostic("warning", ("metadata_stashes",), message, "add one elsewhere")
    if not config.owner.fate:
        message = "the owner's machine has no fate: nobody can tell what would be lost together with it"
        yield Diagnostic("warning", ("owner",), message, 'add one, like "fate": ["place:house"]')


def _dataset(
    config: Config, dataset: Dataset, path: Path, stashes: Stashes, encrypting: Sequence[str]
) -> Iterator[Diagnostic]:
    if not dataset.destinations:
        message = f"dataset {dataset.id} has no destination: no version of it is kept anywhere"
        yield Diagnostic("warning", path, message, "add destinations")
    for key in ("max_removed", "max_changed"):
        if getattr(dataset.guard, key) >= 1:
            yield Diagnostic("warning", (*path, "guard", key), "100% means that nothing is ever held", "try 25% or 60%")
    for number, destination in enumerate(dataset.destinations):
        inner = (*path, "destinations", number)
        known = stashes.get(inner)
        yield from _destination(config, destination, inner)
        if known and known.directory is None and known.capability.encryption(destination.encryption) == "none":
            message = f"destination {destination.id} is not encrypted: anyone who runs that place can read it"
            yield Diagnostic(
                "warning", inner, message, "".join(f"{name} encrypts, for example" for name in encrypting[:1])
            )
    copies = [set(config.owner.fate), *(set(destination.fate) for destination in dataset.destinations)]
    if dataset.destinations and (common := set.intersection(*copies)):
        message = f"every copy of dataset {dataset.id} that Paradux makes shares {_listed(common)}: one loss takes all of them"
        yield Diagnostic("warning", (*path, "destinations"), message, "add a destination elsewhere")


def _destination(config: Config, destination: Destination, path: Path) -> Iterator[Diagnostic]:
    name = destination.id
    if config.owner.fate and set(config.owner.fate) <= set(destination.fate):
        message = f"destination {name} shares every fate with the staging copy: what takes one takes both"
        yield Diagnostic("warning", (*path, "fate"), message, "it protects against mistakes, not against losses")
    if not destination.fate:
        message = f"destination {name} has no fate: it counts as lost together with this machine"
        yield Diagnostic("warning", path, message, 'add one, like "fate": ["place:friend"]')


def _one_place(config: Config) -> Iterator[Diagnostic]:
    stashes: list[Destination | MetadataStash] = [*config.metadata_stashes]
    stashes += [destination for dataset in config.datasets for destination in dataset.destinations]
    common = set(config.owner.fate).intersection(*(stash.fate for stash in stashes))
    if common:
        message = f"everything shares {_listed(common)}: one loss takes all there is"
        yield Diagnostic("warning", ("owner", "fate"), message, "add a destination and a metadata stash elsewhere")


def _look_alikes(config: Config) -> Iterator[Diagnostic]:
    """Two fates that were probably meant to be one: told where the second stands for the first time."""
    first: dict[str, Path] = {}
    for path, fates in _all_fates(config):
        for number, fate in enumerate(fates):
            first.setdefault(fate, (*path, "fate", number))
    order = list(first)
    for pair in look_alikes(frozenset(first)):
        one, other = sorted(pair, key=order.index)
        message = (
            f"the fate {other} looks like {one}, written in another way: they count as two that are not lost together"
        )
        yield Diagnostic("warning", first[other], message, f"if it is the same, write {one}")


def _all_fates(config: Config) -> Iterator[tuple[Path, Sequence[str]]]:
    yield ("owner",), config.owner.fate
    yield from ((("inventory", index), entry.fate) for index, entry in enumerate(config.inventory))
    yield from ((("stewards", index), steward.fate) for index, steward in enumerate(config.stewards))
    yield from ((("metadata_stashes", index), stash.fate) for index, stash in enumerate(config.metadata_stashes))
    yield from ((path, stash.fate) for path, stash in _scheduled(config))


def _places(fates: Iterable[str]) -> set[str]:
    return {fate for fate in fates if fate.startswith("place:")}


def _listed(fates: Iterable[str]) -> str:
    return " and ".join(sorted(fates))
