"""Every protocol against places that are endless, huge, deep, many, slow or make no sense: a sentence, and little memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hostile import measured
from tests.servers import liars

Json = dict[str, Any]
ID = "2026-11-23T06-00-00Z"
TOO_MUCH = "too-large: "
SLOW = {"answer": 0.4, "listing": 0.6, "window": 0.4, "least": 1000}
"""Seconds and bytes that a slow server gets in these tests."""


def taken(name: str, protocol: str, settings: Json, what: str, **more: Any) -> str:
    return measured.taken(name, {"protocol": protocol, "settings": settings, "what": what, **more})


def sparse(path: Path, size: int = 1 << 40) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


@pytest.fixture
def deep(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder with 10,000 levels of a name, which no path leads to the end of, and a file beside them."""
    top = tmp_path / "deep"
    top.mkdir()
    (top / "a").write_text("a")
    name = request.param
    here = os.open(top, os.O_RDONLY)
    for _ in range(10_000):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    yield top
    subprocess.run(["rm", "-rf", str(tmp_path)], check=True)


# Trees


def tree(folder: Path, manifest: str | None = None) -> Json:
    """A tree store with one version, and the settings of a destination there."""
    for name in ("versions", "manifests", "hashes"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "versions" / ID).mkdir()
    (folder / "versions" / ID / "a").write_text("a")
    plain = {
        "format": "paradux-tree/1",
        "id": ID,
        "time": "2026-11-23T06:00:00Z",
        "files": 1,
        "bytes": 1,
        "dataset": "photos",
    }
    (folder / "manifests" / f"{ID}.json").write_text(json.dumps(plain) if manifest is None else manifest)
    return {"url": f"file://{folder}"}


def many_versions(folder: Path) -> None:
    """A matter of two seconds in memory; on a disk it can take thirty until they are removed again."""
    for number in range(60_000):
        (folder / "versions" / f"{ID}-{number}").mkdir()


def many_manifests(folder: Path) -> None:
    text = (folder / "manifests" / f"{ID}.json").read_text() + " " * 60_000
    for number in range(1000):
        (folder / "manifests" / f"{ID}-{number}.json").write_text(text)


TREES: dict[str, tuple[Callable[[Path], object], str]] = {
    "60,000 versions": (many_versions, TOO_MUCH + "the list of what lies at"),
    "many long manifests": (many_manifests, TOO_MUCH + "the list of what lies at"),
    "huge manifest": (lambda folder: sparse(folder / "manifests" / f"{ID}.json"), "[]"),
    "huge marker": (lambda folder: sparse(folder / "paradux-place.json"), f"['{ID}']"),
    "huge rotten.json": (lambda folder: sparse(folder / "manifests" / "rotten.json"), f"['{ID}']"),
    "deep rotten.json": (
        lambda f: (f / "manifests" / "rotten.json").write_text("[" * (15 << 20)),
        f"['{ID}']",
    ),
    "pipe as manifest": (lambda folder: os.mkfifo(folder / "manifests" / f"{ID}-2.json"), f"['{ID}']"),
}


@pytest.mark.parametrize("attack", TREES)
def test_trees(in_memory: Path, attack: str) -> None:
    settings = tree(in_memory)
    TREES[attack][0](in_memory)
    assert taken(f"disk tree: {attack}", "disk", settings, "versions").startswith(TREES[attack][1])


def of_manifest(**changed: object) -> str:
    plain = {"format": "paradux-tree/1", "id": ID, "time": "2026-11-23T06:00:00Z", "files": 1, "bytes": 1, **changed}
    return json.dumps(plain)


MANIFESTS = {
    "1e999": of_manifest(files=1).replace('"files": 1', '"files": 1e999'),
    "NaN": of_manifest(files=float("nan")),
    "negative": of_manifest(bytes=-1),
    "2^70": of_manifest(bytes=1 << 70),
    "year 1": of_manifest(time="0001-01-01T00:00:00Z"),
    "year 9999, far west": of_manifest(time="9999-12-31T23:59:59-23:59"),
    "same key twice": of_manifest()[:-1] + f', "id": "{ID}"}}',
    "half a character": of_manifest(dataset="\ud800"),
    "a list": "[]",
    "wrong types": of_manifest(id=[], time={}, files="1"),
    "deep": "[" * 60_000,
}


