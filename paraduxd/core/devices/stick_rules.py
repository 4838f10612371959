"""Which stick may be touched, and how: rules over what is known of a stick and of what waits for one.

Only a whole removable USB disk is ever written to. Without `erase` it must be empty, or hold nothing but an earlier kit of the
very steward whose kit is to be written. What is refused is refused by name, before anything on it changes.
"""

from __future__ import annotations

from collections.abc import Iterable

from paraduxd.api import phrases
from paraduxd.api.frozen import dataclass
from paraduxd.core.recovery.kit_records import KitRecord

KIT = "PARADUX"
"""The folder of a kit, and the label of a stick that was formatted for one."""

NEW, OLD = f"{KIT}.new", f"{KIT}.old"
"""What is being written, and what it is about to replace."""

FILE_SYSTEMS = ("vfat", "exfat")
"""The only types that are ever mounted."""

EXFAT_FROM = 32 * 1024**3
"""Bytes; smaller sticks get FAT32, which everything can read."""

SMALLEST = 64 * 1024 * 1024
"""Bytes that a stick must have to be formatted: FAT32 needs half of it."""

SPARE = 1024 * 1024
"""Bytes that must be left beside the new kit, for directories and rounding."""

_LITTER = frozenset(
    {"system volume information", "$recycle.bin", "lost.dir", "lost+found", ".trashes", ".fseventsd", ".spotlight-v100"}
)
"""What operating systems put on every stick that they see."""

_NAMED = 3


@dataclass(frozen=True)
class PluggedIn:
    """A stick that was plugged in, or named: its device, or the directory that stands for it. `beside`: names of others that are in."""

    device: str = ""
    directory: str = ""
    serial: str | None = None
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stick:
    """What is known of a block device without opening it. `device`: its node; `size`: bytes; `partitions`: their nodes.

    `serial` is that of the hardware. `fs`, `label` and `uuid` are those of its file system, as far as anybody has looked: of the disk
    itself, or of its only partition; `volume` is the node that has it ("" for none, or several). `directory` is set instead of
    `device` for a folder that stands for a stick; its serial number is what whoever presents it says.
    """

    device: str = ""
    serial: str | None = None
    model: str = ""
    size: int = 0
    usb: bool = False
    removable: bool = False
    whole: bool = False
    read_only: bool = False
    partitions: tuple[str, ...] = ()
    volume: str = ""
    fs: str | None = None
    label: str | None = None
    uuid: str | None = None
    directory: str = ""

    @property
    def name(self) -> str:
        """What a person can tell it by."""
        if self.directory:
            return f"the folder {self.directory}"
        serial = [f"serial number {self.serial}"] if self.serial else []
        details = ", ".join([*serial, *([self.device] if self.model else [])])
        what = self.model or self.device
        return f"the stick {what} ({details})" if details else f"the stick {what}"


@dataclass(frozen=True)
class Seen:
    """What was found on it. `blank`: no file system and no data; `foreign`: what it has instead of a file system that is looked into.

    `kit` and `new`: the manifests of the kit and of one that was being written, as (owner, steward, the steward's name), as far as
    they can be read; `has_kit_folder`: there is something of that name; `others`: names of other things; `free`: bytes.
    """

    blank: bool = False
    foreign: str = ""
    kit: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    has_kit_folder: bool = False
    others: tuple[str, ...] = ()
    free: int = 0


@dataclass(frozen=True)
class Armed:
    """A kit that waits for its stick: whose (`owner` and `steward` are ids), its size in bytes, and whether other data may be lost.

    `known`: this very stick is known to hold, or to have held, this steward's kit. `beside`: names of other sticks that could be meant.
    """

    owner: str
    steward: str
    steward_name: str
    needed: int = 0
    erase: bool = False
    known: bool = False
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Write:
    """Write the kit; `format`: make a new file system first."""

    format: bool = False


@dataclass(frozen=True)
class Refuse:
    """Leave it as it is; one sentence that names the stick."""

    reason: str


