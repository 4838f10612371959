"""The protocol `restic` over S3 and rest-servers passes the shipped suite, and tells what a bad day with them is."""

from __future__ import annotations

import contextlib
import io
import itertools
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Keep
from paraduxd.effects.process import run
from paraduxd.protocols.base import KEY_COPY, Context, PushRequest, TransientError
from paraduxd.protocols.restic.rest import http as rest_http
from paraduxd.protocols.restic.rest.key_folder import RestKeys
from paraduxd.protocols.restic.running import streams
from paraduxd.testing import samples
from paraduxd.testing.destinations import DestinationCase, DestinationSuite
from tests.integration.sshd import Relay
from tests.servers import restic_servers
from tests.servers.ports import free_port
from tests.servers.restic_servers import KEY_ID, Backend

pytestmark = pytest.mark.slow

REQUEST = PushRequest(Keep(), "2026-01-01T12:00:00Z")
HOSTILE = "re $(touch x) 'po\" *%41 ü?#"
_numbers = itertools.count()

BACKENDS: dict[str, Callable[[Path], contextlib.AbstractContextManager[Backend]]] = {
    "s3": restic_servers.rclone_s3,
    "rest": restic_servers.rclone_rest,
}


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with BACKENDS[request.param](tmp_path_factory.mktemp(request.param)) as it:
        yield it


@pytest.fixture(scope="module")
def rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with restic_servers.rclone_rest(tmp_path_factory.mktemp("rest")) as it:
        yield it


