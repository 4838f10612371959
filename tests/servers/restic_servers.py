"""Real servers that keep restic repositories, on loopback: rclone as S3 and as a rest-server (with TLS), moto as S3."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

from paraduxd.protocols.base import Context, Destination
from paraduxd.protocols.restic.destination import PROTOCOL
from paraduxd.protocols.restic.settings import ResticSettings
from tests.servers.ports import free_port

ACCOUNT = "fred"
PASSWORD = "canary p@ss:w/d%41#?"
KEY_ID = "CANARYKEY"
SECRET_KEY = "canary`se+cr/et=#; "
REPOSITORY_PASSWORD = "canary-repository-password"


@dataclass(frozen=True)
class Backend:
    """One server. `repository` makes the address of a path there; `folder` is where its data is (None: in memory)."""

    kind: str
    scheme: str
    port: int
    credentials: dict[str, str] = field(default_factory=dict)
    pins: tuple[str, ...] = ()
    folder: Path | None = None

    def at(self, port: int) -> Backend:
        """The same server behind a relay."""
        return replace(self, port=port)

    def repository(self, path: str) -> str:
        login = f"{ACCOUNT}@" if "rest_password" in self.credentials else ""
        bucket = "bucket/" if self.kind == "s3" else ""
        return f"{self.kind}:{self.scheme}://{login}127.0.0.1:{self.port}/{bucket}{quote(path)}"

    def path(self, path: str) -> Path:
        """Where the repository is on the disk."""
        assert self.folder is not None
        return self.folder / ("bucket" if self.kind == "s3" else "") / path

    def destination(self, path: str, credentials: dict[str, str] | None = None, **more: Any) -> Destination:
        login = self.credentials if credentials is None else credentials
        settings = ResticSettings.model_validate({"repository": self.repository(path), "credentials": login})
        assert PROTOCOL.destination
        context = {"dataset": "photos", "location": "cloud", "secret": REPOSITORY_PASSWORD}
        pins = {f"127.0.0.1:{self.port}": self.pins} if self.pins else {}
        return PROTOCOL.destination(settings, Context(**{**context, "host_keys": pins, **more}))


def certificate(folder: Path) -> tuple[Path, Path, str]:
    """A self-signed certificate for 127.0.0.1: its file, that of its key, and the line that pins it."""
    folder.mkdir(parents=True, exist_ok=True)
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(cert), "-days", "30", "-subj", "/CN=paradux-test"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    der = ssl.PEM_cert_to_DER_cert(cert.read_text())
    return cert, key, f"x509 {base64.b64encode(der).decode()}"


@contextlib.contextmanager
def rclone_s3(folder: Path) -> Iterator[Backend]:
    """`rclone serve s3` with TLS and one access key."""
    (folder / "data" / "bucket").mkdir(parents=True, exist_ok=True)
    cert, key, pin = certificate(folder / "tls")
    options = ["--auth-key", f"{KEY_ID},{SECRET_KEY}", "--cert", str(cert), "--key", str(key)]
    with _serving("s3", folder / "data", options) as port:
        login = {"access_key_id": KEY_ID, "secret_access_key": SECRET_KEY}
        yield Backend("s3", "https", port, login, (pin,), folder / "data")


@contextlib.contextmanager
def rclone_rest(
    folder: Path, *options: str, tls: bool = True, port: int = 0, password: str = PASSWORD
) -> Iterator[Backend]:
    """`rclone serve restic` with one account. `port`: any that is free, unless one is named."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    more, pins = ["--user", ACCOUNT, "--pass", password, *options], ()
    if tls:
        cert, key, pin = certificate(folder / "tls")
        more, pins = [*more, "--cert", str(cert), "--key", str(key)], (pin,)
    with _serving("restic", folder / "data", more, port) as served:
        yield Backend("rest", "https" if tls else "http", served, {"rest_password": password}, pins, folder / "data")


@contextlib.contextmanager
def moto() -> Iterator[Backend]:
    """moto, which is in memory and has no bucket at first."""
    program = str(Path(sys.executable).parent / "moto_server")
    port = free_port()
    with _running([program, "-H", "127.0.0.1", "-p", str(port)], port):
        yield Backend("s3", "http", port, {"access_key_id": KEY_ID, "secret_access_key": "any"})


@contextlib.contextmanager
def answering(status: int, body: bytes = b"") -> Iterator[int]:
    """A server that gives one answer to everything; the port."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815  (names of the library)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def _serving(what: str, folder: Path, options: list[str], port: int = 0) -> Iterator[int]:
    port = port or free_port()
    program = str(Path(sys.executable).parent / "rclone")
    command = [program, "serve", what, "--config", "", "--addr", f"127.0.0.1:{port}", *options, "--", str(folder)]
    with _running(command, port):
        yield port


@contextlib.contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            while server.poll() is None:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.05)
            assert server.poll() is None, f"{command[0]} did not start"
            yield
        finally:
            server.terminate()
