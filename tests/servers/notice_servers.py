"""Where notices go in tests: a mail server with a password, and a web server that takes JSON, both on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Mail:
    """An SMTP server; `messages` are those that were taken, headers included."""

    def __init__(self, password: str) -> None:
        self.messages: list[str] = []
        self._password = password.encode()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd's name)
        self.messages.append(envelope.content.decode())
        return "250 OK"

    def check(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, credentials: Any) -> AuthResult:
        return AuthResult(success=credentials.password == self._password)


@contextmanager
def mail_server(password: str) -> Iterator[tuple[Mail, int]]:
    """The server and its port."""
    mail = Mail(password)
    controller = _Controller(
        mail, hostname="127.0.0.1", port=0, authenticator=mail.check, auth_require_tls=False, auth_required=True
    )
    controller.start()
    try:
        yield mail, controller.port
    finally:
        controller.stop()


class _Controller(Controller):
    """aiosmtpd would connect to port 0 to see whether it is there."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class Hook:
    """A web hook; `status` is what it answers, `messages` what it has taken."""

    def __init__(self) -> None:
        self.status = 200
        self.asked = 0
        self.messages: list[dict[str, Any]] = []


@contextmanager
def web_hook() -> Iterator[tuple[Hook, int]]:
    """The hook and its port."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            hook.asked += 1
            if hook.status == 200:
                hook.messages.append(body)
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hook, server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
