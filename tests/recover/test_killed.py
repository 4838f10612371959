"""SIGKILL at every step of putting a recovery into effect: nothing is left, or a machine that is complete or can be recovered again."""

from __future__ import annotations

import functools
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.paths import StatePlaces
from paraduxd.core.plan import model as plans
from paraduxd.core.recovery import published_config
from paraduxd.core.recovery.candidates import found_in
from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.effects.vault.vault import Kdf, LockedVault
from paraduxd.keeper.config import save
from paraduxd.keeper.config.protocol_plugins import capabilities_of
from paraduxd.keeper.recovery import commit
from paraduxd.keeper.recovery.share_proof import Proof
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.protocols import registry
from tests.kits.kit_rig import MEMORY, Family, new_family

OLD, NEW, NEWER = b"the forgotten passphrase", b"a new passphrase", b"a passphrase of the second try"

STRIDE = int(os.environ.get("PARADUX_KILL_STRIDE", "10"))
"""Every so many steps are tried, from a random one on; 1 tries them all."""

STEPS = ("subprocess.Popen", "os.rename", "os.remove", "os.link", "open")


class NoSupervisor:
    """Stands in for the line to the supervisor: the plan is "applied" at once."""

    def ask(self, what: str, timeout: float = 60.0, **_: Any) -> dict[str, Any]:
        assert what in ("apply", "kits")
        return {"runs": []}


@pytest.fixture(scope="module")
def family() -> Family:
    return new_family()


def installation(state: Path) -> Installation:
    state.mkdir(exist_ok=True)
    control: Any = NoSupervisor()
    return Installation(StatePlaces(state), capabilities_of(registry.load()), Kdf.WEAK, MEMORY, control)


def proof(family: Family, work: Installation) -> Proof:
    """What `prove` gives: with the vault of this machine, if it opens."""
    secret = family.document["managed"]["recovery"]["secret"]
    vault = work.vault()
    opened = vault.open_with_recovery(secret.encode()) if vault.exists() else None
    found = found_in("a kit", family.envelope)
    nobody_looks: Any = None
    return Proof(nobody_looks, secret, (), (found,), opened)


def put_into_effect(family: Family, state: Path, passphrase: bytes) -> None:
    """Commit and complete, as the keeper does."""
    work = installation(state)
    recovered = commit.commit(work, proof(family, work), 0, passphrase)
    if recovered.saved is not None:
        save.put_into_effect(work, recovered.saved)
    elif work.state.pending.exists():
        save.put_into_effect(work, save.saved(work, recovered.opened))


def killed_at(step: int, state: Path, work: Callable[[], None]) -> bool:
    """Do the work in a process that kills itself before its n-th step; false when it came to its end."""
    child = os.fork()
    if child == 0:
        _die_at(step, str(state))
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _die_at(last: int, state: str) -> None:
    steps = 0

    def step(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal steps
        if event not in STEPS or (event != "subprocess.Popen" and not str(arguments[0]).startswith(state)):
            return
        if event == "open" and not isinstance(arguments[1], str | None):
            return
        if event == "open" and (arguments[1] or "r").startswith("r"):
            return  # only reading
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(step)


def check_complete(family: Family, state: Path, passphrase: bytes) -> None:
    """The vault opens with the new passphrase; plan, credentials and a published config that opens are there."""
    work = installation(state)
    opened = save.open_vault(work, passphrase)
    document, recovery = opened.document, opened.document["managed"]["recovery"]
    plan = plans.from_json((state / "plan.json").read_text())
    assert (plan.serial, plan.instance) == (document["serial"], document["managed"]["instance"])
    assert (state / "transport" / "metadata.friend.json").exists()
    assert not work.state.pending.exists()
    message = (work.state.outbox / published_config.config_name(1, document["serial"])).read_bytes()
    with private_gpg(MEMORY) as gpg:
        gpg.import_key(recovery["private_key"], recovery["secret"])
        header, config = published_config.open_envelope(
            gpg.decrypt_signed(message, recovery["fingerprint"], recovery["secret"])
        )
    assert config == document and header.instance == document["managed"]["instance"]
    assert document["datasets"] == family.document["datasets"]


def recovers_again(family: Family, state: Path) -> None:
    """After a kill: `recover` once more, whatever was left, with another passphrase."""
    put_into_effect(family, state, NEWER)
    check_complete(family, state, NEWER)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_new_machine_killed_at_every_step(family: Family, tmp_path: Path) -> None:
    points = with_vault = 0
    for step in range(random.randint(1, STRIDE), 1000, STRIDE):
        state = tmp_path / f"state-{step}"
        if not killed_at(step, state, functools.partial(put_into_effect, family, state, NEW)):
            break
        points, with_vault = points + 1, with_vault + LockedVault(state / "vault.luks").exists()
        recovers_again(family, state)
        shutil.rmtree(state)
    check_complete(family, state, NEW)
    print(f"{points} kill points, {with_vault} of them with a vault, 0 lost")
    assert points * STRIDE > 20 and 0 < with_vault < points


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_new_passphrase_killed_at_every_step(family: Family, tmp_path: Path) -> None:
    put_into_effect(family, tmp_path / "before", OLD)
    document = LockedVault(tmp_path / "before" / "vault.luks", kdf=Kdf.WEAK).open(OLD).document
    opened_by: set[bytes] = set()
    points = 0
    for step in range(random.randint(1, STRIDE), 1000, STRIDE):
        state = tmp_path / f"state-{step}"
        shutil.copytree(tmp_path / "before", state)
        killed = killed_at(step, state, functools.partial(put_into_effect, family, state, NEW))
        opened = {word for word in (OLD, NEW) if _opens(state, word, document)}
        assert len(opened) == 1, f"step {step}: exactly one passphrase opens the same config"
        opened_by |= opened
        if not killed:
            break
        recovers_again(family, state)
        shutil.rmtree(state)
        points += 1
    assert points * STRIDE > 10 and opened_by == {OLD, NEW}
    print(f"{points} kill points, 0 lost")


def _opens(state: Path, passphrase: bytes, document: bytes) -> bool:
    try:
        return LockedVault(state / "vault.luks", kdf=Kdf.WEAK).open(passphrase).document == document
    except Exception:
        return False
