"""A crash hands no memory to a program, as distributions arrange it with systemd-coredump or apport (core(5), "Piping core dumps")."""

from __future__ import annotations

import json
import shlex
import struct

from tests.system.house import House

_CATCH = b"#!/bin/sh\nmkdir -p /root/caught && cat >/root/caught/$2.$1\n"
_PT_LOAD = 1
_OF_THE_KERNEL = 32768
"""Bytes at most of what the kernel puts into every dump: its own code and clock, [vdso] and [vvar]."""


def _memory(core: bytes) -> int:
    """How many bytes of the process's mappings a dump holds (elf(5): the program headers of type PT_LOAD)."""
    offset, size, count = struct.unpack_from("<Q", core, 32)[0], *struct.unpack_from("<HH", core, 54)
    headers = [struct.unpack_from("<I28xQ", core, offset + size * n) for n in range(count)]
    return sum(length for kind, length in headers if kind == _PT_LOAD)


def _members(home: House, unit: str) -> dict[str, str]:
    """Process ids and names of what runs in a unit."""
    found = home.guest.run(f"cat {shlex.quote(f'/sys/fs/cgroup/{unit}/cgroup.procs')}", check=False).out.split()
    return {pid: home.guest.run(f"cat /proc/{pid}/comm", check=False).out.strip() for pid in found}


def _transfers(home: House) -> dict[str, str]:
    units = home.guest.run("cd /sys/fs/cgroup && find . -type d -name 'paradux-transfer@*'").out.split()
    return {pid: name for unit in units for pid, name in _members(home, unit).items()}


def _crash_another(home: House) -> int:
    """How much memory is handed over of a process that is none of ours."""
    said = home.guest.run(
        "python3 -c 'import os; print(os.getpid(), flush=True); os.kill(os.getpid(), 11)'", check=False
    )
    caught = f"/root/caught/python3.{said.out.strip()}"
    home.guest.wait_for(f"test -s {caught}", "the program to be handed what others leave")
    return _memory(home.guest.get(caught))


def test_a_crash_hands_none_of_our_memory_to_a_program(home: House) -> None:
    home.guest.put("/root/catch", _CATCH, 0o755)
    home.guest.run("echo '|/root/catch %p %e' >/proc/sys/kernel/core_pattern")
    assert _crash_another(home) > _OF_THE_KERNEL

    config = home.config()
    (dataset,) = config["datasets"]
    slow = {"id": "slow", "protocol": "disk", "url": "file:///srv/slow", "encryption": "gpg", "bandwidth": "64k"}
    dataset["destinations"].append({**slow, "every": "1d", "fate": ["device:slow"]})
    home.guest.run("head -c 30000000 /dev/urandom >/srv/source/large")
    home.owner("edit", "--file", "-", stdin=json.dumps(config))
    home.owner("unlock")
    home.guest.run("setsid paraductl backup home </dev/null >/dev/null 2>&1 &")
    home.guest.wait_for("pgrep -x gpg", "an archive to be encrypted")

    workers, daemons = _transfers(home), _members(home, "system.slice/paraduxd.service")
    assert "gpg" in workers.values(), workers
    assert len(daemons) >= 2, daemons
    everybody = {**workers, **daemons}
    home.guest.run("".join(f"kill -SEGV {pid}; " for pid in everybody), check=False)
    alive = " || ".join(f"grep -q '^State:.[RSDT]' /proc/{pid}/status" for pid in everybody)
    home.guest.wait_for(f"! ( {alive} ) 2>/dev/null", "all of them to end")
    assert _crash_another(home) > _OF_THE_KERNEL, "the last dump came after all others"
    names = home.guest.run("ls /root/caught").out.split()
    ours = {name: _memory(home.guest.get(f"/root/caught/{name}")) for name in names if not name.startswith("python3.")}
    assert all(size <= _OF_THE_KERNEL for size in ours.values()), (ours, everybody)
