"""A quota in front of an HTTP server on loopback: it passes everything on, until what was sent is too much."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Refusal:
    """What a service answers to an upload beyond the quota."""

    status: int
    body: bytes


def s3_refusal(status: int, code: str, message: str = "") -> Refusal:
    """An error as S3 services tell it."""
    said = f"<Message>{message}</Message>" if message else ""
    return Refusal(status, f"<?xml version='1.0'?><Error><Code>{code}</Code>{said}</Error>".encode())


@contextlib.contextmanager
def limited(port: int, allow: int, refusal: Refusal) -> Iterator[int]:
    """The port at which the server of `port` takes no request body that makes it more than `allow` bytes in all."""
    lock = threading.Lock()
    taken = 0

    def fits(size: int) -> bool:
        nonlocal taken
        with lock:
            if taken + size > allow:
                return False
            taken += size
            return True

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not fits(len(body)):
                self.answer(refusal.status, {}, refusal.body)
                return
            server = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in {"connection", "expect"}:
                    server.putheader(name, value)
            server.endheaders(body)
            with contextlib.closing(server), server.getresponse() as response:
                self.answer(response.status, dict(response.getheaders()), response.read())

        def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            told = {name.lower(): value for name, value in headers.items() if name.lower() != "transfer-encoding"}
            if self.command != "HEAD" and status not in {204, 304}:
                told["content-length"] = str(len(body))
            for name, value in told.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def __getattr__(self, name: str) -> object:
            if name.startswith("do_"):
                return self.pass_on
            raise AttributeError(name)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as front:
        front.daemon_threads = True
        threading.Thread(target=front.serve_forever, daemon=True).start()
        yield front.server_address[1]
        front.shutdown()
