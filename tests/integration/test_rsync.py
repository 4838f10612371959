"""The protocol `rsync` passes the shipped suites on a real server, and tells its failures apart."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Guard, Keep
from paraduxd.core.runs.orders import Progress
from paraduxd.protocols.base import Context, Destination, Identity, PullRequest, PushRequest, Source, TransientError
from paraduxd.protocols.disk import PROTOCOL as DISK
from paraduxd.protocols.rsync import PROTOCOL, RsyncSettings
from paraduxd.protocols.trees import checksums
from paraduxd.testing import samples
from paraduxd.testing.destinations import DestinationCase, DestinationSuite
from paraduxd.testing.places import PlaceCase, PlaceSuite
from paraduxd.testing.sources import SourceCase, SourceSuite
from tests.integration.sshd import Relay, Server, make_key
from tests.servers.ports import free_port

HOSTILE = "so $(touch x) 'urce\" *"


def settings(server: Server, path: Path, port: int | None = None, **credentials: str) -> RsyncSettings:
    url = server.url("rsync+ssh", path, port)
    return RsyncSettings.model_validate(
        {"url": url, "credentials": credentials or {"private_key": server.private_key.rstrip()}}
    )


def context(server: Server, port: int | None = None, **more: Any) -> Context:
    return Context(**{"dataset": "photos", "location": "friend", "host_keys": server.pinned(port), **more})


def source(server: Server, path: Path) -> Source:
    assert PROTOCOL.source
    return PROTOCOL.source(settings(server, path), context(server))


def destination(server: Server, path: Path, port: int | None = None) -> Destination:
    assert PROTOCOL.destination
    return PROTOCOL.destination(settings(server, path, port), context(server, port))


def destination_case(server: Server, root: Path, folder: Path) -> DestinationCase:
    def make(progress: Callable[[Progress], None]) -> Destination:
        assert PROTOCOL.destination
        return PROTOCOL.destination(settings(server, root), context(server, progress=progress))

    folder.mkdir(exist_ok=True)
    return DestinationCase(make, folder)


@pytest.mark.slow
class TestSource(SourceSuite):
    @pytest.fixture
    def case(self, sshd: Server, tmp_path: Path) -> SourceCase:
        root, staging = tmp_path / HOSTILE, tmp_path / "staging"
        root.mkdir()
        staging.mkdir()
        return SourceCase(source(sshd, root), root, staging)


@pytest.mark.slow
class TestDestination(DestinationSuite):
    @pytest.fixture
    def case(self, sshd: Server, tmp_path: Path) -> DestinationCase:
        return destination_case(sshd, tmp_path / "new" / HOSTILE, tmp_path / "scratch")


@pytest.mark.slow
class TestPlace(PlaceSuite):
    @pytest.fixture
    def place(self, sshd: Server, tmp_path: Path) -> PlaceCase:
        def make(who: Identity | None) -> Destination:
            assert PROTOCOL.destination
            return PROTOCOL.destination(settings(sshd, tmp_path / "store"), context(sshd, identity=who))

        (tmp_path / "scratch").mkdir()
        return PlaceCase(make, tmp_path / "scratch")


@pytest.mark.slow
def test_a_byte_that_rots_on_a_server_is_named_and_healed(sshd: Server, tmp_path: Path) -> None:
    """Scenario 44, finding 17: names of any kind, files with several names."""
    case = destination_case(sshd, tmp_path / "store", tmp_path / "scratch")
    count = samples.write_sample(case.staging)
    first = case.push().version
    case.push()
    sums = (tmp_path / "store" / "hashes" / f"{first.id}.md5").read_bytes()
    assert len(checksums.parse(sums, "md5")) == count
    rotten = tmp_path / "store" / "versions" / first.id / "hard-1"
    status = rotten.stat()
    with rotten.open("r+b") as file:
        file.write(b"O")
    os.utime(rotten, ns=(status.st_atime_ns, status.st_mtime_ns))
    case.destination().verify(deep=False)
    with pytest.raises(ParaduxError, match=r"2 files .*'hard-1', 'hard-2'") as failed:
        case.destination().verify(deep=True)
    assert failed.value.code == "damaged"
    third = case.push().version
    assert samples.snapshot(case.restore(third)[0]) == samples.snapshot(case.staging)
    result = case.destination().verify(deep=True)
    assert len(result.damaged) == 4 and first.id in result.note
    with (tmp_path / "store" / "versions" / third.id / "zero").open("w") as file:
        file.write("no longer")
    with pytest.raises(ParaduxError):
        for part in range(3):
            case.destination().verify_part(part, 3)


@pytest.mark.slow
def test_a_cut_connection_keeps_the_versions_and_the_next_push_goes_on(sshd: Server, tmp_path: Path) -> None:
    case = destination_case(sshd, tmp_path / "store", tmp_path / "scratch")
    samples.write_files(case.staging, 3)
    first = case.push().version
    samples.write_files(case.staging / "more", 100, 200_000)
    relay = Relay(sshd.port, allow=14_000_000)  # what was under way (ssh's window is 2 MB) is lost with the connection
    with pytest.raises(TransientError) as lost:
        destination(sshd, tmp_path / "store", relay.port).push(case.staging, case.request())
    relay.close()
    assert lost.value.code == "connection-lost"
    assert case.destination().versions() == (first,)
    result = case.push()
    assert 0 < result.added_bytes < 20_000_000
    assert samples.snapshot(case.restore(result.version)[0]) == samples.snapshot(case.staging)
    assert len(list((tmp_path / "store" / "versions").iterdir())) == 2


def test_a_cut_pull_leaves_staging_usable_and_the_next_one_completes_it(sshd: Server, tmp_path: Path) -> None:
    samples.write_files(tmp_path / "source", 100, 200_000)
    (tmp_path / "staging").mkdir()
    relay = Relay(sshd.port, allow=14_000_000)
    assert PROTOCOL.source
    cut = PROTOCOL.source(settings(sshd, tmp_path / "source", relay.port), context(sshd, relay.port))
    request = PullRequest(guard=Guard())
    with pytest.raises(TransientError):
        cut.pull(tmp_path / "staging", request)
    relay.close()
    result = source(sshd, tmp_path / "source").pull(tmp_path / "staging", request)
    assert result.transferred_files < 100
    assert samples.snapshot(tmp_path / "staging") == samples.snapshot(tmp_path / "source")


def test_an_unreachable_server(sshd: Server, tmp_path: Path) -> None:
    with pytest.raises(TransientError) as failed:
        destination(sshd, tmp_path, free_port()).versions()
    assert failed.value.code == "unreachable"


def failure(server: Server, with_settings: RsyncSettings, with_context: Context) -> ParaduxError:
    assert PROTOCOL.destination
    with pytest.raises(ParaduxError) as failed:
        PROTOCOL.destination(with_settings, with_context).versions()
    assert not isinstance(failed.value, TransientError)
    return failed.value


def test_a_key_that_the_server_does_not_know(sshd: Server, tmp_path: Path) -> None:
    stranger = settings(sshd, tmp_path, private_key=make_key(tmp_path / "stranger"))
    assert failure(sshd, stranger, context(sshd)).code == "login-refused"


@pytest.mark.parametrize(
    "key", ["garbage", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"]
)
def test_a_text_that_is_no_key(sshd: Server, tmp_path: Path, key: str) -> None:
    assert failure(sshd, settings(sshd, tmp_path, private_key=key), context(sshd)).code == "bad-credentials"


def test_a_key_with_a_passphrase(sshd: Server, tmp_path: Path) -> None:
    key = make_key(tmp_path / "protected", passphrase="secret")
    assert failure(sshd, settings(sshd, tmp_path, private_key=key), context(sshd)).code == "bad-credentials"


def test_another_host_key_than_the_pinned_one(sshd: Server, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    wrong = {key: ((tmp_path / "other.pub").read_text(),) for key in sshd.pinned()}
    failed = failure(sshd, settings(sshd, tmp_path), context(sshd, host_keys=wrong))
    assert failed.code == "host-key-changed"


def test_no_pinned_host_key(sshd: Server, tmp_path: Path) -> None:
    failed = failure(sshd, settings(sshd, tmp_path), context(sshd, host_keys={}))
    assert (failed.code, "paraductl edit" in failed.hint) == ("unknown-host-key", True)


@pytest.mark.slow
def test_a_full_server(sshd: Server, tiny_disk: Path, tmp_path: Path) -> None:
    case = destination_case(sshd, tiny_disk / "store", tmp_path / "scratch")
    samples.write_files(case.staging, 3)
    first = case.push().version
    samples.write_files(case.staging, 4, 1_000_000)
    with pytest.raises(TransientError, match="iB more are needed") as failed:
        case.push()
    assert failed.value.code == "disk-full"
    assert case.destination().versions() == (first,)
    case.restore(first)
    samples.write_files(case.staging, 4, 10)
    result = case.push(keep=Keep(last=2))
    assert samples.contents(case.restore(result.version)[0]) == samples.contents(case.staging)


def test_a_full_local_disk_and_staging(tiny_disk: Path, tmp_path: Path) -> None:
    samples.write_files(tmp_path / "source", 4, 1_000_000)
    assert DISK.destination and DISK.source
    here = DISK.settings.model_validate({"url": (tiny_disk / "store").as_uri()})
    with pytest.raises(TransientError) as push:
        DISK.destination(here, Context("photos", "disk")).push(
            tmp_path / "source", PushRequest(Keep(), "2026-01-01T00:00:00Z")
        )
    (tiny_disk / "staging").mkdir()
    there = DISK.settings.model_validate({"url": (tmp_path / "source").as_uri()})
    with pytest.raises(TransientError) as pull:
        DISK.source(there, Context("photos", "source")).pull(tiny_disk / "staging", PullRequest(guard=Guard()))
    assert push.value.code == pull.value.code == "disk-full"
