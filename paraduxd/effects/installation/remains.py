"""What an installation leaves in its state directory besides the vault: where there is any of it, a vault was here.

Setting up over it would replace plan, outbox and transport files by those of a new owner, after which the kits of the old one fit nothing.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from paraduxd.api import bounded_json, phrases
from paraduxd.api.errors import ParaduxError
from paraduxd.api.paths import StatePlaces
from paraduxd.effects.files import bounded
from paraduxd.effects.files.existence import has_entries

CODE = "vault-missing"

_ANY_RUN = "SELECT 1 FROM runs WHERE step IN ('pull', 'push', 'publish') LIMIT 1"
"""A setup asks servers for their keys, which is a run as well, and may be given up."""


def found(state: StatePlaces) -> tuple[str, ...]:
    """What shows that there was a vault, in words; nothing in a fresh state directory."""
    return tuple(_found(state))


def missing_vault(state: StatePlaces) -> ParaduxError | None:
    """That the vault is missing where one was; `None` in a fresh state directory, and where there is a vault."""
    if state.vault.exists() or not (remains := found(state)):
        return None
    return ParaduxError(
        CODE,
        f"the vault is missing or damaged: {state.vault} is not there, but a vault was here, as {phrases.listed(remains)} show",
        way_back(state),
    )


def damaged_vault(state: StatePlaces, why: str) -> ParaduxError:
    """That the vault which is there cannot be read."""
    return ParaduxError("damaged-vault", f"the vault is missing or damaged: {why}", way_back(state))


def way_back(state: StatePlaces) -> str:
    """What to do without a vault: never to set up anew."""
    shares = "bring the config back from kits: paraductl recover"
    if previous := _previous(state):
        return f"the vault before the last save is there: mv {previous} {state.vault}; or {shares}"
    return shares


def _found(state: StatePlaces) -> Iterator[str]:
    if state.plan.exists():
        yield f"plan.json{_serial(state.plan)}"
    if previous := _previous(state):
        yield previous.name
    for folder in (state.outbox, state.transport):
        if has_entries(folder):
            yield f"{folder.name}/"
    if state.pending.exists():
        yield state.pending.name
    if _has_runs(state.journal):
        yield f"{state.journal.name} with what ran"
    if any(state.directory.glob(f"{state.vault.name}.damaged-*")):
        yield "a damaged vault"


def _previous(state: StatePlaces) -> Path | None:
    paths = (state.vault.with_name(f"{state.vault.name}.{name}") for name in ("previous", "aside"))
    return next((path for path in paths if path.exists()), None)


def _serial(plan: Path) -> str:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = bounded_json.parse_object(bounded.content(plan), "plan.json", bounded_json.MEDIUM)
        return f" (serial {int(found['serial'])})"
    return ""


def _has_runs(journal: Path) -> bool:
    """Whether anything of a config ever ran; a journal that cannot be read, or was set aside, is not that of a fresh installation."""
    if any(journal.parent.glob(f"{journal.name}.damaged-*")):
        return True
    if not journal.exists():
        return False
    try:
        with contextlib.closing(sqlite3.connect(f"{journal.absolute().as_uri()}?mode=ro", uri=True)) as database:
            return database.execute(_ANY_RUN).fetchone() is not None
    except sqlite3.OperationalError:  # as empty as a journal can be, or busy
        return False
    except sqlite3.DatabaseError:
        return True
