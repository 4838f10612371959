"""The check-up of a kit: every byte read and compared with what its manifest says, the manifest with its signature.

It says what is bad by file name and never what is in a file: the words of the share do not leave the worker.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.results import KitChecked
from paraduxd.core.devices.stick_arguments import KitCheckArguments
from paraduxd.core.devices.stick_rules import FILE_SYSTEMS, KIT, NEW, OLD, Stick
from paraduxd.core.plan.terms import RecoveryKey
from paraduxd.core.recovery import kit_tools
from paraduxd.core.runs.orders import Order
from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.effects.devices import kit_files, stick_mount
from paraduxd.effects.devices.kit_files import Found
from paraduxd.effects.process import hardening
from paraduxd.shares.kit_folder import SHARES
from paraduxd.shares.kit_manifest import KitInfo
from paraduxd.shares.slip39 import ShareError, read_share
from paraduxd.shares.words import parse_words
from paraduxd.worker.kits.stick_io import ProgressReport, chosen, named_errors

MANIFEST, SIGNATURE, SUMS = "kit.json", "kit.json.asc", "SHA256SUMS"

_LONGEST_SIGNATURE = 16 * 1024
_MOST_PROBLEMS = 20


def check(order: Order, report: ProgressReport) -> KitChecked:
    """What state the kit on a stick is in. A damaged or missing kit is a result; raises `ParaduxError` when the stick fails."""
    stick = chosen(order)
    found, problems = _found(stick)
    kit = _manifest(found)
    problems += [f"{name} {trouble}" for name, trouble in found.troubles.items()]
    if kit is None and not problems:
        problems = [f"{MANIFEST} is {'damaged' if MANIFEST in found.files else 'missing'}"]
    signed = None
    copies = _good_copies(found, kit)
    if kit is not None:
        signed = _is_signed(found, kit, order.read(KitCheckArguments).keys)
        problems += _differences(found, kit)
        if signed is False:
            problems.append(f"{MANIFEST} is not signed by the owner's recovery key of epoch {kit.epoch}")
    if problems and copies:
        problems.append(f"{copies} of {len(SHARES)} copies of the share are good")
    return replace(
        _of_manifest(kit, found),
        signed=signed,
        problems=tuple(dict.fromkeys(problems))[:_MOST_PROBLEMS],
        copies=copies,
        files=len(found.files),
        bytes=found.bytes,
        device_serial=stick.serial,
        uuid=stick.uuid,
        reads=kit_tools.reads(found.files) if kit is not None else None,
    )


def _found(stick: Stick) -> tuple[Found, list[str]]:
    """All that the kit's folder holds, and why it is no whole kit, if that is to be seen from outside."""
    if not stick.directory and stick.fs not in FILE_SYSTEMS:
        return Found(), ["there is no FAT or exFAT file system any more"]
    try:
        with named_errors(stick), stick_mount.opened(stick) as root:
            return _kit(root)
    except ParaduxError as problem:
        if problem.code != "bad-stick":
            raise
        return Found(), ["the file system is damaged"]


def _kit(root: int) -> tuple[Found, list[str]]:
    """Of a kit whose writing was cut off there may be no more than a name, whose folder cannot be found."""
    try:
        return kit_files.read_kit(root, KIT), []
    except FileNotFoundError:
        half = any(name in (NEW, OLD) for name in kit_files.names(root))
        return Found(), ["the kit is void: its writing was cut off" if half else "there is no kit any more"]
    except OSError as problem:
        if kit_files.is_gone(problem):
            raise
        return Found(), ["the kit cannot be read"]


def _manifest(found: Found) -> KitInfo | None:
    try:
        return KitInfo.from_json(found.files[MANIFEST])
    except (KeyError, ValueError):
        return None


def _of_manifest(kit: KitInfo | None, found: Found) -> KitChecked:
    if kit is None:
        return KitChecked()
    sha256 = hashlib.sha256(found.files[MANIFEST]).hexdigest()
    return KitChecked(kit.owner_id, kit.steward_id, kit.steward_name, kit.epoch, kit.serial, kit.written, sha256)


def _differences(found: Found, kit: KitInfo) -> Iterator[str]:
    """What is missing, damaged or does not belong: by the manifest, and for the files that it does not list by SHA256SUMS."""
    listed = {name: sha256 for name, _, sha256 in kit.files}
    sums = _sums(found.files.get(SUMS, b""))
    for name in sorted({*listed, MANIFEST, SIGNATURE, SUMS} - {*found.files, *found.troubles}):
        yield f"{name} is missing"
    for name, data in sorted(found.files.items()):
        expected = listed.get(name, sums.get(name))
        if name == SUMS:
            if any(sums.get(each) != sha256 for each, sha256 in listed.items()):
                yield f"{name} is damaged"
        elif expected is None:
            yield f"{kit_files.shown(name)} does not belong to the kit"
        elif hashlib.sha256(data).hexdigest() != expected:
            yield f"{name} is damaged"


def _sums(text: bytes) -> dict[str, str]:
    """Name -> hash, as sha256sum(1) writes it."""
    lines = (line.split("  ", 1) for line in text.decode(errors="replace").splitlines())
    return {parts[1]: parts[0] for parts in lines if len(parts) == 2}


def _good_copies(found: Found, kit: KitInfo | None) -> int:
    """How many copies are a share at all, and the one that the manifest names."""
    return sum(_is_good(found.files.get(name, b""), kit) for name in SHARES)


def _is_good(text: bytes, kit: KitInfo | None) -> bool:
    try:
        share = read_share(parse_words(text.decode(errors="replace")))
    except ShareError:
        return False
    return kit is None or share.sha256 == kit.share_sha256


def _is_signed(found: Found, kit: KitInfo, keys: Sequence[RecoveryKey]) -> bool | None:
    """Whether the owner's key of the kit's epoch has signed the manifest; `None` when that key is not at hand."""
    key = next((key for key in keys if key.epoch == kit.epoch), None)
    if key is None:
        return None
    signature = found.files.get(SIGNATURE, b"")[:_LONGEST_SIGNATURE]
    with hardening.shared_memory_folder() as memory, private_gpg(memory) as gpg:
        gpg.import_key(key.public_key)
        try:
            gpg.verify_detached(found.files[MANIFEST], signature, key.fingerprint)
        except ParaduxError:
            return False
    return True
