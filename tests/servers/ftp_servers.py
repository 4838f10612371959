"""FTP servers on loopback: pyftpdlib in clear and with TLS, and vsftpd, which insists on TLS and on its session on the data channel."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from paraduxd.protocols.base import BlobStore, Context
from paraduxd.protocols.registry import find
from tests.servers.ports import free_port
from tests.servers.restic_servers import certificate

PASSWORD = "correct % horse"

_PYFTPDLIB = """
import contextlib, os, sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer
folder, port, password, cert, key, masquerade, commands, idle, may, quota, cut = sys.argv[1:]
handler = TLS_FTPHandler if cert else FTPHandler
class Limited(handler.dtp_handler):
    def over(self):
        return self.receive and self.tot_bytes_received > int(quota)
    def handle_read_event(self):
        super().handle_read_event()
        if cut and self.over():
            self.close()
    def close(self):
        if self.over() and not self._closed:
            self._resp = ("552 Transfer aborted: quota exceeded, the file is not kept.", print)
            with contextlib.suppress(OSError):
                os.unlink(self.file_obj.name)
        super().close()
if quota:
    handler.dtp_handler = Limited
if cert:
    handler.certfile, handler.keyfile = cert, key
    handler.tls_control_required = handler.tls_data_required = True
handler.authorizer = DummyAuthorizer()
handler.authorizer.add_user("fred", password, folder, perm=may)
handler.masquerade_address = masquerade or None
handler.timeout = float(idle)
handler.auth_failed_timeout = 0
handler.proto_cmds = {name: how for name, how in handler.proto_cmds.items() if name not in commands.split(",")}
if "RNTO-OVER" in commands:
    plain = handler.ftp_RNTO
    def refusing(self, path):
        return self.respond("550 File exists.") if self.fs.lexists(path) else plain(self, path)
    handler.ftp_RNTO = refusing
FTPServer(("127.0.0.1", int(port)), handler).serve_forever()
"""


@dataclass(frozen=True)
class FtpServer:
    """A server, and the directory on this machine that it gives access to under `root`; `die` ends it in the middle of anything."""

    protocol: str
    port: int
    user: str
    folder: Path
    pins: tuple[str, ...] = ()
    root: str = ""
    host: str = "127.0.0.1"
    die: Callable[[], None] = lambda: None

    def store(self, path: str = "a/b", password: str = PASSWORD, pins: tuple[str, ...] | None = None) -> BlobStore:
        """A store that was not used yet."""
        protocol = find(self.protocol)
        url = f"{self.protocol}://{self.user}@{self.host}:{self.port}{self.root}/{path}"
        settings = protocol.settings.model_validate({"url": url, "credentials": {"password": password}})
        keys = self.pins if pins is None else pins
        assert protocol.blobs
        return protocol.blobs(settings, Context("config", "web", host_keys={f"{self.host}:{self.port}": keys}))


@contextlib.contextmanager
def pyftpdlib(
    folder: Path,
    secure: bool = False,
    without: str = "",
    masquerade: str = "",
    idle: float = 300,
    may: str = "elradfmwMT",
    port: int = 0,
    quota: int | None = None,
    cut: bool = False,
    password: str = PASSWORD,
) -> Iterator[FtpServer]:
    """`without`: commands it does not know, with commas; "RNTO-OVER": it renames onto no existing file. `idle` is in seconds; `may` are
    pyftpdlib's letters for what is allowed; `port`: any that is free, unless one is named; a file of more than `quota` bytes is refused
    at its end, or as soon as that is seen (`cut`)."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    cert, key, pin = certificate(folder / "tls") if secure else ("", "", "")
    port = port or free_port()
    limit = ["" if quota is None else quota, "cut" if cut else ""]
    arguments = [folder / "data", port, password, cert, key, masquerade, without, idle, may, *limit]
    with _running([sys.executable, "-c", _PYFTPDLIB, *map(str, arguments)], port) as die:
        pins = (pin,) if pin else ()
        yield FtpServer("ftps" if secure else "ftp", port, "fred", folder / "data", pins, die=die)


@contextlib.contextmanager
def vsftpd(folder: Path) -> Iterator[FtpServer]:
    """Its users are those of the system, so that anonymous it is."""
    (folder / "data").mkdir(parents=True)
    cert, key, pin = certificate(folder / "tls")
    port = free_port()
    options = {
        "listen": "YES", "listen_address": "127.0.0.1", "listen_port": port, "background": "NO", "run_as_launching_user": "YES",
        "anonymous_enable": "YES", "no_anon_password": "YES", "anon_root": folder / "data", "anon_umask": "077",
        "write_enable": "YES", "anon_upload_enable": "YES", "anon_mkdir_write_enable": "YES", "anon_other_write_enable": "YES",
        "anon_world_readable_only": "NO", "allow_writeable_chroot": "YES", "xferlog_enable": "NO", "seccomp_sandbox": "NO",
        "ssl_enable": "YES", "allow_anon_ssl": "YES", "force_anon_data_ssl": "YES", "force_anon_logins_ssl": "YES",
        "require_ssl_reuse": "YES", "rsa_cert_file": cert, "rsa_private_key_file": key, "ssl_ciphers": "HIGH",
    }  # fmt: skip
    file = folder / "vsftpd.conf"
    file.write_text("".join(f"{name}={value}\n" for name, value in options.items()))
    with _running(["/usr/sbin/vsftpd", str(file)], port) as die:
        yield FtpServer("ftps", port, "anonymous", folder / "data", (pin,), f"{folder}/data", die=die)


@contextlib.contextmanager
def _running(command: list[str], port: int) -> Iterator[Callable[[], None]]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(port, server)
            yield server.kill
        finally:
            server.terminate()


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert server.poll() is None, "the server ended"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("the server does not listen")
