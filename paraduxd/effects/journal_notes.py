"""What the journal remembers besides runs: kits, what is held and approved, alarms, removals, and single facts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.core import ground
from paraduxd.core import kits as kit_rules
from paraduxd.core.ground import JournalLoss
from paraduxd.core.kits import KitRecord
from paraduxd.core.plain import from_plain, to_plain
from paraduxd.effects.journal_database import LOST, Database

_KIT_COLUMNS = "steward, epoch, serial, written, last_seen, device_serial, uuid, kit_sha256, void, problems"


class Notes(Database):
    """Any thread may call. Every method raises `ParaduxError` "journal-failed" when the disk is full or broken."""

    def __init__(self, path: Path, now: datetime, *, expected: bool = False) -> None:
        self._unheld: dict[str, dict[str, Any]] = {}
        super().__init__(path, now, expected=expected)

    # What stewards hold

    def kits(self) -> tuple[KitRecord, ...]:
        """What is known of every kit, by steward and epoch."""
        with self._lock, self._told():
            rows = self._database.execute(f"SELECT {_KIT_COLUMNS} FROM kits ORDER BY steward, epoch").fetchall()  # noqa: S608
        return tuple(_kit(row) for row in rows)

    def record_kit(self, news: KitRecord) -> KitRecord:
        """Take in that a kit is being written, was written, or was seen (`core/kits.py`); gives the record as it is now."""
        with self.batch():
            known = {(record.steward, record.epoch): record for record in self.kits()}
            record = kit_rules.after(known.get((news.steward, news.epoch)), news)
            for each in (record, *kit_rules.displaced(known.values(), news)):
                self._put_kit(each)
        return record

    def _put_kit(self, record: KitRecord) -> None:
        self._database.execute(
            f"INSERT OR REPLACE INTO kits ({_KIT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (*astuple(record)[:8], int(record.void), json.dumps(record.problems)),
        )

    def forget_kits(self, stewards: Collection[str]) -> tuple[str, ...]:
        """Forget the kits of everybody but these stewards; gives the names of those who were forgotten."""
        gone = sorted({record.steward for record in self.kits()} - set(stewards))
        if not gone:
            return ()
        with self.batch():
            self._database.executemany("DELETE FROM kits WHERE steward = ?", [(name,) for name in gone])
        return tuple(gone)

    # What the guard holds, what the owner has approved, and single facts

    def holds(self) -> dict[str, dict[str, Any]]:
        """Dataset -> what the guard said."""
        with self._lock, self._told():
            found = self._database.execute("SELECT dataset, held FROM holds")
            return {**self._unheld, **{name: read(held) or {} for name, held in found}}

    def lost(self) -> JournalLoss | None:
        """When and how the journal before this one was lost, if it was."""
        found = self.fact(LOST)
        return from_plain(JournalLoss, found) if isinstance(found, dict) else None

    def hold_if_lost(self, datasets: Collection[str]) -> None:
        """After a loss, hold every dataset, once: what the lost journal held is unknown. A full disk delays the record only."""
        lost = self.lost()
        if lost is None or lost.held:
            return
        with self._lock:
            self._unheld = {name: ground.hold_after(lost) for name in datasets}
        with contextlib.suppress(ParaduxError), self.batch():
            pass

    @contextlib.contextmanager
    def _first(self) -> Iterator[None]:
        """No transaction goes before the record of what a loss holds."""
        unheld, self._unheld = self._unheld, {}
        try:
            for name, hold in unheld.items():
                self._database.execute("INSERT OR IGNORE INTO holds VALUES (?, ?)", (name, write(hold)))
            if unheld and (lost := self.lost()):
                self.set_fact(LOST, to_plain(replace(lost, held=True)))
            yield
        except BaseException:
            self._unheld = unheld
            raise

    def set_hold(self, dataset: str, held: dict[str, Any]) -> None:
        """Nothing of this dataset is pushed until the hold is cleared."""
        with self.batch():
            self._database.execute("INSERT OR REPLACE INTO holds VALUES (?, ?)", (dataset, write(held)))

    def clear_hold(self, dataset: str) -> None:
        """Not held any more; no hold is success."""
        with self.batch():
            self._database.execute("DELETE FROM holds WHERE dataset = ?", (dataset,))

    def approval(self, dataset: str) -> dict[str, int] | None:
        """How many files the owner has allowed the next pull to lose and to change: {removed, changed}."""
        with self._lock, self._told():
            query = "SELECT removed, changed FROM approvals WHERE dataset = ?"
            row = self._database.execute(query, (dataset,)).fetchone()
        return None if row is None else {"removed": row[0], "changed": row[1]}

    def set_approval(self, dataset: str, removed: int, changed: int) -> None:
        """The owner allows it, until a pull has made use of it."""
        with self.batch():
            self._database.execute("INSERT OR REPLACE INTO approvals VALUES (?, ?, ?)", (dataset, removed, changed))

    def clear_approval(self, dataset: str) -> None:
        """The approval is used up; none there is success."""
        with self.batch():
            self._database.execute("DELETE FROM approvals WHERE dataset = ?", (dataset,))

    def fact(self, name: str) -> Any:
        """A plain value that was kept under this name, or `None`."""
        with self._lock, self._told():
            row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def set_fact(self, name: str, value: Any) -> None:
        """Keep a plain value (what JSON can hold); `None` forgets it."""
        with self.batch():
            if value is None:
                self._database.execute("DELETE FROM facts WHERE name = ?", (name,))
            else:
                self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))


def _kit(row: Sequence[Any]) -> KitRecord:
    values = dict(zip(_KIT_COLUMNS.split(", "), row, strict=True))
    return KitRecord(**{**values, "void": bool(values["void"]), "problems": tuple(json.loads(values["problems"]))})


def write(value: Mapping[str, Any] | None) -> str | None:
    """A value as the database holds it."""
    return None if value is None else json.dumps(value)


def read(text: str | None) -> Any:
    """What `write` has written."""
    return None if text is None else json.loads(text)
