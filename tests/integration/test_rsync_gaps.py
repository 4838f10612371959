"""What a server does not let be read, and disks of a server that are away: a real sshd, real rights, real mounts."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraduxd.core.plan.terms import Guard
from paraduxd.effects.devices import mount_table
from paraduxd.protocols.base import Context, HeldError, PullRequest, PullResult
from paraduxd.protocols.pulling.remote_mounts import LOOK_EVERY
from paraduxd.protocols.rsync import PROTOCOL, RsyncSettings
from paraduxd.testing import samples
from tests.integration.sshd import Server, running


@pytest.fixture
def weak(tmp_path: Path) -> Iterator[Server]:
    """A server on which nobody has the right to read everything, not even root; one logs in to `tmp_path`."""
    folder = tmp_path / "sshd"
    folder.mkdir()
    start = folder / "start"
    rights = "setpriv --inh-caps=-all --bounding-set=-all" if os.getuid() == 0 else ""
    start.write_text(f'#!/bin/sh\ncd {tmp_path} && exec {rights} sh -c "$SSH_ORIGINAL_COMMAND"\n')
    start.chmod(0o755)
    with running(folder) as server:
        keys = folder / "authorized_keys"
        keys.write_text(f'command="{start}" {keys.read_text()}')
        yield server


class Source:
    """A directory on a server, and its copy."""

    def __init__(self, server: Server, folder: Path, address: str = "") -> None:
        self.root, self.staging = folder / "source", folder / "staging"
        self.root.mkdir()
        self.staging.mkdir()
        key = server.private_key.rstrip()
        url = f"rsync+ssh://{server.user}@127.0.0.1:{server.port}{address or self.root}"
        self.settings = RsyncSettings.model_validate({"url": url, "credentials": {"private_key": key}})
        self.context = Context("photos", "source", host_keys=server.pinned())
        self.result: PullResult | None = None

    def pull(self, allowed: int = 0, looked: float | None = None) -> PullResult:
        """One more pull, which knows what the last good one has told; `looked` is when the server's mounts were looked at."""
        last = self.result
        request = PullRequest(
            Guard(),
            last.files if last else None,
            allowed,
            known_mounts=last.mounts if last else (),
            mounts_looked=looked or (last.mounts_looked if last else None),
        )
        assert PROTOCOL.source
        self.result = PROTOCOL.source(self.settings, self.context).pull(self.staging, request)
        return self.result


@pytest.mark.parametrize("address", ["", "/~/source"])
def test_what_the_server_does_not_let_be_read_stays_and_is_named(weak: Server, tmp_path: Path, address: str) -> None:
    source = Source(weak, tmp_path, address)
    samples.write_files(source.root, 10)
    samples.write_files(source.root / "pri*vate", 10)
    source.pull()
    before = samples.contents(source.staging)
    (source.root / "pri*vate").chmod(0)
    (source.root / "f01").write_text("changed")
    (source.root / "f01").chmod(0)
    (source.root / "f02").unlink()
    result = source.pull()
    assert (result.files, result.removed, result.unread) == (19, 1, ("f01", "pri*vate"))
    (source.staging / "pri*vate").chmod(0o700)
    assert {**samples.contents(source.staging), "f02": before["f02"]} == before
    (source.root / "pri*vate").chmod(0o700)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of the server, inside the source."""
    if os.getuid() != 0:
        pytest.skip("needs root, to mount file systems")
    yield tmp_path / "source" / "a [1]*" / "disk \\x"
    for each in reversed(mount_table.table()):
        if os.fsdecode(each.point).startswith(str(tmp_path)):
            subprocess.run(["umount", "--lazy", each.point], check=True)


def mount(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "paradux-test", str(folder)], check=True)


def with_disk(server: Server, tmp_path: Path, disk: Path) -> Source:
    source = Source(server, tmp_path)
    samples.write_files(source.root, 40)
    mount(disk)
    samples.write_files(disk / "deep", 8)
    mount(source.root / "empty")
    return source


def test_a_disk_of_the_server_that_is_away_is_held_by_name(sshd: Server, tmp_path: Path, disk: Path) -> None:
    source = with_disk(sshd, tmp_path, disk)
    point = str(disk.relative_to(source.root))
    assert source.pull().mounts == (point,)
    subprocess.run(["umount", str(disk)], check=True)
    for _ in ("empty", "gone"):
        with pytest.raises(HeldError) as held:
            source.pull()
        assert (held.value.reason, held.value.removed) == ("source-mount-missing", 8)
        assert point in held.value.text
        assert len(samples.files(source.staging)) == 48
        shutil.rmtree(disk, ignore_errors=True)
    result = source.pull(allowed=8)
    assert (result.files, result.removed, result.mounts) == (40, 8, ())


def test_removals_elsewhere_go_on_while_the_disk_is_there(sshd: Server, tmp_path: Path, disk: Path) -> None:
    source = with_disk(sshd, tmp_path, disk)
    source.pull()
    (source.root / "f00").unlink()
    (disk / "deep" / "f00").unlink()
    result = source.pull()
    assert (result.removed, len(result.mounts)) == (2, 1)


def test_mounts_are_looked_for_once_a_day(sshd: Server, tmp_path: Path, disk: Path) -> None:
    source = with_disk(sshd, tmp_path, disk)
    looked = source.pull().mounts_looked
    assert looked is not None
    mount(source.root / "another")
    samples.write_files(source.root / "another", 2)
    result = source.pull()
    assert (len(result.mounts), result.mounts_looked) == (1, looked)
    result = source.pull(looked=time.time() - LOOK_EVERY - 1)
    assert len(result.mounts) == 2
