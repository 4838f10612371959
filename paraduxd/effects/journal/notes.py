"""What the journal remembers besides runs: kits, what is held and approved, removals, and single facts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import astuple, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.core.installation.health import JournalLoss
from paraduxd.core.plan.place_names import Places, places_of
from paraduxd.core.primitives.place_identity import PlaceKey
from paraduxd.core.recovery import kit_records as kit_rules
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.core.runs.guard import holds
from paraduxd.core.runs.guard.holds import Approval, Hold
from paraduxd.effects.journal.database import LOST, Database
from paraduxd.effects.journal.values import read_hold, value_of, write

T = TypeVar("T")

_KIT_COLUMNS = "steward, epoch, serial, written, last_seen, device_serial, uuid, kit_sha256, void, problems"
_KIT_READS = "kit-reads/"


class Notes(Database):
    """Any thread may call. Every method raises `ParaduxError` "journal-failed" when the disk is full or broken."""

    def __init__(self, path: Path, now: datetime, *, expected: bool = False) -> None:
        self._unheld: dict[str, Hold] = {}
        self._places = Places()
        super().__init__(path, now, expected=expected)

    # Names

    def use_places(self, uids: Mapping[PlaceKey, str]) -> None:
        """From now on these are the places that names stand for: (dataset, location) -> uid."""
        self._places = places_of(uids)

    def named(self, what: str, dataset: str, location: str = "") -> str:
        """The name of a fact of one dataset or place, which stays the fact of that place, whatever it is called later."""
        return f"{what}/{self._places.uid(dataset, location)}"

    # What stewards hold

    def kits(self) -> tuple[KitRecord, ...]:
        """What is known of every kit, by steward and epoch."""
        with self._lock, self._translated_errors():
            rows = self._database.execute(f"SELECT {_KIT_COLUMNS} FROM kits ORDER BY steward, epoch").fetchall()  # noqa: S608
            reads = self.facts(_KIT_READS)
        return tuple(_with_reads(_kit(row), reads) for row in rows)

    def record_kit(self, news: KitRecord) -> KitRecord:
        """Take in that a kit is being written, was written, or was seen (`core/recovery/kit_records.py`); gives the record as it is now."""
        with self.batch():
            known = {(record.steward, record.epoch): record for record in self.kits()}
            record = kit_rules.after(known.get((news.steward, news.epoch)), news)
            for each in (record, *kit_rules.displaced(known.values(), news)):
                self._put_kit(each)
            self._put_reads(news)
        return record

    def _put_kit(self, record: KitRecord) -> None:
        self._database.execute(
            f"INSERT OR REPLACE INTO kits ({_KIT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (*astuple(record)[:8], int(record.void), json.dumps(record.problems)),
        )

    def _put_reads(self, news: KitRecord) -> None:
        """What the tools on a kit know goes by the hash of its manifest: it stays so however often the kit is seen."""
        if news.reads is not None and news.kit_sha256:
            self.set_fact(f"{_KIT_READS}{news.kit_sha256}", list(news.reads))
        self._database.execute(
            "DELETE FROM facts WHERE substr(name, 1, length(?1)) = ?1 AND substr(name, length(?1) + 1) NOT IN"
            " (SELECT kit_sha256 FROM kits WHERE kit_sha256 IS NOT NULL)",
            (_KIT_READS,),
        )

    def forget_kits(self, stewards: Collection[str]) -> tuple[str, ...]:
        """Forget the kits of everybody but these stewards; gives the names of those who were forgotten."""
        gone = sorted({record.steward for record in self.kits()} - set(stewards))
        if not gone:
            return ()
        with self.batch():
            self._database.executemany("DELETE FROM kits WHERE steward = ?", [(name,) for name in gone])
        return tuple(gone)

    # What the guard holds, and what the owner has approved

    def holds(self) -> dict[str, Hold]:
        """Dataset -> what the guard said."""
        with self._lock, self._translated_errors():
            found = self._database.execute("SELECT whole, dataset, held FROM holds").fetchall()
        names = [(self._places.name(whole, (dataset, "")), held) for whole, dataset, held in found]
        return {**self._unheld, **{name[0]: read_hold(held) for name, held in names if name is not None}}

    def lost(self) -> JournalLoss | None:
        """When and how the journal before this one was lost, if it was."""
        return self.fact_as(JournalLoss, LOST)

    def hold_if_lost(self, datasets: Collection[str]) -> None:
        """After a loss, hold every dataset, once: what the lost journal held is unknown. A full disk delays the record only."""
        lost = self.lost()
        if lost is None or lost.held:
            return
        with self._lock:
            self._unheld = {name: holds.after_loss(lost) for name in datasets}
        with contextlib.suppress(ParaduxError), self.batch():
            pass

    @contextlib.contextmanager
    def _first(self) -> Iterator[None]:
        """No transaction goes before the record of what a loss holds."""
        unheld, self._unheld = self._unheld, {}
        try:
            for name, hold in unheld.items():
                self._put_hold("INSERT OR IGNORE", name, hold)
            if unheld and (lost := self.lost()):
                self.set_fact(LOST, to_json_value(replace(lost, held=True)))
            yield
        except BaseException:
            self._unheld = unheld
            raise

    def set_hold(self, dataset: str, held: Hold) -> None:
        """Nothing of this dataset is pushed until the hold is cleared."""
        with self.batch():
            self._put_hold("INSERT OR REPLACE", dataset, held)

    def _put_hold(self, how: str, dataset: str, held: Hold) -> None:
        values = (self._places.uid(dataset), dataset, write(to_json_value(held)))
        self._database.execute(f"{how} INTO holds VALUES (?, ?, ?)", values)

    def clear_hold(self, dataset: str) -> None:
        """Not held any more; no hold is success."""
        with self.batch():
            self._database.execute("DELETE FROM holds WHERE whole = ?", (self._places.uid(dataset),))

    def approval(self, dataset: str) -> Approval | None:
        """What the owner has allowed the next pull."""
        with self._lock, self._translated_errors():
            query = "SELECT removed, changed FROM approvals WHERE whole = ?"
            row = self._database.execute(query, (self._places.uid(dataset),)).fetchone()
        return None if row is None else Approval(row[0], row[1])

    def set_approval(self, dataset: str, removed: int, changed: int) -> None:
        """The owner allows it, until a pull has made use of it."""
        with self.batch():
            values = (self._places.uid(dataset), removed, changed)
            self._database.execute("INSERT OR REPLACE INTO approvals VALUES (?, ?, ?)", values)

    def clear_approval(self, dataset: str) -> None:
        """The approval is used up; none there is success."""
        with self.batch():
            self._database.execute("DELETE FROM approvals WHERE whole = ?", (self._places.uid(dataset),))

    # What was removed

    def record_removals(self, dataset: str, location: str, removed: Iterable[tuple[str, str]], now: str) -> None:
        """These versions (id, reason) were removed from a place."""
        where = (now, self._places.uid(dataset, location), self._places.uid(dataset), dataset, location)
        with self.batch():
            self._database.executemany(
                "INSERT INTO removals (at, place, whole, dataset, location, version, reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(*where, version, reason) for version, reason in removed],
            )

    # Single facts

    def fact(self, name: str) -> object:
        """A plain value that was kept under this name, or `None`."""
        with self._lock, self._translated_errors():
            row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else value_of(row[0])

    def fact_as(self, kind: type[T], name: str) -> T | None:
        """The dataclass that was kept under this name; `None` for none, and for one that cannot be read."""
        try:
            plain = self.fact(name)
            return None if plain is None else from_json_value(kind, plain)
        except ValueError:
            return None

    def facts(self, prefix: str) -> dict[str, object]:
        """All values whose names begin with this, by the rest of their names."""
        with self._lock, self._translated_errors():
            query = "SELECT substr(name, length(?1) + 1), value FROM facts WHERE substr(name, 1, length(?1)) = ?1"
            return {name: value_of(value) for name, value in self._database.execute(query, (prefix,))}

    def set_fact(self, name: str, value: object) -> None:
        """Keep a plain value (what JSON can hold); `None` forgets it."""
        with self.batch():
            if value is None:
                self._database.execute("DELETE FROM facts WHERE name = ?", (name,))
            else:
                self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))


def _kit(row: tuple[Any, ...]) -> KitRecord:
    *plain, void, problems = row
    told = value_of(problems)
    return KitRecord(*(*plain, bool(void), tuple(map(str, told)) if isinstance(told, list) else ()))


def _with_reads(record: KitRecord, reads: Mapping[str, object]) -> KitRecord:
    told = reads.get(record.kit_sha256 or "")
    return replace(record, reads=tuple(map(str, told))) if isinstance(told, list) else record
