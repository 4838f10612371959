"""Renaming that never takes the place of anything: renameat2(2) with RENAME_NOREPLACE, which Python does not offer."""

from __future__ import annotations

import ctypes
import errno
import os

_RENAME_NOREPLACE = 1
_NOT_OFFERED = frozenset({errno.EINVAL, errno.ENOSYS})
"""What a file system (FUSE, some network ones) or a kernel says that does not know the flag."""

_libc = ctypes.CDLL(None, use_errno=True)


def rename(name: str, new_name: str, folder: int, new_folder: int) -> None:
    """Rename within or between two open directories; raises `FileExistsError` when the new name is taken, and `OSError`."""
    if not _libc.renameat2(folder, os.fsencode(name), new_folder, os.fsencode(new_name), _RENAME_NOREPLACE):
        return
    code = ctypes.get_errno()
    if code not in _NOT_OFFERED:
        raise OSError(code, os.strerror(code), name)
    if _is_there(new_name, new_folder):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new_name)
    os.rename(name, new_name, src_dir_fd=folder, dst_dir_fd=new_folder)


def _is_there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
