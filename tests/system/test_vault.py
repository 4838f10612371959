"""The vault and the kernel: device-mapper, stock cryptsetup, and what a killed keeper leaves."""

from __future__ import annotations

import json

import pytest

from tests.rig import PASSPHRASE
from tests.system.house import NAMES, VAULT, House
from tests.system.turns import HANDS, marks
from tests.width import today

_OPEN = f"cryptsetup open --readonly --key-file - {VAULT} stock && mount -o ro,noload /dev/mapper/stock /mnt"
_CLOSE = "umount /mnt; cryptsetup close stock"
_USERSPACE = """
import sys
from pathlib import Path
from paraduxd.effects.vault.vault import LockedVault, Mode
vault = LockedVault(Path(sys.argv[1]), Mode.USERSPACE).open(sys.argv[2].encode())
document = vault.document.replace(sys.argv[3].encode(), sys.argv[4].encode())
vault.save(document)
"""

_KILL_WHILE_MAPPED = """
import contextlib, os, signal, sys, time
from pathlib import Path
def wait(mapped):
    end = time.monotonic() + 200
    while any(name.startswith("dm-") for name in os.listdir("/sys/block")) != mapped:
        if time.monotonic() > end:
            sys.exit("the vault was not mapped so often")
        time.sleep(0.002)
times, later = int(sys.argv[1]), float(sys.argv[2])
for _ in range(times - 1):
    wait(True)
    wait(False)
wait(True)
time.sleep(later)
print("mapped" if any(name.startswith("dm-") for name in os.listdir("/sys/block")) else "closed again")
for place in Path("/proc").glob("[0-9]*"):
    with contextlib.suppress(OSError):
        if b"paraduxd.keeper" in (place / "cmdline").read_bytes():
            os.kill(int(place.name), signal.SIGKILL)
"""


def by_the_kernel(home: House) -> dict[str, object]:
    """The config as stock cryptsetup and the kernel's ext4 give it."""
    home.guest.run(_OPEN, stdin=PASSPHRASE.encode())
    found: dict[str, object] = json.loads(home.guest.get("/mnt/paradux.json"))
    home.guest.run("cd /mnt && sha256sum --check --quiet paradux.json.sha256")
    home.guest.run(_CLOSE)
    return found


def test_stock_cryptsetup_opens_what_was_created_and_edited_through_the_kernel(home: House) -> None:
    assert home.status()["daemon"]["vault"] == "mapped"
    assert by_the_kernel(home)["serial"] == 1
    home.edit(inventory=[{"name": "a new account"}])
    found = by_the_kernel(home)
    assert (found["serial"], found["inventory"]) == (2, [{"name": "a new account"}])


def test_the_kernel_opens_what_was_written_without_it_and_the_reverse(home: House) -> None:
    home.ctl("lock")
    home.guest.put("/root/rewrite.py", _USERSPACE.encode())
    before = home.traces()
    names = f"'{VAULT}' '{PASSPHRASE}' 'Fred Myself' 'Fred Other!'"
    home.guest.run(f"/usr/lib/paradux/bin/python3 /root/rewrite.py {names}")
    assert home.traces() == before
    assert by_the_kernel(home)["owner"]["name"] == "Fred Other!"  # type: ignore[index]
    assert home.config()["owner"]["name"] == "Fred Other!", "and Paradux itself, through the kernel"
    home.edit(owner={"name": "Fred Again!", "email": "fred@example.org", "fate": ["place:house"]})
    names = f"'{VAULT}' '{PASSPHRASE}' 'Fred Again!' 'Fred Myself'"
    home.guest.run(f"/usr/lib/paradux/bin/python3 /root/rewrite.py {names}")
    assert home.config()["owner"]["name"] == "Fred Myself"


def test_no_command_leaves_anything_mapped_or_mounted(home: House) -> None:
    """`test_units.py` looks after backup, verify, restore and drill."""
    before = home.traces()
    commands = [
        ["status"],
        ["show"],
        ["unlock"],
        ["lock"],
        ["stewards"],
        ["publish"],
        ["versions", "home"],
        ["create-steward-device", "--directory", "/root/kits", NAMES[0]],
        ["lock"],
    ]
    for command in commands:
        done = home.owner(*command, check=False)
        assert done.code in (0, 10, 20), f"{command}: {done.code} {done.out} {done.err}"
        assert home.traces() == before, f"after {command}"
    home.edit(inventory=[])
    assert home.traces() == before


@pytest.mark.parametrize("times", [pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=marks(HANDS))])
def test_a_killed_keeper_leaves_nothing_mapped(home: House, times: int) -> None:
    """Killed when it has mapped the vault to read it, or (`times`: 2) to save; what it had open is closed at once, and the vault opens."""
    before, config = home.traces(), home.config()
    home.guest.put("/root/kill.py", _KILL_WHILE_MAPPED.encode())
    for later in today((0.0, 0.1, 0.4), 1):
        home.guest.put(
            "/root/new.json", json.dumps({**config, "inventory": [{"name": f"killed {later} s later"}]}).encode()
        )
        home.ctl("lock")
        home.guest.run("paraductl --passphrase-file /root/passphrase edit --file /root/new.json >/dev/null 2>&1 &")
        seen = home.guest.run(f"python3 /root/kill.py {times} {later}", timeout=300).out.strip()
        assert later or seen == "mapped", "the keeper was killed while it had the vault mapped"
        home.guest.wait_for("! ls /dev/mapper | grep -q paradux-", "the mapping to be closed", 20)
        assert home.traces() == before
        config = home.config()
        assert by_the_kernel(home)["serial"] == config["serial"]
