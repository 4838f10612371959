"""Looks at what the daemon stands on. Nothing here needs a secret, and nothing reads one."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.api.paths import RunPlaces, StatePlaces
from paraduxd.core.installation.health import Unusable
from paraduxd.core.plan import model as plans
from paraduxd.core.plan.model import Plan
from paraduxd.effects.files import bounded
from paraduxd.effects.files.existence import has_entries
from paraduxd.effects.process import run as process

ENOUGH = 1 << 20
"""Bytes that must be free in a directory that is written into."""

_CHECK_TIMEOUT = 30.0


def was_set_up(state: StatePlaces) -> bool:
    """Whether anything shows that this installation was in use: then what is missing was lost, and is never begun anew silently."""
    traces = (state.plan, state.vault, previous_vault(state))
    return any(path.exists() for path in traces) or any(map(has_entries, (state.outbox, state.transport)))


def previous_vault(state: StatePlaces) -> Path:
    """Where the vault before the last save lies."""
    return state.vault.with_name(state.vault.name + ".previous")


class PlanLook:
    """Looks at the plan on disk; reads it only when it has changed since the last look, or since it was read to run by it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before: tuple[int, ...] = ()
        self._state = ""

    def now(self) -> str:
        """What is wrong with it: "missing", "newer", "damaged", or nothing."""
        try:
            signature = self._signature()
        except FileNotFoundError:
            return "missing"
        except OSError:
            return "damaged"
        if signature != self._before:
            self._state, self._before = _plan_state(self._path), signature
        return self._state

    def load(self) -> Plan:
        """The plan, to run by it; raises `OSError` or `ValueError`. The same file is not read for a look again."""
        signature = self._signature()
        plan = plans.from_json(bounded.text(self._path))
        self._state, self._before = "", signature
        return plan

    def _signature(self) -> tuple[int, ...]:
        status = self._path.stat()
        return (status.st_ino, status.st_size, status.st_mtime_ns)


def _plan_state(path: Path) -> str:
    try:
        plans.from_json(bounded.text(path))
    except FileNotFoundError:
        return "missing"
    except plans.NewerPlanError:
        return "newer"
    except (OSError, ValueError, RecursionError):
        return "damaged"
    return ""


def unusable(state: StatePlaces, run: RunPlaces) -> tuple[Unusable, ...]:
    """Which of the directories that the daemon writes into cannot be written."""
    folders = (("state directory", state.directory), ("run directory", run.directory))
    return tuple(found for name, folder in folders if (found := _unusable(name, folder)) is not None)


def _unusable(name: str, folder: Path) -> Unusable | None:
    try:
        status, system = folder.stat(), os.statvfs(folder)
    except OSError as problem:
        return Unusable(name, str(folder), (problem.strerror or "cannot be read").lower())
    free = system.f_frsize * (system.f_bfree if os.geteuid() == 0 else system.f_bavail)
    if status.st_uid != os.geteuid():
        return Unusable(name, str(folder), f"belongs to somebody else (uid {status.st_uid})", free)
    if system.f_flag & os.ST_RDONLY or not os.access(folder, os.W_OK | os.X_OK):
        return Unusable(name, str(folder), "cannot be written", free)
    if free < ENOUGH or (system.f_files and not system.f_ffree):
        return Unusable(name, str(folder), "full", free)
    return None


class Transports:
    """Whether the transport files are complete. They are read, by a process that does nothing else, only when they have changed."""

    def __init__(self) -> None:
        self._before: frozenset[tuple[str, int, int]] = frozenset()
        self._damaged: frozenset[str] = frozenset()

    def lacking(self, folder: Path, names: Collection[str]) -> frozenset[str]:
        """Which of these files are missing or empty, or were found damaged; a look at names and sizes only."""
        there = {name: size for name, size, _ in _sizes(folder, names)}
        return frozenset(name for name in names if not there.get(name) or name in self._damaged)

    def read(self, folder: Path, names: Collection[str]) -> None:
        """Have those read that have changed since the last time."""
        found = _sizes(folder, names)
        if found == self._before:
            return
        command = [
            *process.python("paraduxd.effects.installation.transport_check"),
            str(folder),
            *(name for name, _, _ in found),
        ]
        try:
            outcome = process.run(command, timeout=_CHECK_TIMEOUT)
        except (ParaduxError, OSError):
            return
        if outcome.code == 0:
            self._damaged = frozenset(outcome.output.decode(errors="replace").split())
            self._before = found


def _sizes(folder: Path, names: Collection[str]) -> frozenset[tuple[str, int, int]]:
    found = set()
    for name in names:
        try:
            status = (folder / name).stat()
        except OSError:
            continue
        found.add((name, status.st_size, status.st_mtime_ns))
    return frozenset(found)


def transport_names(plan: Plan) -> dict[str, str]:
    """Transport file -> what it is for, as people say it."""
    found = {stash.transport: stash.id for stash in plan.metadata_stashes}
    found |= {address.transport: address.id for address in (*plan.notify, *plan.heartbeat)}
    for dataset in plan.datasets:
        found[dataset.source.transport] = f"{dataset.id}/source"
        found |= {each.transport: f"{dataset.id}/{each.id}" for each in dataset.destinations}
    return {name: what for name, what in found.items() if name}
