"""What a worker does with sticks: look, write a kit, read one. Checking one is in `kit_check.py`.

Writing destroys nothing before its replacement is proven: the new kit is written beside the old one, put on the medium, read back after
everything cached was dropped, and only then takes its place. Wherever that is cut off, there is a whole kit, or one that says it is void.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Mapping

from paraduxd.api.errors import ParaduxError
from paraduxd.core.devices.stick_arguments import KitWriteArguments, StickArguments
from paraduxd.core.devices.stick_results import LookedAt, ReadFromStick, WrittenToStick
from paraduxd.core.devices.stick_rules import (
    FILE_SYSTEMS,
    KIT,
    NEW,
    OLD,
    Refuse,
    Seen,
    Stick,
    Write,
    best_type,
    decide,
    is_litter,
)
from paraduxd.core.runs.orders import Order, Progress
from paraduxd.effects.devices import block_device, kit_files, stick_mount
from paraduxd.shares.kit_manifest import LONGEST, KitInfo

ProgressReport = Callable[[Progress], None]


def look(order: Order, report: ProgressReport) -> LookedAt:
    """What a stick is and what is on it, as far as that decides whether a kit may be written there."""
    stick = chosen(order)
    with named_errors(stick):
        return LookedAt(stick, seen_on(stick))


def write(order: Order, report: ProgressReport) -> WrittenToStick:
    """One kit onto a stick, under the rules of `core/devices/stick_rules.py`, read back from the medium."""
    stick = chosen(order)
    told = order.read(KitWriteArguments)
    files = _decoded(told.files)
    with named_errors(stick):
        decision = decide(stick, seen_on(stick), told.armed)
        if isinstance(decision, Refuse):
            raise ParaduxError("refused", decision.reason, "use another stick, or consent to the loss with --erase")
        stick = _formatted(stick) if decision == Write(format=True) else stick
        report(Progress(10.0))
        _write_beside(stick, files)
        report(Progress(50.0))
        _compare(stick, NEW, files)
        with stick_mount.opened(stick, writable=True) as root:
            kit_files.take_place(root, NEW, KIT, OLD)
        report(Progress(80.0))
        _compare(stick, KIT, files)
    return WrittenToStick(len(files), sum(map(len, files.values())), stick.serial, stick.fs, stick.uuid)


def read(order: Order, report: ProgressReport) -> ReadFromStick:
    """All that can be read of a kit; of one that was cut off while it was written, what is there of it."""
    stick = chosen(order)
    with named_errors(stick), stick_mount.opened(stick) as root:
        there = [found for name in _kit_folders(root) if (found := _readable(root, name)) is not None]
        if not there:
            raise ParaduxError("no-kit", f"{stick.name} holds no kit", "use another stick")
        found = max(there, key=lambda found: len(found.files))
    return ReadFromStick(
        {name: base64.b64encode(data).decode() for name, data in found.files.items()},
        tuple(f"{name} {trouble}" for name, trouble in found.troubles.items()),
    )


def _kit_folders(root: int) -> tuple[str, ...]:
    """Where a kit may be: in its folder, in what a writing that was cut off left, in a copy of either, or at the top."""
    names = kit_files.names(root)
    copied = [name for name in names if name not in (KIT, OLD, NEW) and KIT.lower() in name.lower()]
    at_top = ["."] if {"kit.json", "share.txt"} & {name.lower() for name in names} else []
    return (KIT, OLD, NEW, *copied, *at_top)


def _readable(root: int, folder: str) -> kit_files.Found | None:
    """What a folder holds; one that cannot be read, or is not there, is `None`: where writing was cut off, another one is whole."""
    try:
        return kit_files.read_kit(root, folder)
    except OSError as problem:
        if kit_files.is_gone(problem):
            raise
        return None


def chosen(order: Order) -> Stick:
    """The stick that the order names; raises `ParaduxError` "refused" when another one is in its place."""
    told = order.read(StickArguments)
    expected = told.device_serial
    if told.directory:
        return Stick(directory=told.directory, serial=expected)
    stick = stick_mount.look(told.device)
    if expected and stick.serial != expected:
        raise ParaduxError("refused", f"{stick.name} is not the one that was plugged in", "plug it in again")
    return stick


@contextlib.contextmanager
def named_errors(stick: Stick) -> Iterator[None]:
    """Failures of the medium become sentences that name the stick."""
    try:
        yield
    except OSError as problem:
        raise ParaduxError(
            "void",
            f"{stick.name} failed or was pulled out ({problem.strerror or 'it does not answer'})",
            "plug it in again, or use another stick",
        ) from None


def seen_on(stick: Stick) -> Seen:
    """What is on it, looked at read-only; a file system of another kind, or a damaged one, is not looked into."""
    if not stick.directory and stick.fs not in FILE_SYSTEMS:
        what = stick_mount.foreign(stick)
        if not what and not block_device.is_blank(stick.device, stick.size):
            what = "data without a file system"
        return Seen(blank=not what, foreign=what)
    try:
        with stick_mount.opened(stick) as root:
            return _contents(root)
    except ParaduxError as problem:
        if problem.code != "bad-stick":
            raise
    except OSError as problem:
        if stick.directory or kit_files.is_gone(problem):
            raise
    return Seen(foreign="a damaged file system")


def _contents(root: int) -> Seen:
    names = kit_files.names(root)
    folders = [name for name in (KIT, NEW, OLD) if kit_files.exists(root, name)]
    room = os.fstatvfs(root)
    return Seen(
        kit=_whose(root, KIT) or _whose(root, OLD),
        new=_whose(root, NEW),
        has_kit_folder=bool(folders),
        others=tuple(kit_files.shown(name) for name in names if name not in (KIT, NEW, OLD) and not is_litter(name)),
        free=room.f_bavail * room.f_frsize,
    )


def _whose(root: int, folder: str) -> tuple[str, ...]:
    """Owner, steward and the steward's name, by the manifest in a folder; empty when it has none that can be read."""
    try:
        with kit_files.entered(root, folder) as inner:
            kit = KitInfo.from_json(kit_files.content(inner, "kit.json", LONGEST))
    except (FileNotFoundError, ValueError):
        return ()
    except OSError:  # a rotten manifest says nothing; if the whole stick is gone, the next step notices
        return ()
    return (kit.owner_id, kit.steward_id, kit.steward_name)


