"""Places that refuse, change, break off or are full, and that repeat what they were told."""

from __future__ import annotations

import base64
import contextlib
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.hunt.house import House
from tests.hunt.situations import situation
from tests.integration import sshd


class _EchoFtp(socketserver.StreamRequestHandler):
    """Refuses every login with all that was said so far."""

    def handle(self) -> None:
        self.wfile.write(b"220 hello\r\n")
        said = ""
        while line := self.rfile.readline().decode(errors="replace").strip():
            said += f" {line}"
            self.wfile.write(b"331 go on\r\n" if line.startswith("USER") else f"530 I was told{said}\r\n".encode())


class _EchoHttp(BaseHTTPRequestHandler):
    """Refuses every request, and repeats its head, with the login in clear."""

    def answer(self) -> None:
        told = f"{self.path} {self.headers}"
        login = self.headers.get("Authorization", "")
        with contextlib.suppress(ValueError):
            told += base64.b64decode(login.removeprefix("Basic ")).decode(errors="replace")
        body = f"<?xml version='1.0'?><Error><Code>Refused</Code><Message>{told}</Message></Error>".encode()
        self.send_response(400, "Bad " + told.replace("\n", " ")[:2000])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PROPFIND = do_MKCOL = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@situation("servers that refuse the login and repeat it")
def echo(house: House) -> None:
    house.touch_source()
    for kind, names in ((_EchoFtp, ("ftp",)), (_EchoHttp, ("webdav", "s3", "restic-s3", "oauth", "hook"))):
        server = socketserver.ThreadingTCPServer if kind is _EchoFtp else ThreadingHTTPServer
        with _serving(server(("127.0.0.1", 0), kind)) as port:
            for name in names:
                with house.servers.gates[name].leading_to(port):
                    house.paradux.ctl("backup", "docs", "--destination", name, "--push-only", check=False)
    house.told()


@situation("the drop-in's service refuses, and repeats the token")
def drop_in_refuses(house: House) -> None:
    _careless(house, "refuses")


@situation("a bug in the drop-in, with the token in the traceback")
def drop_in_breaks(house: House) -> None:
    _careless(house, "breaks")


def _careless(house: House, how: str) -> None:
    trouble = house.root / f"careless.{how}"
    trouble.touch()
    house.touch_source()
    if house.around_daemon:
        house.paradux.ctl("backup", "docs", "--destination", "careless", "--push-only", check=False)
        house.paradux.ctl("versions", "docs", "--destination", "careless", check=False)
    trouble.unlink()
    house.told()


@situation("the drop-in works")
def drop_in_works(house: House) -> None:
    if house.around_daemon:
        house.touch_source()
        house.paradux.ctl("backup", "docs", "--destination", "careless", check=False)


@situation("a host key has changed")
def host_key(house: House) -> None:
    folder = house.fresh("given/other-host")
    folder.mkdir()
    house.touch_source()
    with sshd.running(folder) as other:
        for name in ("sftp", "rsync", "restic-sftp"):
            with house.servers.gates[name].leading_to(other.port):
                house.paradux.ctl("backup", "docs", "--destination", name, "--push-only", check=False)
    house.told()


@situation("a certificate has changed")
def certificate(house: House) -> None:
    house.touch_source()
    for name, other in (("ftps", "rest"), ("rest", "ftps")):
        with house.servers.gates[name].leading_to(house.servers.gates[other].target):
            house.paradux.ctl("backup", "docs", "--destination", name, "--push-only", check=False)
    house.told()


@situation("servers that go down in mid-transfer")
def cut(house: House) -> None:
    house.touch_source(200_000)
    for name in ("sftp", "rsync", "rest"):
        with house.servers.gates[name].cutting(20_000):
            house.paradux.ctl("backup", "docs", "--destination", name, "--push-only", check=False)
    house.touch_source(0)
    house.told()


@situation("a full disk")
def full_disk(house: House) -> None:
    house.touch_source(100_000)
    filler = house.root / "tiny/filler"
    with contextlib.suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(bytes(4096))
            file.flush()
    house.paradux.ctl("backup", "docs", "--destination", "tiny", "--push-only", check=False)
    filler.unlink()
    house.touch_source(0)
    house.told()


@situation("a notice is sent, and another one cannot be")
def notices(house: House) -> None:
    assert house.servers.hook
    house.servers.hook.status = 500
    away = house.root / "away"
    (house.root / "source").rename(away)
    house.paradux.ctl("backup", "docs", "--pull-only", check=False)
    before = len(house.servers.mail.messages) if house.servers.mail else 0
    house.paradux.wait_for(
        lambda: house.servers.mail and len(house.servers.mail.messages) > before, "a notice by mail", 60
    )
    house.servers.hook.status = 200
    away.rename(house.root / "source")
    house.paradux.ctl("backup", "docs", "--pull-only", check=False)


@situation("a stash is away while the config is published")
def stash_away(house: House) -> None:
    with house.servers.gates["config"].leading_to(1):
        house.paradux.ctl("publish", check=False)
    house.paradux.ctl("publish", check=False)
