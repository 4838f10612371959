"""The frame around every command: options, help, errors, exit codes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from paraductl.command_loader import Commands
from paraductl.terminal.text import printable
from paraduxd.api.errors import ExitCode, ParaduxError
from tests.commands.conftest import Outcome
from tests.fakes_client import FakeDaemon

Run = Callable[..., Outcome]


def test_help_lists_every_command_with_one_line(paraductl: Run) -> None:
    outcome = paraductl("--help")
    assert outcome.code == 0
    names = {path.stem.replace("_", "-") for path in Path("paraductl/commands").glob("[!_]*.py")}
    listed = {line.split()[0]: line for line in outcome.out.partition("\ncommands:\n")[2].splitlines()}
    assert listed.keys() == names
    assert all(len(line.split()) > 2 and len(line) <= 110 for line in listed.values())


def test_help_of_each_command(paraductl: Run) -> None:
    for name, command in Commands(warn=pytest.fail).all().items():
        outcome = paraductl(name, "--help")
        assert outcome.code == 0
        assert outcome.out.startswith(f"usage: paraductl {name}")
        assert command.HELP in outcome.out.replace("\n", " ")


def test_help_does_not_depend_on_the_terminal(paraductl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = paraductl("backup", "--help").out
    monkeypatch.setenv("COLUMNS", "40")
    assert paraductl("backup", "--help").out == wide


@pytest.mark.parametrize(
    "words",
    [["--json", "lock"], ["lock", "--json"], ["--run", "/x", "lock", "--json"], ["--json", "lock", "--run", "/x"]],
)
def test_global_options_before_and_after_the_command(paraductl: Run, words: list[str]) -> None:
    assert paraductl(*words).document == {"locked": True}


def test_an_unknown_command_is_a_usage_error_with_the_nearest_name(paraductl: Run) -> None:
    outcome = paraductl("stauts")
    assert outcome.code == ExitCode.USAGE
    assert outcome.err == "paraductl: there is no such command\n  did you mean: paraductl status\n"


@pytest.mark.parametrize("words", [[], ["backup", "--nonsense"], ["restore", "home"], ["unlock", "--for", "soon"]])
def test_usage_errors_are_two(paraductl: Run, words: list[str]) -> None:
    outcome = paraductl(*words)
    assert (outcome.code, outcome.out) == (ExitCode.USAGE, "")
    assert outcome.err.startswith("paraductl: ")


def test_an_error_as_json(paraductl: Run) -> None:
    outcome = paraductl("restore", "--json")
    assert outcome.code == 2
    assert outcome.document["error"]["code"] == "usage"
    assert outcome.document["error"]["exit_code"] == 2


def test_an_error_of_the_daemon_keeps_its_code_and_hint(paraductl: Run, daemon: FakeDaemon) -> None:
    def fail() -> None:
        raise ParaduxError("unreachable", "cannot reach the daemon", "start it", ExitCode.UNREACHABLE)

    daemon.before["overview"] = fail
    outcome = paraductl("status")
    assert (outcome.code, outcome.err) == (4, "paraductl: cannot reach the daemon\n  start it\n")


def test_without_a_daemon_the_exit_code_is_four(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "paraductl.main", "--run", str(tmp_path), "status"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 4
    assert "Traceback" not in outcome.stderr


def test_a_closed_pipe_is_quiet() -> None:
    command = f"{sys.executable} -m paraductl.main --help | true"
    outcome = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert outcome.stderr == b""


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert printable("a\x1b[2Jb\x07\u202ec\td\n") == "a\\x1b[2Jb\\x07\\u202ec\td\n"


def test_only_the_asked_for_command_is_imported() -> None:
    code = (
        "import sys; from paraductl.main import main; main(['lock', '--help']);"
        "print(sorted(name for name in sys.modules if name.startswith('paraductl.commands.')),"
        " [name for name in ('rpyc', 'pydantic', 'subprocess', 'paraduxd.core') if name in sys.modules])"
    )
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert outcome.stdout.splitlines()[-1] == "['paraductl.commands.lock'] []"


def a_command(
    folder: Path, name: str, text: str = "HELP = 'own'\ndef options(p): pass\ndef run(c, a): return 7\n"
) -> None:
    (folder / f"{name}.py").write_text(text)
    (folder / f"{name}.py").chmod(0o644)


@pytest.fixture
def dropped(tmp_path: Path) -> Path:
    folder = tmp_path / "commands.d"
    folder.mkdir(mode=0o755)
    return folder


def found(folder: Path) -> tuple[Commands, list[str]]:
    said: list[str] = []
    return Commands(said.append, folder, frozenset({folder.stat().st_uid})), said


def test_a_command_that_was_dropped_in(dropped: Path) -> None:
    a_command(dropped, "say_hello")
    commands, said = found(dropped)
    assert commands.find("say-hello").run(None, None) == 7  # type: ignore[union-attr,arg-type]
    assert said == []


def test_a_dropped_in_command_cannot_replace_a_built_in(dropped: Path) -> None:
    a_command(dropped, "status")
    commands, said = found(dropped)
    assert commands.all()["status"].HELP != "own"
    assert "status is a command of paraductl itself" in said[0]


def test_what_others_could_have_written_is_left_out(dropped: Path) -> None:
    a_command(dropped, "open")
    (dropped / "open.py").chmod(0o666)
    commands, said = found(dropped)
    assert commands.find("open") is None
    assert "may be written by others" in said[0]


def test_a_module_that_is_no_command_is_left_out(dropped: Path) -> None:
    a_command(dropped, "half", "HELP = 'x'\n")
    commands, said = found(dropped)
    assert commands.find("half") is None
    assert "it has no options and no run" in said[0]


def test_an_alias_finds_its_command(dropped: Path) -> None:
    a_command(dropped, "one", "HELP = 'x'\nALIASES = ('uno',)\ndef options(p): pass\ndef run(c, a): return 1\n")
    commands, _ = found(dropped)
    assert commands.find("uno") is commands.find("one") or commands.find("uno").HELP == "x"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("--version", 0, "paraductl"),
        ("--version >&-", 1, "closed"),
        ("--version 2>&-", 0, "paraductl"),
        ("--version >/dev/full", 1, "No space left"),
        ("nonsense", 2, "no such command"),
    ],
)
def test_a_process_that_ends_at_once_has_told_all(line: str, code: int, told: str) -> None:
    command = f"exec {sys.executable} -m paraductl.main {line}"
    done = subprocess.run(
        ["sh", "-c", command], check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert (done.returncode, told in done.stdout) == (code, True), done.stdout
