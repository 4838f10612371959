"""Servers with rules of their own: what can be used is used, and of all else the server's words are repeated (real sshd, real rrsync)."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest
from paramiko.sftp import CMD_REMOVE, CMD_RENAME

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Guard, Keep
from paraduxd.effects.tools.sftp import Client
from paraduxd.protocols.base import BlobStore, Context, PullRequest, PushRequest, Source, TransientError
from paraduxd.protocols.blob_stores import replacing
from paraduxd.protocols.blob_stores.sftp_blobs import SftpBlobs
from paraduxd.protocols.restic.destination import PROTOCOL as RESTIC
from paraduxd.protocols.rsync import PROTOCOL as RSYNC
from paraduxd.protocols.sftp import PROTOCOL as SFTP
from paraduxd.testing import samples
from paraduxd.testing.blobs import BlobStoreSuite, MakeStore
from paraduxd.testing.destinations import DestinationCase
from tests.integration.sshd import Server, running
from tests.rigs.waiting import wait_for

PATIENCE = 60
"""Seconds for any answer."""


def store(server: Server, path: Path, **credentials: str) -> BlobStore:
    chosen = credentials or {"private_key": server.private_key}
    settings = SFTP.settings.model_validate({"url": server.url("sftp", path), "credentials": chosen})
    assert SFTP.blobs
    return SFTP.blobs(settings, Context("config", "friend", host_keys=server.pinned()))


def source(server: Server, path: Path, **credentials: str) -> Source:
    chosen = credentials or {"private_key": server.private_key}
    settings = RSYNC.settings.model_validate({"url": server.url("rsync+ssh", path), "credentials": chosen})
    assert RSYNC.source
    return RSYNC.source(settings, Context("photos", "source", host_keys=server.pinned()))


def by_sftp(server: Server, folder: Path, **credentials: str) -> None:
    store(server, folder / "remote", **credentials).put("object", io.BytesIO(b"x"))


def by_rsync(server: Server, folder: Path, **credentials: str) -> None:
    staging = folder / "staging"
    staging.mkdir(exist_ok=True)
    source(server, folder, **credentials).pull(staging, PullRequest(Guard()))


def by_restic(server: Server, folder: Path, **credentials: str) -> None:
    login = {"private_key": server.private_key} | credentials
    settings = RESTIC.settings.model_validate(
        {"repository": f"sftp://{server.user}@127.0.0.1:{server.port}/{folder}/r", "credentials": login}
    )
    assert RESTIC.destination
    staging = folder / "staging"
    staging.mkdir(exist_ok=True)
    (staging / "file").write_text("x")
    place = RESTIC.destination(settings, Context("photos", "friend", host_keys=server.pinned(), secret="s" * 32))
    place.push(staging, PushRequest(Keep(), "2026-01-01T12:00:00Z"))


WAYS: dict[str, Callable[..., None]] = {"sftp": by_sftp, "rsync": by_rsync, "restic": by_restic}


def refused(way: str, server: Server, folder: Path, **credentials: str) -> ParaduxError:
    began = time.monotonic()
    with pytest.raises(ParaduxError) as failed:
        WAYS[way](server, folder, **credentials)
    assert time.monotonic() - began < PATIENCE
    return failed.value


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "of-sshd").mkdir()
    return tmp_path


@pytest.fixture
def serve(folder: Path) -> Iterator[Callable[..., Server]]:
    with contextlib.ExitStack() as stack:
        yield lambda **rules: stack.enter_context(running(folder / "of-sshd", **rules))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("rules", "code", "words"),
    [
        ({"config": "KexAlgorithms diffie-hellman-group14-sha1"}, "no-common-algorithm", "kex|key exchange"),
        ({"config": "HostKeyAlgorithms ssh-rsa", "host_key_kind": "rsa"}, "no-common-algorithm", "host key"),
        ({"config": "MaxSessions 0"}, "session-refused", "refused|prohibited|open failed|Connect failed"),
        ({"config": "AuthenticationMethods publickey,password\nMatch all\nPasswordAuthentication yes\n"}, "login-refused", "password"),
        ({"config": "DenyUsers *"}, "login-refused", "does not accept"),
        ({"key_options": 'command="echo only backups of Bob; exit 3"'}, "bad-answer|session-refused", "only backups of Bob"),
        ({"key_options": 'command="echo >&2 only backups of Bob; exit 3"'}, "bad-answer|session-refused", "only backups of Bob"),
        ({"key_options": 'command="false"'}, "session-refused", "refuses"),
        ({"config": "ChrootDirectory /tmp"}, "session-refused", "refuses"),
    ],
    ids=["kex", "ssh-rsa", "sessions", "both", "denied", "greeting", "complaint", "silent", "chroot"],
)  # fmt: skip
def test_the_servers_own_words(
    serve: Callable[..., Server], folder: Path, way: str, rules: dict[str, str], code: str, words: str
) -> None:
    problem = refused(way, serve(**rules), folder)
    assert not isinstance(problem, TransientError), problem.message
    assert problem.code in code.split("|"), problem.message
    assert any(word in problem.message for word in words.split("|")), problem.message
    assert "changed" not in problem.message
    assert "another host key" not in problem.message


def test_a_session_that_ends_before_a_word_is_sent(
    serve: Callable[..., Server], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the server runs instead of file transfer may be done before we have begun."""
    begin = Client._send_version

    def late(client: Client) -> int:
        wait_for(lambda: (channel := client.get_channel()) is not None and channel.closed, "the server's end of it")
        return begin(client)

    monkeypatch.setattr(Client, "_send_version", late)
    problem = refused("sftp", serve(key_options='command="echo >&2 only backups of Bob; exit 3"'), folder)
    assert not isinstance(problem, TransientError)
    assert problem.code == "session-refused" and "only backups of Bob" in problem.message


