"""What may stand in the config for a restic repository, and what it is read as."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from paraduxd.core.config.protocol_settings import SshAddress
from paraduxd.protocols.restic.rest.http import HttpAddress, credentials_file
from paraduxd.protocols.restic.settings import parse_repository
from tests.protocols.restic.rig import settings


@pytest.mark.parametrize(
    ("repository", "place", "path"),
    [
        ("sftp:fred@friend.example:/srv/r", ("friend.example", 22), "/srv/r"),
        ("sftp:friend:back ups/$(x)", ("friend", 22), "back ups/$(x)"),
        ("sftp://fred@friend.example:2222//srv/r", ("friend.example", 2222), "/srv/r"),
        ("sftp://fred@friend.example/r%20s", ("friend.example", 22), "r s"),
    ],
)
def test_servers_are_read_as_restic_reads_them(repository: str, place: tuple[str, int], path: str) -> None:
    it = settings(repository)
    address = parse_repository(repository)
    assert isinstance(address, SshAddress)
    assert (it.place(), it.ssh_hosts(), it.local_path()) == (place[0], (place,), None)
    assert address.path == path


@pytest.mark.parametrize(
    ("repository", "server", "path", "written"),
    [
        ("s3:https://s3.example/bucket", "s3.example:443", "bucket", "s3:https://s3.example:443/bucket"),
        ("s3:s3.example:9000/b/x%20y", "s3.example:9000", "b/x y", "s3:https://s3.example:9000/b/x%20y"),
        ("s3://s3.example/b//x/", "s3.example:443", "b/x", "s3:https://s3.example:443/b/x"),
        ("s3:http://127.0.0.1/b", "127.0.0.1:80", "b", "s3:http://127.0.0.1:80/b"),
        ("rest:https://host/", "host:443", "", "rest:https://host:443/"),
        ("rest:https://[::1]:8000/r", "::1:8000", "r", "rest:https://[::1]:8000/r/"),
        ("rest:https://fr%40ed@host/$(x)", "host:443", "$(x)", "rest:https://fr%40ed:p%3A%40%2F@host:443/%24%28x%29/"),
    ],
)
def test_servers_over_http(repository: str, server: str, path: str, written: str) -> None:
    it, address = settings(repository), parse_repository(repository)
    assert isinstance(address, HttpAddress)
    assert (address.server, address.path, address.repository("p:@/")) == (server, path, written)
    assert (it.place(), it.ssh_hosts(), it.local_path()) == (address.host, (), None)


@pytest.mark.parametrize("secret", ["line\nfeed", "%(aws_access_key_id)s", "nul\0"])
def test_what_cannot_be_an_access_key_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        credentials_file("key", secret)


def test_a_local_repository() -> None:
    it = settings("/srv/restic")
    assert (it.place(), it.ssh_hosts(), it.local_path()) == ("local", (), "/srv/restic")


@pytest.mark.parametrize(
    ("repository", "sentence"),
    [
        ("rclone:remote:path", "is not supported"),
        ("s3:https://s3.example/", "the bucket must be named"),
        ("s3:https://s3.example/b$x/r", "the bucket must be named"),
        ("s3:https://KEY@s3.example/bucket", "credentials"),
        ("s3:ftp://s3.example/bucket", "expected s3:https://host"),
        ("s3:https://s3.example/bucket/../x", "must not contain .."),
        ("s3:https://s3.example/bucket/%2e%2e/x", "must not contain .."),
        ("s3:https://s3.example/bucket?x=1", "write ? as %3F"),
        ("s3:https://s3.example:99999/bucket", "expected s3:https://host"),
        ("s3:-x/bucket", "no host name has"),
        ("rest:https://fred:secret@host/r", "credentials"),
        ("rest:host/r", "expected rest:https://user@host"),
        ("rest:https:///r", "no host name has"),
        ("rest:https://a b/r", "no host name has"),
        ("rest:https://host/%0a", "control characters"),
        ("relative/path", "expected an absolute path"),
        ("-o", "expected an absolute path"),
        ("", "expected an absolute path"),
        ("/srv/../etc", "must not contain"),
        ("/srv/new\nline", "control characters"),
        ("sftp:-oProxyCommand=x:/r", "expected an absolute path"),
        ("sftp:-x@host:/r", "expected an absolute path"),
        ("sftp:host:", "expected an absolute path"),
        ("sftp:host:~/r", "start with ~"),
        ("sftp://host/~/r", "relative to the login directory"),
        ("sftp://fred:secret@host/r", "credentials"),
    ],
)
def test_what_is_no_repository_is_refused_without_repeating_it(repository: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as failed:
        settings(repository)
    assert sentence in failed.value.errors(include_input=False)[0]["msg"]
    assert "fred:secret" not in str(failed.value)
