"""No credential and no config in argv, environment or files: watched while a vault is made, saved and rekeyed over and over."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.canaries import CommandLines, in_files
from tests.effects.vault.rig import PASSPHRASE, RECOVERY, locked, script, stock_volume_key

BUSY = """
import sys
from pathlib import Path
from tests.effects.vault.rig import *
canaries = sys.stdin.buffer.read().split()
passphrase, recovery, text = canaries
opened = locked(Path(sys.argv[1])).create(text, passphrase, recovery)
for number in range(8):
    opened = opened.save(text + b"%d" % number) if number % 4 else opened.rekey(text, passphrase, recovery)
    locked(Path(sys.argv[1])).open(passphrase)
"""


_KEY_FILE = b"--key-file\0/proc/self/fd/"


def watched(child: subprocess.Popen[bytes], canaries: list[bytes]) -> tuple[dict[str, set[bytes]], set[str]]:
    """What was seen of the canaries, and which programs were seen at work, until the child ends."""
    with CommandLines([*canaries, _KEY_FILE]) as programs:
        child.wait()
    seen = {where: hits for where, hits in programs.seen.items() if hits & set(canaries)}
    return seen, {"cryptsetup" for hits in programs.seen.values() if _KEY_FILE in hits}


@pytest.mark.slow
def test_secrets_stay_in_pipes_and_memory(tmp_path: Path) -> None:
    state, temporary = tmp_path / "state", tmp_path / "temporary"
    state.mkdir()
    temporary.mkdir()
    canaries = [os.urandom(32).hex().encode() for _ in range(3)]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    shared_before = set(Path("/dev/shm").iterdir())
    with subprocess.Popen(script(BUSY, state), stdin=subprocess.PIPE, env=environment) as child:
        assert child.stdin is not None
        child.stdin.write(b"\n".join(canaries))
        child.stdin.close()
        seen, programs = watched(child, canaries)
    assert child.returncode == 0
    assert programs == {"cryptsetup"}, "the watch saw the programs that get the credentials"
    assert seen == {}
    assert in_files([state, temporary], canaries) == {}
    left = [path for path in set(Path("/dev/shm").iterdir()) - shared_before if path.is_file()]
    assert not [path for path in left if any(canary in path.read_bytes() for canary in canaries)]


def test_the_container_shows_nothing_in_clear(tmp_path: Path) -> None:
    opened = locked(tmp_path).create(b"canary-in-the-config", PASSPHRASE, RECOVERY).save(b"canary-in-the-config")
    key = bytes.fromhex("".join(stock_volume_key(opened.locked.path, PASSPHRASE).decode().split()))
    assert len(key) == 64
    needles = [b"canary-in-the-config", b"paradux.json", PASSPHRASE, RECOVERY, key[:32], key[32:]]
    assert in_files([tmp_path], needles) == {}
    (tmp_path / "control").write_bytes(b"..." + needles[0])
    assert in_files([tmp_path], needles) == {tmp_path / "control": {needles[0]}}