@pytest.mark.parametrize("way", ["sftp", "restic"])
def test_a_server_without_file_transfer(serve: Callable[..., Server], folder: Path, way: str) -> None:
    problem = refused(way, serve(subsystem="other"), folder)
    assert problem.code == "session-refused"
    assert not isinstance(problem, TransientError)


@pytest.mark.parametrize("way", WAYS)
def test_a_notice_before_the_login_is_no_trouble(serve: Callable[..., Server], folder: Path, way: str) -> None:
    (folder / "notice").write_text("This is a computer of Bob.\nKeep out.\n")
    WAYS[way](serve(config=f"Banner {folder}/notice"), folder)


def test_a_key_that_belongs_to_file_transfer_alone(serve: Callable[..., Server], folder: Path) -> None:
    server = serve(config="Match all\nForceCommand internal-sftp\n")
    by_sftp(server, folder)
    assert "This service allows sftp connections only" in refused("rsync", server, folder).message


@pytest.fixture
def restricted(folder: Path) -> Iterator[tuple[Server, Path]]:
    """A key with which only rsync may be run, below one directory; that directory."""
    top = folder / "top"
    top.mkdir()
    with running(folder / "of-sshd", key_options=f'restrict,command="rrsync {top}"') as server:
        yield server, top


ODD = "so $(touch x) 'urce\" &;\\ ü"


def test_a_restricted_key_is_pulled_with(restricted: tuple[Server, Path], folder: Path) -> None:
    server, top = restricted
    staging = folder / "staging"
    staging.mkdir()
    samples.write_files(top / ODD, 3)
    (top / ODD / "cache").write_text("x")
    settings = RSYNC.settings.model_validate(
        {
            "url": server.url("rsync+ssh", Path("/") / ODD),
            "credentials": {"private_key": server.private_key},
            "exclude": ["cache", "$(touch y)"],
        }
    )
    assert RSYNC.source
    pulled = RSYNC.source(settings, Context("photos", "source", host_keys=server.pinned()))
    pulled.pull(staging, PullRequest(Guard()))
    (top / ODD / "cache").unlink()
    assert samples.contents(staging) == samples.contents(top / ODD)
    next((top / ODD).rglob("*.txt"), top / ODD / "cache").unlink(missing_ok=True)
    pulled.pull(staging, PullRequest(Guard(), known_files=3, known_mounts=("sub",)))
    assert samples.contents(staging) == samples.contents(top / ODD)


def test_a_restricted_key_is_pushed_with(restricted: tuple[Server, Path], folder: Path) -> None:
    server, top = restricted
    settings = RSYNC.settings.model_validate(
        {"url": server.url("rsync+ssh", Path("/new") / ODD), "credentials": {"private_key": server.private_key}}
    )
    assert RSYNC.destination
    make = RSYNC.destination
    (folder / "scratch").mkdir()
    context = Context("photos", "friend", host_keys=server.pinned())
    case = DestinationCase(lambda progress: make(settings, replace(context, progress=progress)), folder / "scratch")
    assert case.destination().versions() == ()
    samples.write_files(case.staging, 2)
    first = case.push().version
    (case.staging / "more").write_text("more")
    second = case.push().version
    assert samples.contents(case.restore(second)[0]) == samples.contents(case.staging)
    trees = top / "new" / ODD / "versions"
    unchanged = next(path.relative_to(trees / first.id) for path in trees.glob(f"{first.id}/**/*") if path.is_file())
    assert (trees / first.id / unchanged).stat().st_ino == (trees / second.id / unchanged).stat().st_ino
    assert case.destination().verify(deep=True).checked > 0
    assert case.push(keep=Keep(last=1)).pruned
    assert len(case.destination().versions()) == 1


