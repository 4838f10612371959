"""SIGKILL at random moments of an edit: the vault always opens and holds the old or the new config, and nothing hangs."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from paraduxd.effects.vault.vault import Kdf, LockedVault
from tests.rig import PASSPHRASE, Installation, fill, running
from tests.width import times

POINTS = times(full=200, usual=8)


def _edit_and_kill(paradux: Installation, text: str, delay: float, victim: str) -> None:
    argv = [sys.executable, "-m", "paraductl.main", "--run", str(paradux.run)]
    argv += ["--passphrase-file", str(paradux.passphrase_file), "edit", "--file", "-"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet) as client:
        assert client.stdin is not None and paradux.daemon is not None
        client.stdin.write(text.encode())
        client.stdin.close()
        time.sleep(delay)
        if victim == "daemon":
            paradux.stop(9)
        else:
            for pid in paradux.processes() - {paradux.daemon.pid}:
                try:
                    os.kill(pid, 9)
                except ProcessLookupError:
                    continue
        client.wait(60)
    if victim == "daemon":
        paradux.start()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_old_or_new_never_neither(tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    with running(tmp_path, own_workers=True) as paradux:
        fill(tmp_path / "source", 3)
        paradux.setup()
        vault = LockedVault(paradux.state / "vault.luks", kdf=Kdf.WEAK)
        saved = 0
        for point in range(POINTS):
            old = json.loads(vault.open(PASSPHRASE.encode()).document)
            new = {**old, "owner": {**old["owner"], "phone": f"point {point}"}}
            _edit_and_kill(paradux, json.dumps(new), chance.uniform(0.1, 1.6), "daemon" if point % 8 == 7 else "keeper")
            now = json.loads(vault.open(PASSPHRASE.encode()).document)
            assert now["owner"] in (old["owner"], new["owner"]), f"seed {seed}, point {point}"
            assert now["serial"] in (old["serial"], old["serial"] + 1)
            saved += now["serial"] != old["serial"]
        print(
            f"{POINTS} kill points (seed {seed}): {saved} had saved the new config, {POINTS - saved} kept the old, 0 lost"
        )
        paradux.owner("unlock")
        plan = json.loads((paradux.state / "plan.json").read_text())
        assert plan["serial"] == json.loads(vault.open(PASSPHRASE.encode()).document)["serial"]
        assert not (paradux.state / "save.pending").exists(), "the next authorization completes an interrupted save"
