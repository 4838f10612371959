"""Passphrases: where they come from, which are refused, and that they stay in memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from paraductl.terminal.ask_passphrase import weakness
from paraduxd.api.typed.passphrase_rules import refusal
from tests.commands.conftest import Outcome
from tests.commands.person import Person
from tests.fakes_client import FakeDaemon

Run = Callable[..., Outcome]

GOOD = "four quite random words"


@pytest.fixture
def new_file(tmp_path: Path) -> str:
    path = tmp_path / "new"
    path.touch(mode=0o600)
    path.write_text(GOOD + "\n")
    return str(path)


def test_passphrase_from_files(paraductl: Run, daemon: FakeDaemon, secret: str, new_file: str) -> None:
    outcome = paraductl("passphrase", "--passphrase-file", secret, "--new-passphrase-file", new_file)
    assert (outcome.code, daemon.passphrase) == (0, GOOD)


def test_the_old_passphrase_is_needed_even_while_unlocked(
    paraductl: Run, daemon: FakeDaemon, tmp_path: Path, new_file: str
) -> None:
    daemon.window_open = True
    (tmp_path / "wrong").touch(mode=0o600)
    (tmp_path / "wrong").write_text("wrong")
    outcome = paraductl("passphrase", "--passphrase-file", str(tmp_path / "wrong"), "--new-passphrase-file", new_file)
    assert (outcome.code, outcome.err) == (3, "paraductl: cannot open vault: wrong passphrase\n")
    assert daemon.calls("passphrase") == []


def test_one_file_for_two_passphrases_is_a_mistake(paraductl: Run, secret: str) -> None:
    assert paraductl("passphrase", "--passphrase-file", secret).code == 2


def test_from_standard_input(paraductl: Run, daemon: FakeDaemon) -> None:
    assert paraductl("unlock", "--passphrase-file", "-", stdin=daemon.passphrase + "\n").code == 0


def test_only_one_line_feed_is_taken_off(paraductl: Run, daemon: FakeDaemon) -> None:
    daemon.passphrase = " spaces count \n"
    assert paraductl("unlock", "--passphrase-file", "-", stdin=" spaces count \n\n").code == 0
    daemon.window_open = False
    assert paraductl("unlock", "--passphrase-file", "-", stdin=" spaces count \n").code == 3


def test_a_file_that_is_no_text(paraductl: Run, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"pass\xffphrase")
    outcome = paraductl("unlock", "--passphrase-file", str(tmp_path / "x"))
    assert (outcome.code, "byte 4 is not UTF-8" in outcome.err) == (1, True)


def test_with_nobody_to_ask(daemon: FakeDaemon) -> None:
    words = [sys.executable, "-m", "tests.commands.fake_paraductl", "unlock"]
    ours, theirs = os.pipe()
    os.write(theirs, b"x")
    outcome = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        pass_fds=(ours,),
        env={**os.environ, "CANARY_FD": str(ours)},
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert outcome.returncode == 3
    assert outcome.stderr == (
        "paraductl: cannot ask for the passphrase: there is no terminal\n  use --passphrase-file FILE\n"
    )


@pytest.mark.parametrize("passphrase", ["", "1234567", "long enough\nbut two lines", "tab\tinside it", "é" * 257])
def test_refused(passphrase: str) -> None:
    assert refusal(passphrase)


def test_weak_and_good() -> None:
    assert weakness("elevenchars") and not refusal("elevenchars")
    assert weakness("abcdeabcdeabcdeabcde")
    assert not refusal("éàüöß" * 51)
    assert not weakness(GOOD) and not refusal(GOOD)


def test_a_new_passphrase_at_the_terminal() -> None:
    with Person(["passphrase"], "the old passphrase", {}) as person:
        person.sees("Passphrase: ")
        person.types("the old passphrase\r")
        for first, second, said in (
            ("short", None, "at least 8"),
            (GOOD, GOOD + "!", "do not match"),
            (GOOD, GOOD, "changed"),
        ):
            person.sees("New passphrase: ")
            person.types(first + "\r")
            if second:
                person.sees("The same again: ")
                person.types(second + "\r")
            person.sees(said)
        person.sees("[exit code 0")
        assert GOOD.encode() not in person.screen


def test_a_weak_one_is_taken_when_the_owner_insists() -> None:
    with Person(["passphrase"], "the old passphrase", {}) as person:
        person.sees("Passphrase: ")
        person.types("the old passphrase\r")
        for reply in ("n", "y"):
            person.sees("New passphrase: ")
            person.types("elevenchars\r")
            person.sees("The same again: ")
            person.types("elevenchars\r")
            person.sees("Use it all the same?")
            person.types(reply + "\r")
        person.sees("[exit code 0")


def test_a_process_that_knows_a_passphrase_can_neither_dump_core_nor_be_read() -> None:
    code = (
        "from paraductl.terminal.ask_passphrase import harden; harden();"
        "import ctypes, resource; print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3))"
    )
    for before, after in (("unlimited", 1), ("0", 0)):
        command = ["prlimit", f"--core={before}", sys.executable, "-c", code]
        outcome = subprocess.run(command, capture_output=True, text=True, check=True)
        assert outcome.stdout == f"({after}, {after}) 0\n"


def test_while_a_command_waits_no_passphrase_is_in_arguments_or_environment() -> None:
    canary = "canary-of-this-test"
    environment = {"EDITOR": "ed -p ready", "VISUAL": ""}
    with Person(["edit"], canary, environment) as person:
        person.sees("Passphrase: ")
        person.types(canary + "\r")
        person.sees("ready")
        processes = person.children() | {person.process.pid}
        assert len(processes) == 3
        for pid in processes:
            for name in ("cmdline", "environ"):
                assert canary.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
        person.types("q\n")
        person.sees("Nothing changed.")


@pytest.mark.parametrize(
    ("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o644, True), (0o666, True)]
)
def test_a_file_that_others_may_read_is_warned_of(
    paraductl: Run, daemon: FakeDaemon, secret: str, mode: int, warned: bool
) -> None:
    Path(secret).chmod(mode)
    outcome = paraductl("unlock", "--passphrase-file", secret)
    assert outcome.code == 0
    assert ("other users may read or change" in outcome.err) is warned
    assert daemon.passphrase not in outcome.err


def test_a_pipe_is_not_warned_of(paraductl: Run, daemon: FakeDaemon) -> None:
    assert paraductl("unlock", "--passphrase-file", "-", stdin=daemon.passphrase + "\n").err == ""


@pytest.mark.parametrize("passphrase", ["aaaaaaaa", "abcdabcdabcd"])
def test_few_different_characters_are_refused(passphrase: str) -> None:
    assert "different characters" in refusal(passphrase)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("\ufeffa good passphrase\n", "begins with a byte order mark"),
        ("a good passphrase\r\n", "ends with a carriage return"),
        ("a good passphrase\nand more\n", "has more than one line"),
        ("a go\u0308od passphrase\n", "has letters with accents of their own (NFD"),
    ],
)
def test_what_an_editor_added_to_a_file_is_told(
    paraductl: Run, daemon: FakeDaemon, secret: str, tmp_path: Path, content: str, said: str
) -> None:
    (file := tmp_path / "strange").touch(mode=0o600)
    file.write_bytes(content.encode())
    wrong = paraductl("unlock", "--passphrase-file", str(file))
    assert wrong.code == 3 and f"warning: {file} {said}" in wrong.err
    new = paraductl("passphrase", "--passphrase-file", secret, "--new-passphrase-file", str(file))
    assert said in new.err and "good passphrase" not in new.err
    assert new.code == (0 if "NFD" in said else 1)


def test_a_strange_passphrase_that_was_set_that_way_goes_on_opening(
    paraductl: Run, daemon: FakeDaemon, tmp_path: Path
) -> None:
    daemon.passphrase = "a good passphrase\r"
    (file := tmp_path / "strange").touch(mode=0o600)
    file.write_bytes(b"a good passphrase\r\n")
    assert paraductl("unlock", "--passphrase-file", str(file)).code == 0
