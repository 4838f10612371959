"""The data, had back as BY-HAND.txt says: for every protocol, from a real server on loopback, in a shell where nothing of Paradux is.

The reader replaces the words in capitals and types the commands; each test says which.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from paraduxd.core.config.managed import Managed, Recovery, Shares
from paraduxd.core.config.models import Config, Dataset, Destination, Owner, Policy, Steward
from paraduxd.core.plan.terms import Keep
from paraduxd.effects.tools import ssh
from paraduxd.keeper.kits.documents.by_hand import by_hand
from paraduxd.keeper.kits.documents.kit_facts import Epoch, facts_of
from paraduxd.protocols import registry
from paraduxd.protocols.base import Context, PushRequest
from tests.integration import sshd
from tests.kits.stranger import Stranger, new_stranger
from tests.protocols.archive.rig import archive, new_keys
from tests.servers import ftp_servers, rclones, restic_servers

RESTIC_PASSWORD = "canary 'restic' password"
Json = dict[str, Any]


@pytest.fixture
def stranger(tmp_path: Path) -> Stranger:
    return new_stranger(tmp_path)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sshd.Server]:
    with sshd.running(tmp_path_factory.mktemp("sshd")) as running:
        yield running


def config(destination: Json, hosts: Mapping[str, tuple[str, ...]], *others: Json) -> Json:
    """What step 6 has opened: a dataset with this destination."""
    archive_key = new_keys()
    assert archive_key.private
    archive = {"private_key": archive_key.private.private_key, "passphrase": archive_key.private.passphrase}
    key = {"name": "photos/there", "password": RESTIC_PASSWORD, "archive": archive}
    shares = {"threshold": 2, "issued": {"alice": 0}, "words": ["academic"] * 16}
    recovery = {"epoch": 1, "created": "2026-01-01T00:00:00Z", "fingerprint": "AB" * 20}
    return {
        "serial": 7,
        "owner": {"name": "Fred Myself"},
        "policy": {},
        "stewards": [{"id": "alice", "name": "Alice"}],
        "metadata_stashes": [],
        "datasets": [{"id": "photos", "destinations": [{"id": "there", **destination}, *others]}],
        "managed": {
            "owner_id": "a" * 32,
            "instance": "b" * 32,
            "hosts": hosts,
            "places": {"photos/there": {"uid": "c" * 32}},
            "data_keys": {"c" * 32: key},
            "recovery": recovery,
            "shares": shares,
        },
    }


def text_of(document: Json) -> str:
    part = document["managed"]
    epoch = Epoch(Recovery.model_construct(**part["recovery"]), Shares.model_construct(**part["shares"]), b"")
    managed = Managed.model_construct(owner_id=part["owner_id"], instance=part["instance"], hosts=part["hosts"])
    facts = facts_of(_config_of(document), managed, "alice", epoch, "2026-11-28T10:00:00Z")
    return by_hand(facts).decode()


def _config_of(document: Json) -> Config:
    """As far as a kit's documents look into it."""
    (dataset,) = document["datasets"]
    destinations = tuple(Destination.model_validate(each) for each in dataset["destinations"])
    return Config.model_construct(
        serial=document["serial"],
        owner=Owner.model_validate(document["owner"]),
        policy=Policy(shares_required=2),
        stewards=tuple(Steward.model_validate(each) for each in document["stewards"]),
        metadata_stashes=(),
        datasets=(Dataset.model_construct(id=dataset["id"], destinations=destinations),),
    )


def push(destination: Json, staging: Path, hosts: Mapping[str, tuple[str, ...]], machine: Path) -> list[str]:
    """Two versions, of which the second has another file; their ids."""
    protocol = registry.find(destination["protocol"])
    plain = {name: value for name, value in destination.items() if name not in ("protocol", "encryption")}
    settings = protocol.settings.model_validate(plain)
    context = Context("photos", "there", host_keys=dict(hosts), secret=RESTIC_PASSWORD)
    if destination.get("encryption") == "gpg":
        assert protocol.blobs
        made: Any = archive(protocol.blobs(settings, context), machine)
    else:
        assert protocol.destination
        made = protocol.destination(settings, context)
    staging.mkdir()
    for hour, name in enumerate(("first ü.jpg", "second $x.jpg")):
        (staging / name).write_bytes(b"a picture" * 100)
        made.push(staging, PushRequest(Keep(), f"2026-11-28T1{hour}:00:00Z"))
        (staging / "first ü.jpg").unlink(missing_ok=True)
    return [version.id for version in made.versions()]


