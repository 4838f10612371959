"""A machine with a kernel of its own: booted, commanded, given USB sticks, frozen, and its power cut.

    with Guest(image, tmp_path) as guest:
        guest.boot()
        guest.plug(stick, "STICK1")
        assert guest.run("lsblk").code == 0

A guest reaches servers on the host's loopback at 10.0.2.2. It ends with the process that started it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.system.guest_image import Image
from tests.system.qmp import Qmp, QmpError, connected

BOOT = 240.0
"""Seconds for a boot on a machine that is busy; an idle one takes 20."""

# One processor: translating for several at once costs twice as much. A plain one: what newer ones add is slow to emulate, but for AES.
_MACHINE = "-accel tcg,thread=multi -machine q35 -cpu Nehalem,+aes,+pclmulqdq -smp 1 -m 1024 -nodefaults -no-user-config -display none"
_DEVICES = (
    "-device virtio-blk-pci,drive=disk -device virtio-rng-pci -device virtio-serial-pci "
    "-device virtserialport,chardev=agent,name=paradux.agent -serial chardev:console "
    "-device qemu-xhci,id=usb -netdev user,id=net -device virtio-net-pci,netdev=net,romfile="
)
# QEMU translates code for each address that it runs at: for each process anew without `norandmaps`, a quarter of all it does.
_KERNEL = "console=ttyS0 quiet panic=-1 mitigations=off norandmaps systemd.show_status=0"
_ENDED_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")

MACHINE = f"{_MACHINE} {_DEVICES} {_KERNEL}"
"""What a frozen state depends on besides the image."""


@dataclass(frozen=True)
class Result:
    """What a command gave."""

    code: int
    out: str
    err: str
    seconds: float


class Guest:
    """One virtual machine, its disk and its sticks, in a folder."""

    def __init__(self, image: Image, folder: Path, *, frozen: Path | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._image = image
        self._folder = folder
        self._disk = folder / "disk.qcow2"
        self._sockets = tempfile.TemporaryDirectory(prefix="guest-")  # the path of a socket has to be short
        self._qemu: subprocess.Popen[bytes] | None = None
        self._qmp: Qmp | None = None
        self._agent: socket.socket | None = None
        self._requests = 0
        below = frozen / "disk.qcow2" if frozen else image.disk
        _run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(below), str(self._disk))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.power_cut()
        self._sockets.cleanup()

    @classmethod
    def thaw(cls, image: Image, frozen: Path, folder: Path) -> Guest:
        """A guest that goes on from a frozen state, with a disk of its own; its clock is set right."""
        guest = cls(image, folder, frozen=frozen)
        guest._start("-incoming", "defer")
        guest._migrate("migrate-incoming", f"exec:cat {shlex.quote(str(frozen / 'state'))}")
        guest.resume()
        guest._connect(30)
        guest.set_clock(time.time())
        return guest

    def freeze(self, frozen: Path) -> None:
        """Put the present state (memory and disk) into a folder, and end this guest; any number can be thawed from it."""
        self.run("sync")
        self.pause()
        frozen.mkdir(parents=True)
        self._migrate("migrate", f"exec:cat >{shlex.quote(str(frozen / 'state'))}")
        self._end()
        self._disk.rename(frozen / "disk.qcow2")

    def boot(self) -> None:
        """Switch on, and wait until systemd has started everything."""
        self._start()
        self.wait_until_up()

    def wait_until_up(self) -> None:
        """Wait until the agent answers and systemd has nothing more to start."""
        self._connect(BOOT)
        self.run("systemctl is-system-running --wait", timeout=BOOT, check=False)

    def power_cut(self) -> None:
        """What is not on the disk is lost. Nothing running is success."""
        if self._qemu is not None:
            self._qemu.kill()
        self._end()

    def reboot(self) -> None:
        """An orderly reboot."""
        boot = self.run("cat /proc/sys/kernel/random/boot_id").out
        self.run("systemctl --no-block reboot")
        deadline = time.monotonic() + BOOT
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, AssertionError):
                self._connect(10)
                if self.run("cat /proc/sys/kernel/random/boot_id", timeout=10).out != boot:
                    self.wait_until_up()
                    return
            time.sleep(1)
        raise AssertionError(f"the guest did not come back\n{self.log()[-2000:]}")

    def pause(self) -> None:
        """As a suspended machine: no time passes in the guest."""
        self._control("stop")

    def resume(self) -> None:
        """Go on after `pause`."""
        self._control("cont")

    def run(self, command: str, *, stdin: bytes = b"", timeout: float = 60, check: bool = True) -> Result:
        """Run a shell command line as root; with `check`, anything but success is a failed test."""
        return self._run(command, stdin, timeout, check)

    def client(self, *words: str, stdin: bytes = b"", timeout: float = 60, check: bool = True) -> Result:
        """Run `paraductl WORDS...` as root, as `run` does. It is forked, which takes a tenth of the time of a start."""
        return self._run(words, stdin, timeout, check)

    def _run(self, command: str | Sequence[str], stdin: bytes, timeout: float, check: bool) -> Result:
        assert self._agent is not None, "the guest is off"
        self._requests += 1
        request = {
            "id": self._requests,
            "command": command,
            "timeout": timeout,
            "stdin": base64.b64encode(stdin).decode(),
        }
        self._agent.settimeout(timeout + 60)
        begun = time.monotonic()
        self._agent.sendall(b"\n" + json.dumps(request).encode() + b"\n")
        reply = self._reply(timeout + 60)
        out, err = (base64.b64decode(str(reply[name])).decode(errors="replace") for name in ("out", "err"))
        if check and reply["code"]:
            raise AssertionError(f"{command!r} ended with {reply['code']}\n{out[-3000:]}\n{err[-3000:]}")
        return Result(int(reply["code"]), out, err, time.monotonic() - begun)

    def put(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Write a file; folders above it are made."""
        self.run(f"install -D -m {mode:o} /dev/stdin {shlex.quote(path)}", stdin=data)

    def carry(self, file: Path, path: str) -> None:
        """Bring a large file into the guest, as a USB stick carries it: the agent's line is for small ones."""
        size, medium = file.stat().st_size, self._folder / "carried"
        shutil.copy(file, medium)
        os.truncate(medium, -(-size // 4096) * 4096)
        self.plug(medium, "CARRIED", read_only=True)
        self.wait_for("ls /dev/disk/by-id/usb-*CARRIED*", "the stick that carries a file")
        self.run(f"head -c {size} /dev/disk/by-id/usb-*CARRIED* >{shlex.quote(path)}", timeout=300)
        self.unplug("CARRIED")
        medium.unlink()

    def get(self, path: str) -> bytes:
        """Read a file."""
        return base64.b64decode(self.run(f"base64 {shlex.quote(path)}").out)

    def wait_for(self, command: str, what: str, seconds: float = 300) -> None:
        """Wait until a command succeeds. Asking takes a third of the guest's time at most: what is awaited needs it too."""
        deadline = time.monotonic() + seconds
        while (last := self.run(command, check=False)).code:
            if time.monotonic() > deadline:
                raise AssertionError(f"waited in vain for {what}\n{last.out}{last.err}\n{self.journal()}")
            time.sleep(min(0.1 + 2 * last.seconds, 5.0))

    def journal(self) -> str:
        """The end of the system's journal."""
        return self.run("journalctl --no-pager -n 40 -o cat", check=False).out

    def plug(self, image: Path, serial: str, *, read_only: bool = False) -> None:
        """Plug in a USB stick; returns before the guest has seen it."""
        file = {"driver": "file", "filename": str(image), "locking": "off", "read-only": read_only}
        self._control("blockdev-add", driver="raw", node_name=f"{serial}-medium", file=file, read_only=read_only)
        self._control(
            "device_add", driver="usb-storage", id=serial, drive=f"{serial}-medium", serial=serial, removable=True
        )

    def unplug(self, serial: str) -> None:
        """Pull a USB stick out, whatever is written to it at the moment."""
        self._control("device_del", id=serial)
        assert self._qmp is not None
        self._qmp.wait_for("DEVICE_DELETED", device=serial)
        self._control("blockdev-del", node_name=f"{serial}-medium")

    def written(self, serial: str) -> int:
        """Bytes written to a stick since it was plugged in."""
        devices = self._control("query-blockstats")
        assert isinstance(devices, list)
        found: int = next(each["stats"]["wr_bytes"] for each in devices if each.get("node-name") == f"{serial}-medium")
        return found

    def set_clock(self, moment: float) -> None:
        """Set the guest's clock; Unix time."""
        self.run(f"date --utc --set=@{moment:.3f}")

    def log(self) -> str:
        """What came over the serial console."""
        console = self._folder / "console.log"
        return console.read_text(errors="replace") if console.exists() else ""

    def _start(self, *options: str) -> None:
        assert self._qemu is None, "the guest is running"
        for name in ("agent", "qmp"):
            self._socket(name).unlink(missing_ok=True)
        argv = [*_ENDED_WITH_PARENT, "qemu-system-x86_64", *_MACHINE.split()]
        argv += ["-kernel", str(self._image.kernel), "-initrd", str(self._image.initrd)]
        argv += ["-append", _KERNEL, "-drive", f"if=none,id=disk,format=qcow2,cache=directsync,file={self._disk}"]
        argv += ["-chardev", f"socket,id=agent,path={self._socket('agent')},server=on,wait=off"]
        argv += ["-chardev", f"file,id=console,path={self._folder / 'console.log'},append=on"]
        argv += ["-qmp", f"unix:{self._socket('qmp')},server=on,wait=off", *_DEVICES.split(), *options]
        with (self._folder / "qemu.log").open("ab") as log:
            self._qemu = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._qmp = Qmp(self._socket("qmp"))
        self._agent = connected(self._socket("agent"))

    def _socket(self, name: str) -> Path:
        return Path(self._sockets.name) / name

    def _end(self) -> None:
        """Forget a QEMU that is told to end; where it is not, tell it."""
        for channel in (self._agent, self._qmp):
            if channel is not None:
                channel.close()
        self._agent = self._qmp = None
        if self._qemu is not None:
            self._qemu.kill()
            self._qemu.wait()
            self._qemu = None

    def _connect(self, seconds: float) -> None:
        """Ask until the agent answers; what it was asked before is skipped."""
        deadline = time.monotonic() + seconds
        assert self._agent is not None
        while True:
            self._requests += 1
            hello = {"id": self._requests, "command": "true", "timeout": 10, "stdin": ""}
            with contextlib.suppress(OSError):
                self._agent.sendall(b"\n" + json.dumps(hello).encode() + b"\n")
                self._reply(3)
                return
            if time.monotonic() > deadline or (self._qemu and self._qemu.poll() is not None):
                raise AssertionError(f"the guest does not answer\n{self.log()[-3000:]}{self._complaints()}")
            time.sleep(0.5)
            self._agent.close()
            self._agent = connected(self._socket("agent"))

    def _reply(self, seconds: float) -> dict[str, str | int]:
        """The reply to the last request."""
        assert self._agent is not None
        deadline = time.monotonic() + seconds
        received = b""
        while True:
            self._agent.settimeout(max(deadline - time.monotonic(), 0.01))
            piece = self._agent.recv(1 << 20)
            if not piece:
                raise ConnectionError("the guest has gone")
            *lines, received = (received + piece).split(b"\n")
            for line in lines:
                with contextlib.suppress(ValueError):
                    reply: dict[str, str | int] = json.loads(line)
                    if reply["id"] == self._requests:
                        return reply

    def _control(self, command: str, **arguments: object) -> object:
        if self._qmp is None:
            raise QmpError("the guest is off")
        return self._qmp(command, **arguments)

    def _migrate(self, command: str, uri: str) -> None:
        self._control("migrate-set-parameters", max_bandwidth=1 << 40)
        self._control(command, uri=uri)
        while (status := self._control("query-migrate")) is not None:
            assert isinstance(status, dict)
            if status.get("status") == "completed":
                return
            assert status.get("status") != "failed", f"{status} {self._complaints()}"
            time.sleep(0.05)

    def _complaints(self) -> str:
        return (self._folder / "qemu.log").read_text(errors="replace")[-2000:]


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)
