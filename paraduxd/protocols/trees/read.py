"""Reading the files of a version where they are, for their checksums: SHA-256 on a disk of this machine, MD5 through rsync on a server.

rsync makes no SHA-256. An MD5 sum is as good against bits that turn; against somebody who forges files at the server no checksum that
lies beside them helps.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory

from paraduxd.effects.files import read_back
from paraduxd.effects.files.walk import walk_bytes
from paraduxd.effects.tools import rsync, rsync_files
from paraduxd.protocols.trees import checksums
from paraduxd.protocols.trees.checksums import Sums

UNREADABLE = ""
"""In place of the checksum of a file that cannot be read."""


def algorithm(root: rsync.Place) -> str:
    """Which checksums the files of a store have."""
    return checksums.SHA256 if root.access is None else checksums.MD5


@dataclass
class Reader:
    """Reads files of versions. On a local disk a file that has several names, in one version or in many, is read once."""

    root: rsync.Place
    _read: dict[int, str] = field(default_factory=dict)

    def read(self, version: str, paths: Collection[bytes] | None = None) -> Sums:
        """The checksums of these files of a version, or of all; what is not there is left out, what cannot be read is `UNREADABLE`."""
        tree = self.root.below(f"versions/{version}")
        if self.root.access is not None:
            return _read_remote(tree, paths)
        folder = os.fsencode(f"{tree.path}/")
        found = ((path, self._sum(folder + path)) for path in (_walk(folder) if paths is None else paths))
        return {path: digest for path, digest in found if digest is not None}

    def same_files(self, version: str, rotten: Collection[bytes]) -> tuple[bytes, ...]:
        """All names, in a version on a local disk, of files that are rotten under some names."""
        folder = os.fsencode(self.root.below(f"versions/{version}/").path)
        if self.root.access is not None:
            return tuple(sorted(rotten))
        inodes = {status.st_ino for path in rotten if (status := _status(folder + path))}
        return tuple(sorted({*rotten, *(path for path in _walk(folder) if _inode(folder, path) in inodes)}))

    def _sum(self, path: bytes) -> str | None:
        status = _status(path)
        if status is None or not stat.S_ISREG(status.st_mode):
            return None
        if status.st_ino in self._read:
            return self._read[status.st_ino]
        try:
            digest = read_back.sha256_of(path)
        except OSError:
            digest = UNREADABLE
        if status.st_nlink > 1:
            self._read[status.st_ino] = digest
        return digest


def count(tree: rsync.Place) -> rsync.Ran:
    """A dry run towards an empty directory, which counts the files of a tree."""
    with TemporaryDirectory(prefix="paradux-") as empty:
        return rsync.run_once(tree, rsync.Place(empty, empty), (*rsync.FAITHFUL, "--dry-run"))


def _read_remote(tree: rsync.Place, paths: Collection[bytes] | None) -> Sums:
    if paths is not None and not paths:
        return {}
    with TemporaryDirectory(prefix="paradux-") as empty, rsync_files.these(paths or ()) as given:
        listed = rsync.NOTHING_LISTED if paths is None else given
        ran, contents = rsync_files.read_contents(tree, rsync.Place(empty, empty), listed)
    if ran.code != 23:  # some of it is missing or cannot be read: that is told by what is there
        rsync.check(ran, tree.name)
    return {path: UNREADABLE if digest == rsync_files.UNREADABLE else digest for path, digest in contents.files.items()}


def _walk(folder: bytes) -> Iterator[bytes]:
    """The paths of all regular files below a directory (which ends with a slash); what cannot be listed is left out."""
    for inner, _, names in walk_bytes(folder.rstrip(b"/")):
        for name in names:
            path = b"%b/%b" % (inner, name)
            if (status := _status(path)) and stat.S_ISREG(status.st_mode):
                yield path[len(folder) :]


def _status(path: bytes) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None


def _inode(folder: bytes, path: bytes) -> int | None:
    status = _status(folder + path)
    return status.st_ino if status else None