def saved(text: str, name: str) -> str:
    (lines,) = re.findall(rf"save them as {re.escape(name)}.*\n\n((?:    .*\n|\n)+?)\n(?=\S)", text)
    return re.sub("^    ", "", str(lines), flags=re.MULTILINE)


def typed(text: str, title: str) -> list[str]:
    """The commands of one paragraph, from its title to the next."""
    part = re.split(r"\n(?=[^\n]+\n-{8,}\n)", text)
    (found,) = [each for each in part if each.lstrip().startswith(title)]
    return re.findall(r"^  (\S.*)$", found.replace(" \\\n", " "), re.MULTILINE)


def follow(stranger: Stranger, document: Json, *titles: str, runs: Sequence[str] = ("",), **words: str) -> str:
    """Type what stands there; `words` are the capitals that are replaced, as shell words; what names a RUN is typed for each of `runs`."""
    text = text_of(document)
    envelope = {"header": {}, "config": document}
    (stranger.desk / "config.json").write_text(json.dumps(envelope))
    (stranger.desk / "place.py").write_text(saved(text, "place.py"))
    commands = [
        *[each for each in typed(text, "THE DATA") if not each.startswith("umask")],
        *[
            each.replace("/RUN.", f"/{run}.")
            for title in titles
            for each in typed(text, title)
            for run in (runs if "/RUN." in each else [""])
        ],
    ]
    script = "set -e\numask 077\n" + "\n".join(commands) + "\n"
    for capital, word in {"DATASET": "photos", "DESTINATION": "there", **words}.items():
        script = re.sub(rf"(?<![A-Z_$]){capital}(?![A-Z_])", lambda _, word=word: word, script)
    path = stranger.desk.parent / "typed.sh"
    path.write_text(script)
    done = stranger.run("/usr/bin/env", "PYTHONNOUSERSITE=1", "/bin/sh", path)
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    assert not (stranger.home / ".gnupg").exists()
    return done.stdout


def assert_restored(stranger: Stranger) -> None:
    found = {path.name: path.read_bytes() for path in (stranger.desk / "restored").rglob("*.jpg")}
    assert found == {"second $x.jpg": b"a picture" * 100}


def archived(stranger: Stranger, destination: Json, hosts: Mapping[str, tuple[str, ...]], tmp_path: Path) -> None:
    destination = {**destination, "encryption": "gpg"}
    runs = push(destination, tmp_path / "photos", hosts, tmp_path / "machine")
    title = f'"protocol": "{destination["protocol"]}", with "encryption": "gpg"'
    told = follow(stranger, config(destination, hosts), title, "Encrypted archives", runs=runs)
    assert '"parent":null' in told and f'"parent":"{runs[0]}"' in told
    assert_restored(stranger)


def test_disk(stranger: Stranger, tmp_path: Path) -> None:
    destination = {"protocol": "disk", "url": f"file://{tmp_path}/a%20disk%27"}
    push(destination, tmp_path / "photos", {}, tmp_path / "machine")
    newest = max(path.name for path in (tmp_path / "a disk'" / "versions").iterdir())
    told = follow(stranger, config(destination, {}), '"protocol": "disk"', NEWEST=newest)
    assert newest in told and '"number"' in told
    assert_restored(stranger)


def test_a_removable_disk(stranger: Stranger, tmp_path: Path) -> None:
    folder = tmp_path / "a disk" / "paradux-backup" / "photos" / "there"
    push({"protocol": "disk", "url": folder.as_uri()}, tmp_path / "photos", {}, tmp_path / "machine")
    newest = max(path.name for path in (folder / "versions").iterdir())
    document = config({"protocol": "removable", "uuid": "1234-ABCD"}, {})
    follow(stranger, document, '"protocol": "removable"', NEWEST=newest, DISK=f"{tmp_path}/a disk")
    assert_restored(stranger)


