"""What the keeper asks of the supervisor, for somebody whom it has authorized: the contract of the line between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from paraduxd.api.calls import access, calls_of
from paraduxd.api.frozen import dataclass
from paraduxd.api.listing_questions import Question, RestoreOptions
from paraduxd.api.replies.config import HostKeysOf
from paraduxd.api.replies.kits import Challenge, CodeTaken
from paraduxd.api.replies.transfer_runs import Left, Nothing, ReadingStarted, Started
from paraduxd.core.recovery.drill_judgement import Drill
from paraduxd.core.recovery.kit_records import KitRecord

Server = tuple[str, int] | tuple[str, int, str]
"""Of SSH: host and port; of TLS: with how it is spoken, "tls" or "ftp"."""

keeper = access("keeper")


@dataclass(frozen=True)
class KnownKits:
    """What the journal knows of every kit; `unwatched`: why sticks that are plugged in now are not noticed, if so."""

    kits: tuple[KitRecord, ...] = ()
    unwatched: str = ""


@dataclass(frozen=True)
class DrillPlace:
    """Where a drill writes, and the mark of what is its own there."""

    scratch: str
    mark: str


class KeeperQuestions(Protocol):
    """Every question raises the `ParaduxError` that the supervisor answers with."""

    @keeper
    def apply(self, *, publish: bool) -> Started:
        """Run by the plan on disk from now on; gives the runs that publish its config, if it shall be published."""

    @keeper
    def restore(
        self,
        *,
        keys: Mapping[str, str],
        uid: int,
        dataset: str,
        to: str,
        source: str | None = None,
        at: str | None = None,
        paths: Sequence[str] = (),
        options: RestoreOptions = RestoreOptions(),  # noqa: B008  (it is frozen)
    ) -> ReadingStarted:
        """Restore for `uid`; `keys` says where the worker gets the key of which destination."""

    @keeper
    def look(
        self, *, keys: Mapping[str, str], uid: int, dataset: str, question: Question, source: str | None = None
    ) -> ReadingStarted:
        """Look into versions for `uid`; `keys` as of `restore`."""

    @keeper
    def approve(self, *, dataset: str) -> Started:
        """Release a held dataset."""

    @keeper
    def prune(self, *, dataset: str, destination: str | None = None) -> Started:
        """Remove what `keep` does not want."""

    @keeper
    def verify(self, *, dataset: str | None = None, deep: bool = False) -> Started:
        """Check destinations."""

    @keeper
    def cancel(self, *, runs: Sequence[int]) -> Left:
        """End runs, whoever asked for them."""

    @keeper
    def ask(self, *, steward: str) -> Challenge:
        """A challenge for a steward."""

    @keeper
    def confirm(self, *, code: str, uid: int) -> CodeTaken:
        """Take a confirmation code that this user gives."""

    @keeper
    def alarm(self, *, why: str) -> Nothing:
        """Something happened after which nothing is removed for a while."""

    @keeper
    def kit(self, *, record: KitRecord) -> Nothing:
        """Keep what is known of a kit; it is in the journal when this returns."""

    @keeper
    def kits(self) -> KnownKits:
        """What the journal knows of all kits."""

    @keeper
    def hostkeys(self, *, hosts: Sequence[Server]) -> HostKeysOf:
        """The keys and certificates that servers show now."""

    @keeper
    def drill_begins(self, *, base: str) -> DrillPlace:
        """A drill is about to use scratch space below `base` ("": the usual place)."""

    @keeper
    def drill_ended(self, *, drill: Drill) -> Nothing:
        """Keep the outcome of a drill."""


QUESTIONS = calls_of(KeeperQuestions)
