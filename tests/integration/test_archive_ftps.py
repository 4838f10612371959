"""An encrypted archive and the published config on an FTPS server whose certificate no authority vouches for, with a whole Paradux."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.rig import Installation, fill, minimal_answers
from tests.servers.ftp_servers import PASSWORD, FtpServer, pyftpdlib

pytestmark = pytest.mark.slow

Json = dict[str, Any]


@dataclass
class Home:
    """A Paradux whose friend has an FTPS server."""

    paradux: Installation
    server: FtpServer
    root: Path

    @property
    def host(self) -> str:
        return f"{self.server.host}:{self.server.port}"

    def place(self, path: str) -> Json:
        url = f"ftps://fred@{self.host}/{path}"
        return {"protocol": "ftps", "url": url, "credentials": {"password": PASSWORD}, "fate": ["place:web"]}

    def answers(self) -> Json:
        answers = minimal_answers(self.root)
        answers["metadata_stashes"].append({"id": "web", **self.place("meta")})
        answers["datasets"][0]["destinations"].append({"id": "web", "encryption": "gpg", **self.place("archive")})
        return answers

    def web(self) -> Json:
        (dataset,) = self.paradux.status()["datasets"]
        found: Json = next(each for each in dataset["destinations"] if each["id"] == "web")
        return found

    def objects(self) -> set[str]:
        return {str(path.relative_to(self.server.folder)) for path in self.server.folder.rglob("*") if path.is_file()}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    fill(tmp_path / "source")
    with pyftpdlib(tmp_path / "friend", secure=True) as server:
        paradux = Installation(tmp_path)
        try:
            paradux.start()
            yield Home(paradux, server, tmp_path)
        finally:
            if paradux.daemon is not None:
                paradux.daemon.kill()
                paradux.daemon.wait()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_from_the_first_contact_to_a_recovery(home: Home, tmp_path: Path) -> None:
    said = home.paradux.setup(home.answers())
    assert home.host in said.stdout + said.stderr and "SHA256:" in said.stdout + said.stderr, (
        "the owner sees what is trusted"
    )
    assert home.paradux.config()["managed"]["hosts"][home.host] == list(home.server.pins)
    home.paradux.ctl("backup", "home")
    home.paradux.ctl("verify", "home")
    assert home.web()["versions"] == 1 and any(name.startswith("archive/") for name in home.objects())
    home.paradux.owner("restore", "home", "--to", str(tmp_path / "back"), "--from", "web")
    assert contents(tmp_path / "back") == contents(tmp_path / "source")
    assert PASSWORD.encode() not in b"".join(
        path.read_bytes() for path in home.server.folder.rglob("*") if path.is_file()
    )

    kits = tmp_path / "kits"
    home.paradux.owner("create-steward-device", "--all", "--directory", str(kits))
    home.paradux.owner(
        "edit",
        "--file",
        "-",
        text=json.dumps({**home.paradux.config(), "inventory": [{"name": "newer than the kits"}]}),
    )
    home.paradux.stop()
    for folder in (home.paradux.state, tmp_path / "nas", tmp_path / "office"):
        shutil.rmtree(folder, ignore_errors=True)
    home.paradux.start()
    home.paradux.owner("recover", "--kit", str(kits / "alice"), "--kit", str(kits / "bob"), text="1\n")
    assert home.paradux.config()["inventory"] == [{"name": "newer than the kits"}], (
        "the newest config was on the FTPS server only"
    )


def test_another_certificate_stops_everything_until_it_is_accepted(home: Home, tmp_path: Path) -> None:
    home.paradux.setup(home.answers())
    home.paradux.ctl("backup", "home")
    before = home.objects()
    home.server.die()
    shutil.rmtree(tmp_path / "friend/tls")
    with pyftpdlib(tmp_path / "friend", secure=True, port=home.server.port) as renewed:
        (tmp_path / "source/new.txt").write_text("new")
        refused = home.paradux.ctl("backup", "home", check=False)
        assert (
            refused.returncode == 1
            and f"{home.host} shows another certificate than the one that was accepted" in refused.stderr
        )
        assert home.objects() == before, "nothing was sent"
        assert "certificate" in str(home.web()["error"]), "and status says so"

        config = home.paradux.config()
        del config["managed"]["hosts"][home.host]
        said = home.paradux.edit(config)
        assert "SHA256:" in said.stdout + said.stderr
        assert home.paradux.config()["managed"]["hosts"][home.host] == list(renewed.pins) != list(home.server.pins)
        home.paradux.ctl("backup", "home")
        assert home.web()["versions"] == 2
