"""SIGKILL before the steps of a rotation: one epoch whose shares are all out opens the newest config, and it goes on where it was.

A step is the start of a program, or a change of a file in the state directory or at the stash; publishing is a part of each operation.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import width
from tests.rotate.rotate_rig import NAMES, Json, Paradux, objects_of, opened_at, secret_of, vault_opens

STRIDE = int(os.environ.get("PARADUX_KILL_STRIDE", width.times(full=3, usual=14)))
"""Every so many steps are tried, from a random one on; 1 tries them all."""

CHANGES = ("os.rename", "os.remove", "os.link")

Work = Callable[[Paradux], object]


def without_carol(paradux: Paradux) -> object:
    document = paradux.document
    document["stewards"] = [steward for steward in document["stewards"] if steward["id"] != "carol"]
    return paradux.save(document)


OPERATIONS: Mapping[str, tuple[str, Work]] = {
    "begin": ("kits", lambda paradux: paradux.call("rotate")),
    "publish": ("begun", lambda paradux: paradux.save({**paradux.document, "inventory": [{"name": "new"}]})),
    "confirm": ("begun", lambda paradux: paradux.write_kit("alice")),
    "commit": ("nearly", lambda paradux: paradux.write_kit("carol")),
    "commit by removal": ("nearly", without_carol),
    "cancel": ("nearly", lambda paradux: paradux.call("rotate_cancel")),
}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_killed_before_its_steps(operation: str, templates: dict[str, Path], memory: Path, tmp_path: Path) -> None:
    name, work = OPERATIONS[operation]
    before = Paradux(templates[name], memory).unlock().document
    points = 0
    first = random.randint(1, STRIDE)
    for step in range(first, 1000, STRIDE):
        root = tmp_path / str(step)
        shutil.copytree(templates[name], root)
        if not killed_at(step, root, memory, work):
            break
        points += 1
        somebody_recovers(root, before, memory)
        goes_on(root, before, memory, work)
        shutil.rmtree(root)
    else:
        raise AssertionError("it does not end")
    print(f"{operation}: {points} kill points (every {STRIDE}. step from {first} on), 0 lost")
    assert points > 1


def killed_at(step: int, root: Path, memory: Path, work: Work) -> bool:
    """Do it in a process that kills itself before its n-th step; false when it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            paradux = Paradux(root, memory).unlock()
            die_at(step, str(root))
            work(paradux)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def die_at(last: int, root: str) -> None:
    steps = 0

    def step(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal steps
        changes = event in CHANGES or (event == "open" and isinstance(arguments[1], str) and arguments[1][0] in "wxa+")
        if event == "subprocess.Popen" or (changes and str(arguments[0]).startswith(root)):
            steps += 1
            if steps == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(step)


def somebody_recovers(root: Path, before: Json, memory: Path) -> None:
    """Without the passphrase: shares that are out open the vault as it is now; without the machine, what was published before."""
    managed = before["managed"]
    old = secret_of(managed, ("alice", "bob"))
    in_vault = vault_opens(root, old)
    if in_vault is not None:
        assert in_vault["serial"] >= before["serial"]
        assert opened_with_owners_words(opened_at(root / "stash", old, memory), before)
        return
    # The new epoch has taken over: whoever is a steward now has a share of it.
    new = secret_of(managed["rotation"], ("alice", "bob"))
    in_vault = vault_opens(root, new)
    assert in_vault is not None
    assert in_vault["serial"] > before["serial"]
    assert opened_with_owners_words(opened_at(root / "stash", new, memory), before)
    assert [path.name for path in (root / "state").glob("vault.luks*")] == ["vault.luks"], "no older copy stays"


def opened_with_owners_words(found: Json | None, before: Json) -> bool:
    """Whether this is the config as it was before, or a later one."""
    if found is None or found["serial"] < before["serial"]:
        return False
    return found["serial"] > before["serial"] or {**found, "managed": 0} == {**before, "managed": 0}


def goes_on(root: Path, before: Json, memory: Path, work: Work) -> None:
    """The next authorization completes it, or nothing had happened and it is done again; nothing is left over."""
    paradux = Paradux(root, memory).unlock()
    if paradux.document == before:
        work(paradux)
    document, managed = paradux.document, paradux.managed
    assert document["serial"] > before["serial"]
    epochs = [
        managed["recovery"]["epoch"],
        *([managed["rotation"]["recovery"]["epoch"]] if managed["rotation"] else []),
    ]
    assert paradux.names("state/outbox") == objects_of(epochs, document["serial"])
    assert paradux.names() >= objects_of(epochs, document["serial"])
    gone = objects_of({1, 2} - set(epochs), *range(1, document["serial"] + 1))
    assert not paradux.names() & gone
    assert not [path.name for path in (root / "state").glob("vault.luks.*") if path.name != "vault.luks.previous"]
    part = managed["rotation"] or managed
    assert opened_at(root / "stash", secret_of(part, ("alice", "bob")), memory) == paradux.published
    assert set(managed["shares"]["issued"]) <= set(NAMES)
