"""Hostile strings stay data in every protocol: no shell is started, no file appears outside the stash, nothing is repeated.

A whole round through each protocol runs under strace, which sees every program that is started by anything.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.validation.validate import check
from paraduxd.keeper.config.protocol_plugins import capabilities_of
from paraduxd.protocols import registry
from paraduxd.protocols.base import Context
from paraduxd.testing import samples
from tests.hostile.places import PLACES, Place, Servers
from tests.hostile.strings import BYTES, LONG, MARK, NAMES, TEXTS
from tests.integration import sshd
from tests.protocols.archive.rig import new_keys
from tests.rig import minimal_answers
from tests.servers import ftp_servers, rclones, restic_servers

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "busybox", "csh", "fish"}
SLOW = {("restic-sftp", "bytes")}
"""What takes long and is seen on the way of others (`restic`, `rsync`)."""

STARTED = re.compile(r'execve\("(?P<program>(?:[^"\\]|\\.)*)"')
SHAPES = capabilities_of(registry.load(ROOT / "no-such-folder"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """All servers; their data lie below `stashes`."""
    folder = tmp_path_factory.mktemp("hostile")
    stashes = folder / "stashes"
    for name in ("ssh", "plain-s3/bucket"):
        (stashes / name).mkdir(parents=True)
    login = (f"--user={rclones.USER}", f"--pass={rclones.PASSWORD}")
    keys = (f"--auth-key={rclones.KEY},{rclones.SECRET}", "--vfs-cache-mode=off")
    with contextlib.ExitStack() as stack:
        yield Servers(
            sshd=stack.enter_context(sshd.running(stashes / "ssh")),
            s3=stack.enter_context(restic_servers.rclone_s3(stashes / "s3")),
            rest=stack.enter_context(restic_servers.rclone_rest(stashes / "rest")),
            plain_s3=stack.enter_context(rclones.serving("s3", stashes / "plain-s3", keys)),
            webdav=stack.enter_context(rclones.serving("webdav", stashes / "webdav", login)),
            ftps=stack.enter_context(ftp_servers.pyftpdlib(stashes / "ftps", secure=True)),
            folder=folder,
        )


@pytest.fixture
def servers(running: Servers) -> Iterator[Servers]:
    """The servers, and at the end nothing that a string has made, nor anything new beside `stashes`."""
    yield running
    assert [path.name for path in running.folder.iterdir()] == ["stashes"]
    assert [path for place in (Path.cwd(), Path("/"), Path.home()) for path in place.glob(MARK)] == []
    assert list(running.stashes.rglob(MARK)) == []


def go_round(servers: Servers, place: Place, folder: Path) -> dict[str, Any]:
    """A round under strace; gives how it went. Fails when a shell was started, or something was left elsewhere."""
    (folder / "tmp").mkdir()
    (folder / "cwd").mkdir()
    keys = new_keys()
    order = {
        "place": dataclasses.asdict(place),
        "folder": str(folder),
        "secret": "repository password",
        "keys": {**dataclasses.asdict(keys)},
    }
    log = folder / "strace"
    command = ["strace", "-f", "--seccomp-bpf", "-qq", "-s", "9999", "-e", "trace=execve,execveat", "-o", str(log)]
    done = subprocess.run(
        [*command, sys.executable, "-m", "tests.hostile.cycle"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        cwd=folder / "cwd",
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "cwd"),
            "TMPDIR": str(folder / "tmp"),
            "PYTHONPATH": str(ROOT),
        },
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    programs = [match["program"] for match in map(STARTED.search, log.read_text().split("\n")) if match]
    assert programs, "strace saw nothing"
    assert [program for program in programs if Path(program).name in SHELLS] == []
    assert [str(path) for name in ("tmp", "cwd") for path in (folder / name).iterdir()] == []
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def write_data(staging: Path) -> None:
    for number, name in enumerate((*NAMES, BYTES, "x" * 255)):
        samples.write_files(staging / f"in {number}", 1)
        (staging / name).write_text(f"content {number}")


@pytest.mark.parametrize("protocol", PLACES)
def test_a_path_of_hostile_names_is_that_path(servers: Servers, tmp_path: Path, protocol: str) -> None:
    write_data(tmp_path / "staging")
    place = PLACES[protocol](servers, f"{protocol}/{'/'.join(NAMES)}")
    assert go_round(servers, place, tmp_path) == {"ok": True}
    assert list(tmp_path.rglob(MARK)) == []


@pytest.mark.parametrize(
    ("protocol", "name"), [(each, name) for each in PLACES for name in ("bytes", "long") if (each, name) not in SLOW]
)
def test_a_path_that_a_place_cannot_have_is_told_in_one_sentence(
    servers: Servers, tmp_path: Path, protocol: str, name: str
) -> None:
    write_data(tmp_path / "staging")
    try:
        place = PLACES[protocol](servers, f"{protocol}/{BYTES if name == 'bytes' else LONG}")
        registry.find(place.protocol).settings.model_validate(place.settings)
    except (UnicodeError, ValidationError, OSError):
        return
    found = go_round(servers, place, tmp_path)
    assert found == {"ok": True} or ("\n" not in found["message"] and not found["message"].endswith("."))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the strings of a document are."""
    if isinstance(value, str):
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from leaves(inner, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], text: str) -> Any:
    """The document with another string at one place."""
    if not path:
        return text
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], text)
    return copy