def _formatted(stick: Stick) -> Stick:
    """The stick with a new, empty file system."""
    if stick.directory:
        return stick
    block_device.make_file_system(stick.device, best_type(stick.size))
    block_device.drop_cache(stick.device)
    return stick_mount.look(stick.device)


def _write_beside(stick: Stick, files: Mapping[str, bytes]) -> None:
    with stick_mount.opened(stick, writable=True) as root:
        try:
            kit_files.write_folder(root, NEW, files)
        except OSError as problem:
            if problem.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            kit_files.remove(root, NEW)
            raise ParaduxError(
                "stick-full", f"{stick.name} is full; what was on it is unchanged", "make room, or use another stick"
            ) from None


def _compare(stick: Stick, folder: str, files: Mapping[str, bytes]) -> None:
    with stick_mount.opened(stick) as root:
        found = kit_files.read_kit(root, folder)
    bad = sorted(name for name in files if found.files.get(name) != files[name])
    if bad:
        raise ParaduxError(
            "void", f"{bad[0]} reads back from {stick.name} differently from how it was written", "use another stick"
        )


def _decoded(files: Mapping[str, str]) -> dict[str, bytes]:
    try:
        return {name: base64.b64decode(data, validate=True) for name, data in files.items()}
    except (binascii.Error, ValueError):
        raise ParaduxError("bad-request", "the files of a kit were not understood") from None
