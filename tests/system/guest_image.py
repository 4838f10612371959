"""Builds the guest: a Debian with systemd, udev and everything that Paradux needs, booted directly with Debian's own kernel.

No loop devices and no mounts are needed: mmdebstrap fills a folder, mke2fs makes the file system of it. Images lie in the cache, under a
name that depends on all that goes in; what another version needed is removed.

`python -m tests.system.guest_image` builds the one for guests with this machine's release, and needs no other package.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import lzma
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAMS = (
    "qemu-system-x86_64",
    "qemu-img",
    "mmdebstrap",
    "mke2fs",
    "cpio",
    "mcopy",
    "mkfs.vfat",
    "mkfs.exfat",
    "sfdisk",
)
SUITES = ("bookworm", "trixie")

_SYSTEM = [
    "systemd",
    "systemd-sysv",
    "udev",
    "dbus",
    "kmod",
    "linux-image-amd64",
    "busybox-static",
    "dmsetup",
    "iproute2",
    "passwd",
    "procps",
    "util-linux",
    "python3",
    "python3-venv",
    "openssh-server",
]
_INITRD_MODULES = ("virtio_pci", "virtio_blk", "ext4")
_SIZE = "4G"
_UNNEEDED = [
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "var/cache/apt",
    "var/lib/apt/lists",
    "boot/initrd.img*",
    "lib/modules/*/kernel/drivers/gpu",
    "lib/modules/*/kernel/drivers/media",
    "lib/modules/*/kernel/drivers/net/wireless",
    "lib/modules/*/kernel/drivers/net/ethernet",
    "lib/modules/*/kernel/drivers/infiniband",
    "lib/modules/*/kernel/sound",
]
_MASKED = [
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "serial-getty@ttyS0.service",
    "getty@tty1.service",
    "ssh.service",
    "systemd-networkd-wait-online.service",
]

_INIT = """\
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /root
/bin/busybox mount -t devtmpfs dev /dev
for module in $(/bin/busybox cat /modules/order); do /bin/busybox insmod /modules/$module; done
while [ ! -b /dev/vda ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 -o rw /dev/vda /root
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /sbin/init
"""

_AGENT_UNIT = """\
[Unit]
Description=Runs what the tests ask for
DefaultDependencies=no
After=local-fs.target systemd-udevd.service
[Service]
ExecStart=/usr/bin/python3 /usr/lib/guest/agent.py
Restart=always
RestartSec=1
[Install]
WantedBy=sysinit.target
"""

# It ends when its standard input does.
_CLIENT_UNIT = """\
[Unit]
Description=Has loaded the client of Paradux, and forks it
[Service]
RuntimeDirectory=guest-client
Environment=PYTHONPATH=/usr/lib/guest
ExecStart=/bin/sh -c 'sleep infinity | /usr/lib/paradux/bin/python -m tests.rigs.forked_client /run/guest-client'
[Install]
WantedBy=multi-user.target
"""

CLIENT_UNIT = "guest-client.service"
"""For guests with the package of Paradux; not enabled."""

_BROUGHT = {"agent.py": "tests/system/guest_agent.py"} | {
    name: name
    for name in (f"tests/rigs/{module}.py" for module in ("forked_client", "forked_program", "forking", "program_line"))
}
"""What tests run in a guest: the names in /usr/lib/guest, and those in the checkout."""

_NETWORK = """\
[Match]
Name=en* eth*
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
LinkLocalAddressing=no
IPv6AcceptRA=no
"""


class CannotBuildError(Exception):
    """This machine cannot make a guest; the text says why."""


@dataclass(frozen=True)
class Image:
    """What a guest is booted from; none of the files is ever written to."""

    kernel: Path
    initrd: Path
    disk: Path
    key: str


def cache() -> Path:
    """The folder of all images and frozen guests."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "paradux-tests"


def missing_programs() -> list[str]:
    """What the host lacks."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [program for program in PROGRAMS if shutil.which(program, path=path) is None]


def own_suite() -> str:
    """The release of Debian that runs here: a package that is built here fits a guest of the same."""
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    return codename if codename in SUITES else SUITES[0]


def image(suite: str, more: Sequence[str] = ()) -> Image:
    """The guest's image, with `more` packages, built if it is not there (about two minutes); raises `CannotBuildError`."""
    if missing := missing_programs():
        raise CannotBuildError(f"these programs are missing: {' '.join(missing)}")
    if os.geteuid() != 0:
        raise CannotBuildError("only root can build the guest's file system")
    key, name = _key(suite, more), "+".join((suite, *more))
    with locked(f"{name}.lock"):
        folder = cache() / f"{name}-{key}"
        if not folder.exists():
            for outdated in cache().glob(f"{name}-*"):
                shutil.rmtree(outdated)
            _build(suite, more, folder)
    return Image(folder / "kernel", folder / "initrd", folder / "disk.qcow2", key)


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Only one process at a time makes what goes into the cache."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def packages() -> list[str]:
    """All Debian packages of the guest: what it is made of, and what Paradux needs at run time."""
    needs = re.search(r"^RUNTIME_NEEDS=\((.*?)^\)", (CHECKOUT / "contrib/common.sh").read_text(), re.M | re.S)
    assert needs, "contrib/common.sh has no RUNTIME_NEEDS"
    return sorted({*_SYSTEM, *(need.partition("=")[2] for need in needs[1].split())})


def run(*argv: str | Path, cwd: Path | None = None, stdin: bytes = b"") -> bytes:
    """Run a program of the host's; what it says is in the failure."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    done = subprocess.run(
        list(map(str, argv)), cwd=cwd, input=stdin, check=False, capture_output=True, env={**os.environ, "PATH": path}
    )
    if done.returncode:
        raise CannotBuildError(
            f"{argv[0]} ended with {done.returncode}:\n{done.stderr.decode(errors='replace')[-3000:]}"
        )
    return done.stdout


def _key(suite: str, more: Sequence[str]) -> str:
    parts = [Path(__file__).read_bytes(), *((CHECKOUT / name).read_bytes() for name in _BROUGHT.values())]
    parts += [" ".join([suite, *packages(), *more]).encode(), run("qemu-system-x86_64", "--version")]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _build(suite: str, more: Sequence[str], folder: Path) -> None:
    work = cache() / f"building-{folder.name}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    root = work / "root"
    _debootstrap(suite, more, root)
    _configure(root)
    product = work / "product"
    product.mkdir()
    (kernel,) = root.glob("boot/vmlinuz-*")
    shutil.copy(kernel, product / "kernel")
    _make_initrd(root, kernel.name.removeprefix("vmlinuz-"), work / "initrd", product / "initrd")
    for pattern in _UNNEEDED:
        for path in root.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    run("mke2fs", "-q", "-t", "ext4", "-d", root, work / "disk.raw", _SIZE)
    run("qemu-img", "convert", "-O", "qcow2", work / "disk.raw", product / "disk.qcow2")
    product.rename(folder)
    shutil.rmtree(work)


def _debootstrap(suite: str, more: Sequence[str], root: Path) -> None:
    """With the sources and proxies that this very machine has for the suite, else with Debian's."""
    options = ["--variant=minbase", "--quiet", f"--include={','.join([*packages(), *more])}"]
    options += [f"--dpkgopt=path-exclude=/usr/share/{what}/*" for what in ("man", "doc", "locale")]
    settings = run("apt-config", "dump").decode().splitlines()
    options += [f"--aptopt={line.rstrip(';')}" for line in settings if re.match(r"Acquire::https?::Proxy", line)]
    # The kernel is booted with an initrd of ours: Debian's hook is told to make none.
    run("env", "INITRD=No", "mmdebstrap", *options, suite, root, *_sources(suite))


def _sources(suite: str) -> list[Path]:
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    named = re.compile(rf"^(?:Suites:|deb\s).*\s{suite}(?:\s|$)", re.M)
    return [file for file in files if file.is_file() and named.search(file.read_text())]


def _configure(root: Path) -> None:
    files = {
        "etc/hostname": "guest\n",
        "etc/fstab": "/dev/vda / ext4 defaults 0 1\n",
        "etc/machine-id": "",
        "etc/systemd/network/guest.network": _NETWORK,
        "etc/systemd/system/guest-agent.service": _AGENT_UNIT,
        f"etc/systemd/system/{CLIENT_UNIT}": _CLIENT_UNIT,
        **{f"usr/lib/guest/{name}": (CHECKOUT / source).read_text() for name, source in _BROUGHT.items()},
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    run("systemctl", f"--root={root}", "enable", "guest-agent.service", "systemd-networkd.service")
    run("systemctl", f"--root={root}", "mask", *_MASKED)


def _make_initrd(root: Path, version: str, work: Path, initrd: Path) -> None:
    """A busybox that loads the modules of the disk, mounts it and goes on there."""
    (work / "bin").mkdir(parents=True)
    (work / "modules").mkdir()
    shutil.copy(root / "bin/busybox", work / "bin/busybox")
    wanted = ["--set-version", version, "--show-depends", "--all", *_INITRD_MODULES]
    listed = run("chroot", root, "modprobe", *wanted)
    order: list[str] = []
    for line in listed.decode().splitlines():
        kind, _, rest = line.strip().partition(" ")
        path = root / rest.strip().removeprefix("/")
        name = path.name.removesuffix(".xz")
        if kind == "insmod" and name not in order:
            data = path.read_bytes()
            (work / "modules" / name).write_bytes(lzma.decompress(data) if path.suffix == ".xz" else data)
            order.append(name)
    (work / "modules/order").write_text("\n".join(order))
    (work / "init").write_text(_INIT)
    (work / "init").chmod(0o755)
    names = "\n".join(str(path.relative_to(work)) for path in sorted(work.rglob("*")))
    packed = run("cpio", "--quiet", "--create", "--format=newc", cwd=work, stdin=names.encode())
    initrd.write_bytes(gzip.compress(packed, 6))


if __name__ == "__main__":
    with contextlib.suppress(CannotBuildError):
        image(own_suite())