@pytest.mark.parametrize("protocol", PLACES)
def test_any_string_of_a_stash_is_refused_or_stays_data(
    servers: Servers, tmp_path: Path, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credentials and addresses that cannot be right fail as one sentence that does not repeat them."""
    started: list[list[str]] = []
    start = subprocess.Popen.__init__

    def spy(self: Any, command: Any, *more: Any, **options: Any) -> None:
        assert not options.get("shell")
        started.append([os.fsdecode(word) for word in command])
        start(self, command, *more, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", spy)
    monkeypatch.chdir(tmp_path)
    place = PLACES[protocol](servers, f"{protocol}-strings")
    model = registry.find(place.protocol)
    for path in leaves(place.settings):
        for text in TEXTS:
            started.clear()
            with contextlib.suppress(ValidationError):
                settings = model.settings.model_validate(replaced(place.settings, path, text))
                _look(model, settings, place, text if path[0] == "credentials" and len(text) > 5 else None)
            for words in started:
                assert Path(words[0]).name not in SHELLS
                if path[0] == "credentials" and len(text) > 5:
                    assert not any(text in word for word in words), "a credential on a command line"
    assert [path.name for path in tmp_path.iterdir()] == []


def _look(protocol: Any, settings: Any, place: Place, secret: str | None) -> None:
    context = Context("photos", "cloud", host_keys=place.host_keys, secret="repository password", **place.more())
    try:
        if place.archive:
            protocol.blobs(settings, context).list()
        else:
            protocol.destination(settings, context).versions()
    except ParaduxError as problem:
        told = json.dumps(problem.to_wire(), ensure_ascii=False)
        assert secret is None or secret not in told, "an error repeats a credential"
        assert "\n" not in problem.message


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_any_string_of_a_config_is_checked_without_harm_and_never_repeated(servers: Servers, text: str) -> None:
    document = {**minimal_answers(Path("/srv")), "inventory": [{"name": "x", "password": "y", "notes": "z"}]}
    destinations = [
        {"id": f"d{number}", **place.settings, "protocol": place.protocol, "window": "22:00-06:00", "bandwidth": "2M"}
        | ({"encryption": "gpg"} if place.archive else {})
        for number, place in enumerate(make(servers, f"own/{name}") for name, make in PLACES.items())
    ]
    document["datasets"][0]["destinations"] = destinations
    assert check(json.dumps(document), SHAPES, answers=True).valid
    for path in leaves(document):
        found = check(json.dumps(replaced(document, path, text)), SHAPES, answers=True)
        told = " ".join(str(problem) for problem in found.problems)
        assert len(text) < 6 or text not in told, path
        assert MARK not in told, path