def test_rsync(stranger: Stranger, tmp_path: Path, server: sshd.Server) -> None:
    url = server.url("rsync+ssh", tmp_path / "a folder'")
    destination = {"protocol": "rsync", "url": url, "credentials": {"private_key": server.private_key}}
    push(destination, tmp_path / "photos", server.pinned(), tmp_path / "machine")
    newest = max(path.name for path in (tmp_path / "a folder'" / "versions").iterdir())
    follow(stranger, config(destination, server.pinned()), '"protocol": "rsync"', NEWEST=newest)
    assert_restored(stranger)


def test_archives_on_a_disk(stranger: Stranger, tmp_path: Path) -> None:
    archived(stranger, {"protocol": "disk", "url": f"file://{tmp_path}/a%20disk"}, {}, tmp_path)


def test_archives_on_an_sftp_server(stranger: Stranger, tmp_path: Path, server: sshd.Server) -> None:
    url = server.url("sftp", tmp_path / "a [friend's] folder")
    destination = {"protocol": "sftp", "url": url, "credentials": {"private_key": server.private_key}}
    archived(stranger, destination, server.pinned(), tmp_path)


@pytest.mark.parametrize("secure", [False, True])
def test_archives_on_an_ftp_server(stranger: Stranger, tmp_path: Path, secure: bool) -> None:
    with ftp_servers.pyftpdlib(tmp_path / "web", secure) as running:
        url = f"{running.protocol}://{running.user}@127.0.0.1:{running.port}/a%20b"
        destination = {"protocol": running.protocol, "url": url, "credentials": {"password": ftp_servers.PASSWORD}}
        hosts = {f"127.0.0.1:{running.port}": running.pins} if secure else {}
        archived(stranger, destination, hosts, tmp_path)


def test_archives_in_a_bucket(stranger: Stranger, tmp_path: Path) -> None:
    (tmp_path / "buckets/family").mkdir(parents=True)
    with rclones.s3(tmp_path / "buckets") as running:
        keys = {"access_key_id": rclones.KEY, "secret_access_key": rclones.SECRET}
        endpoint = f"http://127.0.0.1:{running.port}"
        destination = {"protocol": "s3", "url": "s3://family/a%20b", "endpoint": endpoint, "credentials": keys}
        archived(stranger, destination, {}, tmp_path)


def test_archives_where_rclone_reaches(stranger: Stranger, tmp_path: Path) -> None:
    with rclones.webdav(tmp_path / "dav") as running:
        options = {"type": "webdav", "url": f"http://127.0.0.1:{running.port}", "user": rclones.USER}
        credentials = {"pass": rclones.PASSWORD}
        destination = {"protocol": "rclone", "url": "rclone:dav:a%20b", "options": options, "credentials": credentials}
        archived(stranger, destination, {}, tmp_path)


def restored_by_restic(
    stranger: Stranger, destination: Json, hosts: Mapping[str, tuple[str, ...]], tmp_path: Path
) -> None:
    push(destination, tmp_path / "photos", hosts, tmp_path / "machine")
    had_back(stranger, destination, hosts)


def had_back(stranger: Stranger, destination: Json, hosts: Mapping[str, tuple[str, ...]]) -> None:
    document = config(destination, hosts)
    listing = next(line for line in typed(text_of(document), '"protocol": "restic"') if line.endswith(" snapshots"))
    newest = f"$({listing} --json --tag number:2 | grep -o '\"short_id\":\"[0-9a-f]*' | cut -d'\"' -f4)"
    told = follow(stranger, document, '"protocol": "restic"', SNAPSHOT=f'"{newest}"')
    assert "number:2" in told
    assert_restored(stranger)


def test_restic_in_a_folder(stranger: Stranger, tmp_path: Path) -> None:
    restored_by_restic(stranger, {"protocol": "restic", "repository": f"{tmp_path}/a repository"}, {}, tmp_path)


