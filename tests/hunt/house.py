"""One real Paradux with a secret in every place that can have one, and what its owner does with it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pty
import select
import shutil
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.golden.unpacking import unpack
from tests.hunt.answers import answers
from tests.hunt.recorders import Wire, Writes
from tests.hunt.secrets_of_keys import ed25519_seed
from tests.hunt.servers import Servers
from tests.hunt.watch import Watch, WatchedInstallation
from tests.rig import PASSPHRASE, clean_environment, fill

_OVERLAY = 'mount -t overlay overlay -o "lowerdir=/etc,upperdir=$0/upper,workdir=$0/work" /etc && exec "$@"'


class House(Watch):
    """Start it with `open_house`."""

    def client(
        self, *arguments: str, limits: tuple[str, ...] = (), env: dict[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """A client that goes on by itself, with the passphrase; `limits` is a command in front of it."""
        command = [
            *self.executions.prefix(),
            *limits,
            sys.executable,
            "-m",
            "paraductl.main",
            "--run",
            str(self.paradux.run),
        ]
        command += ["--passphrase-file", str(self.paradux.passphrase_file), *arguments]
        return subprocess.Popen(
            command,
            text=True,
            env={**clean_environment(), **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def at_terminal(self, words: Sequence[str], answers: Sequence[tuple[str, str]]) -> None:
        """A person at a terminal: each answer is typed when its question is on the screen; then the window is closed."""
        command = [
            *self.executions.prefix(),
            sys.executable,
            "-m",
            "paraductl.main",
            "--run",
            str(self.paradux.run),
            *words,
        ]
        master, slave = pty.openpty()
        screen = said = b""
        with subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=clean_environment(),
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  (nothing happens in it but this)
        ) as client:  # fmt: skip
            os.close(slave)
            for question, answer in answers:
                while question.encode() not in screen:
                    assert select.select([master], [], [], 60)[0], f"{question!r} did not come: {screen!r}"
                    screen += os.read(master, 65536)
                said, screen = said + screen, b""
                os.write(master, answer.encode() + b"\r")
            os.close(master)
            client.wait(60)
        self.printed.append((" ".join(words), said.decode(errors="replace")))

    def finish(self, client: subprocess.Popen[str], text: str | None = None) -> int:
        """Wait for it, and keep what it has printed."""
        said, _ = client.communicate(text, timeout=100)
        self.printed.append(("in the background", said))
        return client.returncode

    def locked(self) -> None:
        """Lock, and wait until no keeper is there."""
        self.paradux.owner("lock", check=False)
        self.paradux.wait_for(lambda: self.keeper() is None, "the keeper to end")

    def idle(self) -> None:
        """Wait until no worker is there."""
        self.paradux.wait_for(lambda: not self.workers(), "the workers to end", 60)

    def told(self) -> None:
        """Show the owner what went wrong."""
        self.paradux.ctl("status", check=False)
        self.paradux.ctl("--json", "history", check=False)

    def file(self, name: str, text: str) -> str:
        """A file that the owner has made."""
        path = self.given / name
        path.touch(mode=0o600)
        path.write_text(text)
        return str(path)

    def secret_file(self, name: str) -> str:
        """A new secret in a file of its name."""
        return self.file(name, self.secret(name, "\"\\' %"))

    def fresh(self, name: str) -> Path:
        """A folder that does not exist."""
        shutil.rmtree(self.root / name, ignore_errors=True)
        return self.root / name

    def touch_source(self, size: int | None = None) -> None:
        """Change a file, so that there is something to push; with a size, one that does not compress."""
        (self.root / "staging/docs/data/file-0.txt").write_bytes(os.urandom(20))
        if size is not None:
            (self.root / "staging/docs/data/file-1.txt").write_bytes(os.urandom(size))

    def wait_for_file(self, path: Path, or_else: Callable[[], bool] = lambda: False) -> None:
        """Until it is there."""
        self.paradux.wait_for(lambda: path.exists() or or_else(), f"{path.name} to appear")

    def until_gone(self, pids: set[int]) -> None:
        """Until these processes have ended."""
        self.paradux.wait_for(lambda: not [pid for pid in pids if Path(f"/proc/{pid}/exe").exists()], "all to end")

    def transport_hash(self) -> str:
        """How the directory of transport files in memory is told apart."""
        return hashlib.sha256(str(self.paradux.state.resolve()).encode()).hexdigest()[:16]

    # Kits

    def kit(self, steward: str) -> str:
        """The folder of a kit."""
        return str(self.root / "kits" / steward / "PARADUX")

    def share(self, steward: str) -> str:
        """The words of a share."""
        shares = self.managed["shares"]
        words: str = shares["words"][shares["issued"][steward]]
        return words

    def plug_in(self, steward: str) -> Path:
        """A stick, which is a folder that appears."""
        stick, port = self.root / "sticks" / steward, self.root / "port" / steward
        stick.mkdir(parents=True, exist_ok=True)
        stick.rename(port)
        return port

    def pull_out(self, steward: str) -> None:
        """The folder vanishes."""
        (self.root / "port" / steward).rename(self.root / "sticks" / steward)
        self.wait_for_log(f"{steward} was pulled out")

    def wait_for_log(self, text: str) -> None:
        """Until the daemon has said it since the situation began."""
        self.paradux.wait_for(lambda: text in self.paradux.log.read_text(errors="replace")[self.log_start :], text)

    # Other machines

    @contextlib.contextmanager
    def another(self, root: Path) -> Iterator[WatchedInstallation]:
        """Another machine takes the place of this one, which is switched off."""
        self.paradux.stop()
        ours, self.paradux = self.paradux, WatchedInstallation(root, self)
        try:
            self.paradux.start()
            yield self.paradux
            self.search()
        finally:
            self.paradux.stop()
            self.paradux = ours

    @contextlib.contextmanager
    def golden(self, archive: Path, root: Path) -> Iterator[WatchedInstallation]:
        """A machine of an earlier version under this one."""
        unpack(archive, root)
        try:
            with self.another(root / "paradux") as machine:
                machine.passphrase_file.write_text(PASSPHRASE + "\n")
                yield machine
        finally:
            shutil.rmtree(root, ignore_errors=True)
            self.start()

    def start(self) -> None:
        """Start the daemon; it may write cores, and takes folders for sticks."""
        (self.root / "port").mkdir(exist_ok=True)
        self.paradux.start("--stick-folders", str(self.root / "port"))


@contextlib.contextmanager
def open_house(root: Path) -> Iterator[House]:
    """A house whose daemon runs and is set up, and which is watched from the very beginning."""
    house = House(root)
    with contextlib.ExitStack() as stack:
        drop_in = _drop_in(house)
        _tiny_disk(root / "tiny", stack)
        folder = root / "servers"
        folder.mkdir()
        house.servers = Servers(folder, house.secret)
        house.servers.start(stack)
        for name, key in house.servers.keys.items():
            house.hide(f"ssh key {name}", ed25519_seed(key), *_uses(name))
        house.wire = Wire({gate.port: name for name, gate in house.servers.gates.items()})
        stack.callback(house.wire.close)
        disks = [root, Path("/var/tmp"), Path("/tmp"), Path.home()]
        house.writes = Writes(disks, os.getpid(), [root / "executions", root / "servers", root / "given"])
        stack.callback(house.writes.close)
        for name in ("source", "mailbox", "servers/webdav-source/files"):
            fill(root / name)
        stack.callback(_end, house)
        with house.during("setup"):
            house.start()
            house.paradux.setup(answers(root, house.servers, house.secret, drop_in))
        house.hide_keys()
        with house.during("first backup"):
            house.paradux.ctl("backup", check=False)
        with house.during("the keys of repositories are copied"):
            house.paradux.owner("unlock")
            house.locked()
        house.hide_repository_keys()
        yield house


def _uses(name: str) -> tuple[str, ...]:
    """Where a key of the SSH server belongs."""
    if name == "reader":
        return ("kit", "transport:metadata.friend.json")
    if name == "config":
        return ("transport:metadata.friend.json",)
    return ("transport:dataset.mail.source.json",) if name == "source" else (f"transport:dataset.docs.{name}.json",)


def _tiny_disk(folder: Path, stack: contextlib.ExitStack) -> None:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "paradux-test", str(folder)], check=True)
    stack.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)


def _drop_in(house: House) -> bool:
    """Put the careless protocol into an /etc that the daemon alone sees; false where this kernel cannot."""
    folder = house.root / "etc"
    target = folder / "upper/paradux/protocols.d"
    target.mkdir(parents=True)
    (folder / "work").mkdir()
    (target / "careless.py").write_text(Path(__file__).with_name("drop_in.py").read_text())
    for path in (folder / "upper", folder / "upper/paradux", target, target / "careless.py"):
        path.chmod(0o644 if path.is_file() else 0o755)
    around = ("unshare", "--mount", "sh", "-c", _OVERLAY, str(folder))
    if subprocess.run([*around, "true"], capture_output=True, check=False).returncode:
        return False
    house.around_daemon = (*around, "prlimit", "--core=unlimited")
    return True


def _end(house: House) -> None:
    if house.paradux.daemon is not None:
        house.paradux.daemon.kill()
        house.paradux.daemon.wait()
