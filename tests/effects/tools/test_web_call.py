"""Calling an address over HTTP and HTTPS, where only success matters, and no error shows what was called."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.effects.tools import web_call
from tests.servers.restic_servers import certificate

SECRET = "/canary-of-the-address"


@contextmanager
def answering(status: int, location: str = "", tls: Path | None = None) -> Iterator[tuple[int, list[str]]]:
    """A port, and what was called there; a path that ends with /ok is always a success."""
    called: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            called.append(self.path)
            self.send_response(200 if self.path.endswith("/ok") else status)
            self.send_header("Location", location)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        cert, key, _ = certificate(tls)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, called
    finally:
        server.shutdown()
        server.server_close()


def test_a_success_is_enough() -> None:
    with answering(204) as (port, called):
        web_call.get(f"http://127.0.0.1:{port}{SECRET}?status=up", "heartbeat-1")
    assert called == [f"{SECRET}?status=up"]


def test_an_address_that_has_moved_is_followed() -> None:
    with answering(302, f"{SECRET}/ok") as (port, called):
        web_call.get(f"http://127.0.0.1:{port}{SECRET}", "heartbeat-1")
    assert called == [SECRET, f"{SECRET}/ok"]


@pytest.mark.parametrize(
    ("status", "location", "kind", "text"),
    [
        (404, "", ParaduxError, "heartbeat-1 answered with HTTP status 404"),
        (503, "", TransientError, "heartbeat-1 answered with HTTP status 503"),
        (302, SECRET, ParaduxError, "heartbeat-1 answered with HTTP status 302"),
        (302, "file:///etc/passwd", TransientError, "heartbeat-1 cannot be called: the answer is not HTTP"),
    ],
)
def test_what_is_no_success_is_told_without_the_address(
    status: int, location: str, kind: type[ParaduxError], text: str
) -> None:
    with answering(status, location) as (port, called), pytest.raises(kind) as caught:
        web_call.get(f"http://127.0.0.1:{port}{SECRET}", "heartbeat-1")
    assert caught.value.message == text
    assert "canary" not in repr(caught.value) + caught.value.hint
    assert 1 <= len(called) <= 4


def test_nobody_there() -> None:
    with answering(200) as (port, _):
        pass
    with pytest.raises(TransientError, match="heartbeat-1 cannot be called: Connection refused"):
        web_call.get(f"http://127.0.0.1:{port}{SECRET}", "heartbeat-1")


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200, tls=tmp_path) as (port, called):
        with pytest.raises(TransientError, match="TLS: self-signed certificate"):
            web_call.get(f"https://127.0.0.1:{port}{SECRET}", "heartbeat-1")
        assert called == []
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        web_call.get(f"https://127.0.0.1:{port}{SECRET}", "heartbeat-1")
    assert called == [SECRET]


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(web_call, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(TransientError, match="no answer in time"):
            web_call.get(f"http://127.0.0.1:{port}{SECRET}", "heartbeat-1")


def test_what_is_encrypted_does_not_lead_to_what_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(302, f"http://127.0.0.1:1{SECRET}", tls=tmp_path) as (port, _):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        with pytest.raises(ParaduxError, match="leads from https to what is not encrypted"):
            web_call.get(f"https://127.0.0.1:{port}/x", "heartbeat-1")
