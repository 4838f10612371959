"""Taking down what happens: every program with its arguments and environment, every file that is written, every byte on loopback.

Only root can watch all of it: fanotify(7) sees a file also when it is removed at once, packet(7) what passes loopback, strace(1) programs
that live for a millisecond.
"""

from __future__ import annotations

import contextlib
import ctypes
import glob
import hashlib
import os
import select
import socket
import stat
import struct
import threading
import time
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from tests.hunt.search import unescape

_EVENT = struct.Struct("=IBBHQii")
_FAN_CLOEXEC, _FAN_NONBLOCK, _FAN_UNLIMITED_QUEUE = 0x1, 0x2, 0x10
_FAN_MARK_ADD, _FAN_MARK_FILESYSTEM = 0x1, 0x100
_FAN_MODIFY, _FAN_CLOSE_WRITE = 0x2, 0x8
_AT_FDCWD = -100
_LARGEST, _SMALL = 64 << 20, 256 << 10

_libc = ctypes.CDLL(None, use_errno=True)


class Executions:
    """The programs that were started, by `strace -D`: the traced process keeps its place, so that signals and exit codes are its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._read: dict[Path, int] = {}
        self.pids: set[int] = set()
        """Processes that have started a program."""
        folder.mkdir()

    def prefix(self) -> tuple[str, ...]:
        """What to put in front of a command; it and all that it starts are taken down."""
        self._count += 1
        calls = "trace=execve,execveat"
        log = str(self._folder / f"{self._count}")
        return ("strace", "-D", "-f", "--seccomp-bpf", "-qqq", "-v", "-xx", "-s", "1000000", "-e", calls, "-o", log)

    def told_at_the_end(self) -> bytes:
        """All that was started, once every tracer has ended."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and any(b"strace" in _command(pid) for pid in _writers(self._folder)):
            time.sleep(0.02)
        return self.news()

    def news(self) -> bytes:
        """What was started since the last time, in clear."""
        told = b""
        for path in sorted(self._folder.iterdir()):
            with path.open("rb") as log:
                log.seek(self._read.get(path, 0))
                text = log.read()
            whole = text.rfind(b"\n") + 1
            self._read[path] = self._read.get(path, 0) + whole
            told += text[:whole]
        self.pids |= {int(line.split(maxsplit=1)[0]) for line in told.splitlines()}
        return unescape(told)


