"""`disk`: a directory on this machine, as a source, as a destination of plain trees, and as a blob store."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, BinaryIO, ClassVar

from pydantic import AfterValidator, Field

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.setup_forms import Question
from paraduxd.core.config.capabilities import Traits
from paraduxd.core.config.field_types import FileName, Flag, Size
from paraduxd.core.config.protocol_settings import ProtocolSettings, Text, parse_file_url
from paraduxd.core.config.setup_declaration import Setup
from paraduxd.core.primitives.left_out_rules import LeftOut
from paraduxd.effects.files import bounded, directories, existence
from paraduxd.effects.files.directories import Directory
from paraduxd.effects.tools import rsync
from paraduxd.protocols.base import (
    Blob,
    BlobStore,
    Context,
    Protocol,
    PullRequest,
    PullResult,
    Source,
    TransientError,
)
from paraduxd.protocols.by_hand import disk as by_hand
from paraduxd.protocols.pulling import in_place_scan, left_out_paths, rsync_pull
from paraduxd.protocols.pulling.mounted_disks import Inside
from paraduxd.protocols.trees.destination import TreeDestination

TEMPORARY = ".tmp-"
"""How the names of half-written objects start; no object may have such a name."""

_PIECE = 1 << 20


def _file_url(url: str) -> str:
    parse_file_url(url)
    return url


class DiskSettings(ProtocolSettings):
    """A directory of this machine."""

    url: Annotated[Text, AfterValidator(_file_url)] = Field(
        description="The directory, of a source also a single file, as a file:// address with an absolute path (percent-encoded)",
        examples=["file:///srv/backup/photos"],
    )
    exclude: tuple[Text, ...] = Field(
        default=(),
        description="Patterns of what a source leaves out, as in rsync's FILTER RULES; a leading / stands for the source's root",
        examples=[[".cache", "/Downloads/", "*.iso"]],
    )

    exclude_caches: Flag = Field(
        default=False,
        description="Whether a source leaves out folders with a CACHEDIR.TAG, but for that",
        examples=[True],
    )
    exclude_marker: tuple[FileName, ...] = Field(
        default=(),
        description="Names of files: a source leaves out what is beside one of them in its folder",
        examples=[[".nobackup"]],
    )
    one_file_system: Flag = Field(
        default=False, description="Whether a source leaves out what is mounted inside it", examples=[True]
    )
    max_size: Size | None = Field(
        default=None, description="Bytes of a file; a source leaves out larger ones", examples=["4G"]
    )

    def local_path(self) -> str:
        """The directory itself."""
        return parse_file_url(self.url)

    def left_out(self) -> LeftOut:
        """See `ProtocolSettings.left_out`."""
        return LeftOut(self.exclude, self.exclude_caches, self.exclude_marker, self.one_file_system, self.max_size)


class DiskSource(Source):
    """Pulls from a directory of this machine, or watches over it when it is pushed in place."""

    def __init__(self, settings: DiskSettings, context: Context) -> None:
        self._settings = settings
        self._context = context

    def pull(self, staging: Path, request: PullRequest) -> PullResult:
        """See `Source.pull`."""
        path = self._settings.local_path()
        if request.in_place:
            return in_place_scan.pull_in_place(Path(path), request, self._settings.left_out())
        place, exclude = self._what(Path(path))
        if self._settings.one_file_system:
            return rsync_pull.pull(place, staging, exclude, request, self._context)
        inside = Inside(Path(place.path), staging)
        inside.check(request)
        result = rsync_pull.pull(place, staging, exclude, request, self._context)
        return replace(result, mounts=inside.remembered())

    def _what(self, path: Path) -> tuple[rsync.Place, list[str]]:
        """The directory that is pulled and what of it is left out; of the folder of a single file, all the rest."""
        settings, bandwidth = self._settings, self._context.bandwidth
        if path.is_file():
            only = [name for name in os.listdir(path.parent) if name != path.name]  # noqa: PTH208  (no order is needed)
            patterns = [rsync.literal(os.fsencode(name)) for name in only]
            return rsync.Place(str(path.parent), str(path), bandwidth=bandwidth), patterns
        rules = left_out_paths.found(settings.left_out(), path).rules if existence.is_folder(path) else settings.exclude
        return rsync.Place(str(path), str(path), bandwidth=bandwidth), list(rules)

    def look(self) -> bool:
        """See `Source.look`."""
        path = Path(self._settings.local_path())
        if not existence.is_there(path):
            raise rsync_pull.missing(str(path), None)
        with _translated_errors(path):
            if path.is_file():
                open_regular(path).close()
            else:
                os.listdir(path)  # noqa: PTH208  (no order is needed)
        return True


class DiskBlobs(BlobStore):
    """Objects as files of one directory. `create`: it is made when it is missing, which is right only where nothing was before."""

    puts_at_once: ClassVar[bool] = True

    def __init__(self, folder: Path, *, create: bool = True) -> None:
        self._folder = folder
        self._create = create

    def put(self, name: str, data: BinaryIO) -> None:
        """See `BlobStore.put`; on the disk before it returns."""
        with _translated_errors(self._folder):
            self._make_folder()
            with directories.own(self._folder) as folder:
                temporary = f"{TEMPORARY}{secrets.token_hex(8)}"
                try:
                    _write(folder, temporary, data)
                    folder.replace(temporary, name)
                except BaseException:
                    folder.unlink(temporary)
                    raise

    def _make_folder(self) -> None:
        if self._create:
            self._folder.mkdir(parents=True, exist_ok=True)
        elif not self._folder.is_dir():
            raise TransientError(
                "not-mounted", f"{self._folder} is not there any more: its disk is not mounted", "mount it"
            )

    def get(self, name: str) -> Iterator[bytes]:
        """See `BlobStore.get`."""
        with (
            _translated_errors(self._folder, name),
            directories.own(self._folder) as folder,
            open_regular(name, folder.descriptor) as file,
        ):
            while piece := file.read(_PIECE):
                yield piece

    def list(self) -> tuple[Blob, ...]:
        """See `BlobStore.list`."""
        if not os.path.lexists(self._folder):
            return ()
        with _translated_errors(self._folder), os.scandir(self._folder) as entries:
            blobs = list(_files(entries, bounded.Listing(str(self._folder))))
        return tuple(sorted(blobs, key=lambda blob: blob.name))

    def delete(self, name: str) -> None:
        """See `BlobStore.delete`."""
        with (
            _translated_errors(self._folder),
            contextlib.suppress(FileNotFoundError),
            directories.own(self._folder) as folder,
        ):
            folder.unlink(name)

    def sweep(self) -> None:
        """See `BlobStore.sweep`."""
        with (
            _translated_errors(self._folder),
            contextlib.suppress(FileNotFoundError),
            directories.own(self._folder) as folder,
        ):
            for name in folder.names():
                if name.startswith(TEMPORARY):
                    folder.unlink(name)


def _write(folder: Directory, name: str, data: BinaryIO) -> None:
    with folder.create(name) as file:
        while piece := data.read(_PIECE):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _files(entries: Iterator[os.DirEntry[str]], listing: bounded.Listing) -> Iterator[Blob]:
    for entry in entries:
        listing.count(len(entry.name))
        if entry.is_file(follow_symlinks=False) and not entry.name.startswith(TEMPORARY):
            yield Blob(entry.name, entry.stat(follow_symlinks=False).st_size)


def open_regular(path: Path | str, folder: int | None = None) -> BinaryIO:
    """A file to read from; raises `FileNotFoundError` for what is none: a pipe on somebody's disk must not make us wait, and a link there
    leads to what is not theirs."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except OSError as problem:
        if problem.errno not in {errno.ELOOP, errno.ENXIO}:
            raise
        raise FileNotFoundError(errno.ENOENT, "not a regular file") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, "not a regular file")
    return open(descriptor, "rb")  # noqa: PTH123  (a descriptor, not a path)


