"""The directories of a tree store on this machine: nobody else can exchange them, and at first nobody else can enter them.

Versions hold modes, owners, set-uid files and devices as the source has them. What keeps these from being anything but data is that the
directory above them is closed. It is closed once: an owner who opens it to others later has his way.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.files import directories
from paraduxd.effects.tools import rsync
from paraduxd.protocols.base import Context

PRIVATE = ("versions", "hashes", "manifests")


def check(root: rsync.Place, context: Context) -> None:
    """Raise `ParaduxError` "unsafe-directory" where others could put another directory in the place of this one, or of what is in it.

    A disk that was plugged in is mounted where only the worker sees it.
    """
    if root.access is not None or context.mounted is not None:
        return
    top = path = Path(root.path)
    while True:
        try:
            directories.opened(path, directories.trusted(), shared=path != top).close()
        except ParaduxError as problem:
            raise ParaduxError(
                problem.code,
                f"the destination {top} could be exchanged by others: {problem.message}",
                'let root own it, keep it elsewhere, or use "encryption": "gpg" there: paraductl edit',
            ) from None
        except FileNotFoundError:
            path = path.parent
        except OSError:  # which rsync meets as well, and tells
            return
        else:
            return


def close(root: rsync.Place) -> None:
    """Let nobody else into what is ours below it, as far as the file system can keep anybody out; on a server, its owner has done so."""
    if root.access is not None:
        return
    for name in PRIVATE:
        with contextlib.suppress(OSError):
            descriptor = os.open(Path(root.path) / name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if os.fstat(descriptor).st_uid == os.geteuid():
                    os.fchmod(descriptor, stat.S_IRWXU)
            finally:
                os.close(descriptor)
