"""What may stand in the config for a restic repository, and what it is read as."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from paraduxd.core.settings import SshAddress
from paraduxd.protocols.restic_settings import parse_repository
from tests.contract.restic_rig import settings


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


def test_a_local_repository() -> None:
    it = settings("/srv/restic")
    assert (it.place(), it.ssh_hosts(), it.local_path()) == ("local", (), "/srv/restic")


@pytest.mark.parametrize(
    ("repository", "sentence"),
    [
        ("s3:https://s3.example/bucket", "not supported in this version"),
        ("rest:https://host/", "not supported in this version"),
        ("rclone:remote:path", "not supported in this version"),
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