@contextlib.contextmanager
def _translated_errors(folder: Path, name: str = "") -> Iterator[None]:
    """File errors as sentences."""
    try:
        yield
    except FileNotFoundError:
        raise ParaduxError(
            "not-found", f"there is no object {name} in {folder}", "see what is published there"
        ) from None
    except OSError as problem:
        if problem.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise TransientError("disk-full", f"the disk of {folder} is full", "make room there") from None
        text = f"cannot use {folder}: {problem.strerror}"
        raise ParaduxError("unusable-directory", text, "check that it is mounted, and its permissions") from None


def _destination(settings: DiskSettings, context: Context) -> TreeDestination:
    path = settings.local_path()
    place = rsync.Place(path, path, bandwidth=context.bandwidth)
    return TreeDestination(lambda: contextlib.nullcontext(place), context)


def _blobs(settings: DiskSettings, context: Context) -> DiskBlobs:
    return DiskBlobs(Path(settings.local_path()), create=context.identity is None or not context.identity.marked)


def _folder(text: str) -> str | None:
    """A folder as a person types it, or as the config writes it."""
    return Path(text).as_uri() if text.startswith("/") else text if text.startswith("file:") else None


PROTOCOL = Protocol(
    "disk",
    DiskSettings,
    source=DiskSource,
    destination=_destination,
    blobs=_blobs,
    traits=Traits(plain_files=True),
    setup=Setup(
        "a folder of this machine",
        Question("url", "Folder", "/srv/backup", required=True),
        _folder,
        fate="",
        every="1h",
    ),
    by_hand=by_hand.BY_HAND,
)
