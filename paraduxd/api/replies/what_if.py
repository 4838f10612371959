"""What `paraductl whatif` answers ("paradux.whatif/1", `schema/whatif.schema.json`). Ages and lengths of time are seconds."""

from __future__ import annotations

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.frozen import dataclass

SCHEMA = "paradux.whatif/1"


@dataclass(frozen=True)
class Assumed:
    """A place of which nobody said what takes it along, and what it is taken to share."""

    place: str
    fates: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Unknown:
    """A word that names nothing here, and what was probably meant ("" for nothing near)."""

    name: str
    meant: str = ""


@dataclass(frozen=True)
class CopyLeft:
    """One copy of a dataset after the loss.

    `age` of its newest version, `worst`: how old it may get by its schedule; `needs`: what it takes to read it (config, machine);
    `because`: what took it, or that no config leads to it ("config"); `back_in`: until it is restored from here, `no_figure`: what would
    have to be measured or given for that. `protects`: what was claimed, `tried`: whether a rehearsal found it so.
    """

    id: str
    left: bool
    age: int | None = None
    worst: int | None = None
    needs: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    back_in: int | None = None
    no_figure: tuple[str, ...] = ()
    encryption: str = ""
    protects: str = "none"
    tried: bool | None = None


@dataclass(frozen=True)
class DatasetLeft:
    """One dataset after the loss.

    `loss_of_work`: the age of the newest copy that is left; `back_in`: until it is there again, `back_by`: when that would be (RFC 3339);
    `he_reads`, `he_deletes`: with which copies somebody else can do that.
    """

    id: str
    lost: bool
    left: int
    of: int
    loss_of_work: int | None = None
    worst: int | None = None
    back_in: int | None = None
    back_by: str | None = None
    no_figure: tuple[str, ...] = ()
    copies: tuple[CopyLeft, ...] = ()
    he_reads: tuple[str, ...] = ()
    he_deletes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ConfigLeft:
    """Who opens a config: `by` "owner", "stewards" or "" (nobody).

    `spare`: so many kits more than it takes; `kits`: whose are left; `required`: so many are needed; `places`: where the newest lies;
    `he_opens`: somebody else opens one; `he_deletes`: at which metadata stashes he may remove it.
    """

    opens: bool
    by: str = ""
    spare: int = 0
    required: int = 0
    kits: tuple[str, ...] = ()
    newest_serial: int | None = None
    serial: int = 0
    places: tuple[str, ...] = ()
    opens_in: int | None = None
    he_opens: bool = False
    he_deletes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One dataset after one loss: only those that it touches."""

    id: str
    left: int
    of: int
    loss_of_work: int | None = None
    back_in: int | None = None


@dataclass(frozen=True)
class Single:
    """What the loss of one label takes. `stewards`: whose kits; `touched`: datasets that lose a copy."""

    lose: tuple[str, ...]
    lost: tuple[str, ...]
    touched: tuple[Cell, ...] = ()
    config_by: str = ""
    spare: int = 0
    stewards: tuple[str, ...] = ()
    out_of_reach: tuple[str, ...] = ()


@dataclass(frozen=True)
class MinimalLoss:
    """A smallest set of labels that loses something: datasets, "(config)" or "(key)"."""

    lose: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True)
class AccountLoss:
    """A set of labels after which nobody gets into these entries of the inventory; for each of them a smallest one."""

    lose: tuple[str, ...]
    out_of_reach: tuple[str, ...]


@dataclass(frozen=True)
class Advice:
    """One change and what it would do: `sentence` says it; `lost_by_critical`: things lost by the smallest sets, before and after."""

    change: str
    subject: str
    sentence: str
    survives_any: int
    lost_by_critical: tuple[int, ...]
    destroyed_by_machine: tuple[int, ...] = ()


@dataclass(frozen=True)
class WhatIf:
    """The whole answer. `singles`, `pairs`, `minimal`, `accounts` and `advice` without a loss only.

    `unreachable`: entries into which nobody gets even now; `he_reaches`: those into which somebody else does. `notes`: sentences that limit
    what is said.
    """

    lose: tuple[str, ...]
    compromise: tuple[str, ...]
    scenario: str
    unknown: tuple[Unknown, ...]
    assumed: tuple[Assumed, ...]
    lost: tuple[str, ...]
    survived: tuple[str, ...]
    one_copy_left: tuple[str, ...]
    config: ConfigLeft
    datasets: tuple[DatasetLeft, ...]
    out_of_reach: tuple[str, ...]
    he_reaches: tuple[str, ...]
    unreachable: tuple[str, ...]
    survives_any: int
    labels: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    singles: tuple[Single, ...] = ()
    pairs: tuple[MinimalLoss, ...] = ()
    minimal: tuple[MinimalLoss, ...] = ()
    accounts: tuple[AccountLoss, ...] = ()
    advice: tuple[Advice, ...] = ()
    notes: tuple[str, ...] = ()
    now: str = ""
    schema: str = SCHEMA

    @property
    def loses(self) -> bool:
        """Whether something is lost, or the config."""
        return bool(self.lost) or not self.config.opens


def as_document(found: WhatIf) -> dict[str, object]:
    """The answer as it goes to programs: `places` of the config are called "from" there."""
    config = to_json_value(found.config)
    config["from"] = config.pop("places")
    return {**to_json_value(found), "config": config}
