"""Somebody has the credentials of the machine: what he really does at six kinds of place, and what is left, is what `whatif` has said."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config as ClientConfig

from tests.integration.sshd import Server
from tests.integration.sshd import running as sshd_running
from tests.rig import Installation, Json, clean_environment, minimal_answers
from tests.servers import restic_servers
from tests.servers.restic_servers import KEY_ID
from tests.whatif.intruder_shell import SECRET_WORDS

SHELL = Path(__file__).with_name("intruder_shell.py")
UUID = "1234-ABCD"

PLACES = ("locked", "open", "archive", "bucket", "vault", "drawer")
"""Two restic repositories, of which the first can only be added to; an sftp server; a bucket, and one with Object Lock; a disk."""


@dataclass(frozen=True)
class Servers:
    """Ports of a rest-server that only appends and of one that does not, an SSH server, and the port of an S3 service with buckets."""

    locked: int
    opened: int
    ssh: Server
    s3: int

    def buckets(self) -> Any:
        """The owner's own way to the buckets."""
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.s3}",
            aws_access_key_id=KEY_ID,
            aws_secret_access_key="any",
            region_name="us-east-1",
            config=ClientConfig(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
        )


@contextlib.contextmanager
def servers(root: Path) -> Iterator[Servers]:
    (root / "ssh").mkdir()
    with (
        restic_servers.rclone_rest(root / "locked", "--append-only", tls=False) as locked,
        restic_servers.rclone_rest(root / "open", tls=False) as opened,
        sshd_running(root / "ssh") as ssh,
        restic_servers.moto() as moto,
    ):
        found = Servers(locked.port, opened.port, ssh, moto.port)
        for bucket in ("plain", "kept", "versioned"):
            found.buckets().create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=bucket == "kept")
        found.buckets().put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
        rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}
        lock = {"ObjectLockEnabled": "Enabled", "Rule": rule}
        found.buckets().put_object_lock_configuration(Bucket="kept", ObjectLockConfiguration=lock)
        yield found


def answers(root: Path, at: Servers) -> Json:
    """`open` and `versioned` are said to be protected, and are not."""
    account = f"rest:http://{restic_servers.ACCOUNT}@127.0.0.1"
    login = {"rest_password": restic_servers.PASSWORD}
    archive = {"protocol": "sftp", "url": at.ssh.url("sftp", root / "archive"), "encryption": "gpg"}
    destinations = [
        _place("locked", "restic", repository=f"{account}:{at.locked}/r", credentials=login, protects="append-only"),
        _place("open", "restic", repository=f"{account}:{at.opened}/r", credentials=login, protects="append-only"),
        _place("archive", **archive, credentials={"private_key": at.ssh.private_key.rstrip()}),
        _bucket("bucket", "plain", at),
        _bucket("vault", "kept", at, protects="object-lock"),
        _bucket("versions", "versioned", at, protects="object-lock"),
        _place("drawer", "removable", uuid=UUID),
    ]
    source = {"protocol": "disk", "url": f"file://{root}/photos", "fate": ["device:laptop"]}
    dataset = {"id": "photos", "source": source, "staging": f"{root}/staging", "destinations": destinations}
    return minimal_answers(root, datasets=[dataset])


def _place(name: str, protocol: str, **more: object) -> Json:
    return {"id": name, "protocol": protocol, "fate": [f"place:{name}"], **more}


def _bucket(name: str, bucket: str, at: Servers, **more: object) -> Json:
    keys = {"access_key_id": KEY_ID, "secret_access_key": "any"}
    where = {"url": f"s3://{bucket}/photos", "endpoint": f"http://127.0.0.1:{at.s3}"}
    return _place(name, "s3", **where, credentials=keys, encryption="gpg", **more)


def shell(paradux: Installation, place: str, action: str) -> bool:
    """Whether it could do that, with nothing but the transport file of the place."""
    transport = paradux.root / "state" / "transport" / f"dataset.photos.{place}.json"
    environment = {**clean_environment(), "PARADUX_PORT": str(paradux.root / "port")}
    command = [sys.executable, SHELL, transport, action]
    done = subprocess.run(command, check=False, timeout=110, env=environment, capture_output=True, text=True)
    assert done.returncode in (0, 1) and not done.stderr, done.stderr
    return done.returncode == 0


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Servers]:
    with servers(tmp_path) as found:
        yield found


@pytest.fixture
def paradux(tmp_path: Path, at: Servers) -> Iterator[Installation]:
    """Everything was pushed and checked; the disk is in its drawer."""
    (tmp_path / "photos").mkdir()
    for number in range(3):
        (tmp_path / "photos" / f"f{number}").write_bytes(SECRET_WORDS + bytes([number]))
    found = Installation(tmp_path)
    found.start("--stick-folders", str(tmp_path / "port"))
    try:
        (tmp_path / "port" / UUID).mkdir(parents=True)
        found.setup(answers(tmp_path, at))
        found.ctl("backup")
        (tmp_path / "port" / UUID).rename(tmp_path / "drawer")
        found.ctl("verify", check=False)  # the disk is away
        yield found
    finally:
        found.stop()


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(400)
def test_what_was_predicted_is_what_he_can_do(paradux: Installation, at: Servers) -> None:
    told = json.loads(paradux.ctl("--json", "whatif", "--compromise", "credentials", check=False).stdout)
    (photos,) = told["datasets"]
    tried = {copy["id"]: copy["tried"] for copy in photos["copies"] if copy["protects"] != "none"}
    assert tried == {"locked": True, "open": False, "vault": True, "versions": False}
    unprotected = [each["subject"] for each in paradux.status()["problems"] if each["code"] == "not-protected"]
    assert unprotected == ["photos/open", "photos/versions"]
    before = time.time()
    for action, predicted in (("read", photos["he_reads"]), ("delete", photos["he_deletes"])):
        could = [place for place in (*PLACES, "versions") if shell(paradux, place, action)]
        assert could == [place for place in (*PLACES, "versions") if place in predicted], action
    left = [copy["id"] for copy in photos["copies"] if copy["left"]]
    assert left == ["source", "staging", "locked", "vault", "drawer"]
    undelete(at, before)
    for place in ("locked", "vault"):
        target = paradux.root / "back" / place
        paradux.owner("restore", "photos", "--from", place, "--to", str(target))
        assert {path.name for path in target.rglob("f*")} >= {"f0", "f1", "f2"}, place


def undelete(at: Servers, before: float) -> None:
    """What docs/how-to/append-only.md says: copy the bucket as it was at that time over itself, with the account's own login."""
    keys = {"TYPE": "s3", "PROVIDER": "Other", "ENDPOINT": f"http://127.0.0.1:{at.s3}", "REGION": "us-east-1"}
    keys |= {"ACCESS_KEY_ID": KEY_ID, "SECRET_ACCESS_KEY": "any"}
    login = {f"RCLONE_CONFIG_OWN_{key}": value for key, value in keys.items()}
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(before))
    command = [str(Path(sys.executable).parent / "rclone"), "--config", "", "copy"]
    done = subprocess.run(
        [*command, f'own,version_at="{moment}":kept/photos', "own:kept/photos"],
        env={**clean_environment(), **login, "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
