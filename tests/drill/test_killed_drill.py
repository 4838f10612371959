"""A drill that is killed or cancelled at any moment: production is as it was, scratch is gone, no secret lies anywhere."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from paraduxd.effects.files import scratch
from tests.canaries import CommandLines, in_files
from tests.drill.drill_rig import (
    CANARY,
    drill,
    left_in_scratch,
    living_workers,
    production,
    start_drill,
)
from tests.rig import PASSPHRASE, Installation

pytestmark = pytest.mark.slow

MOMENTS = 3
"""Random ones, of each kind."""

LONGEST = 2.0
"""Seconds, about as long as a drill takes."""


def keepers(paradux: Installation) -> list[int]:
    """The keeper, if there is one."""
    return [pid for pid in paradux.processes() if b"paraduxd.keeper.main" in _command(pid)]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def kill(pids: set[int] | list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def after_a_random_moment(paradux: Installation, seed: int) -> None:
    """Wait until the keeper works, then a little longer."""
    paradux.wait_for(lambda: keepers(paradux), "the keeper")
    time.sleep(random.Random(seed).uniform(0, LONGEST))


@pytest.mark.parametrize("seed", range(MOMENTS))
def test_the_keeper_is_killed(paradux: Installation, seed: int) -> None:
    paradux.wait_for(lambda: not keepers(paradux), "the keeper before to end")
    before = production(paradux)
    with start_drill(paradux) as client:
        after_a_random_moment(paradux, seed)
        kill(keepers(paradux))
        client.communicate(timeout=60)
    paradux.wait_for(lambda: not living_workers(paradux), "the workers to end")
    paradux.wait_for(lambda: not left_in_scratch(paradux), "the scratch directory to go")
    assert production(paradux) == before


@pytest.mark.parametrize("seed", range(MOMENTS))
def test_workers_are_killed(paradux: Installation, seed: int) -> None:
    paradux.wait_for(lambda: not keepers(paradux), "the keeper before to end")
    paradux.ctl("publish")  # one that was killed with the workers before would be tried again meanwhile
    before = production(paradux)
    with start_drill(paradux) as client:
        after_a_random_moment(paradux, seed)
        kill(living_workers(paradux))
        client.communicate(timeout=60)
    assert left_in_scratch(paradux) == []
    assert production(paradux) == before


@pytest.mark.parametrize("how", ["interrupt", "lock"])
def test_it_is_cancelled(paradux: Installation, how: str) -> None:
    before = production(paradux)
    with start_drill(paradux) as client:
        paradux.wait_for(lambda: left_in_scratch(paradux), "the drill to begin")
        if how == "interrupt":
            client.send_signal(signal.SIGINT)
        else:
            paradux.ctl("lock")
        _, errors = client.communicate(timeout=60)
    assert client.returncode != 0
    assert b"Traceback" not in errors
    paradux.wait_for(lambda: not left_in_scratch(paradux), "the scratch directory to go")
    paradux.wait_for(lambda: not living_workers(paradux), "the workers to end")
    assert production(paradux) == before


def test_everything_is_killed_and_the_next_start_sweeps(paradux: Installation) -> None:
    before = production(paradux)
    with start_drill(paradux) as client:
        paradux.wait_for(lambda: left_in_scratch(paradux), "the drill to begin")
        paradux.stop(signal.SIGKILL)
        client.communicate(timeout=60)
    elsewhere = paradux.root / "elsewhere"
    elsewhere.mkdir()
    paradux.start()
    assert left_in_scratch(paradux) == []
    assert production(paradux) == before
    code, _ = drill(paradux, "--scratch", str(elsewhere))
    assert (code, list(elsewhere.iterdir())) == (0, [])


def test_no_secret_is_seen_while_it_runs(paradux: Installation) -> None:
    config = paradux.config()
    managed = config["managed"]
    (password,) = [key["password"] for key in managed["data_keys"].values()]
    (friend,) = [stash for stash in config["metadata_stashes"] if stash["id"] == "friend"]
    key = friend["credentials"]["private_key"].splitlines()[2]
    secrets = [PASSPHRASE, CANARY, managed["recovery"]["secret"], *managed["shares"]["words"], password, key]
    needles = [text.encode() for text in secrets]
    seen: dict[Path, set[bytes]] = {}
    watching = threading.Event()

    def watch() -> None:
        while not watching.wait(0.01):
            with contextlib.suppress(OSError):  # it is removed while it is looked at
                seen.update(in_files(left_in_scratch(paradux), needles))

    thread = threading.Thread(target=watch)
    thread.start()
    with CommandLines(needles) as programs:
        assert drill(paradux)[0] == 0
        with start_drill(paradux) as client:
            paradux.wait_for(lambda: left_in_scratch(paradux), "the drill to begin")
            kill(keepers(paradux))
            client.communicate(timeout=60)
    watching.set()
    thread.join()
    assert (seen, programs.seen) == ({}, {})
    transport = paradux.state / "transport"
    roots = [paradux.state, paradux.run, paradux.root / "nas", Path("/dev/shm"), scratch.BASE]
    assert [path for path in in_files(roots, needles) if transport not in path.parents] == []
    assert not any(needle in paradux.log.read_bytes() for needle in needles)
