"""A real Paradux whose places are folders, drawn at random, and what has really been done with it.

It keeps the books itself: which serial changed what, which folder was pushed to, what lies at a stash. So the family that it gives to
the oracle owes nothing to what status says.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from paraductl.daemon.channels import SupervisorConnection
from paraduxd.api.contract import ask_supervisor
from paraduxd.api.paths import RunPlaces
from paraduxd.api.replies.what_if import WhatIf
from tests.oracle.cloud import ADDRESS, LABEL, Cloud
from tests.oracle.family import (
    MACHINE,
    Dataset,
    Destination,
    Family,
    Form,
    Holding,
    Kit,
    Labels,
    Source,
    Stash,
    Steward,
    Tries,
)
from tests.rig import Installation, fill

Json = dict[str, Any]

POOL = ("place:house", "place:friend", "account:cloud", "device:laptop", "place:bank")
NAMES = ("alice", "bob", "carol")
FORMS = (Form.IN_HAND, Form.KEYED, Form.SEALED)

_DONE = Tries(0.1, 0.1)
_REFUSED = Tries(None, 0.1, 1, "unusable-directory")
_CONFIG = re.compile(r"config-(\d+)-(\d+)\.gpg")


@dataclass
class Books:
    """What is known to be so: every dataset and stash with its labels, and the serial since which it is as it is."""

    datasets: dict[str, Dataset] = field(default_factory=dict)
    stashes: dict[str, Stash] = field(default_factory=dict)
    stewards: dict[str, Steward] = field(default_factory=dict)
    serial: int = 1
    next_epoch: bool = False


class Household:
    """Everything lies below `root`; the daemon runs between `prepare` and `close`."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.chance = random.Random(seed)
        self.paradux = Installation(root)
        self.books = Books()
        self.machine: Labels = ("place:house",)
        self.unattended = self.chance.random() < 0.8
        self.folders: dict[str, Path] = {}
        self.cloud = Cloud(root / "cloud")
        self._moves = 0

    # What is done

    def prepare(self) -> None:
        """Set up, push, write some kits, change something, push, write some more kits."""
        self.paradux.start()
        self._draw()
        self.paradux.setup(self._answers())
        self._backup()
        self._write_kits()
        for change in self.chance.sample((self._new_dataset, self._new_stash, self._move, self._refuse), 2):
            config = self.paradux.config()
            change(config)
            self._save(config)
        if self.chance.random() < 0.3:
            self.paradux.owner("rotate", check=False)  # a stash may be closed
            self.books.next_epoch = True
        if self.books.next_epoch or self.chance.random() < 0.4:
            self._write_kits()
        self.paradux.wait_for(self._has_published, "every metadata stash to have the config, or to have refused it")

    def _has_published(self) -> bool:
        return all(each["current"] or each["error"] for each in self.status()["metadata_stashes"])

    def status(self) -> Json:
        """What is claimed."""
        return self.paradux.status()

    def lost_if(self, loss: frozenset[str]) -> WhatIf:
        """What `whatif` says that a loss would take."""
        with SupervisorConnection(RunPlaces(self.paradux.run)) as supervisor:
            return ask_supervisor(supervisor.call).whatif(lose=sorted(loss), compromise=[], scenario="", advice="")

    def close(self) -> None:
        """End the daemon; what refused to be written to for a time is as it was before."""
        self.paradux.stop()
        for closed in self.root.rglob("*.closed"):
            place = closed.with_suffix("")
            place.unlink()
            closed.rename(place)

    def contents(self, dataset: str) -> dict[str, bytes]:
        """What the dataset holds."""
        folder = self.root / "originals" / dataset
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def family(self) -> Family:
        """The same for the oracle."""
        stashes = tuple(replace(each, published=self._published(each)) for each in self.books.stashes.values())
        return Family(
            required=2,
            serial=self.books.serial,
            epoch=1,
            machine=self.machine,
            unattended=self.unattended,
            rotating=self.books.next_epoch,
            stewards=tuple(self.books.stewards.values()),
            stashes=stashes,
            datasets=tuple(self.books.datasets.values()),
        )

    # Drawing

    def _draw(self) -> None:
        for name in NAMES:
            own = (f"person:{name}",) if self.chance.random() < 0.6 else self._labels(1)
            self.books.stewards[name] = Steward(name, own)
        self._add_stash("nas")
        if self.chance.random() < 0.5:
            self._add_stash("office")
        for name in ("photos", "docs"):
            self._add_dataset(name)

    def _labels(self, most: int) -> Labels:
        return tuple(sorted(self.chance.sample(POOL, self.chance.randint(1, most))))

    def _add_stash(self, name: str) -> None:
        labels = self._labels(1)
        away = LABEL in labels
        self.folders[name] = (self.cloud.folder if away else self.root / "stashes") / name
        self.books.stashes[name] = Stash(name, ADDRESS if away else MACHINE, labels, self.books.serial)

    def _add_dataset(self, name: str) -> None:
        fill(self.root / "originals" / name, self.chance.randint(3, 9), name)
        shutil.copytree(self.root / "originals" / name, self.root / "sources" / name)
        source = Source(Form.IN_HAND, MACHINE, self._labels(1), self.books.serial, 168, self.chance.random() < 0.4)
        places = tuple(self._destination(name, f"{name}-{number}") for number in range(self.chance.randint(1, 2)))
        self.books.datasets[name] = Dataset(name, source, places)

    def _destination(self, dataset: str, name: str) -> Destination:
        form, labels = self.chance.choice(FORMS), self._labels(2)
        away = LABEL in labels and form is not Form.IN_HAND
        self.folders[name] = (self.cloud.folder if away else self.root / "places") / name
        return Destination(name, form, ADDRESS if away else MACHINE, labels, self.books.serial, 168)

    # Changes

    def _new_dataset(self, config: Json) -> None:
        self.books.serial = config["serial"] + 1
        self._add_dataset("scans")
        config["datasets"].append(self._dataset_json(self.books.datasets["scans"]))

    def _new_stash(self, config: Json) -> None:
        self.books.serial = config["serial"] + 1
        self._add_stash("sister")
        config["metadata_stashes"].append(self._stash_json(self.books.stashes["sister"]))

    def _move(self, config: Json) -> None:
        """A destination and a stash get new addresses; the old places are gone. Sometimes the new one takes nothing."""
        self._moves += 1
        dataset = self.chance.choice(list(self.books.datasets.values()))
        moved = self.chance.choice(dataset.destinations)
        refused = self.chance.random() < 0.4
        for name in (moved.name, "nas"):
            shutil.rmtree(self.folders[name])
            self.folders[name] = self.folders[name].with_name(f"{name}-{self._moves}")
        if refused:
            self.folders[moved.name].write_text("no directory")
        since = config["serial"] + 1
        new = replace(moved, since=since, pushed=_REFUSED if refused else Tries())
        places = tuple(new if each == moved else each for each in dataset.destinations)
        self.books.datasets[dataset.name] = replace(dataset, destinations=places)
        self.books.stashes["nas"] = replace(self.books.stashes["nas"], since=since)
        config["datasets"] = list(map(self._dataset_json, self.books.datasets.values()))
        config["metadata_stashes"] = list(map(self._stash_json, self.books.stashes.values()))

    def _refuse(self, config: Json) -> None:
        """One stash does not take what is saved now."""
        name = self.chance.choice(list(self.books.stashes))
        folder = self.folders[name]
        folder.rename(folder.with_name(f"{folder.name}.closed"))
        folder.write_text("closed")
        config["owner"]["phone"] = "+1 555 0100"

    def _save(self, config: Json) -> None:
        done = self.paradux.edit(config, check=False)
        assert done.returncode in (0, 1), done.stderr
        self.books.serial = self.status()["config"]["serial"]
        assert self.books.serial == config["serial"] + 1, done.stderr
        self._backup()

    def _backup(self) -> None:
        self.paradux.ctl("backup", check=False)
        for name, dataset in self.books.datasets.items():
            source = replace(dataset.source, pulled=_DONE)
            places = tuple(
                each if each.pushed == _REFUSED else replace(each, pushed=_DONE) for each in dataset.destinations
            )
            self.books.datasets[name] = replace(dataset, source=source, destinations=places)

    def _write_kits(self) -> None:
        most = 2 if self.books.next_epoch else 3  # the third would put the next epoch into force
        for name in self.chance.sample(NAMES, min(most, self.chance.choice((1, 2, 2, 3, 3)))):
            self.kit(name).parent.mkdir(parents=True, exist_ok=True)
            self.paradux.owner("create-steward-device", name, "--directory", str(self.kit(name).parent))
            kit = json.loads((self.kit(name) / "kit.json").read_text())
            self.books.stewards[name] = replace(self.books.stewards[name], kit=Kit(kit["epoch"], kit["serial"]))
        self.books.serial = self.status()["config"]["serial"]

    def kit(self, steward: str) -> Path:
        """The folder of somebody's kit."""
        return self.root / "kits" / steward / "PARADUX"

    def _published(self, stash: Stash) -> Holding | None:
        """What lies at the stash, or lay there when it was last open."""
        folder = self.folders[stash.name]
        closed = folder.with_name(f"{folder.name}.closed")
        found = [
            match for path in (closed if closed.exists() else folder).glob("*") if (match := _CONFIG.match(path.name))
        ]
        serials = [int(match[2]) for match in found if match[1] == "1"]
        return Holding(max(serials), (1,), 0.1) if serials else None

    # The config

    def _answers(self) -> Json:
        return {
            "version": 1,
            "owner": {"name": "Fred Myself", "fate": list(self.machine)},
            "policy": {"shares_required": 2, "unattended": self.unattended},
            "stewards": [
                {"id": each.name, "name": each.name.title(), "fate": list(each.labels)}
                for each in self.books.stewards.values()
            ],
            "metadata_stashes": list(map(self._stash_json, self.books.stashes.values())),
            "datasets": list(map(self._dataset_json, self.books.datasets.values())),
        }

    def _stash_json(self, stash: Stash) -> Json:
        folder = self._folder_json(stash.name, stash.address)
        return {"id": stash.name, **folder, "fate": list(stash.labels)}

    def _dataset_json(self, dataset: Dataset) -> Json:
        url = f"file://{self.root}/sources/{dataset.name}"
        source = {"protocol": "disk", "url": url, "every": "1w", "fate": list(dataset.source.labels)}
        found = {
            "id": dataset.name,
            "source": source,
            "destinations": list(map(self._place_json, dataset.destinations)),
        }
        return found if dataset.source.in_place else {**found, "staging": f"{self.root}/staging/{dataset.name}"}

    def _place_json(self, destination: Destination) -> Json:
        common = {"id": destination.name, "every": "1w", "fate": list(destination.labels)}
        if destination.form is not Form.KEYED:
            sealed = {"encryption": "gpg"} if destination.form is Form.SEALED else {}
            return {**common, **sealed, **self._folder_json(destination.name, destination.address)}
        folder = self.folders[destination.name]
        if destination.address == ADDRESS:
            return {**common, **self.cloud.repository(folder.name)}
        return {**common, "protocol": "restic", "repository": str(folder)}

    def _folder_json(self, name: str, address: str) -> Json:
        folder = self.folders[name]
        return self.cloud.place(folder.name) if address == ADDRESS else {"protocol": "disk", "url": f"file://{folder}"}


def keep(root: Path) -> Path:
    """A copy of everything, with all owners, modes and hard links."""
    archive = root.with_suffix(".tar")
    subprocess.run(["tar", "-cf", archive, "-C", root, "--exclude", "./run", "."], check=True)
    return archive


def put_back(archive: Path, root: Path) -> None:
    """Everything as it was."""
    shutil.rmtree(root)
    root.mkdir()
    subprocess.run(["tar", "-xpf", archive, "-C", root], check=True)
