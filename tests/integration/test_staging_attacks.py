"""What a source says of its files (modes, owners, set-uid, devices) gives nobody anything on the machine that pulls, by any engine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.runs.orders import Order
from paraduxd.worker.run_order import carry_out
from tests.integration.sshd import Server

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="somebody else has to own files")

NOBODY = 65534
ENGINES = ("disk", "rsync", "rclone")
"""Every protocol that can be a source."""

Json = dict[str, Any]


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody can enter, as pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="paradux-test-attacks-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Machine:
    """One dataset: a source of nobody's, staging, a destination; orders as the supervisor gives them."""

    folder: Path
    transport: Json

    @property
    def staging(self) -> Path:
        return self.folder / "staging"

    @property
    def data(self) -> Path:
        return self.staging / "data"

    def order(self, step: str, location: str, transport: Json, **arguments: Any) -> Order:
        path = self.folder / f"transport-{location}"
        path.touch(mode=0o600)
        path.write_text(json.dumps(transport))
        more = {"guard": {"max_removed": 0.25, "max_changed": 0.6}, **arguments}
        return Order(1, step, "photos", location, str(path), str(self.staging), more, staging_uid="a" * 32)

    def pull(self) -> Json:
        return carry_out(self.order("pull", "source", self.transport), lambda _: None)

    def push(self) -> Json:
        mirror = {"protocol": "disk", "settings": {"url": (self.folder / "mirror").as_uri()}}
        order = self.order("push", "mirror", mirror, keep={}, index=str(self.folder / "index"))
        return carry_out(replace(order, pulled=True), lambda _: None)

    def restore(self) -> Path:
        target = Path(tempfile.mkdtemp(dir=self.folder))
        order = Order(1, "restore", "photos", "staging", "", str(self.staging), {"to": str(target)})
        carry_out(replace(order, staging_uid="a" * 32, pulled=True), lambda _: None)
        return target


def transport(engine: str, source: Path, sshd: Server) -> Json:
    """The transport file of a source on this machine or on the server."""
    keys = {server: list(lines) for server, lines in sshd.pinned().items()}
    if engine == "disk":
        return {"protocol": "disk", "settings": {"url": source.as_uri()}}
    if engine == "rsync":
        settings = {"url": sshd.url("rsync+ssh", source), "credentials": {"private_key": sshd.private_key.rstrip()}}
        return {"protocol": "rsync", "settings": settings, "host_keys": keys}
    login = {"user": sshd.user, "key_pem": sshd.private_key.replace("\n", "\\n")}
    options = {"type": "sftp", "host": "127.0.0.1", "port": str(sshd.port), **login}
    return {"protocol": "rclone", "settings": {"url": f"rclone:mine:{source}", "options": options}, "host_keys": keys}


@pytest.fixture(params=ENGINES)
def machine(request: pytest.FixtureRequest, place: Path, sshd: Server) -> Machine:
    """A source that opens everything to everybody, with a set-uid program, and, where it may be made, a device."""
    source = place / "source"
    (source / "open").mkdir(parents=True)
    for path in (source / "diary", source / "open" / "diary"):
        path.write_text("dear diary")
        path.chmod(0o666)
    shutil.copy("/bin/cat", source / "cat")
    for path in (source, source / "open"):
        path.chmod(0o777)
    os.chown(source / "diary", NOBODY, NOBODY)
    (source / "cat").chmod(0o4755)
    with contextlib.suppress(PermissionError):
        os.mknod(source / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    return Machine(place, transport(request.param, source, sshd))


def as_nobody(*command: str | Path) -> subprocess.CompletedProcess[str]:
    argv = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *map(str, command)]
    return subprocess.run(argv, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ParaduxError) as problem:
        call()
    return problem.value.code


def test_nobody_reads_a_diary_through_modes_of_the_source(machine: Machine) -> None:
    assert as_nobody("cat", machine.folder / "source" / "diary").stdout == "dear diary", "at the source he may"
    machine.pull()
    assert (machine.data / "open" / "diary").read_text() == "dear diary"
    for path in (machine.data / "diary", machine.data / "open" / "diary", machine.data / "null"):
        assert as_nobody("cat", path).returncode != 0
    for path in (machine.staging, machine.data):
        assert as_nobody("ls", path).returncode != 0
    machine.push()
    assert as_nobody("find", machine.folder / "mirror", "-name", "diary").stdout == ""
    (version,) = (machine.folder / "mirror" / "versions").iterdir()
    assert (version / "diary").read_text() == "dear diary"
    assert as_nobody("cat", version / "diary").returncode != 0


def test_nobody_runs_a_set_uid_program_of_the_source(machine: Machine) -> None:
    secret = machine.folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text("only root reads this")
    assert as_nobody(machine.folder / "source" / "cat", secret).stdout == "only root reads this", "at the source he may"
    machine.pull()
    machine.push()
    (version,) = (machine.folder / "mirror" / "versions").iterdir()
    for program in (machine.data / "cat", version / "cat"):
        assert program.exists()
        with pytest.raises(PermissionError):
            subprocess.run([program, secret], check=False, user=NOBODY, group=NOBODY, extra_groups=[])


def test_nobody_forges_what_is_pushed(machine: Machine) -> None:
    machine.pull()
    for path in (machine.staging / "diary", machine.data / "diary", machine.data / "open" / "diary"):
        assert as_nobody("sh", "-c", f"echo forged >'{path}'").returncode != 0
    assert as_nobody("mv", machine.staging, machine.folder / "away").returncode != 0
    machine.push()
    (version,) = (machine.folder / "mirror" / "versions").iterdir()
    assert {path.read_text() for path in version.rglob("diary")} == {"dear diary"}
    assert as_nobody("mv", version, version.with_name("away")).returncode != 0


def test_a_link_in_the_place_of_staging_leads_no_engine_astray(machine: Machine) -> None:
    """It is exchanged between two steps, the last part of its path and one above it."""
    machine.pull()
    victim = machine.folder / "victim"
    victim.mkdir()
    (victim / "data").mkdir()
    (victim / "data" / "precious").write_text("precious")
    machine.staging.rename(machine.folder / "away")
    machine.staging.symlink_to(victim)
    for call in (machine.pull, machine.push, machine.restore):
        assert refused(call) == "unsafe-directory"
    assert [path.name for path in (victim / "data").iterdir()] == ["precious"]
    assert not (machine.folder / "mirror").exists()
    machine.staging.unlink()
    (machine.folder / "away").rename(machine.staging)
    assert (machine.restore() / "diary").read_text() == "dear diary"


def test_where_somebody_else_can_exchange_staging_nothing_is_pulled(machine: Machine) -> None:
    above = machine.folder / "of nobody"
    above.mkdir()
    os.chown(above, NOBODY, NOBODY)
    inside = replace(machine.order("pull", "source", machine.transport), staging=str(above / "staging"))
    assert refused(lambda: carry_out(inside, lambda _: None)) == "unsafe-directory"
    assert list(above.iterdir()) == []


def test_the_guard_looks_at_the_data(machine: Machine) -> None:
    """Nothing is pulled again, and nothing of it counts as gone, when a source has what ours is called."""
    (machine.folder / "source" / "data").mkdir()
    (machine.folder / "source" / "data" / "photo").write_text("a photo")
    (machine.folder / "source" / "null").unlink(missing_ok=True)
    first = machine.pull()
    second = machine.pull()
    assert first["files"] == second["files"] == 4
    assert (second["transferred_files"], second["removed"], second["changed"]) == (0, 0, 0)
    assert (machine.data / "data" / "photo").read_text() == "a photo"
