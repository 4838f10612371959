"""Editing: saved, cancelled, wrong, too late, crashed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from tests.hunt.expected import Rule
from tests.hunt.house import House
from tests.hunt.situations import situation
from tests.integration import sshd

EDITOR = """#!{python} -I
import json, os, pathlib, signal, sys, time
path = pathlib.Path(sys.argv[-1])
new = pathlib.Path({new!r}).read_text()
document = json.loads(path.read_text())
document["inventory"].append({{"name": "new", "password": new, "notes": new}})
path.write_text(json.dumps(document))
path.with_suffix(".swp").write_text(new)
pathlib.Path({ready!r}).touch()
{end}
"""
WAIT = "while not os.path.exists({go!r}): time.sleep(0.02)"


def config(house: House) -> dict[str, Any]:
    """The config, read where nothing is searched."""
    found = house.paradux.config()
    house.printed.pop()
    return found


def edit_with(house: House, name: str, end: str) -> int:
    """`edit` with an editor that adds a secret, and then ends like this; its exit code."""
    house.secret_file(name)
    client = start_edit(house, name, end)
    return house.finish(client)


def start_edit(house: House, name: str, end: str) -> Any:
    house.given.joinpath("ready").unlink(missing_ok=True)
    script = house.given / "editor"
    places = {"new": str(house.given / name), "ready": str(house.given / "ready")}
    script.write_text(EDITOR.format(python=sys.executable, end=end, **places))
    script.chmod(0o700)
    return house.client("edit", env={"EDITOR": str(script)})


@situation("edit, saved")
def saved(house: House) -> None:
    assert edit_with(house, "password of an edit", "") == 0
    document = config(house)
    document["inventory"] = document["inventory"][:1]
    house.paradux.edit(document)


@situation("edit, saved in the authorized time")
def saved_while_open(house: House) -> None:
    house.paradux.owner("unlock", "--for", "5m")
    document = config(house)
    document["owner"]["phone"] = house.secret("telephone number of the owner", tags=("shown", "kit"))
    house.paradux.edit(document)
    house.locked()


@situation("edit, given up")
def given_up(house: House) -> None:
    assert edit_with(house, "password of an edit that was given up", "sys.exit(1)") == 1
    house.locked()


@situation("edit, the editor crashes")
def crashed(house: House) -> None:
    end = "os.kill(os.getpid(), signal.SIGSEGV)"
    assert edit_with(house, "password of a crashed editor", end) == 1
    house.locked()


@situation("edit, invalid")
def invalid(house: House) -> None:
    document = config(house)
    for number, (path, value) in enumerate(WRONG):
        secret = house.secret(f"password at a wrong place {number}", "\"\\' %")
        target = document
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = json.loads(json.dumps(value).replace("SECRET", json.dumps(secret)[1:-1]))
    text = json.dumps(document)
    assert house.paradux.edit(document, check=False).returncode == 5
    house.paradux.owner("edit", "--file", "-", text=text[: len(text) - 9], check=False)
    house.paradux.ctl("check", house.file("broken.json", text), check=False)
    house.paradux.ctl("--json", "check", "-", text=text, check=False)
    house.locked()


@situation("a protected ssh key is refused")
def protected_key(house: House) -> None:
    phrase = house.secret("passphrase of an ssh key", "", "dataset.docs.sftp.json")
    document = config(house)
    credentials = {"private_key": sshd.make_key(house.fresh("given/protected"), passphrase=phrase), "password": phrase}
    document["datasets"][0]["destinations"][3]["credentials"] = credentials
    house.paradux.edit(document, check=False)
    house.paradux.ctl("backup", "docs", "--destination", "sftp", "--push-only", check=False)
    house.told()
    document = config(house)
    credentials = {"private_key": house.servers.keys["sftp"]}
    document["datasets"][0]["destinations"][3]["credentials"] = credentials
    house.paradux.edit(document, check=False)
    house.locked()


WRONG: tuple[tuple[tuple[Any, ...], Any], ...] = (
    (("inventory", 0, "password"), ["SECRET"]),
    (("datasets", 0, "destinations", 1, "credentials"), "SECRET"),
    (("datasets", 0, "destinations", 5, "credentials", "password"), "SECRET\n"),
    (("datasets", 0, "destinations", 6, "url"), "ftps://fred:SECRET@127.0.0.1/x"),
    (("datasets", 0, "destinations", 14, "repository"), "rest:http://fred:SECRET@[127.0.0.1/x"),
    (("notify", 0), "mailto//SECRET"),
    (("policy", "unlock_for"), "SECRET"),
)
"""A secret of the wrong type, too long, or where none belongs."""


@situation("edit, somebody else was faster")
def conflict(house: House) -> None:
    house.secret_file("password of a late edit")
    go = house.given / "go"
    go.unlink(missing_ok=True)
    client = start_edit(house, "password of a late edit", WAIT.format(go=str(go)))
    house.wait_for_file(house.given / "ready")
    document = config(house)
    document["owner"]["address"] = "elsewhere"
    house.paradux.edit(document)
    go.touch()
    assert house.finish(client) == 1
    house.locked()


@situation("edit, the client is killed")
def client_killed(house: House) -> None:
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
        name = f"password of a client killed by {number}"
        house.secret_file(name)
        client = start_edit(house, name, "time.sleep(60)")
        house.wait_for_file(house.given / "ready")
        os.kill(client.pid, number)
        house.finish(client)
    house.locked()


@situation(
    "unattended transfers off and on",
    Rule(
        r"file: /dev/shm/paradux-transport-\d+-\w+/(.+)",
        lambda c, n: f"transport:{n}" in c.tags,
        "without them, transport files are in memory",
    ),
)
def attended(house: House) -> None:
    document = config(house)
    document["policy"]["unattended"] = False
    house.paradux.edit(document)
    assert not list((house.paradux.state / "transport").glob("*"))
    house.search()
    document = config(house)
    document["policy"]["unattended"] = True
    house.paradux.edit(document)
    assert not list(Path("/dev/shm").glob(f"paradux-transport-{os.getuid()}-{house.transport_hash()}"))


@situation("the client runs out of memory, files and processes")
def limits(house: House) -> None:
    text = json.dumps(config(house))
    prlimit = shutil.which("prlimit")
    assert prlimit
    for limit in ("--as=90000000", "--as=60000000", "--nofile=5", "--fsize=0", "--cpu=1"):
        house.finish(house.client("edit", "--file", "-", limits=(prlimit, limit)), text)
    house.locked()
