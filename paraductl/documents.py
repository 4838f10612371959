"""What each command prints with --json: for `contrib/json_schemas.py`, which makes schema/commands/ of it. No command needs this module.

A document is one of the kinds that stand beside the command here, or `Failure`.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping

from paraductl.commands.check import Checked
from paraductl.commands.create_steward_device import KitInFolder
from paraductl.commands.diff import Difference
from paraductl.commands.find import Place
from paraductl.commands.ls import Listing
from paraductl.recovery.restore_all import Outcome
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.config import ConfigProblem, HostKeys, Serial, Unlocked
from paraduxd.api.replies.drills import DrillOutcome
from paraduxd.api.replies.kits import Arming, Challenge, CodeTaken, Stewards
from paraduxd.api.replies.listings import Change
from paraduxd.api.replies.recovery import Collected, Proven, Recovered
from paraduxd.api.replies.rotations import RotationCancelled, Standing
from paraduxd.api.replies.transfer_runs import Run, Runs, Started


@dataclass(frozen=True)
class Error:
    """What failed, why, and what to do; `code` is explained in docs/how-to/troubleshoot.md."""

    code: str
    message: str
    hint: str
    exit_code: int
    details: tuple[object, ...]


@dataclass(frozen=True)
class Failure:
    """Of every command that could not do what it was asked for."""

    error: Error


@dataclass(frozen=True)
class Locked:
    """Of lock."""

    locked: bool


@dataclass(frozen=True)
class Cancelled:
    """Of recover --cancel."""

    cancelled: bool


@dataclass(frozen=True)
class Unchanged:
    """Of an edit that changed nothing."""

    unchanged: bool
    serial: int


@dataclass(frozen=True)
class SavedConfig:
    """Of edit and setup: what was saved, and what became of publishing it."""

    serial: int
    runs: tuple[Run, ...]
    warnings: tuple[ConfigProblem, ...]
    changes: tuple[str, ...]
    hosts: Mapping[str, HostKeys]


@dataclass(frozen=True)
class WrittenReport:
    """Of report."""

    file: str


@dataclass(frozen=True)
class WrittenKits:
    """Of create-steward-device --directory."""

    kits: tuple[KitInFolder, ...]


@dataclass(frozen=True)
class Found:
    """Of find."""

    dataset: str
    pattern: str
    places: tuple[Place, ...]


@dataclass(frozen=True)
class RestoredInPlace:
    """Of restore --in-place and --dry-run."""

    runs: tuple[Run, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class RestoredDataset(Outcome):
    """Of restore --all, a dataset: nothing, or not all of one version, came back if it is lost."""

    lost: bool = False


@dataclass(frozen=True)
class RestoredAll:
    """Of restore --all."""

    datasets: tuple[RestoredDataset, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """What `paraductl install-service` wrote: paths, without the directory of `--root`."""

    written: tuple[str, ...]


@dataclass(frozen=True)
class Script:
    """Of completion."""

    shell: str
    script: str


def _joined(about: str, *kinds: type, **more: object) -> type:
    """A kind with the fields of all of these; what is named in `more` is another than there."""
    fields: dict[str, object] = {}
    for kind in kinds:
        fields |= typing.get_type_hints(kind)
    made = dataclasses.make_dataclass(kinds[-1].__name__, [*{**fields, **more}.items()], frozen=True)
    made.__doc__ = about
    return made


_RUNS: tuple[type, ...] = (Runs,)
_STARTED = (Runs, Started)

DOCUMENTS: Mapping[str, tuple[type, ...]] = {
    "approve": _STARTED,
    "backup": _STARTED,
    "cancel": _RUNS,
    "check": (Checked,),
    "completion": (Script,),
    "install-service": (Written,),
    "create-steward-device": (WrittenKits, Arming),
    "diff": (Difference,),
    "drill": (DrillOutcome,),
    "edit": (SavedConfig, Unchanged),
    "find": (Found,),
    "history": _RUNS,
    "lock": (Locked,),
    "ls": (Listing,),
    "notify": _RUNS,
    "passphrase": (Serial,),
    "prune": _STARTED,
    "publish": _RUNS,
    "recover": (_joined("Of recover", Collected, Proven, Recovered, runs=tuple[Run, ...]), Cancelled),
    "report": (WrittenReport,),
    "restore": (*_STARTED, RestoredInPlace, RestoredAll),
    "rotate": (
        _joined("Of rotate", Standing, runs=tuple[Run, ...]),
        _joined("Of rotate --cancel", RotationCancelled, runs=tuple[Run, ...]),
    ),
    "setup": (SavedConfig,),
    "stewards": (Stewards, Challenge, CodeTaken),
    "unlock": (Unlocked,),
    "verify": _RUNS,
    "versions": _RUNS,
}
"""By command."""

ELSEWHERE = {"status": "status.schema.json", "whatif": "whatif.schema.json"}
"""Commands whose documents have a schema of their own name."""

ANYTHING = ("show",)
"""Commands that print a part of the config, which schema/paradux.schema.json describes with its secrets masked."""
