"""Whether a place is protected from this machine is tried: at real servers that refuse to remove, and at some that do not."""

from __future__ import annotations

import contextlib
import http.client
import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.protocols.base import Blob, BlobStore, Context
from paraduxd.protocols.disk import PROTOCOL as DISK
from paraduxd.protocols.s3 import PROTOCOL as S3
from paraduxd.testing import samples
from paraduxd.worker.transfer import protection_trial
from tests.protocols.restic.test_servers import case_at
from tests.servers import restic_servers
from tests.servers.restic_servers import Backend


class Store(BlobStore):
    """Objects in memory; what is in `refuses` is not done, what is in `says_no` is done but called a failure."""

    def __init__(self, refuses: str = "", fails: str = "") -> None:
        self.objects: dict[str, bytes] = {}
        self.refuses, self.fails = refuses, fails

    def _may(self, what: str) -> None:
        if what in self.refuses or what in self.fails:
            raise ParaduxError("permission-denied", "the server says no")

    def put(self, name: str, data: Any) -> None:
        self._may("change" if name in self.objects else "put")
        self.objects[name] = data.read()

    def get(self, name: str) -> Iterator[bytes]:
        self._may("get")
        yield self.objects[name]

    def list(self) -> tuple[Blob, ...]:
        return tuple(Blob(name, len(data)) for name, data in self.objects.items())

    def delete(self, name: str) -> None:
        self._may("delete")
        self.objects.pop(name, None)

    def sweep(self) -> None:
        self.objects.clear()


@pytest.mark.parametrize(
    ("refuses", "found", "left"),
    [
        ("change delete", True, 1),
        ("delete", False, 1),
        ("change", False, 0),
        ("", False, 0),
        ("put", None, 0),
        ("get", None, 1),
    ],
)
def test_only_what_can_be_neither_replaced_nor_removed_is_protected(
    refuses: str, found: bool | None, left: int
) -> None:
    store = Store(refuses)
    assert protection_trial.try_removal(store) is found
    assert len(store.objects) == left


def test_the_next_trial_takes_the_object_of_the_last() -> None:
    store = Store("change delete")
    assert protection_trial.try_removal(store) and protection_trial.try_removal(store)
    assert list(store.objects) == [protection_trial.NAME]


def test_a_folder_of_this_machine_is_never_protected(tmp_path: Path) -> None:
    assert DISK.blobs
    store = DISK.blobs(DISK.settings.model_validate({"url": f"file://{tmp_path}/place"}), Context("", "place"))
    assert protection_trial.try_removal(store) is False
    assert store.list() == ()


def test_a_rest_server_that_only_appends(tmp_path: Path) -> None:
    samples.write_files(tmp_path / "scratch" / "staging", 2)
    for options, protected in ((("--append-only",), True), ((), False)):
        with restic_servers.rclone_rest(tmp_path / f"server-{protected}", *options) as backend:
            it = case_at(backend, "r", tmp_path / "scratch")
            pushed = it.push().version
            assert it.destination().is_protected() is protected
            assert it.destination().is_protected() is protected
            assert it.destination().versions() == (pushed,)
            assert it.destination().verify(deep=True).checked > 0


@contextlib.contextmanager
def refusing(backend: Backend, methods: set[str], *, to_replace: bool) -> Iterator[int]:
    """A server before `backend` that says 403 to these methods, and to replacing what is there; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        written: set[str] = set()  # noqa: RUF012  (of one server)

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            put = self.command == "PUT"
            if self.command in methods or (put and to_replace and self.path in self.written):
                self._answer(403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", {})
                return
            if put:
                self.written.add(self.path)
            connection = http.client.HTTPConnection("127.0.0.1", backend.port, timeout=30)
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            data = answer.read()
            kept = {
                key: value
                for key, value in answer.getheaders()
                if key.lower() not in ("transfer-encoding", "connection")
            }
            self._answer(answer.status, data, kept)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on  # noqa: N815

        def _answer(self, status: int, data: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in headers.items():
                if self.command == "HEAD" or key.lower() != "content-length":
                    self.send_header(key, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def test_a_bucket_without_the_right_to_remove_is_protected_only_if_nothing_can_be_replaced(tmp_path: Path) -> None:
    assert S3.blobs
    with restic_servers.moto() as backend:
        connection = http.client.HTTPConnection("127.0.0.1", backend.port, timeout=30)
        connection.request(
            "PUT",
            "/bucket",
            headers={"Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request"},
        )
        assert connection.getresponse().status == 200
        for number, (to_replace, found) in enumerate(((True, True), (False, False))):
            with refusing(backend, {"DELETE"}, to_replace=to_replace) as port:
                given = {
                    "url": f"s3://bucket/{number}",
                    "endpoint": f"http://127.0.0.1:{port}",
                    "credentials": {"access_key_id": restic_servers.KEY_ID, "secret_access_key": "any"},
                }
                store = S3.blobs(S3.settings.model_validate(given), Context("", "cloud"))
                store.put("config", io.BytesIO(b"theirs"))
                assert protection_trial.try_removal(store) is found
                assert b"".join(store.get("config")) == b"theirs"


@pytest.fixture(scope="module")
def buckets() -> Iterator[Backend]:
    """A bucket that keeps versions, and one that keeps them locked, too."""
    with restic_servers.moto() as backend:
        owner = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{backend.port}",
            aws_access_key_id="owner",
            aws_secret_access_key="any",
            region_name="us-east-1",
        )
        for name in ("versions", "locked"):
            owner.create_bucket(Bucket=name, ObjectLockEnabledForBucket=name == "locked")
            owner.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}
        lock = {"ObjectLockEnabled": "Enabled", "Rule": rule}
        owner.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration=lock)
        yield backend


@pytest.mark.parametrize(("bucket", "protected"), [("versions", False), ("locked", True)])
def test_a_bucket_that_keeps_what_is_removed_is_protected_only_if_versions_stay(
    buckets: Backend, bucket: str, protected: bool
) -> None:
    assert S3.blobs
    given = {
        "url": f"s3://{bucket}/photos",
        "endpoint": f"http://127.0.0.1:{buckets.port}",
        "credentials": {"access_key_id": restic_servers.KEY_ID, "secret_access_key": "any"},
    }
    store = S3.blobs(S3.settings.model_validate(given), Context("", "cloud"))
    store.put("config", io.BytesIO(b"theirs"))
    for _ in range(2):
        assert protection_trial.try_removal(store) is False, "in the place that is seen, it can be replaced"
        assert protection_trial.try_erasing(store) is protected
    assert [each.name for each in store.list()] == ["config"]


def test_where_versions_cannot_be_seen_nothing_is_said() -> None:
    assert protection_trial.try_erasing(Store()) is None
    assert protection_trial.try_erasing(Store("change delete")) is True
