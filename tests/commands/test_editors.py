"""Real editors with the worst settings, at a real terminal: no file anywhere holds the text, whatever dies when."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.commands.person import Person, files_with, wait_until_gone

SHM = Path("/dev/shm")

HOSTILE_VIMRC = """\
set nocompatible backup writebackup backupdir=~/keep swapfile updatecount=1 updatetime=1 directory=~/keep
set undofile undodir=~/keep viminfo='100,<1000,h,n~/.viminfo history=1000
autocmd BufReadPost * setlocal swapfile
"""
HOSTILE_NANORC = """\
set backup
set backupdir "~/keep"
set historylog
set positionlog
set locking
"""

MACHINES = {
    "as it is": (),
    "as an ordinary user": ("unshare", "--user", "--map-user=12345", "--map-group=12345"),
    "where namespaces are refused": (
        *("unshare", "--user", "--map-root-user", "sh", "-c"),
        'echo 0 >/proc/sys/user/max_mnt_namespaces; exec "$@"',
        "sh",
    ),
}
VIM = (":g/canary/normal yyA \r:%s/Fred Myself/Fred Other/\r:w\r", ":q\r")
NANO = ("\x17Myself\rX\x0f\r", "\x18")
ED = ("/Myself/s//Other/\nw\n", "q\n")


@pytest.fixture(params=MACHINES)
def around(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The command that makes this machine like the named one."""
    words = MACHINES[request.param]
    if words and subprocess.run(["unshare", "-Ur", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this kernel refuses namespaces, so that `as it is` shows what happens then")
    return words


@pytest.fixture
def canary() -> str:
    return f"canary-{secrets.token_hex(8)}"


@pytest.fixture
def home(canary: str) -> Iterator[Path]:
    """A home with settings that keep everything they can."""
    started = time.time()
    with tempfile.TemporaryDirectory(prefix="paradux-home-") as name:
        home = Path(name)
        (home / ".vimrc").write_text(HOSTILE_VIMRC)
        (home / ".nanorc").write_text(HOSTILE_NANORC)
        (home / "keep").mkdir()
        (home / "tmp").mkdir()
        yield home
        assert files_with(canary, [home, SHM, Path("/tmp"), Path("/var/tmp"), Path.cwd() / "tests"], started) == []
    assert ours_in_memory() <= living_folders()


def ours_in_memory() -> set[Path]:
    return set(SHM.glob("paradux-edit-*"))


def living_folders() -> set[Path]:
    """Those of other tests, or of people, that are in use right now."""
    return {path for path in ours_in_memory() if Path("/proc", path.name.split("-")[2]).exists()}


@pytest.fixture
def at_terminal(home: Path, canary: str, around: tuple[str, ...]) -> Callable[[str], Person]:
    """Start `paraductl edit` with this editor."""

    def start(editor: str) -> Person:
        environment = {"HOME": str(home), "TMPDIR": str(home / "tmp"), "EDITOR": editor, "VISUAL": ""}
        person = Person(["edit"], canary, environment, around)
        person.sees("Passphrase: ")
        person.types(canary + "\r")
        return person

    return start


@pytest.mark.parametrize(
    ("editor", "opened", "keys"),
    [
        ("vim", "Fred Myself", VIM),
        ("vi -R -c 'set noreadonly'", "Fred Myself", VIM),
        ("nano", "Fred Myself", NANO),
        ("ed -p ready", "ready", ED),
    ],
    ids=["vim", "vi", "nano", "ed"],
)
def test_editing_leaves_no_trace(
    at_terminal: Callable[[str], Person], home: Path, canary: str, editor: str, opened: str, keys: tuple[str, str]
) -> None:
    with at_terminal(editor) as person:
        person.sees(opened)
        person.types(keys[0])
        person.types(keys[1])
        person.sees("Save this?")
        assert files_with(canary, [home, SHM], 0.0) == []
        person.types("y\r")
        person.sees("[exit code 0, owner Fred ")
        assert not person.screen.startswith(b"Myself")


def wait_for_change(person: Person) -> None:
    """Until the editor has the text: all of them print the owner's name at once, or the size of the file."""
    person.sees("Fred Myself")


@pytest.mark.parametrize(("editor", "keys"), [("vim", ":%s/Myself/Other/\r"), ("nano", "more text")])
def test_while_the_editor_is_open_nothing_is_on_a_disk(
    at_terminal: Callable[[str], Person], home: Path, canary: str, editor: str, keys: str
) -> None:
    with at_terminal(editor) as person:
        wait_for_change(person)
        person.types(keys)
        person.sees("O" if editor == "vim" else "more")
        assert files_with(canary, [home, Path("/tmp"), Path("/var/tmp")], time.time() - 60) == []
        below = person.children()
        person.process.send_signal(signal.SIGKILL)
        wait_until_gone(below)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("editor", ["vim", "nano"])
def test_the_client_is_killed_while_the_editor_is_open(
    at_terminal: Callable[[str], Person], editor: str, number: int
) -> None:
    with at_terminal(editor) as person:
        wait_for_change(person)
        below = person.children()
        assert below
        person.process.send_signal(number)
        wait_until_gone(below)
        assert ours_in_memory() <= living_folders()


@pytest.mark.parametrize("editor", ["vim", "nano", "ed -p ready"])
def test_the_window_is_closed_while_the_editor_is_open(
    at_terminal: Callable[[str], Person], home: Path, canary: str, editor: str
) -> None:
    with at_terminal(editor) as person:
        if editor.startswith("ed"):
            person.sees("ready")
            person.types("/Myself/s//Other/p\n")
            person.sees("Fred Other")
        else:
            wait_for_change(person)
        below = person.children()
        person.hangs_up()
        wait_until_gone(below)
        assert files_with(canary, [home, SHM, Path.cwd()], time.time() - 60) == []


def test_in_a_namespace_not_even_the_owners_other_processes_see_the_file(
    at_terminal: Callable[[str], Person], request: pytest.FixtureRequest
) -> None:
    refused = "refused" in request.node.callspec.id
    before = living_folders()
    with at_terminal("vim") as person:
        wait_for_change(person)
        (folder,) = living_folders() - before
        assert [path.name for path in folder.iterdir()] == (["paradux.json"] if refused else [])
        below = person.children()
        person.process.kill()
        wait_until_gone(below)


def test_an_editor_that_hands_its_file_over_gets_one_that_others_see(home: Path, canary: str) -> None:
    program = home / "emacsclient"
    program.write_text('#!/bin/sh\nexec ed -p ready "$1"\n')
    program.chmod(0o700)
    before = living_folders()
    with Person(["edit"], canary, {"HOME": str(home), "EDITOR": str(program), "VISUAL": ""}) as person:
        person.sees("Passphrase: ")
        person.types(canary + "\r")
        person.sees("ready")
        (folder,) = living_folders() - before
        assert (folder / "paradux.json").stat().st_mode & 0o777 == 0o600
        assert folder.stat().st_mode & 0o777 == 0o700
        person.types(ED[0] + ED[1])
        person.sees("Save this?")
        assert not folder.exists()
        person.types("y\r")
        person.sees("[exit code 0, owner Fred Other")


def test_folders_of_dead_processes_are_swept(home: Path, canary: str) -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    stale = SHM / f"paradux-edit-{child.pid}-x"
    mine = SHM / f"paradux-edit-{os.getpid()}-x"
    for folder in (stale, mine):
        folder.mkdir(mode=0o700)
        (folder / "paradux.json").write_text("old")
    try:
        with Person(["edit"], canary, {"HOME": str(home), "EDITOR": "true", "VISUAL": ""}) as person:
            person.sees("Passphrase: ")
            person.types(canary + "\r")
            person.sees("Nothing changed.")
        assert (stale.exists(), mine.exists()) == (False, True)
    finally:
        shutil.rmtree(mine)


def test_ctrl_c_in_the_editor_is_the_editors(home: Path, canary: str) -> None:
    with Person(["edit"], canary, {"HOME": str(home), "EDITOR": "ed -p ready", "VISUAL": ""}) as person:
        person.sees("Passphrase: ")
        person.types(canary + "\r")
        person.sees("ready")
        person.types("/Myself/p\n")
        person.sees("Fred Myself")
        person.types("\x03")
        person.sees("?")
        person.types("s/Myself/Other/\nw\nq\n")
        person.sees("Save this?")
        person.types("a\r")
        person.sees("owner Fred Myself")


def test_a_wrong_passphrase_is_asked_for_three_times(home: Path, canary: str) -> None:
    with Person(["unlock"], canary, {"HOME": str(home)}) as person:
        for _ in range(2):
            person.sees("Passphrase: ")
            person.types("wrong\r")
            person.sees("wrong passphrase; try again")
        person.sees("Passphrase: ")
        person.types(canary + "\r")
        person.sees("[exit code 0")
        person.sees("window True")


def test_three_wrong_passphrases_end_it(home: Path, canary: str) -> None:
    with Person(["unlock"], canary, {"HOME": str(home)}) as person:
        for _ in range(3):
            person.sees("Passphrase: ")
            person.types("wrong\r")
        person.sees("cannot open vault: wrong passphrase")
        person.sees("[exit code 3")
