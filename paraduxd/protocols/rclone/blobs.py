"""Objects as files of one directory that rclone reaches: the blob store of `s3` and `rclone`.

Where a half-written file would show under its name, the object is written under another one first. A remote that cannot replace a
file in one step keeps the finished new object as ".new-NAME" meanwhile; if it ends there, that is the object.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import BinaryIO

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.tools import rclone
from paraduxd.protocols.base import Blob, BlobStore, TransientError

TEMPORARY = ".tmp-"
"""How the names of half-written objects start; no object may have such a name."""

FINISHED = ".new-"
"""How the names of objects start that are whole, but could not take the place of the earlier one yet."""

OpenRemote = Callable[[], rclone.Remote]


class RemoteBlobs(BlobStore):
    """Objects below `open_remote()`; `whole`: what is uploaded there is seen whole or not at all, as with S3."""

    def __init__(
        self,
        open_remote: OpenRemote,
        *,
        whole: bool | None = None,
        made: bool = False,
        open_versions: OpenRemote | None = None,
    ) -> None:
        """`whole` None: as the remote's features tell. `made`: the place is there before anything is written (a bucket).

        `open_versions`: the same with every version of an object as a file of its own.
        """
        self._open = open_remote
        self._open_versions = open_versions
        self._whole = whole
        self._made = made

    @cached_property
    def _remote(self) -> rclone.Remote:
        return self._open()

    @cached_property
    def _direct(self) -> bool:
        """Whether objects are uploaded under their own names: these are whole at once, or nothing can be renamed there."""
        if self._whole is not None:
            return self._whole
        can = rclone.features(self._remote)
        return can.buckets or not can.renames

    def put(self, name: str, data: BinaryIO) -> None:
        """See `BlobStore.put`."""
        if self._direct:
            rclone.upload(self._remote, name, data)
            return
        temporary = f"{TEMPORARY}{secrets.token_hex(8)}"
        try:
            rclone.upload(self._remote, temporary, data)
            there = bool(rclone.listing(self._remote, [name]))
            rclone.move(self._remote, temporary, FINISHED + name if there else name)
        except BaseException:
            with contextlib.suppress(ParaduxError):
                rclone.delete(self._remote, temporary)
            raise
        if there:
            rclone.move(self._remote, FINISHED + name, name)

    def overwrite(self, name: str, data: BinaryIO) -> None:
        """See `BlobStore.overwrite`: under its own name."""
        rclone.upload(self._remote, name, data)

    def get(self, name: str) -> Iterator[bytes]:
        """See `BlobStore.get`."""
        for called in (name, FINISHED + name):
            empty = True
            for piece in rclone.download(self._remote, called):
                empty = False
                yield piece
            if not empty or self._is_empty(called):
                return
            if self._direct:
                break
        raise ParaduxError(
            "not-found", f"there is no object {name} at {self._remote.where}", "see what is published there"
        )

    def _is_empty(self, name: str) -> bool:
        """Whether an object of which nothing came is one without content; raises `TransientError` when something was to come."""
        found = rclone.listing(self._remote, [name])
        if found and found[0].size > 0:
            raise TransientError(
                "connection-lost", f"nothing of {name} came from {self._remote.where}", "the next run tries again"
            )
        return bool(found)

    def list(self) -> tuple[Blob, ...]:
        """See `BlobStore.list`. Raises `ParaduxError` "no-bucket" when the place itself is gone."""
        found = rclone.listing(self._remote)
        if not found and self._made:
            self._check_emptiness(found is None)
        sizes = {entry.name: entry.size for entry in found or ()}
        for name in [name for name in sizes if name.startswith(FINISHED)]:
            sizes.setdefault(name.removeprefix(FINISHED), sizes[name])
        return tuple(
            Blob(name, size) for name, size in sorted(sizes.items()) if not name.startswith((TEMPORARY, FINISHED))
        )

    def _check_emptiness(self, missing: bool) -> None:
        """An empty list is what rclone makes of any page, too, such as that of a network that wants a log-in: it has all objects."""
        if missing:
            raise ParaduxError(
                "no-bucket",
                f"there is no such bucket at {self._remote.where}",
                "make it there, or correct the address with paraductl edit",
            )
        if rclone.listing(self._remote, [f"{TEMPORARY}{secrets.token_hex(8)}"]):
            raise TransientError(
                "bad-answer",
                f"{self._remote.where} answered with something that is not understood",
                "check the address: something else may be listening there, such as the log-in page of a network",
            )

    def delete(self, name: str) -> None:
        """See `BlobStore.delete`."""
        rclone.delete(self._remote, name)
        if not self._direct:
            rclone.delete(self._remote, FINISHED + name)

    def erase(self, name: str) -> bool | None:
        """See `BlobStore.erase`."""
        if self._open_versions is None:
            return None
        remote = self._open_versions()
        with contextlib.suppress(ParaduxError):
            rclone.delete_beginning_with(remote, name)
        return bool(rclone.beginning_with(remote, name))

    def sweep(self) -> None:
        """See `BlobStore.sweep`."""
        for entry in rclone.listing(self._remote) or ():
            if entry.name.startswith(TEMPORARY):
                rclone.delete(self._remote, entry.name)
