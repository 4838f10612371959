"""What is wrong with vault, plan, journal, outbox, transport files or directories: they were there, so no hint says to set up anew.

Critical: vault-missing, vault-damaged, vault-changed, plan-unreadable, journal-lost, state-not-writable, run-not-writable,
transport-missing. Warning: outbox-incomplete (the next unlock makes it anew), journal-damaged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from paraduxd.api import phrases
from paraduxd.core.installation.health import JOURNAL_LOST, Health, Unusable
from paraduxd.core.runs.facts import Facts
from paraduxd.core.runs.guard.holds import Hold
from paraduxd.core.status.problems import Problem

_VAULT = {"missing": "is gone", "empty": "is empty", "damaged": "is damaged: its LUKS headers are not whole"}
_PLAN = {
    "missing": "is gone",
    "damaged": "cannot be read",
    "newer": "was written by a newer Paradux",
}


def of_ground(facts: Facts) -> Iterator[Problem]:
    """What is missing or broken."""
    health = facts.health
    if health.was_set_up:
        yield from _of_vault(health)
        yield from _of_plan(health)
    yield from _of_journal(health, facts.holds)
    yield from _of_directories(health)
    if health.transports:
        text = f"the credentials of {phrases.some(health.transports)} are gone or cannot be read, so nothing is transferred there"
        hint = "write them again: paraductl unlock"
        yield Problem("critical", "transport-missing", "daemon", text, hint, "credentials of transfers are missing")
    if health.outbox:
        text = f"what is to be published is not whole on this machine: {phrases.some(health.outbox)}"
        yield Problem("warning", "outbox-incomplete", "config", text, "make it again: paraductl unlock")


def _of_vault(health: Health) -> Iterator[Problem]:
    claim = "the vault is not what it was"
    if health.vault == "changed":
        text = "the vault is not the one that was opened or saved last: whether it still opens is not known"
        yield Problem("critical", "vault-changed", "vault", text, "open it once: paraductl unlock", claim)
    elif health.vault:
        code = "vault-missing" if health.vault == "missing" else "vault-damaged"
        text = f"the vault (vault.luks), which holds the config, {_VAULT[health.vault]}"
        if health.previous:
            hint = "the vault before the last save is there: put a copy of vault.luks.previous in its place, then: paraductl unlock"
        else:
            hint = "put vault.luks back from a copy of the state directory, or bring enough kits together: paraductl recover"
        yield Problem(
            "critical",
            code,
            "vault",
            text,
            hint,
            f"the vault {health.vault if health.vault != 'missing' else 'is gone'}",
        )


def _of_plan(health: Health) -> Iterator[Problem]:
    if health.plan:
        text = f"the plan (plan.json), by which everything runs, {_PLAN[health.plan]}"
        hint = "start the newer paraduxd again" if health.plan == "newer" else "write it again: paraductl unlock"
        yield Problem("critical", "plan-unreadable", "daemon", text, hint, "the plan cannot be read")


def _of_directories(health: Health) -> Iterator[Problem]:
    for each in health.unusable:
        code = "state-not-writable" if each.name == "state directory" else "run-not-writable"
        yield Problem("critical", code, "daemon", _words(each), _hint(each), f"the {each.name} cannot be written")
    if health.failing and not any(each.name == "state directory" for each in health.unusable):
        text = f"nothing can be recorded ({health.failing}), so nothing is pulled or pushed"
        hint = "see that the disk of the state directory is whole and has space"
        yield Problem("critical", "state-not-writable", "daemon", text, hint, "the state directory cannot be written")


def _words(each: Unusable) -> str:
    what = f"is full ({phrases.size(each.free)} free)" if each.why == "full" else each.why
    effect = ", so that nothing can be recorded, pulled or pushed" if each.name == "state directory" else ""
    return f"the {each.name} {each.path} {what}{effect}"


def _hint(each: Unusable) -> str:
    return (
        f"make room on the disk of {each.path}"
        if each.why == "full"
        else f"see that paraduxd can write into {each.path}"
    )


def _of_journal(health: Health, holds: Mapping[str, Hold]) -> Iterator[Problem]:
    held = sorted(name for name, hold in holds.items() if hold.reason == JOURNAL_LOST)
    if held:
        loss = health.loss.sentence if health.loss else "the journal was lost"
        text = f"{loss}; so that nothing that was held goes out, {_are(held)} held"
        hint = f"look at each source; if it is as it should be: paraductl approve {held[0]}"
        yield Problem(
            "critical", JOURNAL_LOST, "daemon", text, hint, "the journal was lost, and the owner has not looked yet"
        )
    if health.aside:
        text = f"a journal that could not be read is kept in the state directory: {', '.join(health.aside)}"
        hint = "check the destinations (paraductl verify), then remove it"
        yield Problem("warning", "journal-damaged", "daemon", text, hint)


def _are(names: Sequence[str]) -> str:
    return f"{phrases.some(names)} {'is' if len(names) == 1 else 'are'}"