class Writes:
    """The content of every regular file that one of our processes writes on a disk, whenever it writes, and whatever becomes of it.

    `without`: folders that only the hunt itself and its servers write to.
    """

    def __init__(self, folders: Iterable[Path], ours: int, without: Iterable[Path] = ()) -> None:
        self._ours = ours
        self._without = tuple(f"{path}/" for path in without)
        self._seen: set[bytes] = set()
        self._taken: list[tuple[str, bytes, int]] = []
        self._processes: dict[tuple[int, int], int | None] = {}
        self._lock = threading.Lock()
        flags = _FAN_CLOEXEC | _FAN_UNLIMITED_QUEUE | _FAN_NONBLOCK
        self._group = _libc.fanotify_init(flags, os.O_RDONLY | os.O_LARGEFILE | os.O_CLOEXEC)
        if self._group < 0:
            raise OSError(ctypes.get_errno(), "fanotify_init")
        for folder in {path.stat().st_dev: path for path in folders}.values():
            self._mark(folder)
        self._ending, self._end = os.pipe()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _mark(self, folder: Path) -> None:
        mask = ctypes.c_uint64(_FAN_MODIFY | _FAN_CLOSE_WRITE)
        flags = _FAN_MARK_ADD | _FAN_MARK_FILESYSTEM
        if _libc.fanotify_mark(self._group, flags, mask, _AT_FDCWD, os.fsencode(folder)):
            raise OSError(ctypes.get_errno(), "fanotify_mark")

    def news(self, ours: Container[int]) -> list[tuple[str, bytes]]:
        """Path and content, since the last time; events that wait in the kernel are taken first. `ours`: processes that may have ended."""
        _drained(self._group)
        with self._lock:
            taken, self._taken = self._taken, []
        return [(path, content) for path, content, pid in taken if not pid or pid in ours]

    def wait_for(self, path: str) -> None:
        """Until a write to this file has been seen."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not any(path == seen for seen, _, _ in tuple(self._taken)):
            time.sleep(0.01)

    def close(self) -> None:
        os.close(self._end)
        self._thread.join()
        os.close(self._group)
        os.close(self._ending)

    def _follow(self) -> None:
        while True:
            ready, _, _ = select.select([self._group, self._ending], [], [])
            if self._ending in ready:
                return
            with contextlib.suppress(BlockingIOError), self._lock:
                self._take(os.read(self._group, 65536))

    def _take(self, events: bytes) -> None:
        start = 0
        while start < len(events):
            length, _, _, _, mask, descriptor, pid = _EVENT.unpack_from(events, start)
            start += length
            if descriptor >= 0:
                with contextlib.suppress(OSError):
                    self._look(descriptor, pid, closed=bool(mask & _FAN_CLOSE_WRITE))
                os.close(descriptor)

    def _look(self, descriptor: int, pid: int, *, closed: bool) -> None:
        """Large files are read when they are closed, small ones whenever something is written."""
        status = os.fstat(descriptor)
        most = _LARGEST if closed else _SMALL
        if not stat.S_ISREG(status.st_mode) or not 0 < status.st_size <= most or (whose := self._whose(pid)) is None:
            return
        path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        if path.startswith(self._without):
            return
        content = os.pread(descriptor, status.st_size, 0)
        known = hashlib.blake2b(content, digest_size=16, key=os.fsencode(path)[-64:]).digest()
        if known not in self._seen:
            self._seen.add(known)
            self._taken.append((path, content, whose))

    def _whose(self, pid: int) -> int | None:
        """0: the test process is above it. `None`: somebody else's. What has ended already is told by its number.

        All that is written on the disk comes by here: whose a process is, is looked up once.
        """
        if pid == self._ours:
            return None
        try:
            above, since = _origin(pid)
            if (process := (pid, since)) not in self._processes:
                while (pid := above) > 1 and pid != self._ours:
                    above, _ = _origin(pid)
                self._processes[process] = 0 if pid == self._ours else None
            return self._processes[process]
        except OSError:
            return pid


class Wire:
    """What is sent over loopback to and from the given ports, by port."""

    def __init__(self, ports: dict[int, str]) -> None:
        self._names = ports
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self._socket.setsockopt(socket.SOL_SOCKET, 33, 256 << 20)  # SO_RCVBUFFORCE
        self._filter(sorted(ports))
        self._socket.bind(("lo", 0x0800))
        self._taken: dict[str, bytearray] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._running = True
        self._thread.start()

    def _filter(self, ports: list[int]) -> None:
        """Take TCP of these ports only (a classic BPF program): whoever else works on this machine must not fill the buffer."""
        count = len(ports)
        program = [(0x30, 0, 0, 9), (0x15, 0, 2 * count + 3, socket.IPPROTO_TCP), (0xB1, 0, 0, 0)]
        for offset in (0, 2):
            program.append((0x48, 0, 0, offset))
            left = 2 * count + 2 if offset == 0 else count + 1
            program += [(0x15, left - number, 0, port) for number, port in enumerate(ports, 1)]
        program += [(0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF)]
        code = b"".join(struct.pack("=HBBI", *each) for each in program)
        buffer = ctypes.create_string_buffer(code)
        filter_ = struct.pack("HL" if struct.calcsize("L") == 8 else "HI", len(program), ctypes.addressof(buffer))
        self._socket.setsockopt(socket.SOL_SOCKET, 26, filter_)  # SO_ATTACH_FILTER

    def news(self) -> dict[str, bytes]:
        """Name of a port and what passed it since the last time."""
        _drained(self._socket.fileno())
        with self._lock:
            taken, self._taken = self._taken, {}
        return {name: bytes(data) for name, data in taken.items()}

    def close(self) -> None:
        self._running = False
        self._thread.join()
        self._socket.close()

    def _follow(self) -> None:
        while self._running:
            if select.select([self._socket], [], [], 0.2)[0]:
                with self._lock:
                    self._take(self._socket.recv(1 << 17))

    def _take(self, packet: bytes) -> None:
        start = (packet[0] & 15) * 4
        source, target = struct.unpack_from("!HH", packet, start)
        payload = packet[start + (packet[start + 12] >> 4) * 4 :]
        name = self._names.get(target) or self._names.get(source)
        if payload and name:
            self._taken.setdefault(
                f"{name} {'>' if target in self._names else '<'} {source}-{target}", bytearray()
            ).extend(payload)


def _origin(pid: int) -> tuple[int, int]:
    """The parent of a process, and the tick at which it was started (proc(5)); raises `OSError` when it has ended."""
    with open(f"/proc/{pid}/stat", "rb") as told:  # noqa: PTH123  (thousands of times)
        words = told.read().rpartition(b")")[2].split()
    return int(words[1]), int(words[19])


def _writers(folder: Path) -> Iterator[int]:
    """The processes that have a file below the folder open."""
    for link in glob.iglob("/proc/[0-9]*/fd/*"):  # noqa: PTH207  (that of pathlib fails when a process ends meanwhile)
        with contextlib.suppress(OSError):
            if str(Path(link).readlink()).startswith(str(folder)):
                yield int(Path(link).parts[2])


def _command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _drained(descriptor: int) -> None:
    """Wait until whoever reads from it has read what waits there."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and select.select([descriptor], [], [], 0)[0]:
        time.sleep(0.01)
