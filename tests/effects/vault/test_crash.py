"""SIGKILL and power cuts: at every step and at random moments of a save, the old or the new config opens, whole."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from functools import partial
from itertools import takewhile
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from tests.effects.vault.rig import (
    OTHER_PASSPHRASE,
    OTHER_RECOVERY,
    PASSPHRASE,
    RECOVERY,
    document,
    locked,
    script,
    stock_opens,
)
from tests.width import steps, times

POINTS = times(full=200, usual=8)
STEPS = steps(every=6)

DIE_AT_STEP = """
import os, signal, sys
from pathlib import Path
from paraduxd.effects.vault import ext4_image, mapped_payload  # everything is imported before steps are counted
from tests.effects.vault.rig import *
folder, what, last = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
vault = locked(folder)
opened = None if what == "create" else vault.open(PASSPHRASE)
FILE_EVENTS = ("open", "os.rename", "os.remove", "os.link")
steps = 0
def step(event, arguments):
    global steps
    if event == "subprocess.Popen" or event in FILE_EVENTS and str(arguments[0]).startswith(sys.argv[1]):
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(step)
if what == "create":
    vault.create(b"new", PASSPHRASE, RECOVERY)
elif what == "save":
    opened.save(b"new")
else:
    opened.rekey(b"new", OTHER_PASSPHRASE, OTHER_RECOVERY)
"""

SAVE_FOR_EVER = """
import itertools, sys
from pathlib import Path
from tests.effects.vault.rig import *
opened = locked(Path(sys.argv[1])).open(PASSPHRASE)
print("opened", flush=True)
for number in itertools.count(int(sys.argv[2])):
    opened = opened.save(document(number))
    print(number, flush=True)
"""


REKEY_FOR_EVER = """
import itertools, sys
from pathlib import Path
from tests.effects.vault.rig import *
vault, number = locked(Path(sys.argv[1])), int(sys.argv[2])
keys = [(PASSPHRASE, RECOVERY), (OTHER_PASSPHRASE, OTHER_RECOVERY)]
opened = vault.open(keys[(number - 1) % 2][0])
print("opened", flush=True)
for number in itertools.count(number):
    opened = opened.rekey(document(number), *keys[number % 2])
    print(number, flush=True)
"""


def die_at(folder: Path, what: str, step: int) -> bool:
    """Run one operation that is killed before its n-th step; False when it has fewer steps."""
    done = subprocess.run(script(DIE_AT_STEP, folder, what, str(step)), capture_output=True, text=True, check=False)
    assert done.returncode in (0, -9), done.stderr
    return done.returncode == -9


def document_in(folder: Path, *credentials: bytes) -> bytes:
    """What the vault holds, opened by whichever credential opens it."""
    found = [credential for credential in credentials if stock_opens(folder / "vault.luks", credential, 0)]
    assert len(found) == 1
    return locked(folder).open(found[0]).document


@pytest.mark.slow
def test_a_save_that_ends_before_any_of_its_steps(template: Path, tmp_path: Path) -> None:
    seen: list[bytes] = []
    shutil.copy(template, tmp_path / "vault.luks")
    locked(tmp_path).open(PASSPHRASE).save(b"old")
    for _ in takewhile(partial(die_at, tmp_path, "save"), STEPS):
        now = locked(tmp_path).open(PASSPHRASE).document
        seen.append(now)
        locked(tmp_path).open(PASSPHRASE).save(b"old")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["vault.luks", "vault.luks.previous"]
    assert b"old" in seen and set(seen) <= {b"old", b"new"}
    assert locked(tmp_path).open(PASSPHRASE).document == b"new", "with no step left to be killed at"
    assert seen == sorted(seen, reverse=True), "old up to one step, new from there on"
    print(f"save: killed before {len(seen)} steps of {STEPS}; new after {seen.count(b'old')}")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_change_of_passphrase_that_ends_before_any_of_its_steps(template: Path, tmp_path: Path) -> None:
    seen: list[bytes] = []
    for step in STEPS:
        folder = tmp_path / str(step)
        folder.mkdir()
        shutil.copy(template, folder / "vault.luks")
        locked(folder).open(PASSPHRASE).save(b"old")
        if not die_at(folder, "rekey", step):
            break
        seen.append(document_in(folder, PASSPHRASE, OTHER_PASSPHRASE))
        if seen[-1] == b"new":
            assert [path.name for path in folder.iterdir()] == ["vault.luks"], "no older copy stays"
        else:
            locked(folder).open(PASSPHRASE).rekey(b"new", OTHER_PASSPHRASE, OTHER_RECOVERY)
            assert [path.name for path in folder.iterdir()] == ["vault.luks"], "nor after the next attempt"
        shutil.rmtree(folder)
    assert b"old" in seen and set(seen) <= {b"old", b"new"}
    assert document_in(folder, PASSPHRASE, OTHER_PASSPHRASE) == b"new", "with no step left to be killed at"
    print(f"change of passphrase: killed before {len(seen)} steps of {STEPS}")


@pytest.mark.slow
def test_a_first_vault_is_whole_or_not_there(tmp_path: Path) -> None:
    killed = 0
    for _ in takewhile(partial(die_at, tmp_path, "create"), STEPS):
        if locked(tmp_path).exists():
            assert locked(tmp_path).open(PASSPHRASE).document == b"new"
            (tmp_path / "vault.luks").unlink()
        else:
            with pytest.raises(ParaduxError, match="no vault"):
                locked(tmp_path).open(PASSPHRASE)
        killed += 1
    assert locked(tmp_path).open_with_recovery(RECOVERY).document == b"new"
    assert killed > 2


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("text", [SAVE_FOR_EVER, REKEY_FOR_EVER], ids=["save", "change of passphrase"])
def test_killed_at_random_moments(template: Path, tmp_path: Path, text: str) -> None:
    """Document number n is saved with the first passphrase when n is even, by who changes it each time."""
    passphrases = [PASSPHRASE, PASSPHRASE if text == SAVE_FOR_EVER else OTHER_PASSPHRASE]
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    shutil.copy(template, tmp_path / "vault.luks")
    begun = time.monotonic()
    locked(tmp_path).open(PASSPHRASE).save(document(0))
    took = time.monotonic() - begun
    number, advanced = 0, 0
    for point in range(POINTS):
        longest = took * (2 if number else 2 + point)  # a machine that grows busy may need longer for the first one
        number, before = kill_after(text, tmp_path, number, chance.uniform(0.0, longest)), number
        now = document_in(tmp_path, *set(passphrases))
        assert now in (document(number), document(number + 1)), f"seed {seed}, point {point}"
        number += now == document(number + 1)
        assert locked(tmp_path).open(passphrases[number % 2]).document == document(number), (
            f"seed {seed}, point {point}"
        )
        advanced += number > before
    print(f"{POINTS} kill points (seed {seed}): {number} done, {advanced} kills after at least one, 0 vaults lost")
    assert number > 0
    locked(tmp_path).open(passphrases[number % 2]).save(b"last")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["vault.luks", "vault.luks.previous"]


def kill_after(text: str, folder: Path, number: int, delay: float) -> int:
    """Let numbers number+1, number+2 ... be saved for `delay` seconds, then kill; the last that was told saved."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        script(text, folder, str(number + 1)), stdout=subprocess.PIPE, stderr=quiet, text=True
    ) as child:
        assert child.stdout and child.stdout.readline() == "opened\n"
        time.sleep(delay)
        child.kill()
        told = child.stdout.read().split()
    return int(told[-1]) if told else number
