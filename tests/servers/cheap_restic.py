"""Run a command where the passwords of new restic repositories are stretched little: `python -m tests.servers.cheap_restic COMMAND...`

restic stretches the password of a repository for half a second when it makes one, and therefore takes 0.2 s of the processor's time for
every command on it: nine tenths of what restic does in the tests. It has no option for less. But how long and with how much memory are two
numbers side by side in the program: a copy with smaller ones stands in its place, for the command and what it starts alone (a mount
namespace of their own). The copy reads and writes what every restic does.

Where that is not possible (no root, another build), or not wanted (`contrib/test --all`), the command runs with restic as it is.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import width

_USUAL = struct.pack("<QQ", 60, 500_000_000)
"""MiB and nanoseconds: `KDFMemory` and `KDFTimeout` of restic's `internal/repository/key.go`."""

_CHEAP = struct.pack("<QQ", 4, 20_000_000)

_IN_ITS_PLACE = 'mount --bind "$1" "$2" && rm "$1" && shift 2 && exec "$@"'

_OF_ITS_OWN = ("unshare", "--mount")


def cheap(program: bytes) -> bytes | None:
    """The program with the smaller numbers; `None`: they are not in it exactly once."""
    return program.replace(_USUAL, _CHEAP) if program.count(_USUAL) == 1 else None


def _may_mount() -> bool:
    return subprocess.run([*_OF_ITS_OWN, "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0


def main(command: list[str]) -> None:
    """Become the command."""
    restic = shutil.which("restic", path="/usr/local/bin:/usr/bin")
    if restic and not width.FULL and _may_mount() and (made := cheap(Path(restic).read_bytes())):
        handle, copy = tempfile.mkstemp(dir=sys.prefix)  # programs can be run from there
        with os.fdopen(handle, "wb") as file:
            file.write(made)
        Path(copy).chmod(0o755)
        command = [*_OF_ITS_OWN, "sh", "-euc", _IN_ITS_PLACE, "sh", copy, str(Path(restic).resolve()), *command]
    else:
        print("restic stretches passwords as usual: the tests take some minutes longer", file=sys.stderr)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
