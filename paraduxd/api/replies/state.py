"""What `status` answers: `schema/status.schema.json`. Times are RFC 3339 in UTC."""

from __future__ import annotations

from paraduxd.api.errors import ExitCode
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.kits import SeenByCode
from paraduxd.api.replies.transfer_runs import RunError

SCHEMA = "paradux.status/1"

_EXIT_CODES = {"ok": ExitCode.DONE, "warning": ExitCode.WARNING, "critical": ExitCode.CRITICAL}


@dataclass(frozen=True)
class Guess:
    """What one guess of the operational passphrase takes: bytes of memory, and passes over them (argon2id)."""

    memory: int
    passes: int


@dataclass(frozen=True)
class DaemonState:
    """The daemon itself."""

    version: str
    pid: int
    started: str | None
    vault: str
    locked: bool
    unlocked_until: str | None = None
    memory_locked: bool = True
    init_on_free: bool | None = None
    guess: Guess | None = None


@dataclass(frozen=True)
class ConfigState:
    """The config in force; all `None` before the first setup."""

    serial: int | None = None
    saved: str | None = None
    epoch: int | None = None


@dataclass(frozen=True)
class AssumedFates:
    """A place that shares these fates, which nobody has said."""

    place: str
    fates: tuple[str, ...]


@dataclass(frozen=True)
class Recoverable:
    """What could be recovered today, when that was proven, and what it survives."""

    today: bool
    proven: str | None = None
    survives_any: int = 0
    weakest: tuple[tuple[str, ...], ...] = ()
    assumed: tuple[AssumedFates, ...] = ()


@dataclass(frozen=True)
class SourceState:
    """How pulls from the source ended; `days` as of a destination."""

    last_success: str | None = None
    last_attempt: str | None = None
    next: str | None = None
    error: RunError | None = None
    days: tuple[str, ...] = ()


@dataclass(frozen=True)
class StagingState:
    """The copy on this machine."""

    path: str
    files: int | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class DestinationState:
    """One destination of a dataset.

    `days`: how pushes of the last days ended, 24 hours each, the newest last: "ok" (one went well), "failed" (none did), "" (none ran).
    """

    id: str
    state: str
    last_success: str | None = None
    last_verified: str | None = None
    last_restored: str | None = None
    next: str | None = None
    due: str | None = None
    overdue_since: str | None = None
    disk: str | None = None
    plugged_in: bool | None = None
    versions: int | None = None
    bytes: int | None = None
    error: RunError | None = None
    days: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetState:
    """One dataset. `state`: ok, running, held, overdue, failed or never."""

    id: str
    state: str
    proven: str | None
    source: SourceState
    staging: StagingState
    destinations: tuple[DestinationState, ...] = ()


@dataclass(frozen=True)
class StashState:
    """One metadata stash; `serial`: of the config that it holds."""

    id: str
    serial: int | None = None
    current: bool = False
    last_success: str | None = None
    error: RunError | None = None


@dataclass(frozen=True)
class StewardState:
    """One steward, with the kit that matters."""

    id: str
    epoch: int | None = None
    written: str | None = None
    last_seen: str | None = None
    current: bool = False
    device_serial: str | None = None
    seen_by_code: SeenByCode | None = None


@dataclass(frozen=True)
class RunningState:
    """A run that goes on."""

    run: int
    dataset: str = ""
    step: str = ""
    location: str = ""
    percent: float | None = None
    bytes: int = 0
    eta: int | None = None


@dataclass(frozen=True)
class ProblemState:
    """Something that is not as it should be; `level`: warning or critical."""

    level: str
    code: str
    subject: str
    text: str
    hint: str = ""


@dataclass(frozen=True)
class Status:
    """How everything is. `level`: ok, warning or critical."""

    schema: str
    level: str
    headline: str
    daemon: DaemonState
    config: ConfigState
    recoverable: Recoverable
    datasets: tuple[DatasetState, ...] = ()
    metadata_stashes: tuple[StashState, ...] = ()
    stewards: tuple[StewardState, ...] = ()
    running: tuple[RunningState, ...] = ()
    problems: tuple[ProblemState, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """What `paraductl status` returns: a level that is not understood is critical."""
        return _EXIT_CODES.get(self.level, ExitCode.CRITICAL)


@dataclass(frozen=True)
class Overview:
    """How everything is, and how many datasets are left out of that."""

    status: Status
    left_out: int = 0
