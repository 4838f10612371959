"""The protocol `sftp` passes the shipped suite on a real server, and tells its failures apart."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.protocols.base import BlobStore, Context, TransientError
from paraduxd.protocols.sftp import PROTOCOL, SftpSettings
from paraduxd.testing.blobs import BlobStoreSuite, MakeStore
from paraduxd.worker.transfer import protection_trial
from tests.integration.sshd import Relay, Server, make_key, running
from tests.servers.ports import free_port


def settings(server: Server, path: Path, port: int | None = None, **credentials: str) -> SftpSettings:
    chosen = credentials or {"private_key": server.private_key.rstrip()}
    return SftpSettings.model_validate({"url": server.url("sftp", path, port), "credentials": chosen})


def store(server: Server, path: Path, port: int | None = None, **credentials: str) -> BlobStore:
    assert PROTOCOL.blobs
    context = Context("config", "friend", host_keys=server.pinned(port))
    return PROTOCOL.blobs(settings(server, path, port, **credentials), context)


class TestBlobs(BlobStoreSuite):
    @pytest.fixture
    def make(self, sshd: Server, tmp_path: Path) -> MakeStore:
        return lambda: store(sshd, tmp_path / "a" / "blo $(touch x) '\"*\udcff")


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_host_keys_and_user_keys_of_every_kind(tmp_path: Path, kind: str) -> None:
    with running(tmp_path, kind) as server:
        key = make_key(tmp_path / "another", kind)
        (tmp_path / "authorized_keys").write_text((tmp_path / "another.pub").read_text())
        store(server, tmp_path / "x", private_key=key).put("object", io.BytesIO(b"x"))
    assert (tmp_path / "x" / "object").read_bytes() == b"x"


def test_a_cut_connection_leaves_the_old_object_and_no_half_one(sshd: Server, tmp_path: Path) -> None:
    store(sshd, tmp_path / "x").put("object", io.BytesIO(b"old"))
    relay = Relay(sshd.port, allow=500_000)
    with pytest.raises(TransientError) as lost:
        store(sshd, tmp_path / "x", relay.port).put("object", io.BytesIO(os.urandom(3_000_000)))
    relay.close()
    assert lost.value.code == "connection-lost"
    again = store(sshd, tmp_path / "x")
    assert [blob.name for blob in again.list()] == ["object"]
    assert b"".join(again.get("object")) == b"old"


def test_an_unreachable_server(sshd: Server, tmp_path: Path) -> None:
    with pytest.raises(TransientError) as failed:
        store(sshd, tmp_path, free_port()).list()
    assert failed.value.code == "unreachable"


def code(blobs: BlobStore) -> str:
    with pytest.raises(ParaduxError) as failed:
        blobs.put("object", io.BytesIO(b"x"))
    return failed.value.code


def test_refused_logins_and_keys_that_are_none(sshd: Server, tmp_path: Path) -> None:
    stranger = make_key(tmp_path / "stranger")
    protected = make_key(tmp_path / "protected", passphrase="secret")
    assert code(store(sshd, tmp_path, private_key=stranger)) == "login-refused"
    assert code(store(sshd, tmp_path, password="wrong")) == "login-refused"
    assert code(store(sshd, tmp_path, private_key=protected)) == "bad-credentials"
    assert code(store(sshd, tmp_path, private_key="garbage")) == "bad-credentials"


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_another_host_key_than_the_pinned_one(sshd: Server, tmp_path: Path, kind: str) -> None:
    make_key(tmp_path / "other", kind)
    pinned = {key: ((tmp_path / "other.pub").read_text(),) for key in sshd.pinned()}
    assert PROTOCOL.blobs
    assert (
        code(PROTOCOL.blobs(settings(sshd, tmp_path), Context("config", "x", host_keys=pinned))) == "host-key-changed"
    )
    assert code(PROTOCOL.blobs(settings(sshd, tmp_path), Context("config", "x"))) == "unknown-host-key"


def test_a_full_server(sshd: Server, tiny_disk: Path) -> None:
    blobs = store(sshd, tiny_disk / "x")
    blobs.put("object", io.BytesIO(b"old"))
    with pytest.raises(TransientError) as failed:
        blobs.put("object", io.BytesIO(os.urandom(4_000_000)))
    assert failed.value.code == "disk-full"
    assert [(blob.name, blob.size) for blob in blobs.list()] == [("object", 3)]


@pytest.mark.parametrize(
    "url",
    ["sftp://u:p@host/x", "sftp://host", "sftp://ho st/x", "sftp://-host/x", "sftp://$(x)@host/x", "sftp://host:0x/y"],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(ValueError):
        SftpSettings.model_validate({"url": url, "credentials": {}})


def test_a_directory_with_foreign_names_is_a_sentence(sshd: Server, tmp_path: Path) -> None:
    (tmp_path / "caf\udce9").touch()
    with pytest.raises(ParaduxError, match="not UTF-8"):
        store(sshd, tmp_path).list()


@pytest.mark.parametrize(
    ("options", "protected"),
    [("", False), ("-P remove,rmdir", False), ("-P remove,rename,posix-rename", False), ("-R", True)],
)
def test_whether_nothing_can_be_removed_is_tried(tmp_path: Path, options: str, protected: bool) -> None:
    """A server that forbids removing and renaming still lets every file be overwritten: that is no protection."""
    place = tmp_path / "place"
    place.mkdir()
    (place / protection_trial.NAME).write_bytes(b"of an earlier trial" * 9)
    with running(tmp_path, sftp=options) as server:
        assert protection_trial.try_removal(store(server, place)) is protected
