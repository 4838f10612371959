"""A process that shows a text to an editor as a file in memory, and reads it back.

    python -I -m paraductl.editing.editor_sandbox ORDER_FD ANSWER_FD CLIENT_PID

The order is an `EditOrder`, the answer an `Edited`, both JSON until the end of file. The file lies in
a tmpfs in a mount namespace of our own: no other process sees it, and it is gone with the last process in here, whatever killed it.
Where the kernel refuses that, or the editor hands its file to another process, it lies in a 0700 folder in /dev/shm, which
is removed when the editor ends, when the client dies, and otherwise by the next one that runs.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Self

from paraduxd import linux
from paraduxd.api import bounded_json
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.frozen import dataclass
from paraduxd.linux import Mount, Namespace

MEMORY = Path("/dev/shm")  # noqa: S108 - memory is the point
PREFIX = "paradux-edit-"
NAME = "paradux.json"
LIMIT = 16 * 1024 * 1024
"""Bytes that are read back at most."""


@dataclass(frozen=True)
class EditOrder:
    """`shared`: the editor hands its file to another process; `beside`: it runs in the file's folder; `behind`: what follows its name."""

    text: str
    command: tuple[str, ...]
    shared: bool
    beside: bool
    behind: str = ""


@dataclass(frozen=True)
class Edited:
    """The text as it was left, or why there is none."""

    text: str | None = None
    error: str = ""


class EditingError(Exception):
    """Why there is no new text: a clause in lower case."""


def main() -> None:
    """Read the order, run the editor, answer."""
    order_fd, answer_fd, client = (int(argument) for argument in sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    with open(order_fd, "rb") as orders:  # noqa: PTH123 - a descriptor
        untrusted_order = orders.read(bounded_json.MEDIUM.size)
    if not untrusted_order:
        return
    try:
        plain = bounded_json.parse_object(untrusted_order, "the order", bounded_json.MEDIUM)
        answer = Edited(_edit(from_json_value(EditOrder, plain), client))
    except EditingError as error:
        answer = Edited(error=str(error))
    with open(answer_fd, "w", encoding="utf-8") as answers:  # noqa: PTH123 - a descriptor
        json.dump(to_json_value(answer), answers)


def _edit(order: EditOrder, client: int) -> str:
    _sweep()
    with Workplace(hidden=not order.shared) as place:
        linux.die_with_parent(client, signal.SIGTERM)
        linux.no_dumps_or_tracing()
        file = place.folder / NAME
        file.touch(0o600)
        file.write_text(order.text, encoding="utf-8")
        place.run_editor([*order.command, f"{file}{order.behind}"], beside=order.beside)
        return _read(file)


class Workplace:
    """A folder in memory and the editor that works there; both go in the end, and by the signals that end a session."""

    def __init__(self, *, hidden: bool) -> None:
        if not MEMORY.is_dir():
            raise EditingError(f"{MEMORY} is missing, and a disk must not see the text")
        self._editor: int | None = None
        self._mounted = False
        # The name tells the sweep whose folder it is.
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=MEMORY))
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._leave)
        self._mounted = hidden and _hide(self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def run_editor(self, command: list[str], *, beside: bool) -> None:
        """Run the editor to its end; its temporary files go into the folder."""
        environment = {**os.environ, **dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(self.folder))}
        cwd = self.folder if beside else None
        prepare = functools.partial(_prepare_editor, os.getpid())
        try:
            # One thread only runs here, so that code between fork and exec is safe.
            editor = subprocess.Popen(command, env=environment, cwd=cwd, preexec_fn=prepare)  # noqa: PLW1509
        except OSError as error:
            raise EditingError(f"the editor does not start: {error.strerror}") from None
        self._editor = editor.pid
        code = editor.wait()
        self._editor = None
        if code:
            raise EditingError(f"the editor ended with {f'exit code {code}' if code > 0 else f'signal {-code}'}")

    def _remove(self) -> None:
        if self._mounted:
            with contextlib.suppress(OSError):
                linux.unmount(self.folder, lazily=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _leave(self, number: int, _: FrameType | None) -> None:
        """Do it all here: an exception could strike while the folder is being removed already, and stop that.

        The editor goes first, so that it writes no rescue file behind our back.
        """
        if self._editor is not None:
            with contextlib.suppress(OSError):
                os.kill(self._editor, signal.SIGKILL)
                os.waitpid(self._editor, 0)
        self._remove()
        os._exit(128 + number)


def _prepare_editor(helper: int) -> None:
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    linux.die_with_parent(helper, signal.SIGKILL)


def _hide(folder: Path) -> bool:
    """Mount a tmpfs there that only this process and its children see; False where the kernel refuses.

    A child tries it first: refused half-way, this process would be left in a user namespace in which it is nobody.
    """
    child = os.fork()
    if child == 0:
        os._exit(not _enter(folder))
    return os.waitpid(child, 0)[1] == 0 and _enter(folder)


def _enter(folder: Path) -> bool:
    uid, gid = os.geteuid(), os.getegid()
    try:
        linux.unshare(Namespace.MOUNTS if uid == 0 else Namespace.MOUNTS | Namespace.USER)
        if uid != 0:
            _keep_ids(uid, gid)
        linux.set_propagation(Mount.PRIVATE)
    except OSError:
        return False
    # noswap (Linux 6.4, root only) keeps the text out of the swap partition; without it the mount is still hidden.
    options = f"mode=0700,uid={uid},gid={gid},size={4 * LIMIT}"
    return any(_mounted(folder, text) for text in (options + ",noswap", options))


def _mounted(folder: Path, options: str) -> bool:
    try:
        linux.mount("paradux", folder, "tmpfs", Mount.NOSUID | Mount.NODEV, options)
    except OSError:
        return False
    return True


def _keep_ids(uid: int, gid: int) -> None:
    """Stay who we are in the new user namespace (user_namespaces(7))."""
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def _read(file: Path) -> str:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise EditingError("the editor removed the file") from None
    with open(descriptor, "rb") as opened:  # noqa: PTH123 - a descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise EditingError("the editor left something that is no file")
        raw = opened.read(LIMIT + 1)
    if len(raw) > LIMIT:
        raise EditingError(f"the text is longer than {LIMIT} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise EditingError("the text is not UTF-8") from None


def _sweep() -> None:
    """Remove folders of our user whose process is dead."""
    for folder in MEMORY.glob(PREFIX + "*"):
        owner = folder.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
