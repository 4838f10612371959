"""The vault and the kernel: device-mapper, stock cryptsetup, and what a killed keeper leaves."""

from __future__ import annotations

import json

from tests.rig import PASSPHRASE
from tests.system.house import NAMES, VAULT, House

_OPEN = f"cryptsetup open --readonly --key-file - {VAULT} stock && mount -o ro,noload /dev/mapper/stock /mnt"
_CLOSE = "umount /mnt; cryptsetup close stock"
_USERSPACE = """
import sys
from pathlib import Path
from paraduxd.effects.vault import LockedVault, Mode
vault = LockedVault(Path(sys.argv[1]), Mode.USERSPACE).open(sys.argv[2].encode())
document = vault.document.replace(sys.argv[3].encode(), sys.argv[4].encode())
vault.save(document)
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
    before = home.traces()
    commands = [
        ["status"],
        ["show"],
        ["unlock"],
        ["lock"],
        ["stewards"],
        ["publish"],
        ["backup"],
        ["versions", "home"],
        ["verify"],
        ["create-steward-device", "--directory", "/root/kits", *NAMES[:2]],
        ["restore", "home", "--to", "/root/restored", "--from", "mirror"],
        ["lock"],
    ]
    for command in commands:
        done = home.owner(*command, check=False)
        assert done.code in (0, 10, 20), f"{command}: {done.code} {done.out} {done.err}"
        assert home.traces() == before, f"after {command}"
    home.edit(inventory=[])
    assert home.traces() == before
    assert home.guest.run("sha256sum /srv/source/* | cut -d' ' -f1 | sort").out == (
        home.guest.run("find /root/restored -type f | xargs sha256sum | cut -d' ' -f1 | sort").out
    )


def test_a_killed_keeper_leaves_nothing_mapped(home: House) -> None:
    """Killed at many moments of a save; what it had open is closed at once, and the vault opens."""
    before = home.traces()
    mapped = 0
    for delay in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0):
        text = json.dumps({**home.config(), "inventory": [{"name": f"killed after {delay}"}]})
        home.guest.put("/root/new.json", text.encode())
        home.ctl("lock")
        home.guest.run("paraductl --passphrase-file /root/passphrase edit --file /root/new.json >/dev/null 2>&1 &")
        # With the mapping open, if that comes in time: that is the moment that matters.
        home.guest.run(
            f"sleep {delay}; for n in $(seq 40); do ls /dev/mapper | grep -q paradux- && break; sleep 0.05; done",
            timeout=300,
        )
        seen = home.guest.run("ls /dev/mapper; pkill -KILL -f '[p]araduxd.keeper'", check=False)
        mapped += "paradux-" in seen.out
        home.guest.wait_for("! ls /dev/mapper | grep -q paradux-", "the mapping to be closed", 20)
        assert home.traces() == before
        assert home.config()["serial"] >= 1
        assert by_the_kernel(home)["owner"]
    assert mapped >= 2, "the keeper was killed while it had the vault mapped"
