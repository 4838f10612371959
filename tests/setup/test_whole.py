"""A whole setup at a real terminal: interrupted, gone on with, saved; and no secret anywhere on the way."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.commands.person import files_with
from tests.integration import sshd as ssh_server
from tests.rig import PASSPHRASE, Installation
from tests.servers import ftp_servers
from tests.setup.at_terminal import WHO, AtSetup, kept


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_a_lost_connection_loses_nothing(fresh: Installation, tmp_path: Path, term: str) -> None:
    with AtSetup(fresh, tmp_path, term=term) as person:
        person.answers(WHO[:7])
        person.sees("Where does Alice")
        person.hangs_up()
        person.ends()
    with AtSetup(fresh, tmp_path, term=term) as person:
        person.answers([("tart anew", "g"), ("Where does Alice", "<"), ("Telephone number", "+1 555 0100")])
        person.sees("Where does Alice")
        person.types("\x03")
        person.sees("your answers are kept")
        assert person.ends() == 1
    answers = json.loads(kept(tmp_path).read_text())["answers"]
    assert (answers["owner.name"], answers["stewards.1.phone"]) == ("Fred", "+1 555 0100")


def test_nothing_breaks_inside_a_word(fresh: Installation, tmp_path: Path) -> None:
    with AtSetup(fresh, tmp_path, term="dumb", columns=40) as person:
        shown = person.before("Your name").decode()
    assert max(map(len, shown.replace("\r", "\n").split("\n"))) <= 40
    assert "Nothing is saved before you have seen it and said yes." in " ".join(shown.split())


def test_the_library_is_loaded_by_setup_only() -> None:
    program = (
        "import pkgutil, importlib, sys, paraductl, paraductl.main\n"
        "for each in pkgutil.walk_packages(paraductl.__path__, 'paraductl.'):\n"
        "    if not each.name.startswith('paraductl.setup'): importlib.import_module(each.name)\n"
        "assert 'paraductl.commands.setup' in sys.modules and 'prompt_toolkit' not in sys.modules\n"
        "import paraductl.setup.prompt_library\n"
        "assert 'prompt_toolkit' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_from_the_first_question_to_a_saved_config(
    fresh: Installation, sshd: ssh_server.Server, ftps: ftp_servers.FtpServer, tmp_path: Path
) -> None:
    """The last test of this module: the daemon is set up afterwards."""
    began = time.time()
    source, key = tmp_path / "source", tmp_path / "key"
    source.mkdir()
    (source / "a").write_text("a\n")
    key.write_text(sshd.private_key)
    key.chmod(0o600)
    published = f"ftps://fred@127.0.0.1:{ftps.port}/published"
    login = ("Password there", ftp_servers.PASSWORD)
    with AtSetup(fresh, tmp_path, columns=80) as person:
        person.answers([*WHO, ("folder", published), ("Password there", "canary-of-mine"), ("Trust it", "y")])
        person.answers([("[t]ry again", "c"), ("folder", ""), login, ("be lost?", "place:friend")])
        person.answers([("login for stewards", published), login])
        person.answers([("folder", f"{tmp_path}/parents"), ("be lost?", "place:parents"), ("folder", "")])
        person.answers([("folder", str(source)), ("look there", "")])
        person.answers([("folder", sshd.url("sftp", tmp_path / "repository")), ("be used", "1")])
        person.answers(
            [("private key", str(key)), ("Trust it", "y"), ("write there", ""), ("be lost?", "place:friend")]
        )
        person.answers([("folder", ""), ("folder", ""), ("Address", "")])
        assert b"warning" not in person.before("Save this?")
        person.answers([("[a]bort", "y"), ("New passphrase", PASSPHRASE), ("The same again", PASSPHRASE)])
        person.sees("2 of 2 metadata stashes have serial 1.")
        assert person.ends() == 0
    assert not kept(tmp_path).exists()
    config = fresh.config()
    assert len(config["managed"]["hosts"]) == 2, "what was accepted while asking is pinned"
    assert config["datasets"][0]["destinations"][0]["credentials"]["private_key"] == sshd.private_key
    for secret in ("canary-of-mine", ftp_servers.PASSWORD):
        found = files_with(secret, [tmp_path, fresh.run, fresh.log.parent], began)
        assert [each for each in found if "transport" not in each.parts] == []
    fresh.owner("backup")
