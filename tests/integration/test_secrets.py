"""Where secrets must not be: planted canaries, looked for in memory, files, command lines, environments and logs."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.canaries import CommandLines, in_files, in_memory
from tests.rig import PASSPHRASE, Installation, fill, minimal_answers
from tests.rigs.prepared import Prepared

_RUN = secrets.token_hex(6)
CANARIES = [f"CANARY{number:02}-{_RUN}" for number in range(32)]
"""Others in each run: what another one has left in a shared folder is none of ours."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    def prepare(installation: Installation) -> None:
        fill(installation.root / "source")
        inventory = [{"name": f"entry {n}", "password": canary, "notes": canary} for n, canary in enumerate(CANARIES)]
        installation.setup(minimal_answers(installation.root, inventory=inventory))

    return Prepared(tmp_path_factory.mktemp("secrets") / "paradux", prepare, own_workers=True)


@pytest.fixture
def paradux(prepared: Prepared) -> Iterator[Installation]:
    with prepared.again() as installation:
        yield installation


def needles(installation: Installation) -> list[bytes]:
    """The passphrase, the planted canaries, the recovery secret and every share."""
    managed = installation.config()["managed"]
    generated = [managed["recovery"]["secret"], *managed["shares"]["words"]]
    return [text.encode() for text in (PASSPHRASE, *CANARIES, *generated)]


def found_in_processes(installation: Installation, wanted: list[bytes]) -> dict[int, set[bytes]]:
    return {pid: hits for pid in installation.processes() if (hits := in_memory(pid, wanted))}


def test_a_locked_paradux_holds_nothing(paradux: Installation) -> None:
    wanted = needles(paradux)
    paradux.owner("unlock", "--for", "5m")
    paradux.ctl("backup")
    assert set().union(*found_in_processes(paradux, wanted).values()) == set(wanted), "the scan finds what is there"
    assert paradux.daemon is not None
    assert not in_memory(paradux.daemon.pid, wanted), "the supervisor never held anything"
    paradux.ctl("lock")
    assert found_in_processes(paradux, wanted) == {}


def test_every_command_leaves_the_supervisor_clean(paradux: Installation) -> None:
    wanted = needles(paradux)
    config = paradux.config()
    config["inventory"][0]["notes"] = CANARIES[0] + " again"
    paradux.edit(config)
    paradux.owner("show", "--secrets")
    new = paradux.root / "new-passphrase"
    new.write_text("another " + CANARIES[1])
    paradux.owner("passphrase", "--new-passphrase-file", str(new))
    assert paradux.owner("show", check=False).returncode == 3, "the old passphrase opens nothing any more"
    paradux.wait_for(lambda: len(paradux.processes()) == 1, "the keeper to end by itself")
    assert found_in_processes(paradux, wanted) == {}


def test_no_file_no_log_no_argument_shows_a_secret(paradux: Installation) -> None:
    wanted = needles(paradux)
    with CommandLines(wanted) as programs:
        config = paradux.config()
        config["inventory"][3]["name"] = "renamed"
        paradux.edit(config)
        paradux.owner("--passphrase-file", str(paradux.passphrase_file), "unlock")
        paradux.ctl("backup")
        wrong = paradux.root / "wrong"
        wrong.write_text("wrong passphrase")
        assert paradux.ctl("--passphrase-file", str(wrong), "show", check=False).returncode == 3
    assert not programs.seen
    roots = [paradux.state, paradux.run, paradux.root / "nas", Path("/dev/shm"), Path("/var/tmp")]
    assert in_files(roots, wanted) == {}
    assert not any(needle in paradux.log.read_bytes() for needle in wanted)


def test_a_wrong_passphrase_changes_nothing(paradux: Installation) -> None:
    before = {
        path: path.read_bytes() for path in paradux.state.rglob("*") if path.is_file() and "journal" not in path.name
    }
    wrong = paradux.root / "wrong"
    wrong.write_text("wrong passphrase")
    done = paradux.ctl("--passphrase-file", str(wrong), "unlock", check=False)
    assert done.returncode == 3
    assert "wrong passphrase" in done.stderr
    assert before == {path: path.read_bytes() for path in before}


def test_killing_everything_during_an_edit_leaves_no_secret_in_a_file(paradux: Installation) -> None:
    wanted = needles(paradux)
    config = paradux.config()
    for delay in (0.2, 0.4, 0.6, 0.8, 1.0):
        config["owner"]["phone"] = str(delay)
        argv = [sys.executable, "-m", "paraductl.main", "--run", str(paradux.run)]
        argv += ["--passphrase-file", str(paradux.passphrase_file), "edit", "--file", "-"]
        with subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as client:
            assert client.stdin is not None
            client.stdin.write(json.dumps(config).encode())
            client.stdin.close()
            time.sleep(delay)
            client.kill()
        paradux.stop(9)
        roots = [paradux.state, paradux.run, paradux.root / "nas", Path("/dev/shm"), Path("/var/tmp")]
        assert in_files(roots, wanted) == {}
        paradux.start()
