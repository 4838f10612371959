"""Renaming that never takes the place of anything, or of nothing but what was looked at."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from paraduxd import linux

_NOT_OFFERED = frozenset({errno.EINVAL, errno.ENOSYS})
"""What a file system (FUSE, some network ones) or a kernel says that does not know the flag."""


def rename(name: str, new_name: str, folder: int, new_folder: int) -> None:
    """Rename within or between two open directories; raises `FileExistsError` when the new name is taken, and `OSError`."""
    try:
        linux.rename_without_replacing(folder, name, new_folder, new_name)
    except OSError as problem:
        if problem.errno not in _NOT_OFFERED:
            raise
    else:
        return
    if _is_there(new_name, new_folder):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new_name)
    os.rename(name, new_name, src_dir_fd=folder, dst_dir_fd=new_folder)


def replace(name: str, folder: int, new_folder: int, is_expected: Callable[[os.stat_result], bool]) -> None:
    """Rename between two open directories in the place of what has the name, if that is what is expected; it is then in the first one.

    Raises `FileExistsError` when it is something else, which keeps its place, and `OSError`.
    """
    _expect(name, new_folder, is_expected)
    try:
        linux.exchange_names(folder, name, name, new_folder)
    except OSError as problem:
        if problem.errno not in _NOT_OFFERED:
            raise
        os.rename(name, name, src_dir_fd=folder, dst_dir_fd=new_folder)
        return
    try:
        _expect(name, folder, is_expected)
    except FileExistsError:
        linux.exchange_names(folder, name, name, new_folder)
        raise


def _expect(name: str, folder: int, is_expected: Callable[[os.stat_result], bool]) -> None:
    if not is_expected(os.stat(name, dir_fd=folder, follow_symlinks=False)):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)


def _is_there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