def test_restic_on_an_ssh_server(stranger: Stranger, tmp_path: Path, server: sshd.Server) -> None:
    url = server.url("sftp", tmp_path / "repository").replace(f":{server.port}/", f":{server.port}//")
    destination = {"protocol": "restic", "repository": url, "credentials": {"private_key": server.private_key}}
    restored_by_restic(stranger, destination, server.pinned(), tmp_path)


def typing(stranger: Stranger, file: str) -> Stranger:
    """Where ssh asks, what is in this file is typed."""
    program = stranger.desk.parent / "typing"
    program.write_text(f"#!/bin/sh\ncat {stranger.desk}/{file}\n")
    program.chmod(0o700)
    return replace(stranger, typing=program)


def test_restic_on_an_ssh_server_that_asks_for_a_password(stranger: Stranger, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    on_disk = {"protocol": "restic", "repository": f"{tmp_path}/files/a repository"}
    push(on_disk, tmp_path / "photos", {}, tmp_path / "machine")
    with rclones.sftp(tmp_path / "files") as running:
        url = f"sftp://{rclones.USER}@127.0.0.1:{running.port}//a%20repository"
        destination = {"protocol": "restic", "repository": url, "credentials": {"ssh_password": rclones.PASSWORD}}
        hosts = {f"127.0.0.1:{running.port}": ssh.scan_host_keys("127.0.0.1", running.port)}
        had_back(typing(stranger, "place/ssh_password"), destination, hosts)


def test_archives_on_an_sftp_server_that_asks_for_a_password(stranger: Stranger, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    on_disk = {"protocol": "disk", "url": f"file://{tmp_path}/files/a%20b", "encryption": "gpg"}
    runs = push(on_disk, tmp_path / "photos", {}, tmp_path / "machine")
    with rclones.sftp(tmp_path / "files") as running:
        url = f"sftp://{rclones.USER}@127.0.0.1:{running.port}/a%20b"
        login = {"credentials": {"password": rclones.PASSWORD}}
        hosts = {f"127.0.0.1:{running.port}": ssh.scan_host_keys("127.0.0.1", running.port)}
        document = config({"protocol": "sftp", "url": url, "encryption": "gpg", **login}, hosts)
        title = '"protocol": "sftp", with "encryption": "gpg"'
        follow(typing(stranger, "place/password"), document, title, "Encrypted archives", runs=runs)
    assert_restored(stranger)


@pytest.mark.parametrize("kind", ["s3", "rest"])
def test_restic_on_a_server(stranger: Stranger, tmp_path: Path, kind: str) -> None:
    make = {"s3": restic_servers.rclone_s3, "rest": restic_servers.rclone_rest}[kind]
    with make(tmp_path / "backend") as running:
        destination = {
            "protocol": "restic",
            "repository": running.repository("a/b"),
            "credentials": running.credentials,
        }
        restored_by_restic(stranger, destination, {f"127.0.0.1:{running.port}": running.pins}, tmp_path)


def test_only_what_this_owner_has_is_told() -> None:
    text = text_of(config({"protocol": "disk", "url": "file:///disk"}, {}))
    assert '"protocol": "disk"' in text
    for other in ("rclone", "wget", "restic", "sftp -P", "Encrypted archives"):
        assert other not in text.split("THE DATA")[1].split("Then, for each destination")[1], other


@pytest.mark.parametrize("name", sorted(registry.load()))
def test_every_protocol_tells_what_it_can_be_used_for(name: str) -> None:
    protocol = registry.find(name)
    assert protocol.by_hand
    assert bool(protocol.by_hand.data) == (protocol.destination is not None)
    assert bool(protocol.by_hand.archives) == (protocol.blobs is not None)
    assert protocol.by_hand.elsewhere


def test_no_shell_is_left_with_another_home_for_gpg() -> None:
    text = text_of(config({"protocol": "disk", "url": "file:///disk", "encryption": "gpg"}, {}))
    assert text.count("export GNUPGHOME") == text.count("unset GNUPGHOME") == 2
