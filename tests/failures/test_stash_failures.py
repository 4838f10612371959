"""What every blob store says and does when something fails: one sentence, what was there stays, and the next use goes on."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.protocols.base import BlobStore, TransientError
from tests.failures.stashes import NOWHERE, REACHED, STASHES, Stash
from tests.failures.strange_servers import GARBAGE, saying
from tests.integration.sshd import Relay
from tests.servers import ftp_servers, rclones
from tests.servers.ports import free_port
from tests.servers.wrong_answers import answering

OLD = os.urandom(3000)
FULL = {"s3": {"disk-full", "server-error"}, "rclone-webdav": {"bad-answer"}, "ftp": {"disk-full", "connection-lost"}}
"""rclone's servers do not say what is the matter when their disk is full, and pyftpdlib says nothing when closing the file fails too;
others do."""
USES: dict[str, Callable[[BlobStore], object]] = {
    "list": lambda blobs: blobs.list(),
    "get": lambda blobs: b"".join(blobs.get("object")),
    "put": lambda blobs: blobs.put("object", io.BytesIO(b"new")),
    "delete": lambda blobs: blobs.delete("object"),
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Stash]]:
    """Servers by name, started at the first use."""
    with contextlib.ExitStack() as stack:
        found: dict[str, Stash] = {}

        def get(name: str) -> Stash:
            if name not in found:
                found[name] = stack.enter_context(STASHES[name](tmp_path_factory.mktemp(name)))
            return found[name]

        yield get


@pytest.fixture
def stash(request: pytest.FixtureRequest, running: Callable[[str], Stash]) -> Stash:
    """The server of this test, holding one object."""
    stash = running(request.param)
    stash.store().put("object", io.BytesIO(OLD))
    return stash


def failure(use: str, blobs: BlobStore) -> ParaduxError:
    """What a use that must fail says: a sentence without secrets and line breaks."""
    with pytest.raises(ParaduxError) as failed:
        USES[use](blobs)
    return told(failed.value)


def told(problem: ParaduxError) -> ParaduxError:
    shown = f"{problem.message}\0{problem.hint}"
    assert "\n" not in shown and len(shown) < 500 and problem.hint
    assert not any(secret in shown for secret in (rclones.SECRET, rclones.PASSWORD, ftp_servers.PASSWORD))
    return problem


def stands(stash: Stash) -> None:
    """The old object is there and whole, and nothing else shows."""
    assert [(blob.name, blob.size) for blob in stash.store().list()] == [("object", len(OLD))]
    assert b"".join(stash.store().get("object")) == OLD


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("stash", REACHED, indirect=True)
def test_wrong_credentials(stash: Stash, use: str) -> None:
    problem = failure(use, stash.store(wrong=True))
    assert problem.code in {"login-refused", "permission-denied"}
    assert not isinstance(problem, TransientError)
    stands(stash)


@pytest.mark.parametrize("stash", REACHED, indirect=True)
def test_a_host_that_nobody_knows(stash: Stash) -> None:
    problem = failure("list", stash.store(host=NOWHERE))
    assert (problem.code, isinstance(problem, TransientError)) == ("unreachable", True)


@pytest.mark.parametrize("use", ["list", "put"])
@pytest.mark.parametrize("stash", REACHED, indirect=True)
def test_a_port_where_nobody_listens(stash: Stash, use: str) -> None:
    problem = failure(use, stash.store(port=free_port()))
    assert (problem.code, isinstance(problem, TransientError)) == ("unreachable", True)


@pytest.mark.parametrize("words", GARBAGE)
@pytest.mark.parametrize("stash", REACHED, indirect=True)
def test_garbage_in_place_of_a_server(stash: Stash, words: str) -> None:
    with saying(GARBAGE[words]) as port:
        problem = failure("put", stash.store(port=port))
    assert problem.code in {"bad-answer", "connection-lost", "unreachable", "server-error", "no-tls", "rclone-failed"}


class Dying(io.BytesIO):
    """Data on its way; half of it was sent when the server dies."""

    def __init__(self, size: int, die: Callable[[], None] | None) -> None:
        super().__init__(os.urandom(size))
        self._half, self._die = size // 2, die

    def read(self, size: int | None = -1, /) -> bytes:
        if self._die and self.tell() > self._half:
            self._die()
        return super().read(min(size or -1, 100_000) if size and size > 0 else 100_000)


@pytest.mark.slow
@pytest.mark.parametrize("name", REACHED)
def test_a_connection_that_is_cut_while_an_object_is_sent(name: str, tmp_path: Path) -> None:
    with STASHES[name](tmp_path / "stash") as stash:
        stash.store().put("object", io.BytesIO(OLD))
        relay = None if stash.die else Relay(stash.port, allow=3_000_000)
        with pytest.raises(TransientError) as lost:
            stash.store(port=relay.port if relay else None).put("object", Dying(12_000_000, stash.die))
        assert told(lost.value).code in {"connection-lost", "unreachable"}
        if relay:
            relay.close()
            stands(stash)
    if not relay:
        with STASHES[name](tmp_path / "stash") as again:
            stands(again)
            again.store().put("object", io.BytesIO(b"newer"))
            assert b"".join(again.store().get("object")) == b"newer"


@pytest.mark.parametrize("name", REACHED)
def test_a_connection_that_is_cut_while_an_object_comes(name: str, tmp_path: Path) -> None:
    content = os.urandom(6_000_000)
    with STASHES[name](tmp_path / "stash") as stash:
        stash.store().put("object", io.BytesIO(content))
        relay = None if stash.die else Relay(stash.port, allow=2_000_000)
        got = b""
        with pytest.raises(TransientError) as lost:
            for piece in stash.store(port=relay.port if relay else None).get("object"):
                got += piece
                if stash.die:
                    stash.die()
        assert told(lost.value).code in {"connection-lost", "unreachable"}
        assert len(got) < len(content)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in STASHES if name != "ftps"])  # pyftpdlib then says nothing over TLS
def test_a_full_disk(name: str, tiny_disk: Path) -> None:
    with STASHES[name](tiny_disk / "stash") as stash:
        stash.store().put("object", io.BytesIO(OLD))
        with pytest.raises(TransientError) as full:
            stash.store().put("object", io.BytesIO(os.urandom(4_000_000)))
        assert told(full.value).code in FULL.get(name, {"disk-full"})
        stands(stash)
        stash.store().put("object", io.BytesIO(b"newer"))
        assert b"".join(stash.store().get("object")) == b"newer"


@pytest.mark.parametrize(
    ("status", "code", "passing"),
    [
        (401, "login-refused", False),
        (403, "permission-denied", False),
        (500, "server-error", True),
        (507, "disk-full", True),
    ],
)
@pytest.mark.parametrize("use", ["list", "put"])
@pytest.mark.parametrize("stash", ["rclone-webdav"], indirect=True)
def test_a_web_server_that_refuses_everything(stash: Stash, use: str, status: int, code: str, passing: bool) -> None:
    with answering(status, b"no") as port:
        problem = failure(use, stash.store(port=port))
    assert (problem.code, isinstance(problem, TransientError)) == (code, passing)


@pytest.mark.parametrize("use", ["put", "delete"])
def test_an_ftp_server_that_lets_nothing_be_written(use: str, tmp_path: Path) -> None:
    with ftp_servers.pyftpdlib(tmp_path / "web") as server:
        server.store().put("object", io.BytesIO(OLD))
    with ftp_servers.pyftpdlib(tmp_path / "web", may="elr") as server:
        assert failure(use, server.store()).code == "permission-denied"
        assert b"".join(server.store().get("object")) == OLD


@pytest.mark.parametrize("use", ["list", "get", "put"])
def test_a_directory_that_is_a_file(use: str, tmp_path: Path) -> None:
    with STASHES["disk"](tmp_path) as stash:
        (tmp_path / "x").write_text("not a directory")
        assert failure(use, stash.store()).code in {"unusable-directory", "not-found"}
    assert (tmp_path / "x").read_text() == "not a directory"