@pytest.mark.parametrize("attack", MANIFESTS)
def test_a_tree_manifest_that_makes_no_sense(tmp_path: Path, attack: str) -> None:
    assert taken(f"disk tree manifest: {attack}", "disk", tree(tmp_path, MANIFESTS[attack]), "versions") == "[]"


@pytest.mark.parametrize("deep", ["d"], indirect=True)
def test_a_version_that_is_10_000_levels_deep(tmp_path: Path, deep: Path) -> None:
    settings = tree(tmp_path / "store")
    deep.rename(tmp_path / "store" / "versions" / ID / "deep")
    told = taken("disk tree: 10,000 levels", "disk", settings, "verify")
    assert told.startswith("damaged: ")


# The longer the name, the fewer levels have a path: rsync opens all that are above, for each.
@pytest.mark.parametrize("deep", ["directory"], indirect=True)
def test_a_source_that_is_10_000_levels_deep(tmp_path: Path, deep: Path) -> None:
    (tmp_path / "staging").mkdir()
    told = taken("disk source: 10,000 levels", "disk", {"url": f"file://{deep}"}, "pull", to=str(tmp_path / "staging"))
    assert told == "1"


@pytest.mark.parametrize("errors", [False, True])
@pytest.mark.parametrize("words", [b"x" * 32_768, b"name\n" * 5000, b"\0" * 32_768], ids=["one line", "lines", "zeros"])
def test_an_endless_rsync_server(tmp_path: Path, words: bytes, errors: bool) -> None:
    with liars.shell(words, errors=errors) as (port, key):
        settings = {"url": f"rsync+ssh://fred@127.0.0.1:{port}/x", "credentials": {"password": "x"}}
        keys = {f"127.0.0.1:{port}": [key]}
        name = f"rsync: endless {'errors' if errors else 'output'} {words[:4]!r}"
        told = taken(name, "rsync", settings, "pull", host_keys=keys, to=str(tmp_path), patience=SLOW)
        assert told.split(":")[0] in {"bad-answer", "connection-lost", "transfer-failed", "too-large"}


