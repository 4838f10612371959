"""The protocol `rclone` passes the shipped suites on real servers, with the rclone of Debian and with that of PyPI."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.process import run
from paraduxd.effects.tools import rclone, ssh
from paraduxd.protocols.base import Blob, BlobStore, Context, HeldError, TransientError
from paraduxd.protocols.rclone.protocol import PROTOCOL, RcloneSettings
from paraduxd.testing import samples
from paraduxd.testing.blobs import BlobStoreSuite, MakeStore
from paraduxd.testing.sources import SourceCase, SourceSuite
from tests.integration.sshd import make_key
from tests.servers import rclones
from tests.servers.rclones import Served

BLOB_KINDS = {"debian": "webdav-other", "pypi": "sftp"}
SOURCE_KINDS = {"debian": "sftp", "pypi": "webdav-other"}
"""Which server meets which rclone in the long suites."""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Served]]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "s3" / "bucket").mkdir(parents=True)
    with (
        rclones.webdav(folder / "webdav") as webdav,
        rclones.sftp(folder / "sftp") as sftp,
        rclones.s3(folder / "s3") as s3,
    ):
        yield {"webdav-rclone": webdav, "webdav-other": webdav, "sftp": sftp, "s3": s3}


@pytest.fixture(params=rclones.VERSIONS, autouse=True)
def version(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setattr(run, "PATH", rclones.path_with(request.param, tmp_path_factory))
    return str(request.param)


def options(kind: str, port: int) -> dict[str, str]:
    login = {"user": rclones.USER, "pass": rclones.PASSWORD}
    if kind == "sftp":
        return {"type": "sftp", "host": "127.0.0.1", "port": str(port), **login}
    if kind == "s3":
        keys = {"access_key_id": rclones.KEY, "secret_access_key": rclones.SECRET}
        return {
            "type": "s3",
            "provider": "Other",
            "endpoint": f"http://127.0.0.1:{port}",
            "no_check_bucket": "true",
            **keys,
        }
    vendor = "rclone" if kind == "webdav-rclone" else "other"
    return {"type": "webdav", "url": f"http://127.0.0.1:{port}", "vendor": vendor, **login}


def settings(kind: str, port: int, path: str, **changes: Any) -> RcloneSettings:
    plain = {"url": f"rclone:mine:{path}", "options": options(kind, port), **changes}
    return RcloneSettings.model_validate(plain)


def context(kind: str, port: int) -> Context:
    keys = {f"127.0.0.1:{port}": ssh.scan_host_keys("127.0.0.1", port)} if kind == "sftp" else {}
    return Context("config", "cloud", host_keys=keys)


def store(kind: str, port: int, path: str, **changes: Any) -> BlobStore:
    assert PROTOCOL.blobs
    return PROTOCOL.blobs(settings(kind, port, path, **changes), context(kind, port))


@pytest.mark.slow
class TestBlobs(BlobStoreSuite):
    @pytest.fixture
    def make(self, version: str, servers: dict[str, Served], tmp_path: Path) -> MakeStore:
        kind = BLOB_KINDS[version]
        path = f"{tmp_path.name}{abs(hash(tmp_path))}/%24(touch%20x)%20'%22%60%25n"
        return lambda: store(kind, servers[kind].port, path)


def source_case(kind: str, served: Served, tmp_path: Path) -> SourceCase:
    root, staging = served.folder / f"source-{abs(hash(tmp_path))}", tmp_path / "staging"
    root.mkdir()
    staging.mkdir()
    assert PROTOCOL.source
    return SourceCase(
        PROTOCOL.source(settings(kind, served.port, root.name), context(kind, served.port)), root, staging
    )


@pytest.mark.slow
class TestSource(SourceSuite):
    @pytest.fixture
    def case(self, version: str, servers: dict[str, Served], tmp_path: Path) -> Iterator[SourceCase]:
        kind = SOURCE_KINDS[version]
        case = source_case(kind, servers[kind], tmp_path)
        yield case
        shutil.rmtree(case.root, ignore_errors=True)

    def test_staging_becomes_equal_to_a_source_of_hostile_names(self, case: SourceCase) -> None:
        names = [name for name in samples.HOSTILE_NAMES if name.isprintable() or name.isascii()]
        for name in names:
            samples.write_files(case.root / "directory" / name, 2)
            (case.root / name).write_text(f"in {name!r}")
        (case.root / "empty" / "inner").mkdir(parents=True)
        result = case.pull()
        assert samples.contents(case.staging) == samples.contents(case.root)
        assert (case.staging / "empty" / "inner").is_dir()
        assert (result.files, result.changed, result.removed) == (3 * len(names), 0, 0)

    def test_a_pull_asks_once_what_the_remote_can(self, case: SourceCase, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = []

        def features(remote: rclone.Remote) -> rclone.Features:
            asked.append(remote.where)
            return known(remote)

        known = rclone.features
        monkeypatch.setattr(rclone, "features", features)
        samples.write_files(case.root, 2)
        assert case.pull().files == 2
        assert len(asked) == 1


@pytest.mark.parametrize("kind", ["webdav-rclone", "webdav-other", "sftp"])
def test_a_change_that_keeps_the_size_is_seen(kind: str, servers: dict[str, Served], tmp_path: Path) -> None:
    case = source_case(kind, servers[kind], tmp_path)
    case.first(12)
    for number in range(12):
        path = case.root / f"f{number:02}"
        later = path.stat().st_mtime + 5
        path.write_bytes(bytes(255 - byte for byte in path.read_bytes()))
        os.utime(path, (later, later))
    with pytest.raises(HeldError) as held:
        case.pull(known=12)
    assert (held.value.reason, held.value.changed) == ("many-changed", 12)
    case.pull(known=12, allowed=12)
    assert samples.contents(case.staging) == samples.contents(case.root)
    shutil.rmtree(case.root)


def test_a_finished_object_that_could_not_take_its_name_is_the_object(
    servers: dict[str, Served], tmp_path: Path
) -> None:
    served = servers["webdav-other"]
    blobs = store("webdav-other", served.port, tmp_path.name)
    (folder := served.folder / tmp_path.name).mkdir(exist_ok=True)
    (folder / ".new-object").write_bytes(b"new")
    (folder / ".tmp-0123").write_bytes(b"half")
    assert blobs.list() == (Blob("object", 3),)
    assert b"".join(blobs.get("object")) == b"new"
    (folder / "object").write_bytes(b"old one")
    assert blobs.list() == (Blob("object", 7),)
    blobs.delete("object")
    assert blobs.list() == ()


@pytest.mark.parametrize("kind", ["webdav-other", "sftp"])
def test_wrong_passwords_and_unreachable_servers(kind: str, servers: dict[str, Served]) -> None:
    port = servers[kind].port
    for wrong, where in (("login-refused", port), ("unreachable", 9)):
        login = {**options(kind, where), "pass": "wrong"}
        blobs = PROTOCOL.blobs and PROTOCOL.blobs(settings(kind, where, "x", options=login), pinned(kind, port, where))
        assert blobs
        for use in (
            lambda blobs: blobs.list(),
            lambda blobs: blobs.delete("x"),
            lambda blobs: b"".join(blobs.get("x")),
        ):
            with pytest.raises(ParaduxError) as failed:
                use(blobs)
            assert failed.value.code == wrong
            assert isinstance(failed.value, TransientError) == (wrong == "unreachable")


def pinned(kind: str, port: int, at: int) -> Context:
    """The keys of the server at `port`, as if they were those of another port."""
    known = context(kind, port).host_keys
    return Context("config", "cloud", host_keys={f"127.0.0.1:{at}": keys for keys in known.values()})


def test_another_host_key_than_the_pinned_one(servers: dict[str, Served], sftp_key: str) -> None:
    port = servers["sftp"].port
    keys = {"": (), "unknown-host-key": (), "host-key-changed": (sftp_key,)}
    for code in ("unknown-host-key", "host-key-changed"):
        assert PROTOCOL.blobs
        blobs = PROTOCOL.blobs(
            settings("sftp", port, "x"), Context("config", "cloud", host_keys={f"127.0.0.1:{port}": keys[code]})
        )
        with pytest.raises(ParaduxError) as failed:
            blobs.list()
        assert failed.value.code == code


@pytest.fixture
def sftp_key(tmp_path: Path) -> str:
    """A public key that no server has, of the kind that the server has."""
    make_key(tmp_path / "other", "ecdsa")
    return ssh.key_line((tmp_path / "other.pub").read_text())


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("rclone:x", {"type": "drive"}),
        ("rclone::x", {"type": "drive"}),
        ("rclone:-x:y", {"type": "drive"}),
        ("rclone:x:a/../b", {"type": "drive"}),
        ("rclone:x:a%0Ab", {"type": "drive"}),
        ("rclone:x:y", {}),
        ("rclone:x:y", {"type": "local"}),
        ("rclone:x:y", {"type": "sftp"}),
        ("rclone:x:y", {"type": "sftp", "host": "h", "ssh": "touch /tmp/x"}),
        ("rclone:x:y", {"type": "webdav", "bearer_token_command": "touch /tmp/x"}),
        ("rclone:x:y", {"type": "ftp", "no_check_certificate": "true"}),
        ("rclone:x:y", {"type": "drive", "a = b\n[c]": "x"}),
        ("rclone:x:y", {"type": "drive", "token": "a\nb"}),
        ("rclone:x:y", {"type": "drive", "global.no_check_certificate": "true"}),
    ],
)
def test_settings_that_are_refused(url: str, options: dict[str, str], version: str) -> None:
    with pytest.raises(ValueError) as refused:
        RcloneSettings.model_validate({"url": url, "options": options})
    assert "touch" not in str(refused.value)


def test_an_unknown_type_is_a_sentence() -> None:
    assert PROTOCOL.blobs
    plain = {"url": "rclone:x:y", "options": {"type": "gopher"}}
    with pytest.raises(ParaduxError) as failed:
        PROTOCOL.blobs(RcloneSettings.model_validate(plain), Context("config", "x")).list()
    assert failed.value.code == "unknown-remote"


@pytest.mark.parametrize("value", ["`a`", " lead ", '"q"', "#;=", "$(touch x)", "ü%n", "[x]", "\\"])
def test_any_value_reaches_rclone_as_it_is(value: str) -> None:
    with run.sealed_file(rclone.configuration({"type": "webdav", "bearer_token": value})) as (descriptor, path):
        told = run.run(["rclone", f"--config={path}", "config", "dump"], pass_fds=[descriptor])
    assert json.loads(told.output)["stash"]["bearer_token"] == value
