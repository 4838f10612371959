"""Drop-in modules: Python files in a folder that only the administrator can write, loaded by being there.

Used for `/etc/paradux/protocols.d` by the daemon and `/etc/paradux/commands.d` by the client; hooks in `/etc/paradux/hooks.d` are
programs under the same rule. A file that others could have written is code of others: it is named and left out. So is one that fails to
load. What runs is the text of the file, never something compiled that lies beside it.
"""

from __future__ import annotations

import importlib.util
import stat
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from paraduxd.api.frozen import dataclass
from paraduxd.api.trust import OTHERS_WRITE, distrust

TOP = Path("/")
"""The folder of drop-ins and all above it, below this one, must be in the right hands."""


@dataclass(frozen=True)
class DropIns:
    """What was loaded, in the order of the names, and one sentence for each file that was left out."""

    modules: tuple[ModuleType, ...] = ()
    refused: tuple[str, ...] = ()


def load_folder(folder: Path, owner_uids: frozenset[int]) -> DropIns:
    """Import every `*.py` of `folder` whose name does not start with "_" or ".".

    The folder, every one above it, and each file must belong to one of `owner_uids` and not be writable by group or others, not even
    as `/tmp` is; the folder may be missing. Nothing is raised for what cannot be loaded.
    """
    if not folder.exists():
        return DropIns()
    if reason := _unsafe(folder, owner_uids, directory=True) or distrust(folder, owner_uids, sticky=False, below=TOP):
        return DropIns(refused=(f"{folder} is ignored: {reason}",))
    modules: list[ModuleType] = []
    refused: list[str] = []
    for path in sorted(folder.glob("[!._]*.py")):
        loaded = _unsafe(path, owner_uids, directory=False) or _load(path)
        if isinstance(loaded, ModuleType):
            modules.append(loaded)
        else:
            refused.append(f"{path} is ignored: {loaded}")
    return DropIns(tuple(modules), tuple(refused))


def distrust_program(path: Path, owner_uids: frozenset[int]) -> str:
    """Why a program in a folder of drop-ins is not to be started, under the same rule; or an empty text."""
    folder = path.parent
    if reason := _unsafe(folder, owner_uids, directory=True) or distrust(folder, owner_uids, sticky=False, below=TOP):
        return f"its folder {reason}"
    if reason := _unsafe(path, owner_uids, directory=False):
        return f"it {reason}"
    return "" if path.lstat().st_mode & stat.S_IXUSR else "it is not executable"


def _unsafe(path: Path, owner_uids: frozenset[int], *, directory: bool) -> str:
    """Why the path is not to be trusted, or an empty text. A symbolic link is not followed."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return "is not there"
    except OSError as problem:
        return f"cannot be looked at: {problem.strerror}"
    right_kind = stat.S_ISDIR(status.st_mode) if directory else stat.S_ISREG(status.st_mode)
    if not right_kind:
        return "is not a directory" if directory else "is not a regular file"
    if status.st_uid not in owner_uids:
        return f"belongs to user {status.st_uid}, not to root"
    if status.st_mode & OTHERS_WRITE:
        return "may be written by others"
    return ""


class _TextOnly(SourceFileLoader):
    """Compiles the file each time: a `__pycache__` may have been planted before the folder was safe. Nothing is written there, either."""

    def get_code(self, fullname: str) -> CodeType | None:
        return self.source_to_code(self.get_data(self.path), self.path)


def _load(path: Path) -> ModuleType | str:
    """The module, or what went wrong: a plugin may fail in any way, even by leaving the program."""
    name = f"paradux_dropin_{path.parent.name.replace('.', '_')}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_TextOnly(name, str(path)))
    if spec is None or spec.loader is None:
        return "is not a Python module"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as problem:
        del sys.modules[name]
        return f"cannot be loaded ({type(problem).__name__})"
    return module
