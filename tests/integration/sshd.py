"""A real OpenSSH server on loopback, and a relay that cuts connections."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from paraduxd.effects.tools import ssh
from tests import width
from tests.commands.person import descendants, wait_until_gone
from tests.servers.ports import free_port

_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin yes
StrictModes no
MaxStartups 100
PidFile none
Subsystem {subsystem} internal-sftp {sftp}
SetEnv HOME={folder}/home
"""

_KEY_EXCHANGE = "" if width.FULL else "KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org"
"""What OpenSSH prefers, against quantum computers, takes a client seven times the processor's time, for each of hundreds of connections."""


@dataclass(frozen=True)
class Server:
    """A running sshd: who may log in with which key, and the keys that it shows."""

    port: int
    user: str
    private_key: str
    host_keys: tuple[str, ...]
    pid: int

    def hang_up(self) -> None:
        """End all sessions, as for having been idle (sshd's ClientAliveInterval), and wait until they are gone."""
        sessions = descendants(self.pid)
        for each in sessions:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        wait_until_gone(sessions)

    def url(self, scheme: str, path: Path, port: int | None = None) -> str:
        """The address of an absolute path on the server."""
        return f"{scheme}://{self.user}@127.0.0.1:{port or self.port}{quote(str(path), errors='surrogateescape')}"

    def pinned(self, port: int | None = None) -> dict[str, tuple[str, ...]]:
        """The host keys as a plugin gets them."""
        return {f"127.0.0.1:{port or self.port}": self.host_keys}


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> str:
    """A new key pair at `path` and `path.pub`; the private key as text."""
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(path)]
    subprocess.run(command, check=True)
    return path.read_text()


@contextlib.contextmanager
def running(
    folder: Path,
    host_key_kind: str = "ed25519",
    sftp: str = "",
    config: str = "",
    key_options: str = "",
    subsystem: str = "sftp",
) -> Iterator[Server]:
    """An sshd for the current user, with keys of its own, ended with the context; `sftp`: options of its SFTP server.

    `config`: lines that count before those of all servers; `key_options`: what authorized_keys says of the one key.
    """
    port = free_port()
    (folder / "home").mkdir()  # a login runs the shell's start-up files: those of whoever runs the tests may take long
    host_public = folder / "host_key.pub"
    make_key(folder / "host_key", host_key_kind)
    private_key = make_key(folder / "user_key")
    (folder / "authorized_keys").write_text(f"{key_options} {(folder / 'user_key.pub').read_text()}")
    text = _CONFIG.format(port=port, folder=folder, sftp=sftp, subsystem=subsystem)
    (folder / "sshd_config").write_text(
        "\n".join([*([] if "KexAlgorithms" in config else [_KEY_EXCHANGE]), config, text])
    )
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    daemon = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    assert daemon
    with subprocess.Popen(
        [daemon, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_for(port, process)
            line = ssh.key_line(host_public.read_text())
            yield Server(port, pwd.getpwuid(os.getuid()).pw_name, private_key, (line,), process.pid)
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise AssertionError("sshd did not start")


class Relay:
    """Passes connections on to a port; once `allow` bytes went through in total, every connection is cut."""

    def __init__(self, port: int, allow: int) -> None:
        self._target = port
        self._left = allow
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Refuse what comes."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while self._left > 0 and (piece := one.recv(16384)):
                self._left -= len(piece)
                other.sendall(piece)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