# restic


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one version, whose tags and time make no sense."""
    folder = tmp_path_factory.mktemp("restic") / "repository"
    command = ["restic", "--no-cache", "--quiet", "--repo", str(folder)]
    environment = {"PATH": os.environ["PATH"], "RESTIC_PASSWORD": "x"}
    subprocess.run([*command, "init"], check=True, env=environment)
    (folder.parent / "a").write_text("a")
    tags = [
        "paradux",
        "dataset:photos",
        "number:99999999999999999999",
        "missing:-1",
        "instance:x.1e999",
        "owner:" + "x" * 100_000,
    ]
    options = [f"--tag={tag}" for tag in tags]
    backup = ["backup", "--host=paradux", *options, "--time", "0001-01-01 00:00:00", str(folder.parent / "a")]
    subprocess.run([*command, *backup], check=True, env=environment)
    return folder


@pytest.mark.parametrize("what", ["versions", "verify", "restore"])
def test_tags_and_times_of_restic_that_make_no_sense(repository: Path, tmp_path: Path, what: str) -> None:
    told = taken(f"restic: hostile tags, {what}", "restic", {"repository": str(repository)}, what, to=str(tmp_path))
    assert told[0] in "[123456789"


@pytest.mark.parametrize("name", ["config", "keys/" + "a" * 64, "index/" + "a" * 64, "snapshots/" + "a" * 64])
def test_a_huge_object_of_restic(repository: Path, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(repository, tmp_path / "copy")
    if name.startswith("keys"):
        shutil.rmtree(copy / "keys")
    sparse(copy / name)
    told = taken(f"restic: huge {name[:12]}", "restic", {"repository": str(copy)}, "verify")
    assert told == f"too-large: the repository {copy} needs more memory than restic may take"


def rest(folder: Path, endless: str) -> liars.Answer:
    """A rest-server of version 1 on a repository, with objects that never end."""

    def answer(method: str, path: str) -> tuple[int, dict[str, str], Iterable[bytes]]:
        if path.startswith(endless) and method == "GET":
            return 200, {"Content-Type": "application/octet-stream"}, liars.forever()
        if method != "GET" and method != "HEAD":
            return 200, {}, ()
        here = folder / path.strip("/")
        if here.is_dir():
            return (
                200,
                {"Content-Type": "application/json"},
                [json.dumps([each.name for each in here.iterdir()]).encode()],
            )
        return (
            (200, {"Content-Length": str(here.stat().st_size)}, [here.read_bytes()]) if here.exists() else (404, {}, ())
        )

    return answer


@pytest.mark.parametrize("endless", ["/config", "/keys/", "/keys/a", "/snapshots/", "/index/"])
def test_an_endless_rest_server(repository: Path, tmp_path: Path, endless: str) -> None:
    if endless == "/keys/a":
        shutil.copytree(repository, tmp_path / "copy")
        endless = f"/keys/{next((repository / 'keys').iterdir()).name}"
    with liars.http(rest(repository, endless)) as port:
        told = taken(
            f"restic rest: endless {endless[:10]}",
            "restic",
            {"repository": f"rest:http://127.0.0.1:{port}/"},
            "verify",
        )
    assert told.split(":")[0] in {"too-large", "restic-failed", "connection-lost", "damaged", "interrupted"}


# rclone and S3


def s3(port: int) -> Json:
    login = {"access_key_id": "a", "secret_access_key": "b"}
    return {"url": "s3://bucket/a", "endpoint": f"http://127.0.0.1:{port}", "credentials": login}


def webdav(port: int) -> Json:
    return {"url": "rclone:dav:x", "options": {"type": "webdav", "url": f"http://127.0.0.1:{port}/"}}


def page(names: Iterable[str]) -> bytes:
    """A page of a list that is always followed by another, which begins where this one did."""
    stamp = "<Size>1</Size><LastModified>2026-11-23T06:00:00.000Z</LastModified>"
    entries = "".join(f"<Contents><Key>a/{name}</Key>{stamp}</Contents>" for name in names)
    more = "<IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken>"
    return f"<ListBucketResult>{more}{entries}</ListBucketResult>".encode()


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]><x>&c;</x>'

BODIES: dict[str, Callable[[], Iterable[bytes]]] = {
    "pages without an end": lambda: [page(f"{number:04}{'x' * 900}" for number in range(1000))],
    "empty pages without an end": lambda: [page(())],
    "endless body": lambda: liars.forever(b"<Contents><Key>a/x</Key><Size>1</Size></Contents>" * 1000),
    "endless text": lambda: liars.forever(b"x" * 65536),
    "deep": lambda: [b"<a>" * 3_000_000],
    "entities": lambda: [BOMB],
    "1e999": lambda: [b"<ListBucketResult><Contents><Key>a/x</Key><Size>1e999</Size></Contents></ListBucketResult>"],
    "slow": lambda: liars.forever(b" ", 0.05),
}


@pytest.mark.parametrize("attack", BODIES)
@pytest.mark.parametrize("protocol", ["s3", "rclone"])
def test_lists_of_rclone(protocol: str, attack: str) -> None:
    def answer(method: str, _: str) -> tuple[int, dict[str, str], Iterable[bytes]]:
        return 207 if method == "PROPFIND" else 200, {"Content-Type": "application/xml"}, BODIES[attack]()

    with liars.http(answer) as port:
        settings = s3(port) if protocol == "s3" else webdav(port)
        patience = {**SLOW, "listing": 6.0}
        told = taken(f"{protocol}: {attack}", protocol, settings, "list", patience=patience)
    assert told in {"0", "1"} or told.split(":")[0] in {
        "too-large",
        "timeout",
        "connection-lost",
        "rclone-failed",
        "bad-answer",
        "server-error",
    }


@pytest.mark.parametrize("protocol", ["s3", "rclone"])
def test_headers_without_an_end(protocol: str) -> None:
    with liars.talking(b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"a" * 1000 + b"\r\n") as port:
        told = taken(f"{protocol}: endless headers", protocol, s3(port) if protocol == "s3" else webdav(port), "list")
    assert told.split(":")[0] in {"rclone-failed", "connection-lost", "too-large", "bad-answer"}


def test_an_object_of_rclone_that_comes_slowly() -> None:
    def answer(method: str, path: str) -> tuple[int, dict[str, str], Iterable[bytes]]:
        return (
            200,
            {"Content-Length": "100000", "Last-Modified": "Mon, 23 Nov 2026 06:00:00 GMT"},
            liars.forever(b"x", 0.05),
        )

    with liars.http(answer) as port:
        told = taken("s3: slow object", "s3", s3(port), "get", patience=SLOW)
    assert told == f"too-slow: 127.0.0.1:{port} sends too slowly to wait for it"


# Slow and talkative servers


@pytest.mark.parametrize("protocol", ["ftp", "ftps", "sftp"])
@pytest.mark.parametrize("attack", ["endless welcome", "slow welcome"])
def test_a_welcome_that_does_not_end(protocol: str, attack: str) -> None:
    slow = attack.startswith("slow")
    first = b"" if protocol == "sftp" else b"220-"
    with liars.talking(first, b"x" if slow else b"220-x\r\n" * 1000, 0.05 if slow else 0.0) as port:
        settings = {"url": f"{protocol}://fred@127.0.0.1:{port}/x", "credentials": {"password": "x"}}
        keys = {f"127.0.0.1:{port}": ["ssh-ed25519 AAAA"]} if protocol == "sftp" else {}
        told = taken(f"{protocol}: {attack}", protocol, settings, "list", host_keys=keys, patience=SLOW)
    assert told.split(":")[0] in {"unreachable", "bad-answer", "connection-lost"}


@pytest.mark.parametrize(("what", "how"), [("ssh-keys", ""), ("certificate", "tls"), ("certificate", "ftp")])
@pytest.mark.parametrize("attack", ["endless", "slow"])
def test_asking_a_server_who_it_is(what: str, how: str, attack: str) -> None:
    slow = attack == "slow"
    with liars.talking(b"", b"2" if slow else b"220-x\r\n" * 1000, 0.05 if slow else 0.0) as port:
        order = {"what": what, "port": port, "how": how, "patience": {**SLOW, "connect": 1.0}}
        told = measured.taken(f"{what} {how}: {attack}", order)
    assert told.split(":")[0] in {"unreachable", "no-tls", "timeout", "too-large"}


@pytest.mark.parametrize("what", ["list", "get"])
def test_a_slow_ftp_server(what: str) -> None:
    with liars.ftp(pause=0.05) as port:
        settings = {"url": f"ftp://fred@127.0.0.1:{port}/x", "credentials": {"password": "x"}}
        told = taken(f"ftp: slow {what}", "ftp", settings, what, patience=SLOW)
    assert told.split(":")[0] in {"connection-lost", "too-slow"}


def test_a_worker_that_reports_without_an_end() -> None:
    for code in (
        "while True: print('x' * 65536, end='')",
        "while True: print('{}')",
        "print('[' * 40_000_000, flush=True)",
    ):
        order = {"what": "reports", "code": code, "patience": SLOW}
        told = measured.taken(f"worker reports: {code[:34]}", order)
        assert told.split(":")[0] in {"worker-crashed", "timeout"}


def test_the_supervisor_with_a_worker_that_reports_without_an_end() -> None:
    long = 'print(\'{"event":"failed","code":"a","message":"\' + \'x\' * 10_000_000 + \'"}\')'
    for code in ("while True: print('x' * 65536, end='')", "while True: print('{}')", long):
        told = measured.taken(f"worker to supervisor: {code[:28]}", {"what": "launched", "code": code})
        assert len(told) < 5000


def test_frames_without_sense() -> None:
    assert measured.taken("frame: huge", {"what": "frame", "length": 1 << 31, "body": ""}).startswith("bad-frame")
    deep = {"what": "frame", "length": 15 << 20, "body": "["}
    assert measured.taken("frame: deep", deep) == "bad-frame: a frame does not hold JSON"
