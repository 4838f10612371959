"""What `s3` says and does when something fails, with the rclone of Debian and with that of PyPI: one sentence, nothing lost."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.protocol_settings import ProtocolSettings
from paraduxd.effects.process import run
from paraduxd.effects.tools import rclone
from paraduxd.protocols.archive import send
from paraduxd.protocols.base import BlobStore, Context, TransientError
from paraduxd.protocols.s3 import PROTOCOL, S3Settings, remote
from paraduxd.testing import samples
from paraduxd.testing.blobs import Interrupted
from tests.integration.sshd import Relay
from tests.protocols.archive.rig import archive, case_on
from tests.rigs.waiting import wait_for
from tests.servers import rclones
from tests.servers.ports import free_port
from tests.servers.rclones import Served
from tests.servers.wrong_answers import answering

CREDENTIALS = {"access_key_id": rclones.KEY, "secret_access_key": rclones.SECRET}
USES: dict[str, Callable[[BlobStore], object]] = {
    "list": lambda blobs: blobs.list(),
    "get": lambda blobs: b"".join(blobs.get("object")),
    "put": lambda blobs: blobs.put("object", io.BytesIO(b"new")),
    "put much": lambda blobs: blobs.put("object", io.BytesIO(bytes(9 << 20))),
    "delete": lambda blobs: blobs.delete("object"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("s3")
    (folder / "bucket" / "x").mkdir(parents=True)
    with rclones.s3(folder) as served:
        yield served


@pytest.fixture(params=rclones.VERSIONS, autouse=True)
def version(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setattr(run, "PATH", rclones.path_with(request.param, tmp_path_factory))
    return str(request.param)


def settings(port: int, bucket: str = "bucket", host: str = "127.0.0.1", **credentials: str) -> ProtocolSettings:
    keys = {**CREDENTIALS, **credentials}
    plain = {"url": f"s3://{bucket}/x", "endpoint": f"http://{host}:{port}", "credentials": keys}
    return S3Settings.model_validate(plain)


def store(port: int, bucket: str = "bucket", host: str = "127.0.0.1", **credentials: str) -> BlobStore:
    assert PROTOCOL.blobs
    return PROTOCOL.blobs(settings(port, bucket, host, **credentials), Context("config", "cloud"))


@pytest.fixture
def old(server: Served) -> Iterator[BlobStore]:
    """A store that holds one object."""
    blobs = store(server.port)
    blobs.put("object", io.BytesIO(b"old"))
    yield blobs
    shutil.rmtree(server.folder / "bucket" / "x")
    (server.folder / "bucket" / "x").mkdir()


def failure(use: str, blobs: BlobStore) -> ParaduxError:
    with pytest.raises(ParaduxError) as failed:
        USES[use](blobs)
    shown = f"{failed.value.message} {failed.value.hint}"
    assert "\n" not in shown and rclones.SECRET not in shown and len(shown) < 500
    return failed.value


@pytest.mark.parametrize(("use", "wrong"), [*((use, "secret_access_key") for use in USES), ("list", "access_key_id")])
def test_wrong_credentials(use: str, wrong: str, old: BlobStore, server: Served) -> None:
    problem = failure(use, store(server.port, **{wrong: "AKIAWRONGWRONG"}))
    assert problem.code in {"login-refused", "permission-denied"}
    assert not isinstance(problem, TransientError)
    assert b"".join(old.get("object")) == b"old"


@pytest.mark.parametrize("use", ["list", "get", "put", "delete"])
def test_a_server_that_does_not_answer(use: str) -> None:
    problem = failure(use, store(free_port()))
    assert (problem.code, isinstance(problem, TransientError)) == ("unreachable", True)


def test_an_unknown_host() -> None:
    assert failure("list", store(80, host="no-such-host.invalid")).code == "unreachable"


@pytest.mark.parametrize("use", ["list", "put", "put much"])
def test_a_bucket_that_is_not_there(use: str, server: Served) -> None:
    assert failure(use, store(server.port, "nobody-made-this")).code == "no-bucket"
    assert not (server.folder / "nobody-made-this").exists()


@pytest.mark.parametrize(
    ("use", "status", "said", "code"),
    [
        *((use, 403, "AccessDenied", "permission-denied") for use in ("list", "get", "put", "delete")),
        *((use, 500, "InternalError", "server-error") for use in ("list", "put")),
        ("put", 503, "SlowDown", "server-error"),
    ],
)
@pytest.mark.slow
def test_a_service_that_refuses_everything(use: str, status: int, said: str, code: str) -> None:
    body = f"<?xml version='1.0'?><Error><Code>{said}</Code><Message>no</Message></Error>"
    with answering(status, body.encode()) as port:
        problem = failure(use, store(port))
    assert (problem.code, isinstance(problem, TransientError)) == (code, status >= 500)


@pytest.mark.parametrize("use", ["list", "put", "put much"])
def test_a_page_in_place_of_a_service(use: str) -> None:
    with answering(200) as port:
        problem = failure(use, store(port))
    assert problem.code in {"bad-answer", "connection-lost", "rclone-failed"}


@pytest.mark.slow
def test_a_cut_connection_leaves_the_old_object_and_no_half_one(old: BlobStore, server: Served) -> None:
    relay = Relay(server.port, allow=3_000_000)
    with pytest.raises(TransientError) as lost:
        store(relay.port).put("object", io.BytesIO(os.urandom(20_000_000)))
    relay.close()
    assert lost.value.code in {"connection-lost", "unreachable"}
    assert [(blob.name, blob.size) for blob in old.list()] == [("object", 3)]
    assert b"".join(old.get("object")) == b"old"


def test_a_cut_download_is_no_end(old: BlobStore, server: Served) -> None:
    old.put("object", io.BytesIO(os.urandom(5_000_000)))
    relay = Relay(server.port, allow=2_000_000)
    problem = failure("get", store(relay.port))
    relay.close()
    assert (problem.code, isinstance(problem, TransientError)) == ("connection-lost", True)


@pytest.mark.parametrize("begun", [False, True], ids=["at any moment", "once a part is there"])
def test_a_stream_that_fails_in_a_big_object_leaves_no_parts(begun: bool, old: BlobStore, server: Served) -> None:
    """A stream that fails while rclone begins an upload may leave a name without parts, which takes no room and costs nothing."""
    before = parts(server)

    class Longer(Interrupted):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 15_000_000:
                wait_for(lambda: not begun or parts(server) != before, "the first part")
                raise OSError(5, "the writer died")
            return io.BytesIO.read(self, size)

    with pytest.raises(OSError, match="the writer died"):
        old.put("object", Longer(os.urandom(20_000_000)))
    assert b"".join(old.get("object")) == b"old"
    assert parts(server) == before


def parts(server: Served) -> set[tuple[str, int]]:
    """The parts of uploads that were begun and not ended: whose, and their numbers."""
    address, (key, secret) = f"http://127.0.0.1:{server.port}", CREDENTIALS.values()
    s3 = boto3.client(
        "s3", endpoint_url=address, region_name="eu-central-1", aws_access_key_id=key, aws_secret_access_key=secret
    )
    found = set()
    with contextlib.suppress(s3.exceptions.NoSuchUpload):  # this server's word for none at all
        for upload in s3.list_multipart_uploads(Bucket="bucket").get("Uploads", []):
            told = s3.list_parts(Bucket="bucket", Key=upload["Key"], UploadId=upload["UploadId"])
            found |= {(upload["UploadId"], part["PartNumber"]) for part in told.get("Parts", [])}
    return found


@pytest.mark.slow
def test_a_full_server(tiny_disk: Path) -> None:
    (tiny_disk / "bucket").mkdir()
    with rclones.s3(tiny_disk) as full:
        blobs = store(full.port)
        blobs.put("object", io.BytesIO(b"old"))
        with pytest.raises(ParaduxError) as failed:
            blobs.put("object", io.BytesIO(os.urandom(4_000_000)))
        assert failed.value.code in {"disk-full", "server-error"}
        assert isinstance(failed.value, TransientError)


@pytest.mark.slow
def test_damage_at_the_service_is_found_by_a_restore(
    server: Served, old: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "PAUSES", (0.01,))
    case = case_on(lambda: store(server.port), tmp_path / "scratch")
    samples.write_files(case.staging, 6, 400_000)
    first = case.push().version
    samples.write_files(case.staging, 6, 300_000)
    second = case.push().version
    (damaged, *_) = sorted((server.folder / "bucket" / "x").glob(f"{first.id}.0*.gpg"))
    whole = damaged.read_bytes()
    flipped = whole[:500_000] + bytes([whole[500_000] ^ 1]) + whole[500_001:]
    other = sorted((server.folder / "bucket" / "x").glob(f"{second.id}.0*.gpg"))[0].read_bytes()
    for content in (flipped, whole[:500_000], b"", other):
        damaged.write_bytes(content)
        (out := tmp_path / "out").mkdir()
        with pytest.raises(ParaduxError) as failed:
            archive(store(server.port), case.folder).restore(first, out, ())
        assert failed.value.code == "damaged"
        assert not any(out.iterdir())
        out.rmdir()
    damaged.write_bytes(whole)
    assert case.restore(first)[1].files == 6


def test_the_bucket_in_the_host_name(server: Served) -> None:
    plain = settings(server.port, host="localhost").model_dump()
    here = remote(S3Settings.model_validate({**plain, "addressing": "virtual-host"}), Context("config", "cloud"))
    with run.sealed_file(rclone.configuration(here.options)) as (descriptor, path):
        command = [
            "rclone",
            f"--config={path}",
            "--low-level-retries=1",
            "-vv",
            "--dump=headers",
            "lsf",
            here.address(),
        ]
        told = run.run(command, pass_fds=[descriptor])
    assert b"Host: bucket.localhost:" in told.errors
