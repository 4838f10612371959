"""Every command where nothing can be written, or nobody reads on: no traceback, no signal, and no success that nobody was told of."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraductl.command_loader import Commands
from paraduxd.api.errors import ExitCode
from tests.checkout import ROOT
from tests.rig import Installation
from tests.rigs.prepared import backed_up

pytestmark = pytest.mark.slow
CODES = {int(code) for code in ExitCode}

WORDS = {
    "approve": "home",
    "backup": "",
    "cancel": "",
    "check": "ANSWERS",
    "completion": "bash",
    "create-steward-device": "alice --directory FOLDER/kit",
    "diff": "home#1",
    "drill": "",
    "edit": "--file ANSWERS",
    "find": "home file-1.txt",
    "history": "",
    "install-service": "--root FOLDER/root",
    "lock": "",
    "ls": "home",
    "notify": "--test",
    "passphrase": "--new-passphrase-file PASSPHRASE",
    "prune": "home",
    "publish": "",
    "recover": "--kit FOLDER/kit",
    "report": "FOLDER/report.html",
    "restore": "home file-1.txt --to FOLDER/to",
    "rotate": "",
    "setup": "--answers ANSWERS",
    "show": "",
    "status": "",
    "stewards": "",
    "unlock": "",
    "verify": "",
    "versions": "home",
    "whatif": "",
}

STREAMS = {"full": ("--json", ">/dev/full"), "closed": ("--json", ">&- 2>&- <&-"), "head": ("", "| head -1")}
LONG = ("completion", "find", "history", "show", "status", "whatif")
"""Print more than one line."""


@pytest.fixture(scope="module")
def paradux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    prepared = backed_up(tmp_path_factory.mktemp("streams") / "paradux", 3)
    with prepared.again() as installation:
        yield installation


@pytest.mark.parametrize(
    ("name", "streams"),
    [(name, streams) for name in Commands(print).all() for streams in STREAMS if streams != "head" or name in LONG],
)
def test_every_command_ends_well(paradux: Installation, tmp_path: Path, name: str, streams: str) -> None:
    words = WORDS[name].replace("FOLDER", str(tmp_path)).replace("PASSPHRASE", str(paradux.passphrase_file))
    answers = ROOT / "schema/examples/minimal.json"
    before, after = STREAMS[streams]
    command = (
        f"{shlex.quote(sys.executable)} -m paraductl.main --run {paradux.run} --passphrase-file {paradux.passphrase_file}"
        f" {before} {name} {words.replace('ANSWERS', str(answers))} {after}"
    )
    ran = subprocess.run(
        ["bash", "-c", f"{command}\nexit ${{PIPESTATUS[0]}}"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in ran.stderr and "Exception ignored" not in ran.stderr, ran.stderr
    assert "Error" not in ran.stderr
    assert ran.returncode in CODES, ran
    if before:
        assert ran.returncode, "what --json would have printed is lost"