def test_a_restricted_key_does_not_take_a_name_for_a_pattern(restricted: tuple[Server, Path], folder: Path) -> None:
    server, top = restricted
    for name in ("photos", "p*"):
        samples.write_files(top / name, 1)
    (folder / "staging").mkdir()
    with pytest.raises(ParaduxError) as failed:
        source(server, Path("/p*")).pull(folder / "staging", PullRequest(Guard()))
    assert failed.value.code == "bad-address"
    assert list((folder / "staging").iterdir()) == []


@pytest.mark.parametrize("way", ["sftp", "restic"])
def test_a_key_for_rsync_alone_says_so_elsewhere(restricted: tuple[Server, Path], folder: Path, way: str) -> None:
    problem = refused(way, restricted[0], folder)
    assert problem.code == "session-refused"
    assert "rsync" in problem.message.lower()


class HangingUp(io.BytesIO):
    """What is sent while the server ends the session, once more than a window of it was read."""

    def __init__(self, server: Server, size: int) -> None:
        super().__init__(os.urandom(size))
        self._server: Server | None = server

    def read(self, size: int | None = -1, /) -> bytes:
        if self._server and self.tell() > 1_000_000:
            self._server.hang_up()
            self._server = None
        return super().read(size)


def test_a_server_that_hangs_up_in_the_middle_is_told_and_nothing_is_lost(
    serve: Callable[..., Server], folder: Path
) -> None:
    blobs = store(server := serve(), folder / "remote")
    blobs.put("object", io.BytesIO(b"old"))
    with pytest.raises(TransientError) as cut:
        blobs.put("object", HangingUp(server, 4_000_000))
    assert cut.value.code == "connection-lost"
    assert b"".join(store(server, folder / "remote").get("object")) == b"old"


@pytest.mark.parametrize("again", ["put", "get", "list", "delete"])
def test_a_session_that_ended_while_nobody_used_it_is_opened_again(
    serve: Callable[..., Server], folder: Path, again: str
) -> None:
    blobs = store(server := serve(), folder / "remote")
    blobs.put("object", io.BytesIO(b"old"))
    server.hang_up()
    assert isinstance(blobs, SftpBlobs)
    wait_for(lambda: not blobs._connection.is_alive(), "the end of the session to be noticed")
    if again == "put":
        blobs.put("object", io.BytesIO(b"newer"))
    elif again == "delete":
        blobs.delete("object")
    assert [each.name for each in blobs.list()] == ([] if again == "delete" else ["object"])
    assert again != "get" or b"".join(blobs.get("object")) == b"old"


class TestWithoutReplacing(BlobStoreSuite):
    @pytest.fixture
    def make(self, serve: Callable[..., Server], folder: Path) -> MakeStore:
        server = serve(sftp="-P posix-rename")
        return lambda: store(server, folder / "blobs")


@pytest.fixture
def blobs(serve: Callable[..., Server], folder: Path) -> BlobStore:
    """At a server that renames onto no existing file."""
    it = store(serve(sftp="-P posix-rename"), folder / "blobs")
    it.put("object", io.BytesIO(b"old"))
    return it


@pytest.mark.parametrize("step", range(1, 4))
@pytest.mark.parametrize("killed", [True, False])
def test_there_is_a_good_object_whenever_replacing_it_stops(
    blobs: BlobStore, folder: Path, monkeypatch: pytest.MonkeyPatch, step: int, killed: bool
) -> None:
    """`step`: the request to the server that is not made any more: stepping aside, the new name, removing what stepped aside."""
    left = step
    asked = paramiko.SFTPClient._request

    def stopping(self: paramiko.SFTPClient, kind: int, *arguments: object) -> object:
        nonlocal left
        moves = kind == CMD_RENAME or (kind == CMD_REMOVE and replacing.ASIDE.encode() in bytes(str(arguments), "utf8"))
        left -= moves and str(arguments).find("object") >= 0
        if left == 0 or (killed and left < 0):
            raise OSError("stopped here")
        return asked(self, kind, *arguments)

    monkeypatch.setattr(paramiko.SFTPClient, "_request", stopping)
    with contextlib.suppress(ParaduxError):
        blobs.put("object", io.BytesIO(b"newer"))
    monkeypatch.undo()
    for _ in range(2):
        content = b"".join(blobs.get("object"))
        assert content in {b"old", b"newer"}
        assert [(blob.name, blob.size) for blob in blobs.list()] == [("object", len(content))]
        blobs.sweep()
    assert [each.name for each in (folder / "blobs").iterdir()] == ["object"]
    blobs.put("object", io.BytesIO(b"newest"))
    assert b"".join(blobs.get("object")) == b"newest"
    blobs.delete("object")
    assert blobs.list() == ()
