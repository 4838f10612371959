"""A place that sends without an end, or tells of more than there is, costs a worker neither its memory nor its patience."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.hostile import measured
from tests.servers import liars, wrong_answers

TOO_LONG = "too-large: the list of what lies at {} is longer than one of Paradux can be"
KEY, CONFIG = "recovery-key-1.asc", "config-1-1.gpg"
MANIFEST = "000001-2026-11-23T06-00-00Z.manifest"

Json = dict[str, Any]


def taken(protocol: str, settings: Json, what: str, host_keys: Json | None = None) -> str:
    order = {"protocol": protocol, "settings": settings, "what": what, "host_keys": host_keys or {}}
    return measured.taken(f"{protocol}: {what}", order)


def on_disk(folder: Path, what: str) -> str:
    return taken("disk", {"url": f"file://{folder}"}, what)


def on_ftp(port: int, what: str) -> str:
    settings = {"url": f"ftp://fred@127.0.0.1:{port}/x", "credentials": {"password": "x"}}
    return taken("ftp", settings, what)


@pytest.mark.parametrize(
    "line", [b"type=file;size=1; name\r\n", b"type=file;size=1; " + b"n" * 4000 + b"\r\n", b"type=dir; d\r\n"]
)
def test_an_endless_ftp_listing(line: bytes) -> None:
    with liars.ftp(line=line) as port:
        assert on_ftp(port, "list") == TOO_LONG.format(f"127.0.0.1:{port}")


@pytest.mark.parametrize("size", ["213 1e999", "213 " + "9" * 5000, "213 NaN"])
def test_a_size_that_is_none(size: str) -> None:
    with liars.ftp(size=size) as port:
        assert (
            on_ftp(port, "get") == f"bad-answer: 127.0.0.1:{port} does not answer like an FTP server, it says: no size"
        )


def test_an_endless_answer_of_an_ftp_server() -> None:
    with liars.ftp(chatty=True) as port:
        told = f"bad-answer: 127.0.0.1:{port} does not answer like an FTP server, it says: the answer is too long"
        assert on_ftp(port, "list") == told


def test_an_endless_object_on_ftp() -> None:
    with liars.ftp() as port:
        assert int(on_ftp(port, "get")) >= 64 << 20


@pytest.mark.parametrize("what", ["list", "get"])
def test_an_endless_sftp_server(what: str) -> None:
    with liars.sftp() as (port, key):
        settings = {"url": f"sftp://fred@127.0.0.1:{port}/x", "credentials": {"password": "x"}}
        told = taken("sftp", settings, what, {f"127.0.0.1:{port}": [key]})
        if what == "list":
            assert told == TOO_LONG.format(f"127.0.0.1:{port}")
        else:
            assert int(told) >= 64 << 20


def _page(number: int) -> bytes:
    entry = (
        "<Contents><Key>a/%s%07d</Key><Size>1</Size><LastModified>2026-11-23T06:00:00.000Z</LastModified></Contents>"
    )
    entries = "".join(entry % ("x" * 900, each) for each in range(number))
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode()


def test_a_very_long_list_of_s3() -> None:
    with wrong_answers.answering(200, _page(75_000)) as port:
        settings = {
            "url": "s3://bucket/a",
            "endpoint": f"http://127.0.0.1:{port}",
            "credentials": {"access_key_id": "a", "secret_access_key": "b"},
        }
        assert taken("s3", settings, "list").startswith("too-large: ")


@pytest.mark.parametrize(("name", "what", "told"), [
    (KEY, "fetch", f"['{KEY} is longer than such an object can be']"),
    (CONFIG, "fetch", f"['{CONFIG} is longer than such an object can be']"),
    (CONFIG, "rehearse", f"too-long: {CONFIG} is longer than such an object can be"),
    (MANIFEST, "newest", "None"),
])  # fmt: skip
def test_a_huge_object_on_a_disk(tmp_path: Path, name: str, what: str, told: str) -> None:
    if what == "rehearse":
        (tmp_path / KEY).write_bytes(b"x")
    with (tmp_path / name).open("wb") as file:
        file.truncate(1 << 40)
    assert on_disk(tmp_path, what) == told


def test_many_huge_objects_on_a_disk(tmp_path: Path) -> None:
    for epoch in range(1, 31):
        for name in (f"recovery-key-{epoch}.asc", f"config-{epoch}-7.gpg", f"config-{epoch}-8.gpg"):
            with (tmp_path / name).open("wb") as file:
                file.truncate(15 << 20 if name.startswith("config") else 1000)
    assert "longer" in on_disk(tmp_path, "fetch")


@pytest.mark.parametrize("line", [b"[" * (20 << 20), b'{"run":' * (2 << 20), b"[" + b"0," * (20 << 20) + b"0]"])
def test_a_manifest_that_is_not_ours(tmp_path: Path, line: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(line + b"\nsignature\n")
    assert on_disk(tmp_path, "newest") == "None"
