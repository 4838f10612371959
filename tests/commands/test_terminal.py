"""What people see: at any width, on small and dumb terminals, while work takes its time, and where nothing can be written."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from paraductl.main import main
from paraductl.speeds import Speed, Speeds
from paraductl.terminal import text, wording
from paraductl.terminal.terminal import Terminal
from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.replies.listings import shown
from paraduxd.api.replies.transfer_runs import Run
from tests.checkout import ROOT
from tests.commands.conftest import Tty
from tests.commands.person import Person
from tests.fakes_client import FakeDaemon, a_run

SENTENCE = "paraductl: cannot push photographs to grandmother: the network is down\n  run it again: paraductl backup photographs"


def running(number: int = 8, **more: object) -> Run:
    return from_json_value(Run, a_run(number, state="running", **more))


@pytest.mark.parametrize("width", range(40, 121, 5))
def test_no_line_is_too_wide_and_no_word_is_broken(width: int) -> None:
    page = text.wrapped(SENTENCE, width)
    assert all(text.columns(line) <= width for line in page.split("\n"))
    assert page.replace(" \\\n", "\n").split() == SENTENCE.split()


def test_a_line_keeps_its_indentation_its_gaps_and_a_word_that_fits_nowhere() -> None:
    assert text.wrapped("  2026-01-01  done  push of photos", 24) == "  2026-01-01  done  push\n    of photos"
    assert text.wrapped("see https://example.org/a/very/long/address now", 20).split() == [
        "see",
        "https://example.org/a/very/long/address",
        "now",
    ]
    assert text.wrapped("写真を写真を 写真を写真を", 14) == "写真を写真を\n  写真を写真を"


@pytest.mark.parametrize("width", range(40, 100, 7))
def test_a_printed_command_can_be_pasted_whatever_the_width(width: int) -> None:
    name = "it's a long name of a letter to anna.txt"
    command = f"paraductl restore letters#1 {shown(name)} --from mirror --to letters-1"
    lines = text.wrapped(f"    get it back: {command}", width).split("\n")
    pasted = "\n".join(lines).partition("get it back: ")[2]
    told = subprocess.run(
        ["bash", "-c", f"paraductl() {{ printf '%s\\0' \"$@\"; }}; {pasted}"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert told.split("\0")[:-1] == ["restore", "letters#1", name, "--from", "mirror", "--to", "letters-1"]
    assert all(text.columns(line) <= max(width, len(shown(name)) + 8) for line in lines)


@pytest.mark.parametrize("width", [40, 50, 79])
def test_each_transfer_has_a_line_that_fits(width: int) -> None:
    runs = [running(number, percent=45.0, bytes=5 << 30) for number in (1, 2, 3)]
    lines = wording.progress([*runs, from_json_value(Run, a_run(4, state="queued"))], lambda _: Speed(2e6, 100), width)
    assert len(lines) == 4 and lines[3] == "1 waiting"
    assert all(text.columns(line) <= width and "45 %" in line and "1 min left" in line for line in lines[:3])
    assert ("1.9 MiB/s" in lines[0]) == (width > 40)


def test_speeds_are_measured_over_the_last_seconds() -> None:
    times = iter((0.0, 0.1, 10.0, 20.0, 40.0))
    speeds = Speeds(lambda: next(times))
    assert speeds.of(running(bytes=0, percent=0.0)) == Speed()
    assert speeds.of(running(bytes=10, percent=0.0, eta=0)) == Speed()
    assert speeds.of(running(bytes=1000, percent=10.0)) == Speed(100.0, 90.0)
    assert speeds.of(running(bytes=3000, percent=30.0, eta=7)) == Speed(200.0, 7)
    assert speeds.of(running(bytes=3000, percent=30.0)) == Speed()


class Watched(Tty):
    """A terminal that tells when something was written."""

    def __init__(self, awaited: str) -> None:
        super().__init__()
        self._awaited = awaited
        self.came = threading.Event()

    def write(self, piece: str) -> int:
        written = super().write(piece)
        if self._awaited in self.getvalue():
            self.came.set()
        return written


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_silence_is_broken_and_what_was_said_goes_again(monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys, "stderr", shown := Watched("Opening the vault ..."))
    terminal = Terminal(as_json=False)
    with terminal.busy("Opening the vault"):
        assert shown.came.wait(30)
        terminal.note("the clock is wrong")
    assert "the clock is wrong\n" in shown.getvalue()
    assert ("\x1b" in shown.getvalue()) == (term == "xterm")


@pytest.mark.parametrize("words", [["history"], ["backup"], ["status"], ["cancel"]])
def test_no_call_of_the_daemon_is_silent(monkeypatch: pytest.MonkeyPatch, daemon: FakeDaemon, words: list[str]) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", shown := Watched("Asking the daemon ..."))
    waited = []
    call = {"cancel": "unfinished", "status": "overview"}.get(words[0], words[0])
    daemon.before[call] = lambda: waited.append(shown.came.wait(30))
    assert main(words, daemon) in (0, 1)
    assert waited == [True]
    assert shown.getvalue().endswith("\r\x1b[J"), "it is taken away again"


def busy() -> bool:
    return any(each.name == "busy" for each in threading.enumerate())


def test_a_call_says_nothing_where_work_is_shown_or_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", shown := Tty())
    terminal = Terminal(as_json=False)
    terminal.progress("photos  45 %")
    with terminal.busy("Asking"):
        assert not busy(), "nobody waits to say something"
    terminal.progress()
    assert "Asking" not in shown.getvalue()
    with terminal.taken(), terminal.busy("Asking"):
        assert not busy()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with terminal.busy("Asking"):
        assert not busy()


COMMAND = "from paraductl.main import main; from tests.fakes_client import FakeDaemon; sys.exit(main(sys.argv[1:], FakeDaemon()))"


@pytest.mark.parametrize(
    ("words", "streams", "code", "said"),
    [
        ("status", ">/dev/full", 1, "cannot write to standard output: No space left on device"),
        ("status --json", ">/dev/full", 1, "cannot write to standard output: No space left on device"),
        ("status", ">&-", 1, "cannot write to standard output: it is closed"),
        ("status --json", ">&- 2>&-", 1, ""),
        ("--help", ">/dev/full", 1, "cannot write to standard output: No space left on device"),
        ("backup", "2>&-", 0, ""),
        ("nonsense", "2>/dev/full", 2, ""),
        ("nonsense --json", ">&-", 2, "there is no such command"),
        ("status", "<&-", 0, ""),
    ],
)
def test_where_nothing_can_be_written_the_exit_code_says_so(words: str, streams: str, code: int, said: str) -> None:
    python = f"exec {sys.executable} -c 'import sys; {COMMAND}'"
    ran = subprocess.run(
        ["sh", "-c", f"{python} {words} {streams}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in ran.stderr and "Exception ignored" not in ran.stderr
    assert ran.returncode == code and said in ran.stderr


def test_watching_has_a_screen_of_its_own_and_keys(home: Path) -> None:
    environment = {"HOME": str(home), "LINES": "4", "COLUMNS": "50", "TERM": "xterm"}
    with Person(["status", "--watch"], "canary", environment) as person:
        person.sees("\x1b[?1049h")
        person.sees("1-3 of 4")
        person.types("\x1b[B")
        person.sees("2-4 of 4")
        person.types("g")
        person.sees("1-3 of 4: arrows scroll, q ends")
        person.types("q")
        person.sees("\x1b[?1049l")
        person.sees("[exit code")


def test_what_matters_stands_last_where_the_page_is_longer_than_the_terminal(home: Path) -> None:
    for lines, times in (("4", 2), ("24", 1)):
        environment = {"HOME": str(home), "LINES": lines, "COLUMNS": "50", "TERM": "xterm"}
        with Person(["status"], "canary", environment) as person:
            person.sees("[exit code")
            assert person.passed.count(b"Recoverable: yes, proven 3 days ago") == times


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.mark.parametrize("width", range(40, 81))
def test_times_that_can_be_pasted_and_sizes_stay_whole(width: int) -> None:
    line = "photos: pushed to mirror: 22 files, 38.1 MiB, 1 byte added, 19.1 MiB/s, as of 2026-11-29 01:51:19 (2026-11-28 23:00)"
    broken = text.wrapped(line, width).split("\n")
    assert max(map(len, broken)) <= width
    for whole in ("38.1 MiB,", "1 byte", "19.1 MiB/s,", "2026-11-29 01:51:19", "(2026-11-28 23:00)"):
        assert any(whole in each for each in broken)
    assert " ".join(each.strip() for each in broken) == line


def test_what_is_said_after_an_interrupted_question_has_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(io.StringIO):
        def readline(self, _size: int | None = -1, /) -> str:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stderr", shown := Tty())
    monkeypatch.setattr(sys, "stdin", Interrupted())
    terminal = Terminal(as_json=False)
    with pytest.raises(KeyboardInterrupt):
        terminal.ask("Save this?")
    terminal.failure("interrupted", "")
    assert shown.getvalue().splitlines()[-1] == "paraductl: interrupted"