def restarted(backend: Backend) -> contextlib.AbstractContextManager[Backend]:
    """A server for the same data that remembers nothing of it."""
    assert backend.folder is not None
    return BACKENDS[backend.kind](backend.folder.parent)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One retry is enough to see what the last one would say."""
    monkeypatch.setattr(streams, "_RETRIES", 1)


def new_path() -> str:
    return f"new/{next(_numbers)}"


def case_at(backend: Backend, path: str, folder: Path) -> DestinationCase:
    folder.mkdir(exist_ok=True)
    kept = {"cache": folder / "cache", "index": folder / "index"}
    return DestinationCase(lambda progress: backend.destination(path, progress=progress, **kept), folder)


class TestDestination(DestinationSuite):
    @pytest.fixture
    def case(self, backend: Backend, tmp_path: Path) -> DestinationCase:
        return case_at(backend, new_path(), tmp_path / "scratch")


def test_a_path_of_any_characters_is_that_path(backend: Backend, tmp_path: Path) -> None:
    path = f"{new_path()}/{HOSTILE}"
    it = case_at(backend, path, tmp_path / "scratch")
    samples.write_files(it.staging, 1)
    version = it.push().version
    assert (backend.path(path) / "config").is_file()
    assert samples.contents(it.restore(version)[0]) == samples.contents(it.staging)


def test_a_bucket_that_does_not_exist_is_made_by_the_first_push(tmp_path: Path) -> None:
    with restic_servers.moto() as backend:
        it = case_at(backend, "r", tmp_path / "scratch")
        assert it.destination().versions() == ()
        samples.write_files(it.staging, 2)
        first = it.push().version
        second = it.push(keep=Keep(last=1))
        assert second.pruned and first not in second.versions
        assert samples.contents(it.restore(second.version)[0]) == samples.contents(it.staging)
        assert it.destination().verify(deep=True).checked > 0


def test_nothing_that_logs_in_is_an_argument_or_a_variable(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    start = run.start

    def spy(command: list[str], **more: Any) -> Any:
        started.extend([*command, *(more.get("extra_env") or {}).values()])
        return start(command, **more)

    monkeypatch.setattr(run, "start", spy)
    it = case_at(backend, new_path(), tmp_path / "scratch")
    samples.write_files(it.staging, 1)
    it.push()
    assert "backup" in started
    assert not any("canary" in text.lower() for text in started)


def test_a_server_that_forbids_removal_keeps_all_and_says_so(tmp_path: Path) -> None:
    samples.write_files(tmp_path / "scratch" / "staging", 2)
    with restic_servers.rclone_rest(tmp_path / "server", "--append-only") as backend:
        it = case_at(backend, "r", tmp_path / "scratch")
        first = it.push().version
        (it.staging / "f00").write_text("changed")
        second = it.push(keep=Keep(last=1))
        assert not second.pruned
        assert second.versions == it.destination().versions() == (first, second.version)
        assert "does not let versions be removed" in second.kept_because
        assert it.destination().verify(deep=True).checked > 0
        assert it.push().kept_because == ""


WRONG = {
    "s3": {"access_key_id": KEY_ID, "secret_access_key": "canary-wrong"},
    "rest": {"rest_password": "canary-wrong"},
}


def test_a_refused_login(backend: Backend, tmp_path: Path) -> None:
    samples.write_files(tmp_path / "staging", 1)
    with pytest.raises(ParaduxError) as failed:
        backend.destination("r", WRONG[backend.kind]).push(tmp_path / "staging", REQUEST)
    assert failed.value.code == "login-refused"
    assert not isinstance(failed.value, TransientError)
    assert "canary" not in repr(failed.value.to_wire())


def test_an_access_key_that_nobody_knows(tmp_path: Path) -> None:
    with restic_servers.rclone_s3(tmp_path) as backend, pytest.raises(ParaduxError) as failed:
        backend.destination("r", {"access_key_id": "other", "secret_access_key": "x"}).versions()
    assert failed.value.code == "login-refused"


def test_no_access_key_at_all() -> None:
    with pytest.raises(ParaduxError) as failed:
        Backend("s3", "http", 9, {}).destination("r").versions()
    assert failed.value.code == "no-credentials"


def test_a_wrong_password_of_the_repository(backend: Backend, tmp_path: Path) -> None:
    samples.write_files(tmp_path / "staging", 1)
    path = new_path()
    backend.destination(path).push(tmp_path / "staging", REQUEST)
    with pytest.raises(ParaduxError) as failed:
        backend.destination(path, secret="canary-wrong").versions()
    assert failed.value.code == "wrong-repository-password"


@pytest.mark.parametrize("pins", ["none", "another"])
def test_another_certificate_is_not_spoken_to(rest: Backend, tmp_path: Path, pins: str) -> None:
    other = () if pins == "none" else (restic_servers.certificate(tmp_path)[2],)
    with pytest.raises(ParaduxError) as failed:
        rest.destination("r", host_keys={f"127.0.0.1:{rest.port}": other} if other else {}).versions()
    assert failed.value.code == ("certificate-changed" if other else "certificate-unknown")
    assert not isinstance(failed.value, TransientError)


@pytest.mark.parametrize("kind", BACKENDS)
@pytest.mark.parametrize(
    ("status", "code"), [(403, "permission-denied"), (500, "server-failed"), (503, "server-failed"), (507, "disk-full")]
)
@pytest.mark.usefixtures("impatient")
def test_what_the_server_answers_is_told(tmp_path: Path, kind: str, status: int, code: str) -> None:
    samples.write_files(tmp_path / "staging", 1)
    with restic_servers.answering(status) as port, pytest.raises(ParaduxError) as failed:
        Backend(kind, "http", port, WRONG[kind]).destination("r").push(tmp_path / "staging", REQUEST)
    assert failed.value.code == code
    assert isinstance(failed.value, TransientError) == (code != "permission-denied")


@pytest.mark.parametrize("kind", BACKENDS)
@pytest.mark.usefixtures("impatient")
def test_garbage_is_no_repository(tmp_path: Path, kind: str) -> None:
    samples.write_files(tmp_path / "staging", 1)
    with restic_servers.answering(200, b"<html>It works!</html>") as port, pytest.raises(ParaduxError) as failed:
        Backend(kind, "http", port, WRONG[kind]).destination("r").push(tmp_path / "staging", REQUEST)
    assert not failed.value.message.endswith(".")


@pytest.mark.parametrize("kind", BACKENDS)
def test_nobody_listens(tmp_path: Path, kind: str) -> None:
    samples.write_files(tmp_path / "staging", 1)
    with pytest.raises(TransientError) as failed:
        Backend(kind, "https", free_port(), WRONG[kind]).destination("r").push(tmp_path / "staging", REQUEST)
    assert failed.value.code == "unreachable"


@pytest.mark.parametrize("kind", BACKENDS)
def test_a_host_that_does_not_exist(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    it = Backend(kind, "https", 443, WRONG[kind])
    address = it.repository("r").replace("127.0.0.1", "nas.invalid")
    monkeypatch.setattr(Backend, "repository", lambda *_: address)
    with pytest.raises(TransientError) as failed:
        it.destination("r").versions()
    assert failed.value.code == "unreachable"


@pytest.mark.usefixtures("impatient")
def test_a_cut_connection_keeps_the_versions_and_the_next_push_heals(backend: Backend, tmp_path: Path) -> None:
    path = new_path()
    it = case_at(backend, path, tmp_path / "scratch")
    samples.write_files(it.staging, 2)
    first = it.push().version
    samples.write_files(it.staging / "more", 20, 500_000)
    relay = Relay(backend.port, allow=2_000_000)
    with pytest.raises(TransientError) as lost:
        backend.at(relay.port).destination(path).push(it.staging, it.request())
    relay.close()
    assert lost.value.code in {"connection-lost", "unreachable"}
    assert it.destination().versions() == (first,)
    result = it.push()
    assert samples.contents(it.restore(result.version)[0]) == samples.contents(it.staging)


@pytest.mark.usefixtures("impatient")
def test_a_server_that_hangs_up_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = Relay(listener.getsockname()[1], allow=0)
        with pytest.raises(TransientError) as failed:
            Backend("rest", "https", relay.port, WRONG["rest"]).destination("r").versions()
        relay.close()
    assert failed.value.code == "connection-lost"


def test_a_repository_that_is_gone_is_not_made_anew(backend: Backend, tmp_path: Path) -> None:
    path = new_path()
    it = case_at(backend, path, tmp_path / "scratch")
    samples.write_files(it.staging, 1)
    known = it.push().versions
    backend.path(path).rename(tmp_path / "away")
    with restarted(backend) as server, pytest.raises(TransientError) as failed:
        server.destination(path).push(it.staging, PushRequest(Keep(), REQUEST.now, known))
    assert failed.value.code == "not-mounted"
    assert not backend.path(path).exists()


@pytest.mark.parametrize("harm", ["flipped", "gone"])
def test_a_damaged_pack_is_found_and_never_restored(backend: Backend, tmp_path: Path, harm: str) -> None:
    path = new_path()
    it = case_at(backend, path, tmp_path / "scratch")
    samples.write_files(it.staging, 2, 300_000)
    version = it.push().version
    packs = (file for file in (backend.path(path) / "data").rglob("*") if file.is_file())
    pack = max(packs, key=lambda file: file.stat().st_size)
    content = bytearray(pack.read_bytes())
    content[1000] ^= 1
    pack.unlink()
    if harm == "flipped":
        pack.write_bytes(content)
    with restarted(backend) as server:
        it = case_at(server, path, tmp_path / "scratch")
        for attempt in (lambda: it.destination().verify(deep=True), lambda: it.restore(version)):
            with pytest.raises(ParaduxError) as failed:
                attempt()
            assert failed.value.code == "damaged"


def lost(backend: Backend, path: str, folder: Path) -> tuple[str, Path, Any]:
    """A repository whose only key file is gone: the copy of it, where it was, and the version that is there."""
    it = case_at(backend, path, folder / "scratch")
    samples.write_files(it.staging, 1)
    version = backend.destination(path, index=folder / "index").push(it.staging, REQUEST).version
    (key,) = (backend.path(path) / "keys").iterdir()
    copied = (folder / "index" / KEY_COPY).read_text()
    assert copied.encode() == key.read_bytes()
    key.unlink()
    return copied, key, version


def test_a_key_that_was_lost_is_put_back(backend: Backend, tmp_path: Path) -> None:
    path = f"{new_path()}/{HOSTILE}"
    copied, key, version = lost(backend, path, tmp_path)
    with restarted(backend) as server:
        assert server.destination(path, key_file=copied).versions() == (version,)
    assert key.read_bytes() == copied.encode()


def test_a_rehearsal_puts_no_key_on_a_server(rest: Backend, tmp_path: Path) -> None:
    path = new_path()
    copied, key, _ = lost(rest, path, tmp_path)
    with restarted(rest) as server, pytest.raises(ParaduxError) as caught:
        server.destination(path, key_file=copied, read_only=True).versions()
    assert caught.value.code == "keys-lost" and f"keys/{key.name}" in caught.value.hint
    assert not key.exists()


def test_no_key_is_put_beside_another_on_a_server(rest: Backend, tmp_path: Path) -> None:
    """Whoever changed the password meant the old one to open nothing any more."""
    path = new_path()
    copied, key, _ = lost(rest, path, tmp_path)
    other = key.with_name("ab" * 32)
    other.write_bytes(b"{}")
    with restarted(rest) as server, pytest.raises(ParaduxError):
        server.destination(path, key_file=copied).versions()
    assert list(key.parent.iterdir()) == [other]


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b"{}x", "bad-answer"),
        (200, b"[1]", "bad-answer"),
        (200, b"[" * 100_000, "bad-answer"),
        (401, b"", "login-refused"),
        (403, b"", "permission-denied"),
        (500, b"", "server-failed"),
        (302, b"", "bad-answer"),
    ],
)
def test_what_a_server_may_say_of_its_keys(status: int, body: bytes, code: str) -> None:
    with restic_servers.answering(status, body) as port:
        folder = RestKeys(rest_http.parse(f"rest:http://127.0.0.1:{port}/x"), "", Context("photos", "cloud"))
        with pytest.raises(ParaduxError) as caught:
            folder.list()
    assert caught.value.code == code
    with pytest.raises(ParaduxError) as caught:
        folder.list()
    assert caught.value.code == "unreachable"


def test_keys_are_sent_to_no_server_with_another_certificate(rest: Backend) -> None:
    _, _, other = restic_servers.certificate(rest.folder.parent / "other") if rest.folder else (None, None, "")
    context = Context("photos", "cloud", host_keys={f"127.0.0.1:{rest.port}": (other,)})
    with pytest.raises(ParaduxError) as caught:
        RestKeys(rest_http.parse(rest.repository("x")), "canary", context).put("ab" * 32, io.BytesIO(b"canary"))
    assert caught.value.code == "certificate-changed"
