"""An account with tokens, whose access token has run out: rclone gets a new one by the refresh token, each time, and saves none."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.process import run
from paraduxd.protocols.base import Blob, BlobStore, Context
from paraduxd.protocols.rclone.protocol import PROTOCOL, RcloneSettings
from tests.servers import rclones

TOKEN = {
    "access_token": "old",
    "token_type": "Bearer",
    "refresh_token": "canary-refresh",
    "expiry": "2020-01-01T00:00:00Z",
}
FILE = {"id": "2", "name": "object", "path": "p/object", "type": "file", "size": 5, "mtime": 1_700_000_000}
FOLDER = {"id": "1", "path": "/p", "name": "p", "type": "dir", "members": [FILE]}


@contextlib.contextmanager
def cloud(status: int, answer: dict[str, object]) -> Iterator[tuple[int, list[str]]]:
    """A service like HiDrive with one file, whose token server answers this; its port, and what was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.reply(status, answer)

        def do_GET(self) -> None:
            asked.append(f"{self.headers['Authorization']}")
            self.reply(200, FOLDER)

        def reply(self, code: int, value: dict[str, object]) -> None:
            body = json.dumps(value).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], asked
        server.shutdown()


def store(port: int) -> BlobStore:
    server = f"http://127.0.0.1:{port}"
    options = {
        "type": "hidrive",
        "client_id": "id",
        "client_secret": "x",
        "token": json.dumps(TOKEN),
        "root_prefix": "/",
    }
    options |= {"endpoint": server, "token_url": f"{server}/token", "auth_url": f"{server}/auth"}
    assert PROTOCOL.blobs
    settings = RcloneSettings.model_validate({"url": "rclone:mine:p", "options": options})
    return PROTOCOL.blobs(settings, Context("config", "cloud"))


@pytest.fixture(params=rclones.VERSIONS, autouse=True)
def version(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setattr(run, "PATH", rclones.path_with(request.param, tmp_path_factory))
    return str(request.param)


@pytest.mark.slow
def test_the_refresh_token_of_the_config_works_again_and_again() -> None:
    fresh: dict[str, object] = {"access_token": "fresh", "token_type": "Bearer", "expires_in": 3600}
    with cloud(200, {**fresh, "refresh_token": "another"}) as (port, asked):
        for _ in range(2):
            assert store(port).list() == (Blob("object", 5),)
    refreshed = [each for each in asked if "refresh_token" in each]
    assert len(refreshed) == 2
    assert all("canary-refresh" in each for each in refreshed)
    assert set(asked) - set(refreshed) == {"Bearer fresh"}


def test_a_refresh_token_that_is_no_longer_good_is_a_refused_login() -> None:
    with (
        cloud(400, {"error": "invalid_grant", "error_description": "canary-refresh"}) as (port, _),
        pytest.raises(ParaduxError) as failed,
    ):
        store(port).list()
    assert failed.value.code == "login-refused"
    assert "canary" not in failed.value.message
