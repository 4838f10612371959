"""What is asked for, as the single runs that it takes. Pure: a plan and the words of a call in, drafts or one error out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field

from paraduxd.api.calls import JsonObject
from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.listing_questions import Question, RestoreOptions
from paraduxd.api.suggestions import did_you_mean
from paraduxd.core.devices.stick_rules import Stick
from paraduxd.core.plan.model import DatasetPlan, DestinationPlan, Plan
from paraduxd.core.runs.facts import Key
from paraduxd.core.runs.orders import Step
from paraduxd.core.runs.queue import IN_PLACE, LOCAL, STAGING

SOURCE = "source"
"""The location of a pull."""

_PLAIN = RestoreOptions()


@dataclass(frozen=True)
class Draft:
    """One run to be queued, and what asks for it: "manual", "schedule", "catch-up", "retry", "notice" or "inserted" (a stick).

    `after`: the target of the run it has to wait for; `detail` as in `core/runs/queue.py`; `arguments` are those of the order that do not
    follow from the plan; `uid`: who asked, 0 also for the schedule.
    """

    key: Key
    trigger: str = "manual"
    after: Key | None = None
    detail: str = ""
    arguments: JsonObject = field(default_factory=dict)
    uid: int = 0


def places(plan: Plan) -> dict[tuple[str, str], str]:
    """(dataset, location) -> place, for every location of the plan; a metadata stash belongs to the dataset ""."""
    found = {("", address.id): LOCAL for address in (*plan.notify, *plan.heartbeat)}
    found.update({("", stash.id): stash.place for stash in plan.metadata_stashes})
    for dataset in plan.datasets:
        found[(dataset.id, SOURCE)] = dataset.source.place
        found[(dataset.id, STAGING)] = LOCAL
        found.update({(dataset.id, destination.id): destination.place for destination in dataset.destinations})
    return found


def pull(dataset: str, trigger: str = "manual") -> Draft:
    """Source to staging."""
    return Draft((dataset, Step.PULL, SOURCE), trigger)


def push(dataset: str, destination: str, after: Key | None = None) -> Draft:
    """Staging to one destination."""
    return Draft((dataset, Step.PUSH, destination), after=after)


def backup(plan: Plan, datasets: Sequence[str], destination: str | None, *, pulls: bool, pushes: bool) -> list[Draft]:
    """Pull, then push to all destinations (or one) that have it; no `datasets`: all."""
    drafts = []
    chosen = chosen_datasets(plan, datasets)
    for dataset, destinations in _with_destinations(chosen, destination):
        before = pull(dataset.id) if pulls else None
        drafts += [before] if before else []
        if pushes:
            drafts += [push(dataset.id, each.id, after=before.key if before else None) for each in destinations]
    return drafts


def verify(plan: Plan, dataset: str | None, *, deep: bool) -> list[Draft]:
    """Check all destinations of one dataset, or of all."""
    return [
        Draft((each.id, Step.VERIFY, destination.id), detail="deep" if deep else "", arguments={"deep": deep})
        for each in chosen_datasets(plan, [dataset] if dataset else [])
        for destination in each.destinations
    ]


_TEST = {"title": "Paradux: a test", "body": "Notices of Paradux reach you at this address. Nothing is wrong.\n"}


def notify_test(plan: Plan) -> list[Draft]:
    """A test through every address for notices."""
    if not plan.notify:
        raise ParaduxError("no-addresses", "the config has no address for notices", "add one to notify: paraductl edit")
    return [Draft(("", Step.NOTIFY, address.id), arguments=_TEST) for address in plan.notify]


def versions(plan: Plan, dataset: str, destination: str | None, *, others: bool = False) -> list[Draft]:
    """Ask one destination, or all, what can be restored; `others`: what was not pushed there as well."""
    pairs = _with_destinations(chosen_datasets(plan, [dataset]), destination)
    detail, arguments = ("all", {"all": True}) if others else ("", {})
    return [
        Draft((each.id, Step.VERSIONS, one.id), detail=detail, arguments=arguments)
        for each, destinations in pairs
        for one in destinations
    ]


def look(plan: Plan, dataset: str, location: str, question: Question, uid: int = 0) -> Draft:
    """Look into versions at one place. Each is a request of its own."""
    (chosen,) = chosen_datasets(plan, [dataset])
    if location != STAGING:
        _with_destinations([chosen], location)
    arguments = {"question": to_json_value(question), "root": chosen.source.root}
    return Draft((dataset, Step.LIST, location), detail=f"{uid} {question!r}", arguments=arguments)


def prune(plan: Plan, dataset: str, destination: str | None) -> list[Draft]:
    """Remove versions at one destination, or at all of a dataset."""
    pairs = _with_destinations(chosen_datasets(plan, [dataset]), destination)
    return [Draft((each.id, Step.PRUNE, one.id)) for each, destinations in pairs for one in destinations]


def restore(
    plan: Plan,
    dataset: str,
    location: str,
    *,
    to: str,
    at: str | None = None,
    paths: Sequence[str] = (),
    uid: int = 0,
    options: RestoreOptions = _PLAIN,
) -> Draft:
    """Write one version into a directory, which may be one of `uid`. Each is a request of its own."""
    (chosen,) = chosen_datasets(plan, [dataset])
    if location != STAGING:
        _with_destinations([chosen], location)
    elif at is not None or options.version is not None:
        raise ParaduxError("bad-request", "staging holds the newest state only", "choose a destination with --from")
    if options.in_place:
        to = _source_here(chosen)
    if not to.startswith("/") or "\x00" in to:
        raise ParaduxError("bad-request", "the directory to restore to must be an absolute path", "give it with --to")
    more = {} if options == _PLAIN else {"options": to_json_value(options)}
    arguments = {"to": to, "at": at, "paths": list(paths), "uid": uid, "root": chosen.source.root, **more}
    detail = f"{IN_PLACE if options.in_place else ''}{arguments!r}"
    return Draft((dataset, Step.RESTORE, location), detail=detail, arguments=arguments)


def _source_here(dataset: DatasetPlan) -> str:
    """The directory of this machine that the source is; raises `ParaduxError` "not-here"."""
    if dataset.source.in_place:
        return dataset.staging
    if not dataset.source.here:
        raise ParaduxError(
            "not-here", f"the source of {dataset.id} is not a folder of this machine", "restore into a folder with --to"
        )
    return dataset.source.root


def needs_key(plan: Plan, dataset: str, location: str) -> bool:
    """Whether what lies there can be read with a private key only, which is in the config."""
    found = plan.dataset(dataset)
    return any(each.id == location and each.encryption == "gpg" for each in (found.destinations if found else ()))


def publish(plan: Plan) -> list[Draft]:
    """Upload the outbox to every metadata stash."""
    return [Draft(("", Step.PUBLISH, stash.id)) for stash in plan.metadata_stashes]


def hostkeys(hosts: Sequence[tuple[str, int] | tuple[str, int, str]]) -> Draft:
    """Fetch the host keys of SSH servers and the certificates of TLS servers (with how), to be shown to the owner."""
    arguments = {"hosts": [list(host) for host in hosts]}
    return Draft(("", Step.HOSTKEYS, ""), detail=repr(arguments), arguments=arguments)


def kit_check(stick: Stick, steward: str) -> Draft:
    """Read all of a stick that is known to hold the kit of a steward."""
    where = {"directory": stick.directory} if stick.directory else {"device": stick.device}
    arguments = {**where, "device_serial": stick.serial, "uuid": stick.uuid}
    return Draft(("", Step.KIT_CHECK, steward), "inserted", detail=stick.directory or stick.device, arguments=arguments)


def chosen_datasets(plan: Plan, names: Sequence[str]) -> list[DatasetPlan]:
    """The datasets with these ids, all without any; raises `ParaduxError` "not-found" with the nearest name."""
    known = {dataset.id: dataset for dataset in plan.datasets}
    for name in names:
        if name not in known:
            raise _unknown("dataset", name, known)
    return [known[name] for name in dict.fromkeys(names)] if names else list(plan.datasets)


def _with_destinations(
    datasets: Sequence[DatasetPlan], name: str | None
) -> list[tuple[DatasetPlan, list[DestinationPlan]]]:
    """Each dataset with the destinations that are meant; with a name, only the datasets that have it."""
    if name is None:
        return [(dataset, list(dataset.destinations)) for dataset in datasets]
    pairs = [(dataset, [one for one in dataset.destinations if one.id == name]) for dataset in datasets]
    fitting = [(dataset, found) for dataset, found in pairs if found]
    if not fitting:
        raise _unknown("destination", name, {one.id for dataset in datasets for one in dataset.destinations})
    return fitting


def _unknown(what: str, name: str, known: Iterable[str]) -> ParaduxError:
    hint = did_you_mean(name, known, "see: paraductl status")
    return ParaduxError("not-found", f"there is no {what} of this name", hint)
