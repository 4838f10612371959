"""Hostile strings in a config stay data, through every protocol and the whole of Paradux: set up, back up, restore, compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.integration import sshd as real
from tests.rig import Installation, fill, minimal_answers, running
from tests.rigs.starts import Starts, command_line
from tests.width import today

MARK = "pwned-by-paradux"

NAMES = [
    f"$(touch {MARK})",
    f"`touch {MARK}`",
    f"; touch {MARK} #",
    f"'\"\\\" && touch {MARK} '",
    "-rf",
    "--rsync-path=sh",
    "%41%n%s",
    "star * and ? and [a-z] and {b,c}",
    "ünïcödé \u202e rtl",
    "x" * 200,
]


def hostile_answers(root: Path, name: str, server: real.Server) -> dict[str, Any]:
    """Every address, pattern and text of the config holds the name."""
    base = minimal_answers(root)
    login = {"private_key": server.private_key}

    def file_url(part: str) -> str:
        return "file://" + quote(f"{root}/{part}/{name}")

    dataset = {
        "id": "home",
        "description": name,
        "source": {
            "protocol": "rsync",
            "url": server.url("rsync+ssh", root / "source" / name),
            "credentials": login,
            "every": "1d",
            "exclude": [f"{name}.excluded"],
        },
        "staging": f"{root}/staging/{name}",
        "destinations": [
            {"id": "disk", "protocol": "disk", "url": file_url("disk"), "every": "1d"},
            {"id": "restic", "protocol": "restic", "repository": f"{root}/restic/{name}", "every": "1d"},
            {
                "id": "rsync",
                "protocol": "rsync",
                "url": server.url("rsync+ssh", root / "remote" / name),
                "credentials": login,
                "every": "1d",
            },
        ],
    }
    stashes = [
        {"id": "nas", "protocol": "disk", "url": file_url("nas")},
        {"id": "friend", "protocol": "sftp", "url": server.url("sftp", root / "friend" / name), "credentials": login},
    ]
    inventory = [{"name": name, "username": name, "password": name, "notes": f"{name}\n{name}"}]
    owner = {**base["owner"], "name": name, "address": name}
    return {**base, "owner": owner, "datasets": [dataset], "metadata_stashes": stashes, "inventory": inventory}


class Shells(Starts):
    """While it is open, `seen` takes every shell of this machine that is started with one of the names in its arguments."""

    def __init__(self) -> None:
        super().__init__(self._note)
        self.seen: list[bytes] = []

    def _note(self, pid: int) -> None:
        arguments = command_line(pid).split(b"\0")
        # sshd itself starts the login shell with the words of the client; rsync's are fixed there (--server).
        is_shell = arguments[0].rsplit(b"/", 1)[-1] in (b"sh", b"bash", b"dash")
        if is_shell and any(MARK.encode() in argument for argument in arguments):
            self.seen.append(b" ".join(arguments))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("name", today(NAMES, 3), ids=NAMES.index)
def test_a_hostile_name_goes_through_every_protocol(tmp_path: Path, sshd: real.Server, name: str) -> None:
    source = tmp_path / "source" / name
    fill(source)
    (source / name).write_text("a file of that name")
    (source / f"{name}.excluded").write_text("left out")
    for part in ("disk", "restic", "remote", "nas", "friend"):
        (tmp_path / part).mkdir()
    with Shells() as shells, running(tmp_path, own_workers=True) as paradux:
        paradux.setup(hostile_answers(tmp_path, name, sshd))
        paradux.ctl("backup")
        for destination in ("disk", "restic", "rsync"):
            back = tmp_path / "back" / destination
            paradux.ctl("restore", "home", "--to", str(back), "--from", destination)
            restored = contents(back)
            assert restored[name] == b"a file of that name"
            # The exclusion is a pattern, in which [a-z] stands for one letter and not for itself.
            assert len(restored) == (14 if "[a-z]" in name else 13)
        assert all(stash["current"] for stash in paradux.status()["metadata_stashes"])
        assert paradux.config()["inventory"][0]["password"] == name
    assert shells.seen == []
    assert {path.name for path in (tmp_path / "friend" / name).iterdir()} >= {"config-1-1.gpg"}
    strays = [*tmp_path.rglob(MARK), *Path.cwd().glob(MARK), *Path("/").glob(MARK), *Path.home().glob(MARK)]
    assert strays == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"id": "$(touch x)"}, "datasets[0].id"),
        ({"id": "-rf"}, "datasets[0].id"),
        ({"id": "../up"}, "datasets[0].id"),
        ({"description": "two\nlines"}, "datasets[0].description"),
        ({"staging": "relative"}, "datasets[0].staging"),
    ],
)
def test_what_could_never_be_right_is_refused_with_its_place(tmp_path: Path, change: dict[str, str], path: str) -> None:
    with running(tmp_path, own_workers=True) as paradux:
        fill(tmp_path / "source")
        answers = minimal_answers(tmp_path)
        answers["datasets"][0] |= change
        refused = paradux.setup(answers, check=False)
        assert refused.returncode == 5
        assert path in refused.stderr
        assert not (paradux.state / "vault.luks").exists()


def test_the_hosts_of_addresses_cannot_be_options(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    answers = minimal_answers(tmp_path)
    for host in ("-oProxyCommand=touch", "a b", "$(touch x)", "host;x"):
        answers["metadata_stashes"][0] = {"id": "friend", "protocol": "sftp", "url": f"sftp://fred@{quote(host)}/x"}
        file = tmp_path / "answers.json"
        file.write_text(json.dumps(answers))
        refused = installation.ctl("check", str(file), check=False)
        assert refused.returncode == 5, host
        assert "metadata_stashes[0].url" in refused.stdout + refused.stderr
