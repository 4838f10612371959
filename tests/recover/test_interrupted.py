"""Scenario 6: a recovery goes on after whatever is killed while shares are collected and proven; and nothing secret is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.canaries import CommandLines, in_files, in_memory
from tests.recover.recover_rig import NEW_PASSPHRASE, Family, recover, same_but_for_the_machine, unlocked_config
from tests.recover.test_dialogue import Person
from tests.rig import Installation

pytestmark = pytest.mark.slow


def kill_keeper(machine: Installation) -> None:
    """All but the daemon: the keeper, and what it has started."""
    assert machine.daemon is not None
    killed = machine.processes() - {machine.daemon.pid}
    for pid in killed:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself, or with the keeper
            os.kill(pid, signal.SIGKILL)
    machine.wait_for(lambda: not killed & machine.processes(), "the keeper to be gone")


def kill_daemon(machine: Installation) -> None:
    """As after a power cut, but for the client."""
    machine.stop(signal.SIGKILL)
    machine.start()


def nothing_left(machine: Installation, needles: list[bytes]) -> None:
    """In no file, no log, and not in the supervisor."""
    assert machine.daemon is not None
    assert in_files([machine.state, machine.run, Path("/dev/shm"), Path("/var/tmp")], needles) == {}
    assert not any(needle in machine.log.read_bytes() for needle in needles)
    assert not in_memory(machine.daemon.pid, needles)


def test_scenario_6_what_was_brought_outlives_keeper_daemon_and_client(family: Family, blank: Installation) -> None:
    needles = [*family.secrets(), *(secret.upper() for secret in family.secrets())]
    points = 0

    def killed(kill: Callable[[Installation], None]) -> None:
        nonlocal points
        kill(blank)
        points += 1
        nothing_left(blank, needles)

    with CommandLines(needles) as programs:
        person = Person(blank, "recover")
        person.expect("file: ")
        person.types(family.words("alice").upper())
        person.expect("1 of 3")
        person.expect("file: ")
        killed(kill_keeper)
        person.types(family.kit("bob"))
        person.expect("2 of 3")
        person.expect("file: ")
        killed(kill_daemon)
        person.types(family.kit("carol"))
        person.expect("3 of 3.*enough")
        person.expect("on: ")
        killed(lambda _: person.kill())

        another = Person(blank, "recover")
        another.expect("3 of 3.*enough")
        another.expect("on: ")
        another.types("")
        another.expect("asking account, friend")
        killed(kill_keeper)
        another.expect("paraductl: no secret can be made: nothing was brought yet")
        assert another.ends() == 1, "what a client that is gone has brought was in the keeper only"

        last = Person(blank, "recover", *family.kits("alice", "bob", "carol"))
        last.expect("asking account, friend")
        killed(kill_keeper)
        last.expect("New passphrase: ")
        killed(kill_daemon)
        last.types(NEW_PASSPHRASE)
        last.expect("again: ")
        last.types(NEW_PASSPHRASE)
        last.expect("paraductl: the keeper has ended before")
        assert last.ends() == 1
        assert not (blank.state / "vault.luks").exists()
        report = recover(blank, *family.kits("alice", "bob", "carol"))
    assert not programs.seen
    assert report["serial"] == family.config["serial"] + 1
    config = unlocked_config(blank)
    assert config is not None and same_but_for_the_machine(config, family.config)
    killed(kill_keeper)
    print(f"{points} kill points, 0 lost")
