"""A drop-in protocol whose pull is a burglary: it tries everything that is none of its business, and leaves in staging what it got.

Stands for a transfer that was taken over. It is copied into protocols.d and imports nothing from here.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from paraduxd.core.config.protocol_settings import ProtocolSettings
from paraduxd.protocols.base import Context, Protocol, PullRequest, PullResult, Source

LOOT = "loot.json"


class RobberSettings(ProtocolSettings):
    """Where the house is."""

    state: str = Field(description="The state directory", examples=["/var/lib/paradux"])
    run: str = Field(description="The run directory", examples=["/run/paradux"])
    units: str = Field(default="", description="Sockets that start workers", examples=["/run/paradux-workers"])
    others: tuple[str, ...] = Field(default=(), description="Other people's directories", examples=[["/srv/x"]])

    def place(self) -> str:
        """Somewhere."""
        return "nowhere"


class Robber(Source):
    """Robs."""

    def __init__(self, settings: RobberSettings, context: Context) -> None:
        self._settings = settings

    def pull(self, staging: Path, request: PullRequest) -> PullResult:
        """Nothing of the owner's is moved."""
        got = sorted(set(self._loot()))
        (staging / LOOT).write_text(json.dumps(got))
        return PullResult(files=1, bytes=1)

    def _loot(self) -> Iterator[str]:
        for folder in (self._settings.state, *self._settings.others):
            yield from _files(Path(folder), folder)
        for name in ("keeper.sock", "paraduxd.sock"):
            yield from _connected(Path(self._settings.run, name), socket.SOCK_STREAM)
        for name in ("transfer", "disk"):
            if self._settings.units:
                yield from _connected(Path(self._settings.units, name), socket.SOCK_SEQPACKET)
        for pid in _strangers():
            yield from _process(pid, self._settings)
        yield from _rights(self._settings)


def _files(folder: Path, where: str) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            with contextlib.suppress(OSError):
                if path.is_file() and path.open("rb").read(1) and "robber" not in name:
                    yield f"read {where}: {path.relative_to(folder)}"
            with contextlib.suppress(OSError):
                path.open("r+b").close()
                yield f"write {where}: {path.relative_to(folder)}"


def _connected(path: Path, kind: int) -> Iterator[str]:
    """Whether anybody answers there, and not only hangs up."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, kind) as line:
        line.settimeout(1)
        line.connect(str(path))
        try:
            if line.recv(1) == b"":
                return
        except TimeoutError:
            pass
        yield f"connected to {path}"


def _strangers() -> Iterator[int]:
    """Processes of the same program that are neither this one nor started by it."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"paraduxd" in (entry / "cmdline").read_bytes() and int(entry.name) != os.getpid():
                yield int(entry.name)


def _process(pid: int, settings: RobberSettings) -> Iterator[str]:
    who = next(
        (
            each
            for each in ("supervisor", "keeper", "worker")
            if each.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        ),
        "paraduxd",
    )
    with contextlib.suppress(OSError, IndexError, ValueError):
        heap = next(line for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if "[heap]" in line)
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            memory.seek(int(heap.partition("-")[0], 16))
            if memory.read(16):
                yield f"memory of {who}"
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/environ").read_bytes()
        yield f"environment of {who}"
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/fd/0").stat()
        yield f"descriptors of {who}"
    with contextlib.suppress(OSError):
        if list(Path(f"/proc/{pid}/root{settings.state}").iterdir()):
            yield f"files through {who}"
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        if who != "worker":
            yield f"signals to {who}"


def _rights(settings: RobberSettings) -> Iterator[str]:
    tried = {
        "unmounted the cover": ["umount", settings.state],
        "mounted": ["mount", "-t", "tmpfs", "none", "/mnt"],
        "unmounted in a namespace": ["unshare", "--user", "--map-root-user", "--mount", "umount", settings.state],
    }
    for what, command in tried.items():
        if subprocess.run(command, check=False, capture_output=True).returncode == 0:
            yield what
    status = Path("/proc/self/status").read_text()
    bounding = int(next(line for line in status.splitlines() if line.startswith("CapBnd")).split()[1], 16)
    effective = int(next(line for line in status.splitlines() if line.startswith("CapEff")).split()[1], 16)
    for name, number in (
        ("sys_admin", 21),
        ("sys_ptrace", 19),
        ("kill", 5),
        ("setuid", 7),
        ("net_admin", 12),
        ("sys_module", 16),
    ):
        if effective >> number & 1 or (os.geteuid() == 0 and bounding >> number & 1):
            yield f"capability {name}"
    if "NoNewPrivs:\t1" not in status:
        yield "new privileges"


PROTOCOL = Protocol("robber", RobberSettings, source=Robber)
