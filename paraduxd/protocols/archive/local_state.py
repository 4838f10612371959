"""What the machine that pushes remembers of an archive destination: tar's snapshot file, and what an interrupted upload has sent.

It holds the names of the dataset's files in clear. All of it can be lost: then the next run is a full one.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path

from paraduxd.api import bounded_json
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.effects.crypto.volume_mac import is_key, new_key
from paraduxd.effects.files import bounded
from paraduxd.effects.files.atomic import write_atomically
from paraduxd.effects.tools import tar
from paraduxd.protocols.archive.chain import Part
from paraduxd.protocols.base import NAMES

_LONGEST_UPLOAD = 64 << 20
"""Bytes: a line for each volume of a run."""


@dataclass(frozen=True)
class State:
    """The last run that this machine has completed, and what it was made of; `proven` are runs that were read back whole."""

    run: str = ""
    key: str = ""
    staging: str = ""
    proven: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sent:
    """One volume that has arrived: the code (`volume_mac.py`) of what was encrypted, and the object."""

    mac: str
    part: Part


@dataclass
class Upload:
    """A run that is being sent; `sent`, by the names of the objects, may come from an earlier attempt. `key`: for the codes in it."""

    run: str
    parent: str | None
    sent: dict[str, Sent] = field(default_factory=dict)
    key: str = field(default_factory=new_key, repr=False)


class Index:
    """The files in one private directory."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self.working = folder / "working"
        self.state = self._read_state()

    def _read_state(self) -> State:
        try:
            return from_json_value(
                State, bounded_json.parse(bounded.content(self._folder / "state.json"), "state.json")
            )
        except (OSError, ValueError, RecursionError):
            return State()

    def begin(self, parent: str | None, root: Path) -> Path:
        """The snapshot file for tar to work on: a copy of the parent's, or none, for a full run; `root` is what it packs."""
        self.working.unlink(missing_ok=True)
        if parent is not None:
            tar.follow(self._snapshot(parent), self.working, root)
        return self.working

    def has_snapshot(self, run: str) -> bool:
        """Whether an increment on this run can be made."""
        return self._snapshot(run).is_file()

    def commit(self, state: State, unread: Collection[bytes] = ()) -> None:
        """The run is complete at the destination: from now on it is what increments build on. They pack what was `unread`."""
        tar.forget(self.working, self._snapshot(state.run), unread)
        self.save(state)
        for path in self._folder.iterdir():
            keep = path.name.startswith(NAMES) or path.name in ("state.json", self._snapshot(state.run).name)
            if not keep:
                path.unlink()

    def save(self, state: State) -> None:
        """Replace the state."""
        write_atomically(self._folder / "state.json", json.dumps(asdict(state)).encode())
        self.state = state

    def upload(self, parent: str | None) -> Upload | None:
        """The interrupted upload of a run on this parent, if there is one. What an earlier version has sent of it is sent again: its codes
        are of another kind, without a key.
        """
        try:
            head, *lines = bounded.text(self._folder / "upload", _LONGEST_UPLOAD).splitlines()
            run, on, *rest = bounded_json.parse(head, "upload")
            keys = [each for each in rest if is_key(each)]
            sent = [from_json_value(Sent, bounded_json.parse(line, "upload")) for line in lines] if keys else []
            by_name = {each.part.name: each for each in sent}
        except (OSError, ValueError, RecursionError):
            return None
        return Upload(run, on, by_name, *keys) if on == parent else None

    def start_upload(self, upload: Upload) -> None:
        """Remember what is about to be sent, and what of it has arrived already."""
        head = [upload.run, upload.parent, upload.key]
        lines: list[object] = [head, *(to_json_value(sent) for sent in upload.sent.values())]
        write_atomically(self._folder / "upload", "".join(json.dumps(line) + "\n" for line in lines).encode())

    def arrived(self, sent: Sent) -> None:
        """One more volume has arrived."""
        with (self._folder / "upload").open("a") as file:
            file.write(json.dumps(to_json_value(sent)) + "\n")

    def _snapshot(self, run: str) -> Path:
        return self._folder / f"snapshot-{run}"
