"""A full disk, at every size: the error says how many bytes are missing, nothing of the attempt stays, the old config does."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.effects.files.atomic import write_atomically
from paraduxd.effects.vault.vault import LockedVault
from tests.effects.vault.rig import DOCUMENT, OTHER_PASSPHRASE, OTHER_RECOVERY, PASSPHRASE, script

MIB = 1 << 20

ON_A_SMALL_DISK = """
import json, re, subprocess, sys
from pathlib import Path
from paraduxd.api.errors import ParaduxError
from paraduxd.effects.files.atomic import write_atomically
from tests.effects.vault.rig import *
folder = Path(sys.argv[1])

def size(number):
    subprocess.run(["mount", "-o", f"remount,size={number}", str(folder)], check=True)

def missing(action):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    try:
        action()
    except ParaduxError as problem:
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
        assert problem.code == "disk-full", problem.message
        return int(re.search(r"([0-9]+) bytes are missing", problem.message)[1])
    return 0

def growing(action, start):
    size(start)
    told = [missing(action)]
    for lacking in (65536, 4096):
        size(start + told[0] - lacking)
        assert missing(action) == lacking, "the number that was told is the right one"
    size(start)
    grown = start
    while told[-1]:
        grown += max(told[-1] // 2, 65536)
        size(grown)
        told.append(missing(action))
    return told

subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=True)
vault = locked(folder)
result = {
    "create": growing(lambda: vault.create(b"first", PASSPHRASE, RECOVERY), 1 << 20),
    "save": growing(lambda: vault.open(PASSPHRASE).save(b"second"), 34 << 20),
    "save again": growing(lambda: vault.open(PASSPHRASE).save(b"third"), 68 << 20),
    "file": growing(lambda: write_atomically(folder / "file", b"x" * (40 << 20)), 100 << 20),
}
assert vault.open(PASSPHRASE).document == b"third"
print(json.dumps(result))
"""


@pytest.mark.slow
def test_every_size_of_disk(tmp_path: Path) -> None:
    """In a mount namespace of its own, so that the small disk vanishes with the script."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    done = subprocess.run([*unshare, *script(ON_A_SMALL_DISK, tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, list[int]] = json.loads(done.stdout)
    print(told)
    for action, missing in told.items():
        assert len(missing) > 2, f"{action} met full disks of several sizes"
        assert missing == sorted(missing, reverse=True)
        assert missing[-1] == 0


@pytest.fixture
def small_files() -> Any:
    """No file of this process may grow beyond 20 MiB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20 * MIB, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_limit_on_files_is_a_full_disk(vault: LockedVault, small_files: None) -> None:
    opened = vault.open(PASSPHRASE)
    for action in (
        lambda: opened.save(b"new"),
        lambda: opened.rekey(b"new", OTHER_PASSPHRASE, OTHER_RECOVERY),
        lambda: write_atomically(vault.path, b"x" * (21 * MIB)),
    ):
        with pytest.raises(TransientError, match=r"disk is full, .* nothing was changed") as full:
            action()
        assert full.value.code == "disk-full"
    assert [path.name for path in vault.path.parent.iterdir()] == ["vault.luks"]
    assert vault.open(PASSPHRASE).document == DOCUMENT


def test_a_state_directory_that_is_gone_is_named(vault: LockedVault) -> None:
    opened = vault.open(PASSPHRASE)
    vault.path.rename(vault.path.parent.parent / "elsewhere.luks")
    with pytest.raises(ParaduxError, match="No such file") as refused:
        opened.save(b"new")
    assert refused.value.code == "not-saved"
    assert str(vault.path.parent) in refused.value.hint
