"""Checking an archive destination: every run that a version needs, its manifest, its objects, and as much of their data as is asked for.

What is damaged in the runs that the newest version builds on is an error, and the next push makes a full run. Older versions that are
damaged are told: nothing heals them, but the newest one is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.effects.crypto.archive_crypto import Opener
from paraduxd.protocols.archive import chain, receive
from paraduxd.protocols.archive.chain import Manifest, Part, Run
from paraduxd.protocols.archive.local_state import Index, State
from paraduxd.protocols.archive.manifests import StoredRuns, damaged
from paraduxd.protocols.archive.receive import Receiver
from paraduxd.protocols.base import VerifyResult

MOST_TOLD = 100

Read = Callable[[Manifest], int]
"""Reads data of one run; gives bytes, raises `ParaduxError` "damaged"."""


def everything(receiver: Receiver) -> Read:
    """All objects, against their hashes."""
    return part_of(receiver, 0, 1)


def part_of(receiver: Receiver, part: int, parts: int) -> Read:
    """The objects whose names fall into one of so many parts."""

    def read(manifest: Manifest) -> int:
        chosen = [each for each in manifest.objects if chain.part_of(each.name, parts) == part]
        for each in chosen:
            receiver.check(each)
        return _size(chosen)

    return read


def opening(receiver: Receiver, opener: Opener) -> Read:
    """All objects, decrypted and decompressed as well."""

    def read(manifest: Manifest) -> int:
        receive.try_to_open(manifest, receiver, opener)
        return _size(manifest.objects)

    return read


def _size(parts: Sequence[Part]) -> int:
    return sum(part.size for part in parts)


@dataclass(frozen=True)
class Verifier:
    """`stored`: what lies there, read afresh; `index`: what this machine remembers of it; `key`: the fingerprint of the destination's."""

    stored: StoredRuns
    index: Index
    key: str

    def quick(self, highest: int) -> VerifyResult:
        """By the newest list, or manifest, and the sizes of all objects alone: what it takes does not grow with the versions."""
        if newest := self.stored.unchanged():
            self._check_newest(newest, highest)
            self.stored.check_sizes(newest.objects)
            return VerifyResult(self.stored.count(), 0)
        return self._check(highest, self._by_sizes)

    def check(self, highest: int, read: Read) -> VerifyResult:
        """By the manifest of each run, and what `read` reads; `highest` is the number that the marker tells of."""

        def examine(run: Run, _: Manifest) -> tuple[int, int]:
            manifest = self.stored.manifest(run.id, run.sha256)
            self.stored.check_sizes(manifest.objects)
            return 1 + len(manifest.objects), read(manifest)

        return self._check(highest, examine)

    def _by_sizes(self, run: Run, newest: Manifest) -> tuple[int, int]:
        if run.id == newest.run.id:
            self.stored.check_sizes(newest.objects)
        return self.stored.check_run(run), 0

    def _check(self, highest: int, examine: Callable[[Run, Manifest], tuple[int, int]]) -> VerifyResult:
        """See the module's first lines; `examine` gives the objects and bytes that it has checked."""
        newest = self.stored.newest_of_list()
        self._check_newest(newest, highest)
        if newest is None:
            return VerifyResult(0, 0)
        runs = (*newest.runs, newest.run)
        objects = size = 0
        bad: dict[str, ParaduxError] = {}
        for run in runs:
            try:
                checked, read = examine(run, newest)
            except ParaduxError as problem:
                if problem.code not in ("damaged", "cannot-decrypt"):
                    raise
                bad[run.id] = problem
            else:
                objects, size = objects + checked, size + read
        self._stop_if_needed(runs, newest, bad)
        return VerifyResult(objects, size, _told(bad), _note(runs, bad))

    def _check_newest(self, newest: Manifest | None, highest: int) -> None:
        """What is listed must be as new as what this machine and the marker know, and the newest manifest must be whole."""
        complete = chain.manifested(self.stored.sizes)
        if complete and (newest is None or newest.run.id != complete[-1]):
            raise damaged(f"the manifest of the newest run, {complete[-1]}, cannot be used")
        there, state = newest.serial if newest else 0, self.index.state
        if state.run and state.key == self.key and there < chain.serial_of(state.run):
            raise damaged(f"an older state is there than the one that was sent: {state.run} is missing")
        if there < highest:
            raise damaged(f"an older state is there than the one that was sent: number {highest} is missing")

    def _stop_if_needed(self, runs: Sequence[Run], newest: Manifest, bad: dict[str, ParaduxError]) -> None:
        """An increment on a damaged run would be of no use to anybody."""
        first = next((bad[run.id] for run in chain.chain(runs, newest.run.id) if run.id in bad), None)
        if first is not None:
            self.index.save(State())
            raise first


def _told(bad: dict[str, ParaduxError]) -> tuple[str, ...]:
    told = [f"{run}: {problem.message.removeprefix('the archive is damaged: ')}" for run, problem in bad.items()]
    return tuple(told[:MOST_TOLD])


def _note(runs: Sequence[Run], bad: Collection[str]) -> str:
    if not bad:
        return ""
    lost = [run.id for run in runs if run.listed and any(each.id in bad for each in chain.chain(runs, run.id))]
    return (
        f"the newest version is whole, but {len(lost)} older ones cannot be restored from here: {', '.join(lost[:5])}"
    )
