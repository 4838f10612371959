"""What the supervisor knows besides the plan, as values: how runs ended, what runs now, what stewards hold.

Times are RFC 3339 texts as the journal holds them; whoever reads them copes with anything. Keys are (dataset, step, location):
("home", "pull", "source"), ("home", "push", "friend"), ("home", "verify", "friend"), ("home", "versions", "friend"),
("home", "rehearse", "friend") and, for a metadata stash, ("", "publish", "friend") and ("", "rehearse", "friend").
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import field

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.results import R, Result
from paraduxd.api.replies.state import Guess, RunningState
from paraduxd.core.installation.health import Health
from paraduxd.core.recovery.confirmation import CodeRecord
from paraduxd.core.recovery.kit_records import Kit
from paraduxd.core.runs.damage import Damage
from paraduxd.core.runs.guard.holds import Hold
from paraduxd.core.runs.orders import Failed

Key = tuple[str, str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Latest:
    """How the last runs of one step at one location ended.

    `failures` counts the failed runs since the last success, `error` is that of the last of them, `result` that of the last success,
    which took so many `seconds`; `state` how the last run ended.
    """

    last_success: str | None = None
    last_attempt: str | None = None
    failures: int = 0
    error: Failed | None = None
    result: Result | None = None
    state: str | None = None
    seconds: int | None = None

    def told(self, kind: type[R]) -> R:
        """The result, if it is of this kind, else one that tells nothing."""
        return self.result if isinstance(self.result, kind) else kind()


@dataclass(frozen=True)
class Daemon:
    """The supervisor itself. `vault` is how the vault is opened: "mapped", "userspace" or "none".

    `weak_kdf`: the passphrase is stretched less than it should be; `guess`: how much. `for_tests`: new ones would be, too.
    `memory_locked`: secrets cannot reach swap.
    `init_on_free`: the kernel wipes freed memory; `None` when that is not known.
    """

    version: str = ""
    pid: int = 0
    started: str | None = None
    vault: str = "none"
    locked: bool = True
    unlocked_until: str | None = None
    weak_kdf: bool = False
    guess: Guess | None = None
    for_tests: bool = False
    memory_locked: bool = True
    init_on_free: bool | None = None


@dataclass(frozen=True)
class SeenCopy:
    """A version that a drill restored from and compared. `uid`: of the destination as it was then; `time`: that of the version."""

    dataset: str
    destination: str
    uid: str
    version: str = ""
    time: str | None = None


@dataclass(frozen=True)
class SeenStash:
    """A metadata stash from which a drill opened the config that was in force."""

    stash: str
    uid: str
    serial: int
    time: str | None = None


@dataclass(frozen=True)
class Drills:
    """The last drill: when it `ended`, of which epoch and serial, what it saw and proved. `kit_opened`: the config in force was on a
    kit that was brought. `lacking`: why it did not prove the whole, if so. `restored`: what was restored when, by drills or by the
    schedule: (dataset, destination) -> time."""

    ended: str | None = None
    epoch: int | None = None
    serial: int = 0
    proven: tuple[SeenCopy, ...] = ()
    opened: tuple[SeenStash, ...] = ()
    kit_opened: bool = False
    lacking: str = ""
    restored: Mapping[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """Everything that status is computed from, besides the plan and the clock.

    `next_runs`: when each step runs next. `holds`: by dataset. `running`: as status shows them. `kits`: steward -> kit.
    `transport_ready`: credentials of the transfers can be read, so that they can run. `save_pending`: a save was interrupted after the
    vault was written. `locked_since_start`: nobody has unlocked since the daemon started. `plugged_in`: UUIDs of disks of the plan that
    are plugged in. `own_names`: host names and addresses of this machine, in lower case.
    `seen_by_code`: steward -> the last confirmation code that was taken.
    `days`: how the pulls and pushes of the last days ended (`api/replies/state.py`).
    `damage`: (dataset, destination) -> what was found there, and not disproved since. `health`: what was found of vault,
    journal and the like.
    """

    daemon: Daemon = field(default_factory=Daemon)
    latest: Mapping[Key, Latest] = field(default_factory=dict)
    next_runs: Mapping[Key, str] = field(default_factory=dict)
    holds: Mapping[str, Hold] = field(default_factory=dict)
    running: tuple[RunningState, ...] = ()
    kits: Mapping[str, Kit] = field(default_factory=dict)
    drills: Drills = field(default_factory=Drills)
    transport_ready: bool = True
    save_pending: bool = False
    health: Health = field(default_factory=Health)
    locked_since_start: bool = False
    plugged_in: frozenset[str] = frozenset()
    own_names: frozenset[str] = frozenset()
    damage: Mapping[tuple[str, str], Damage] = field(default_factory=dict)
    seen_by_code: Mapping[str, CodeRecord] = field(default_factory=dict)
    days: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
