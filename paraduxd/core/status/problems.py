"""What status complains about: level, stable code, subject, one sentence, and what to do.

Critical, because something could not be recovered today:

    not-set-up              there is no config yet
    kits-missing            too few stewards hold a kit of this epoch (`core/status/kit_problems.py`)
    config-not-published    no metadata stash holds a config of this epoch, and too few kits do
    dataset-...             a dataset could not be had back (`core/status/dataset_problems.py`)
    superseded              another machine was recovered and has taken over
    old-shares-used         a machine was recovered with shares of an epoch that has ended, and says that it has taken over
    journal-lost            what was held is not known, so that everything is (`core/status/installation_problems.py`)

Warning, because something is late, failed, held, unproven or weaker than it should be:

    journal-damaged, save-pending, locked, transport-missing, clock-wrong, weak-kdf, memory-not-locked, metadata-not-current,
    kits-incomplete, kits-outdated, kits-old, kits-lead-nowhere,
    rotation-under-way, kit-void, kit-damaged, kit-unseen, single-loss, no-drill, drill-failed, drill-overdue,
    metadata-unproven, dataset-held, source-failed, source-overdue, source-incomplete, attributes-unstored, hook-failed, destination-failed,
    destination-overdue, destination-never, destination-damaged, destination-unchecked, destination-unproven, destination-not-thinned,
    destination-incomplete, destination-old-damage,
    notify-failed, heartbeat-failed, fates-alike, dataset-unknown, drill-incomplete
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from paraduxd.api import phrases
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.results import Pulled, Pushed, Verified
from paraduxd.api.replies.state import Guess
from paraduxd.api.replies.transfer_runs import RunError
from paraduxd.core.config.validation.look_alikes import look_alikes
from paraduxd.core.plan.model import Plan
from paraduxd.core.primitives import durations, timestamps
from paraduxd.core.recoverability.copies import holding
from paraduxd.core.recoverability.fates import Loss
from paraduxd.core.recovery.machine_claim import SUPERSEDED
from paraduxd.core.runs import unread
from paraduxd.core.runs.conditions import Condition, DatasetCondition, error_of, failed
from paraduxd.core.runs.facts import Facts, Latest
from paraduxd.core.status import succession


@dataclass(frozen=True)
class Problem:
    """One entry of `problems`. `claim` is how the headline says it, "{names}" in it being all subjects with this claim."""

    level: str
    code: str
    subject: str
    text: str
    hint: str = ""
    claim: str = ""


def not_set_up() -> Problem:
    """The one thing to say when there is no plan."""
    text = "Paradux is not set up: there is no config, and nothing is copied anywhere"
    return Problem("critical", "not-set-up", "paradux", text, "answer some questions: paraductl setup", "Not set up")


def of_daemon(facts: Facts) -> Iterator[Problem]:
    """What the daemon itself suffers from."""
    if facts.save_pending:
        text = "a save was interrupted after the vault was written, so Paradux still runs by the previous config"
        yield _warning("save-pending", "config", text, "finish it: paraductl unlock")
    if facts.daemon.weak_kdf:
        text = f"each guess of the vault's passphrase takes {_cost(facts.daemon.guess)}, which is less than it should"
        first = "start paraduxd without --weak-kdf-for-tests, then: " if facts.daemon.for_tests else ""
        yield _warning("weak-kdf", "vault", text, f"{first}paraductl passphrase (the same one will do)")
    if not facts.daemon.memory_locked:
        text = "the memory that holds secrets cannot be locked, so they may reach swap space"
        yield _warning("memory-not-locked", "daemon", text, "raise the limit of locked memory (LimitMEMLOCK=infinity)")


def _cost(guess: Guess | None) -> str:
    return f"{guess.memory / 1024**2:.3g} MiB and {guess.passes} passes of argon2id" if guess else "next to nothing"


def of_transport(plan: Plan, facts: Facts) -> Iterator[Problem]:
    """Whether transfers can run at all."""
    if not plan.unattended and facts.daemon.locked and (facts.locked_since_start or not facts.transport_ready):
        since = timestamps.stamp(timestamps.parse(facts.daemon.started)) if facts.locked_since_start else None
        text = f"locked{f' since {since}' if since else ''}: no transfers run until somebody unlocks"
        yield _warning("locked", "vault", text, "paraductl unlock")
    elif not facts.transport_ready:
        text = "the credentials of the transfers cannot be read, so no transfers run"
        yield _warning("transport-missing", "daemon", text, "write them again: paraductl unlock")


def of_old_shares(plan: Plan, facts: Facts) -> Iterator[Problem]:
    """Whether somebody has used shares that a rotation was to end."""
    for stash, since in succession.by_old_shares(facts.latest, plan):
        text = (
            f"a machine was recovered with shares of an epoch that has ended, and says at {stash} that it is this owner's Paradux"
            f" since {since[:10]}; this one does not yield to it"
        )
        hint = (
            "if that was you, use one of the two and switch the other off; if not, old shares are in wrong hands:"
            " change the credentials that paraductl rotate names"
        )
        yield Problem("critical", "old-shares-used", "config", text, hint, "somebody has used old shares")
        return


def of_config(plan: Plan, facts: Facts, opens: bool) -> Iterator[Problem]:
    """Whether the published config is there, and is the current one; `opens`: the stewards can open some config."""
    held = {stash.id: holding(plan, facts, stash) for stash in plan.metadata_stashes}
    behind = [name for name, found in held.items() if found is None or found.serial != plan.serial]
    if taken_over := _superseded(plan, facts):
        yield taken_over
        return
    count = f"{len(held) - len(behind)} of {len(held)} metadata stashes have serial {plan.serial}"
    hint = "uploads are tried again by themselves; try now: paraductl publish"
    if not any(held.values()) and not opens:
        text = f"{count}, and none has any config of epoch {plan.epoch}: with this machine it is lost"
        yield Problem("critical", "config-not-published", "config", text, hint, "no metadata stash holds the config")
    elif not any(held.values()):
        text = f"{count}, and none has any config of epoch {plan.epoch}: only this machine and kits have one"
        yield _warning("metadata-not-current", "config", text, hint)
    elif behind:
        yield _warning("metadata-not-current", "config", f"{count}; behind: {phrases.some(behind)}", hint)


def _superseded(plan: Plan, facts: Facts) -> Problem | None:
    """Another machine has taken over: what this one would send is of no use to anybody."""
    for (dataset, location), error in succession.shown(facts.latest, plan):
        where = f"{dataset}/{location}".strip("/")
        claim = "another machine has taken over"
        return Problem("critical", SUPERSEDED, "config", f"{error.message} (seen at {where})", error.hint, claim)
    return None


def of_rotation(plan: Plan) -> Iterator[Problem]:
    """How far a rotation is."""
    if plan.rotation is None:
        return
    since = timestamps.stamp(timestamps.parse(plan.rotation.started)) or "an unknown day"
    missing = [steward.id for steward in plan.stewards if steward.id not in plan.rotation.confirmed]
    count = len(plan.stewards)
    done = f"{count - len(missing)} of {count} kits of epoch {plan.rotation.epoch} are written and read back"
    text = f"rotation under way since {since}: {done}" + (f"; missing: {phrases.some(missing)}" if missing else "")
    hint = "write what is missing: paraductl create-steward-device --all; or give up: paraductl rotate --cancel"
    yield _warning("rotation-under-way", "stewards", text, hint if missing else "complete it: paraductl rotate")


def of_notices(plan: Plan, facts: Facts) -> Iterator[Problem]:
    """Whether the owner can be told."""
    for address in plan.notify:
        error = error_of(facts.latest.get(("", "notify", address.id), Latest()))
        if error is not None:
            yield _warning("notify-failed", address.id, error.message, error.hint)
    for address in plan.heartbeat:
        error = error_of(facts.latest.get(("", "heartbeat", address.id), Latest()))
        if error is not None:
            yield _warning("heartbeat-failed", address.id, error.message, error.hint)


def of_losses(losses: Sequence[Loss]) -> Iterator[Problem]:
    """What a single loss would take."""
    single = [loss for loss in losses if len(loss.fates) == 1]
    if single:
        others = phrases.count(len(single) - 1, "other single loss", "other single losses")
        more = f", and {others} too" if single[1:] else ""
        text = f"the loss of {single[0].fates[0]} alone would lose {phrases.some(single[0].lost)}{more}"
        hint = "add a place that shares no fate with the others: paraductl edit"
        yield _warning("single-loss", single[0].fates[0], text, hint)


def of_labels(given: frozenset[str]) -> Iterator[Problem]:
    """Whether two labels were probably meant to be one."""
    for one, other in look_alikes(given):
        text = f"the fates {one} and {other} look like one that is written in two ways, and count as two"
        yield _warning("fates-alike", other, text, "if they are the same, write them the same way: paraductl edit")


def of_dataset(condition: DatasetCondition, now: datetime) -> Iterator[Problem]:
    """What is wrong with the places of one dataset."""
    name = condition.plan.id
    if condition.hold is not None:
        text = f"the push of {name} is held: {condition.hold.text or 'the guard asks whether this is meant'}"
        yield _warning("dataset-held", name, text, f"find out what happened; if it is meant: paraductl approve {name}")
    yield from _location(condition.source, "source", name, now)
    yield from _incomplete(condition)
    some = any(part.completed for part in condition.destinations)
    for part in condition.destinations:
        if part.standing != "never" or some:
            yield from _location(part, "destination", f"{name}/{part.location}", now)


def _incomplete(condition: DatasetCondition) -> Iterator[Problem]:
    """What the last good pull could not read or store; and of destinations, what they lack besides."""
    name, pulled = condition.plan.id, condition.source.latest.told(Pulled)
    missing, bare = unread.unread_in(pulled), unread.unstored_in(pulled)
    if pulled.after:
        text = f"{name} was pulled, and what runs after that failed: {pulled.after}"
        yield _warning("hook-failed", name, text, "see the program in /etc/paradux/hooks.d, and try it by hand")
    if missing:
        kept = "" if condition.plan.source.in_place else ", and stay as they were last read, if ever"
        text = f"{phrases.count(missing, 'thing')} of {name} could not be read or stored in the last pull{kept}: "
        text += phrases.some(_names(pulled.unread), in_all=missing)
        hint = "make them readable for the user that copies, or leave them out with exclude: paraductl edit"
        yield _warning("source-incomplete", name, text, hint)
    if bare:
        text = f"owners, ACLs or other attributes of {phrases.count(bare, 'file')} of {name} could not be stored in staging: "
        text += phrases.some(_names(pulled.unstored), in_all=bare)
        hint = "put staging on a file system that holds them, such as ext4, XFS or Btrfs: paraductl edit"
        yield _warning("attributes-unstored", name, text, hint)
    known = missing + bare
    for part in condition.destinations:
        pushed = part.latest.told(Pushed)
        if (lacks := unread.missing_in(pushed)) > known:
            subject = f"{name}/{part.location}"
            text = f"the newest version of {subject} lacks {phrases.count(lacks, 'thing')} that could not be read or stored"
            names = _names(pushed.unread)
            text += f": {phrases.some(names, in_all=lacks)}" if names else ""
            hint = f"make them readable for the user that copies, then: paraductl backup {name}"
            yield _warning("destination-incomplete", subject, text, hint)


def of_clock(datasets: Sequence[DatasetCondition]) -> Iterator[Problem]:
    """Whether the clock can be believed."""
    ahead = [part for condition in datasets for part in (condition.source, *condition.destinations) if part.ahead]
    if ahead:
        text = f"the last run of {ahead[0].dataset}/{ahead[0].location} is dated in the future, so the clock is or was wrong"
        yield _warning("clock-wrong", "daemon", text, "set the clock, then: paraductl backup")


def _location(part: Condition, kind: str, subject: str, now: datetime) -> Iterator[Problem]:
    checked = error_of(part.damage)
    error = error_of(part.latest)
    if part.damaged and checked:
        found = "damage" if checked.code == "damaged" else "nothing to restore"
        text = f"the last check of {subject} found {found}: {checked.message}"
        again = f"repair it, then check all of it again: paraductl verify {part.dataset} --deep"
        yield _warning("destination-damaged", subject, text, checked.hint or again)
    elif checked and failed(part.checked):
        text = f"{subject} could not be checked: {checked.message}"
        yield _warning("destination-unchecked", subject, text, checked.hint)
    if not part.damaged and (lost := error_of(part.rehearsed)) and failed(part.rehearsed):
        text = f"nothing of {subject} could be proven in the last rehearsal: {lost.message}"
        yield _warning("destination-unproven", subject, text, lost.hint)
    if why := part.latest.told(Pushed).kept_because:
        text = f"old versions of {subject} cannot be removed: {why}"
        hint = "let the place remove them, or take keep out of this destination: paraductl edit"
        yield _warning("destination-not-thinned", subject, text, hint)
    if not part.damaged and (note := part.checked.told(Verified).note):
        hint = "nothing can heal an older version; it goes when keep does not hold it any more"
        yield _warning("destination-old-damage", subject, f"the last check of {subject}: {note}", hint)
    if error and failed(part.latest) and part.standing == "failed":
        last = f" (last success {_age(part.success, now)} ago)" if part.success else ""
        what = "pull from" if kind == "source" else "push to"
        text = f"the last {what} {subject} failed{last}: {error.message}"
        yield _warning(f"{kind}-failed", subject, text, error.hint)
    elif part.late and part.standing == "overdue":
        yield _overdue(part, kind, subject, error, now)
    elif part.standing == "never" and kind == "destination":
        why = f": {error.message}" if error else ""
        yield _warning(
            "destination-never", subject, f"{subject} has never completed a version{why}", _hint(part, error)
        )


def _overdue(part: Condition, kind: str, subject: str, error: RunError | None, now: datetime) -> Problem:
    age, period = _age(part.success, now), _every(part.period or 0)
    happened = "has not been pulled" if kind == "source" else "has had no new version"
    text = f"{subject} {happened} for {age}; it is due every {period}"
    return _warning(f"{kind}-overdue", subject, text, _hint(part, error))


def _hint(part: Condition, error: RunError | None) -> str:
    if error and error.hint:
        return error.hint
    if part.disk:
        return f"plug in the disk with the file system {part.disk}: it is written at once"
    option = "--pull-only" if part.location == "source" else f"--destination {part.location}"
    return f"it catches up by itself; try now: paraductl backup {part.dataset} {option}"


def _warning(code: str, subject: str, text: str, hint: str) -> Problem:
    return Problem("warning", code, subject, text, hint)


def _age(moment: datetime | None, now: datetime) -> str:
    return phrases.duration((now - moment).total_seconds()) if moment else "ever"


def _every(seconds: int) -> str:
    return durations.describe(seconds).removeprefix("1 ")


def _names(told: Sequence[str]) -> list[str]:
    """What could not be read or stored; what is in brackets has no name of its own."""
    return [name.strip("()") if name.startswith("(") else name for name in told]
