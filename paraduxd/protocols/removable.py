"""`removable`: a disk that lies elsewhere and is plugged in now and then, told by the UUID of its file system.

The worker has found and mounted the disk (`effects/devices/removable_disk.py`) before anything here runs; every
destination has a folder of its own on it, which stays the same when it gets another name. Plain trees need a POSIX
file system; encrypted archives can lie on FAT as well.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.setup_forms import Question
from paraduxd.core.config.capabilities import Traits
from paraduxd.core.config.protocol_settings import ProtocolSettings, Text
from paraduxd.core.config.setup_declaration import Setup, after
from paraduxd.core.primitives.disks import checked_uuid
from paraduxd.core.primitives.place_identity import legacy_uid
from paraduxd.effects.files import existence
from paraduxd.effects.tools import rsync
from paraduxd.protocols.base import Context, Protocol
from paraduxd.protocols.by_hand import disk as by_hand
from paraduxd.protocols.disk import DiskBlobs, open_regular
from paraduxd.protocols.marking import place_marker
from paraduxd.protocols.trees.destination import TreeDestination

FOLDER = "paradux-backup"
"""The folder on the disk that is ours; a steward's kit has another."""

CONFIGS = "config"
"""In it, the folder of metadata stashes."""


class RemovableSettings(ProtocolSettings):
    """A file system on a disk that is plugged in now and then."""

    uuid: Annotated[Text, AfterValidator(checked_uuid)] = Field(
        description="UUID of the file system, as `lsblk -o NAME,UUID` shows it", examples=["1234-ABCD"]
    )

    def removable_disk(self) -> str:
        """The disk."""
        return self.uuid


def _folder(context: Context) -> Path:
    """The folder of this place, to which no link leads: nobody else changes a disk while it is open here, but whoever had it before could
    have put some there."""
    folder = _named(context)
    if context.mounted and any(
        existence.is_link(step) for step in (folder, *folder.parents) if context.mounted in step.parents
    ):
        text = f"{FOLDER} on this disk is a symbolic link, or one leads from it to {folder.name}"
        raise ParaduxError("unusable-directory", text, "see who had the disk, and remove the link")
    return folder


def _named(context: Context) -> Path:
    """The folder that its marker is in, or that had its first name; else a new one of its own."""
    if context.mounted is None:
        raise ParaduxError("not-inserted", "the disk is not opened", "plug it in")
    ours = context.mounted / FOLDER
    named = ours / (context.dataset or CONFIGS) / context.location
    if context.identity is None:
        return named
    place = context.identity.place
    marked = {folder: _marked_as(folder) for folder in (named, *ours.glob("*/*"))}
    for folder, uid in marked.items():
        if place == (uid or _legacy_uid(folder)):
            return folder
    return named if marked[named] is None else named.with_name(f"{named.name}-{place[:8]}")


def _marked_as(folder: Path) -> str | None:
    """The uid of the place that a folder is, by its marker; `None`: it has none."""
    with contextlib.suppress(OSError), open_regular(folder / place_marker.NAME) as file:
        return place_marker.place_in(file.read(place_marker.LONGEST))
    return None


def _legacy_uid(folder: Path) -> str | None:
    """The uid of the place that version 0.1.0 has made a folder for; `None`: there is nothing in it."""
    if not existence.is_folder(folder) or not any(folder.iterdir()):
        return None
    return legacy_uid("" if folder.parent.name == CONFIGS else folder.parent.name, folder.name)


def _destination(_: RemovableSettings, context: Context) -> TreeDestination:
    if context.mounted is not None and not context.posix:
        raise ParaduxError(
            "bad-file-system",
            "the file system of this disk cannot keep plain trees: it has no owners and links",
            'use "encryption": "gpg", or a disk with ext4',
        )
    path = _folder(context)
    with contextlib.suppress(OSError):  # mounted for reading: then there is nothing to make
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = str(path.resolve())  # rsync cannot work below /proc/PID/fd
    place = rsync.Place(folder, folder, bandwidth=context.bandwidth)
    return TreeDestination(lambda: contextlib.nullcontext(place), context)


def _blobs(_: RemovableSettings, context: Context) -> DiskBlobs:
    return DiskBlobs(_folder(context), create=context.identity is None or not context.identity.marked)


PROTOCOL = Protocol(
    "removable",
    RemovableSettings,
    destination=_destination,
    blobs=_blobs,
    traits=Traits(plain_files=True),
    setup=Setup(
        "a disk that you plug in now and then",
        Question(
            "uuid", "UUID of its file system, as lsblk -o NAME,UUID shows it", "removable:1234-ABCD", required=True
        ),
        after("removable:"),
        fate="device",
        every="30d",
    ),
    by_hand=by_hand.REMOVABLE,
)
