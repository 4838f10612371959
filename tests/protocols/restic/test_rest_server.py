"""What restic 0.14 and 0.18 really wrote of S3 and rest-servers, read back."""

from __future__ import annotations

import pytest

from paraduxd.api.errors import TransientError
from paraduxd.protocols.restic import failures
from paraduxd.protocols.restic.rest import http_failures as rest_server

RETRIED = "Stat(<config/>) returned error, retrying after 14.8203s: "

SAID = {
    "Fatal: unable to open config file: Stat: The Access Key Id you provided does not exist in our records.": "login-refused",
    f"{RETRIED}Stat: The request signature we calculated does not match the signature you provided. Check your key.": "login-refused",
    "Fatal: unable to open config file: unexpected HTTP response (401): 401 Unauthorized": "login-refused",
    f"{RETRIED}Stat: Access Denied.": "permission-denied",
    "Stat(<config/>) failed: unexpected HTTP response (403): 403 Forbidden": "permission-denied",
    f'{RETRIED}Head "https://fred:***@nas:8000/r/config": tls: failed to verify certificate: x509: unknown authority': (
        "untrusted-certificate"
    ),
    'Fatal: unable to open config file: Stat: Get "https://s3:9/b/?location=": x509: certificate signed by unknown authority': (
        "untrusted-certificate"
    ),
    f'{RETRIED}Head "https://nas/r/config": http: server gave HTTP response to HTTPS client': "no-tls",
    f'{RETRIED}Head "https://nas:1/config": dial tcp 127.0.0.1:1: connect: connection refused': "unreachable",
    'Fatal: unable to open config file: client.Head: Head "https://nas/": dial tcp: lookup nas on 10.0.0.1:53: no such host': (
        "unreachable"
    ),
    f"{RETRIED}unexpected HTTP response (503): 503 Service Unavailable": "server-failed",
    f"{RETRIED}Stat: 507 Insufficient Storage": "disk-full",
    'Save(<data/1>) returned error, retrying after 1s: client.Post: Post "https://nas/r/data/1": EOF': "connection-lost",
    'Save(<data/1>) returned error, retrying after 1s: client.PutObject: Put "x": Connection closed by foreign host': "connection-lost",
}


@pytest.mark.parametrize(("line", "code"), SAID.items())
def test_what_a_server_says_is_told_as_what_it_is(line: str, code: str) -> None:
    problem = rest_server.of_server([line], "nas:8000")
    assert problem is not None
    assert problem.code == code
    assert "nas:8000" in problem.message and problem.hint
    assert line.rstrip(". ")[-20:] in problem.message, "the server's own words"
    assert isinstance(problem, TransientError) == (
        code in {"unreachable", "server-failed", "disk-full", "connection-lost"}
    )


def test_what_says_nothing_of_the_server_is_left_to_others() -> None:
    assert rest_server.of_server(["Fatal: wrong password or no key found"], "nas:8000") is None


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("Stat(<config/>) returned error, retrying after 14.5s: x", 14.5),
        ("Stat(<config/>) returned error, retrying after 552.5ms: x", 0.5525),
        ("Stat(<config/>) returned error, retrying after 1m28.5s: x", 88.5),
        ("Stat(<config/>) returned error, retrying after a while", 0.0),
        ("Stat(<config/>) failed: x", None),
    ],
)
def test_how_long_restic_waits(line: str, seconds: float | None) -> None:
    assert rest_server.retry_after(line) == (None if seconds is None else pytest.approx(seconds))


def test_what_gives_its_reason_is_not_tried_again() -> None:
    assert rest_server.hopeless(f"{RETRIED}Stat: Access Denied.")
    assert rest_server.hopeless(f"{RETRIED}Stat: The specified bucket does not exist")
    assert not rest_server.hopeless(f"{RETRIED}unexpected HTTP response (503): 503 Service Unavailable")
    assert not rest_server.hopeless("Remove(<snapshot/1>) returned error, retrying after 1s: Access Denied.")


@pytest.mark.parametrize(
    "line",
    [
        f"{RETRIED}Stat: The specified bucket does not exist",
        "Fatal: unable to open config file: Stat: The specified key does not exist.",
        "Fatal: unable to open config file: <config/> does not exist",
    ],
)
def test_what_is_not_there_is_no_repository(line: str) -> None:
    assert failures.problem(1, [line], "/r on nas:8000").code == "no-repository"


@pytest.mark.parametrize(
    "line",
    [
        f"pack {'a' * 64}: does not exist",
        "Load(<data/aafce3a692>, 600218, 0) returned error, retrying after 1s: The specified key does not exist.",
        "Load(<data/aafce3a692>, 600218, 0) returned error, retrying after 1s: <data/aafce3a692> does not exist",
    ],
)
def test_a_pack_that_is_gone_is_damage(line: str) -> None:
    assert failures.problem(-9, [line], "/r on nas:8000").code == "damaged"
