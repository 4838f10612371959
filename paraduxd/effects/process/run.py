"""The one door for starting programs.

An argument vector, never a shell; an environment built here, never inherited; standard input closed unless data is given; a time
limit; a limit of memory where what it reads comes from others; a process group of its own that is killed as a whole. Secrets go
through `pass_fds` (see `sealed_file`) or `input`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.trust import distrust
from paraduxd.effects.files import bounded
from paraduxd.effects.process import memory_limits

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

NOWHERE = "/"
"""The working directory of everything that is started: a directory that nobody else can write to, so that nothing is found in it."""


def python(module: str) -> tuple[str, ...]:
    """The command that runs a module of ours.

    "-I": neither the working directory nor PYTHON* variables nor the user's packages decide what code runs.
    """
    return (sys.executable, "-I", "-m", module)


PACKAGES = {
    "blkid": "util-linux",
    "cryptsetup": "cryptsetup-bin",
    "debugfs": "e2fsprogs",
    "find": "findutils",
    "gpg": "gnupg",
    "gpgconf": "gnupg",
    "mke2fs": "e2fsprogs",
    "mkfs.exfat": "exfatprogs",
    "mkfs.vfat": "dosfstools",
    "rclone": "rclone",
    "prlimit": "util-linux",
    "restic": "restic",
    "rsync": "rsync",
    "sftp": "openssh-client",
    "ssh": "openssh-client",
    "ssh-keyscan": "openssh-client",
    "tar": "tar",
    "wipefs": "util-linux",
    "zstd": "zstd",
}
"""Program -> Debian package."""


@dataclass(frozen=True)
class Outcome:
    """How a program ended: exit code (negative: signal number) and what it wrote."""

    code: int
    output: bytes
    errors: bytes

    def error_text(self) -> str:
        """The last non-empty line of standard error, for a sentence to a person."""
        lines = [line for line in self.errors.decode(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else f"exit code {self.code}"


def find(program: str) -> str:
    """The absolute path of a program: one in `PATH` that nobody but root, or this user, could have put there or changed.

    A path is only looked at. Raises `ParaduxError` "missing-program", which names the Debian package, and "untrusted-program" when there is
    only one of others.
    """
    if "/" in program and (path := shutil.which(program)):
        return path
    doubts = []
    for folder in PATH.split(":"):
        if path := shutil.which(program, path=folder):
            reason = distrust(Path(path), frozenset({0, os.geteuid()}), sticky=True)
            if not reason:
                return path
            doubts.append(f"the program {path} is not used: it {reason}")
    if doubts:
        hint = "only root may be able to write there: programs run with the rights of the daemon"
        raise ParaduxError("untrusted-program", doubts[0], hint)
    package = PACKAGES.get(program, program)
    raise ParaduxError(
        "missing-program", f"the program {program} is not installed", f"install it: apt install {package}"
    )


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a program gets to see: nothing of ours but a path, a neutral language and a home that does not exist."""
    base = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent", "TZ": "UTC"}
    if tempfile.tempdir:  # set where temporary files have a place of their own
        base["TMPDIR"] = tempfile.tempdir
    return {**base, **(extra or {})}


def start(
    command: Sequence[str],
    *,
    extra_env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    cwd: Path | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own; the caller waits for it. `command[0]` is looked up in `PATH`."""
    argv = [find(command[0]), *command[1:]]
    if before := memory_limits.limited(command):
        argv = [find(before[0]), *before[1:], *argv]
    return subprocess.Popen(
        argv,
        env=environment({**memory_limits.environment(command[0]), **(extra_env or {})}),
        pass_fds=tuple(pass_fds),
        cwd=cwd,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        process_group=0,
    )


def run(
    command: Sequence[str],
    *,
    data: bytes | None = None,
    extra_env: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    cwd: Path | None = None,
    timeout: float = 120.0,
    most: int = bounded.LONGEST_OUTPUT,
) -> Outcome:
    """Run a program to its end. `data` goes to its standard input; `timeout` is in seconds.

    `most`: so many bytes may it write to its output at most; of its errors the end is kept. A code other than 0 is returned, not raised.
    Raises `ParaduxError` "timeout" and "too-large" (after killing the group) and "missing-program"; no error repeats the arguments or
    the output.
    """
    process = start(
        command,
        extra_env=extra_env,
        pass_fds=pass_fds,
        cwd=cwd,
        stdin=subprocess.DEVNULL if data is None else subprocess.PIPE,
    )
    try:
        told = bounded.output(process, most, timeout, data)
        if told is None:
            raise bounded.too_large(f"what {command[0]} tells")
    except subprocess.TimeoutExpired:
        kill_group(process)
        raise ParaduxError(
            "timeout", f"{command[0]} did not finish within {timeout:.0f} seconds", "try again later"
        ) from None
    except BaseException:
        kill_group(process)
        raise
    return Outcome(process.returncode, *told)


def widen(pipe: IO[bytes]) -> IO[bytes]:
    """Let a pipe hold 1 MiB, so that the programs at its ends wait less for each other; as it is when the system does not allow it."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)
    return pipe


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a program with all that it started, and reap it; already ended is success."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(Exception):
        process.communicate(timeout=5)  # raises at once when the input was closed before
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)


@contextlib.contextmanager
def sealed_file(data: bytes | bytearray) -> Iterator[tuple[int, str]]:
    """A file that exists in memory only, holding `data`: (descriptor, a path for programs that want one).

    Pass the descriptor in `pass_fds`; the path works in that program and in those it starts, as long as they keep it open.
    `anywhere_path` gives one that works for programs that close what they inherit (ssh).
    """
    descriptor = os.memfd_create("paradux", os.MFD_CLOEXEC)
    try:
        os.fchmod(descriptor, 0o600)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor, f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def anywhere_path(descriptor: int) -> str:
    """A path of an open file of this process that a child which closes its descriptors can still open."""
    return f"/proc/{os.getpid()}/fd/{descriptor}"
