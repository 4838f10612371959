"""Kits, sticks, recovery and rotation."""

from __future__ import annotations

import fcntl
import json
import shutil

from tests.golden.make_state import ROOT
from tests.golden.test_state import STATES
from tests.hunt.answers import STEWARDS
from tests.hunt.expected import Rule
from tests.hunt.house import House
from tests.hunt.situations import situation

LAST = "recover on a blank machine"


def write_kits(house: House) -> None:
    """Kits of everybody in folders."""
    house.paradux.owner("create-steward-device", "--all", "--erase", "--directory", str(house.root / "kits"))


@situation("kits into folders")
def folders(house: House) -> None:
    write_kits(house)
    house.locked()


@situation("a kit into a folder that has no room")
def no_room(house: House) -> None:
    house.paradux.owner("create-steward-device", "alice", "--directory", str(house.root / "tiny/alice"), check=False)
    shutil.rmtree(house.root / "tiny/alice", ignore_errors=True)
    house.locked()


@situation("kits onto sticks")
def sticks(house: House) -> None:
    client = house.client("create-steward-device", *STEWARDS, "--erase")
    for name in STEWARDS:
        house.wait_for_log(f"nsert {name.title()}'s stick")
        house.plug_in(name)
        house.wait_for_log(f"{name.title()}'s kit is written and read back")
    house.finish(client)
    for name in STEWARDS:
        house.pull_out(name)
    house.locked()


@situation("a stick is pulled out while it is written")
def pulled_out(house: House) -> None:
    client = house.client("create-steward-device", "bob", "--erase")
    house.wait_for_log("nsert Bob's stick")
    shutil.rmtree(house.root / "sticks" / "bob", ignore_errors=True)  # so that what appears there is being written
    stick = house.plug_in("bob")
    house.wait_for_log("bob was plugged in")
    house.wait_for_file(stick / "PARADUX", or_else=lambda: client.poll() is not None)
    house.pull_out("bob")
    house.locked()
    house.finish(client)


@situation("recover: a forgotten passphrase")
def forgotten(house: House) -> None:
    write_kits(house)
    house.locked()
    house.new_passphrase("passphrase after a recovery")
    new = house.file("recovered", house.passphrase)
    words = house.file("words", house.share("alice"))
    house.paradux.ctl("--passphrase-file", new, "recover", "--words", words, "--kit", house.kit("bob"))
    house.paradux.passphrase_file.write_text(house.passphrase + "\n")
    house.locked()


@situation("recover: not enough, wrong words")
def not_enough(house: House) -> None:
    write_kits(house)
    wrong = " ".join(sorted(house.share("alice").split()))
    house.paradux.owner("recover", "--words", house.file("words", wrong), check=False)
    house.paradux.owner("recover", "--words", house.file("words", house.share("alice")), check=False)
    house.paradux.owner("recover", "--cancel", check=False)
    house.locked()


@situation("drill with kits")
def drill(house: House) -> None:
    write_kits(house)
    house.paradux.ctl("backup", check=False)
    kits = ["--kit", house.kit("alice"), "--kit", house.kit("carol")]
    house.paradux.ctl("drill", *kits, "--scratch", str(house.fresh("scratch-kits")), check=False)
    house.locked()


@situation(
    "rotate, and give it up",
    Rule(r"(?:file|written): .*recovery-key-.*", lambda canary, _: "published" in canary.tags, "as of any epoch"),
)
def rotate(house: House) -> None:
    house.paradux.owner("rotate")
    house.hide_rotation()
    house.search()
    house.paradux.owner("create-steward-device", "alice", "--erase", "--directory", str(house.root / "kits/alice"))
    house.paradux.owner("rotate", "--cancel")
    house.locked()


@situation("a vault of an earlier version is upgraded")
def upgrade(house: House) -> None:
    with ROOT.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with house.golden(STATES[0], ROOT) as machine:
            config = json.loads(machine.owner("--json", "show", "--secrets").stdout)
            house.printed.pop()
            house.hide_config(config["managed"], " of an earlier version")
            machine.owner("unlock")
            machine.ctl("backup", check=False)
            machine.ctl("lock")


@situation(LAST)
def blank(house: House) -> None:
    """The machine that is recovered takes over, and this one is none any more: nothing can come after."""
    write_kits(house)
    house.locked()
    new = house.file("blank", house.secret("passphrase of the recovered machine", '"\\ '))
    kits = ["--kit", house.kit("alice"), "--kit", house.kit("bob")]
    with house.another(house.root / "blank") as machine:
        machine.ctl("--passphrase-file", new, "recover", *kits, check=False)
        machine.ctl("--passphrase-file", new, "lock", check=False)
    house.start()
