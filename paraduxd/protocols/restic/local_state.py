"""What the machine that pushes remembers of a repository, in a private directory. All of it can be lost.

The names of the files in a local repository's `snapshots` are hashes of what they hold: while there are exactly the ones that
were there after the last push, nothing has changed, and a command that would list them (0.7 s, a third of an unchanged push) is saved.
restic before 0.17 tells the counts of a version only to the push that makes it: they are kept here. Tags cannot hold them: tags are written
before the files are counted, and to change them later makes another snapshot, which servers that only append refuse to replace.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from paraduxd.api import bounded_json
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.effects.files import bounded
from paraduxd.effects.files.atomic import write_atomically
from paraduxd.protocols.base import Context, Version
from paraduxd.protocols.restic.output import short
from paraduxd.protocols.restic.snapshots import Listed

_FILE = "restic.json"


@dataclass(frozen=True)
class Memory:
    """The versions of the destination and all snapshots of its repository after the last push, and the version that was read back whole.

    `of`: whose memory this is.
    """

    of: str = ""
    versions: tuple[Version, ...] = ()
    seen: tuple[str, ...] = ()
    unmarked: tuple[str, ...] = ()
    proven: str = ""

    def listed(self, repository: str | None) -> Listed | None:
        """What is there, if the local repository in that directory is as it was."""
        if repository is None or not self.versions or _snapshots_in(Path(repository)) != set(self.seen):
            return None
        return Listed(self.versions, self.seen, self.unmarked)

    def told(self, versions: Iterable[Version], known: Iterable[Version] = ()) -> tuple[Version, ...]:
        """The versions, with what only the push that made them was told; `known`: as the journal has them."""
        memories = {each.id: each for each in (*self.versions, *known) if each.files is not None}
        return tuple(_completed(each, memories.get(each.id)) for each in versions)


def read(context: Context) -> Memory:
    """What is remembered; nothing when there is nothing, or when it is somebody else's."""
    empty = Memory(_owner_of(context))
    if context.index is None:
        return empty
    try:
        memory = from_json_value(
            Memory, bounded_json.parse(bounded.content(context.index / _FILE), _FILE, bounded_json.MEDIUM)
        )
    except (OSError, ValueError, RecursionError):
        return empty
    return memory if memory.of == empty.of else empty


def write(context: Context, listed: Listed, proven: str) -> None:
    """Remember; that it cannot be written costs time at the next push and nothing else."""
    if context.index is None:
        return
    memory = Memory(_owner_of(context), listed.versions, listed.seen, listed.unmarked, proven)
    with contextlib.suppress(OSError, ParaduxError):
        context.index.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(context.index / _FILE, json.dumps(to_json_value(memory)).encode())


def _completed(version: Version, memory: Version | None) -> Version:
    if memory is None:
        return version
    counts = (memory.files, memory.bytes) if version.files is None else (version.files, version.bytes)
    return replace(version, files=counts[0], bytes=counts[1], missing=version.missing or memory.missing)


def _owner_of(context: Context) -> str:
    identity = context.identity
    if identity is None:
        return context.dataset
    return f"{identity.owner}.{identity.place}.{identity.instance}.{identity.generation}"


def _snapshots_in(repository: Path) -> set[str]:
    try:
        return {short(entry.name) for entry in (repository / "snapshots").iterdir()}
    except OSError:
        return set()
