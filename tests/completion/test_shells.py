"""Completion in the real shells, of the real program with a real daemon."""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraductl.completion import shells
from tests.commands.person import AtTerminal
from tests.rig import Installation, minimal_answers, running

PROGRAM = str(Path(sys.executable).with_name("paraductl"))

TYPED = {
    "paraductl whati": "whatif",
    "paraductl restore ho": "home",
    "paraductl backup home --destination mi": "mirror",
    "paraductl whatif --lose place:pa": "place:parents",
    "paraductl check wi": "with space.json",
    "paraductl --passphrase-file wi": "with space.json",
    "paraductl restore home --to fol": "folder/",
    "paraductl restore --fr": "--from",
}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("house")) as installation:
        (installation.root / "source").mkdir()
        installation.setup(minimal_answers(installation.root))
        yield installation


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home where the shells find nothing of the tester's, with things whose names can be completed."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "with space.json").touch()
    return tmp_path


def environment(home: Path, run: Path | str) -> dict[str, str]:
    names = {
        "HOME": str(home),
        "ZDOTDIR": str(home),
        "PARADUX_RUN": str(run),
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
        "PS1": "ready> ",
    }
    return {**names, "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}", "XDG_CONFIG_HOME": str(home)}


START = {
    "bash": (["bash", "--noprofile", "--norc", "-i"], "source {}"),
    "zsh": (["zsh", "-f", "-i"], "PS1='ready> '; bindkey -e; autoload -Uz compinit; compinit -D; source {}"),
}


@contextlib.contextmanager
def shell(name: str, home: Path, run: Path | str) -> Iterator[AtTerminal]:
    """An interactive shell that has read the script, as `paraductl completion` prints it."""
    script = home / "script"
    script.write_bytes(subprocess.run([PROGRAM, "completion", name], check=True, capture_output=True).stdout)
    command, first = START[name]
    with AtTerminal(["env", "-C", str(home), *command], environment(home, run)) as person:
        person.types(f"{first.format(shlex.quote(str(script)))}; printf 'here %s\\n' it-is\r")
        person.sees("here it-is")
        person.sees("ready> ")
        yield person


@pytest.mark.parametrize("name", START)
def test_completed_at_a_terminal(name: str, installation: Installation, home: Path) -> None:
    with shell(name, home, installation.run) as person:
        for typed, wanted in TYPED.items():
            person.types(f"{typed}\t\x01printf '<%s>' \r")  # printed instead of run
            person.sees(f"<{wanted.rstrip('/')}")  # zsh takes the last slash away
            person.sees("ready> ")


@pytest.mark.parametrize("name", START)
def test_no_daemon_no_names_no_error(name: str, home: Path) -> None:
    """Whether nobody listens, or somebody who never answers."""
    run = home / "run"
    run.mkdir(0o700)
    silent = socket.socket(socket.AF_UNIX)
    for place in (home / "nowhere", run):
        with silent if place == run else contextlib.nullcontext(), shell(name, home, place) as person:
            if place == run:
                silent.bind(str(run / "paraduxd.sock"))
                silent.listen()
            person.types("paraductl restore ho\t\x01printf '<%s>' \r")
            person.sees("<ho>")
            assert "rror" not in person.screen.decode() and "cannot" not in person.screen.decode()
            person.sees("ready> ")


def fish(line: str, home: Path, run: Path | str) -> list[str]:
    """What fish offers for a line; all that it prints."""
    script = subprocess.run([PROGRAM, "completion", "fish"], check=True, capture_output=True, text=True).stdout
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"{script}\ncomplete -C {shlex.quote(line)}"],
        env=environment(home, run), cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert not done.stderr, done.stderr
    return [each.partition("\t")[0] for each in done.stdout.splitlines()]


def test_completed_in_fish(installation: Installation, home: Path) -> None:
    for typed, wanted in TYPED.items():
        assert fish(typed, home, installation.run) == [wanted]
    assert fish("paraductl restore home --to=fol", home, installation.run) == ["--to=folder/"]
    assert {"status", "backup"} <= set(fish("paraductl ", home, installation.run))
    assert fish("paraductl restore ho", home, home / "nowhere") == []


def test_what_is_printed_asks_the_program_that_printed_it() -> None:
    for name in shells.SHELLS:
        said = subprocess.run([PROGRAM, "completion", name], check=True, capture_output=True, text=True).stdout
        assert f"{PROGRAM} --complete {name}" in said


def test_the_path_of_the_program_stays_one_word() -> None:
    assert "'/opt/my $(id)/paraductl' --complete" in shells.script("bash", "/opt/my $(id)/paraductl")