@dataclass(frozen=True)
class Check:
    """A kit that is known: read all of it."""

    steward: str


@dataclass(frozen=True)
class Ignore:
    """None of our business."""


Decision = Write | Refuse | Check | Ignore


def decide(stick: Stick, seen: Seen, armed: Armed | None, kits: Iterable[KitRecord] = ()) -> Decision:
    """What to do with a stick. `kits` are those that the journal knows; they matter when nothing is armed."""
    if armed is None:
        steward = known_steward(stick, kits)
        return Check(steward) if steward else Ignore()
    taken = _taken(seen, armed)
    formatting = seen.blank or bool(taken)
    obstacles = (
        unfit(stick, armed),
        "" if armed.erase else taken,
        _too_small(stick) if formatting else _too_full(seen, armed),
    )
    if reason := next(filter(None, obstacles), ""):
        return Refuse(f"{stick.name} is not written to: {reason}")
    return Write(format=formatting)


def known_steward(stick: Stick, kits: Iterable[KitRecord]) -> str | None:
    """Whose kit the stick is known to hold."""
    record = known_kit(stick, kits)
    return record.steward if record else None


def known_kit(stick: Stick, kits: Iterable[KitRecord]) -> KitRecord | None:
    """What is known of the kit on the stick; of the newest epoch, if it carries two."""
    here = KitRecord("", 0, device_serial=stick.serial, uuid=stick.uuid)
    return max((record for record in kits if record.same_stick(here)), key=lambda record: record.epoch, default=None)


def unfit(stick: Stick, armed: Armed) -> str:
    """Why this device is never written to, whatever is on it; empty when it may be."""
    beside = f"{', '.join(armed.beside)} is plugged in as well; leave only the one that is meant"
    is_device = not stick.directory
    reasons = (
        (is_device and not stick.whole, "it is one part of a disk; name the whole disk"),
        (is_device and not stick.usb, "it is not a USB disk"),
        (is_device and not stick.removable, "it is a fixed disk, not a removable stick"),
        (stick.read_only, "it is write-protected"),
        (bool(armed.beside), beside),
    )
    return next((reason for applies, reason in reasons if applies), "")


def is_litter(name: str) -> bool:
    """Whether something at the top of a stick was put there by an operating system and is nobody's data."""
    return name.lower() in _LITTER or name.startswith(("._", ".Trash-")) or name == ".DS_Store"


def best_type(size: int) -> str:
    """The file system that a stick of so many bytes is formatted with."""
    return "exfat" if size >= EXFAT_FROM else "vfat"


def _taken(seen: Seen, armed: Armed) -> str:
    """Why what is on it stands in the way; empty when nothing does."""
    if seen.foreign:
        return f"it holds {seen.foreign}"
    if seen.others:
        more = ", ..." if len(seen.others) > _NAMED else ""
        return f"it holds other data ({', '.join(seen.others[:_NAMED])}{more})"
    return next(filter(None, (_of_somebody_else(kit, armed) for kit in (seen.kit, seen.new))), "") or _unclear(
        seen, armed
    )


def _of_somebody_else(kit: tuple[str, ...], armed: Armed) -> str:
    if not kit or kit[:2] == (armed.owner, armed.steward):
        return ""
    if kit[0] != armed.owner:
        return "it holds the kit of another owner"
    return f"it holds the kit of {kit[2]}, and {armed.steward_name}'s is next"


def _unclear(seen: Seen, armed: Armed) -> str:
    """A kit folder that does not say whose it is may be overwritten where the journal knows that it is this steward's."""
    if seen.has_kit_folder and not (seen.kit or seen.new) and not armed.known:
        return "it holds a damaged kit that does not say whose it is"
    return ""


def _too_small(stick: Stick) -> str:
    return f"it is too small ({phrases.size(stick.size)})" if stick.size < SMALLEST and not stick.directory else ""


def _too_full(seen: Seen, armed: Armed) -> str:
    missing = armed.needed + SPARE - seen.free
    return f"it is full; {phrases.size(missing)} more must be free" if missing > 0 else ""
