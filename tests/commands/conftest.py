"""Running `paraductl` in this process."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from paraductl import follow
from paraductl.main import main
from paraductl.terminal import ask_passphrase
from tests import json_documents
from tests.fakes_client import PASSPHRASE, FakeDaemon


@dataclass
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def daemon() -> FakeDaemon:
    return FakeDaemon()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Look again at once; leave this process debuggable, and the home of whoever runs the tests alone."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(follow.time, "sleep", lambda _: None)
    monkeypatch.setattr(ask_passphrase, "harden", lambda: None)
    monkeypatch.setenv("COLUMNS", "300")  # what is looked at is what is said, not where a line breaks


@pytest.fixture
def secret(tmp_path: Path) -> str:
    """A file with the passphrase."""
    path = tmp_path / "passphrase"
    path.touch(mode=0o600)
    path.write_text(PASSPHRASE + "\n")
    return str(path)


@pytest.fixture
def paraductl(
    daemon: FakeDaemon, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Run a command; `answers` are lines that a person types at a terminal; `newer`: the daemon says what schemas do not know yet."""

    def run(*words: str, answers: list[str] | None = None, stdin: str = "", newer: bool = False) -> Outcome:
        if answers is None:
            given = io.TextIOWrapper(io.BytesIO(stdin.encode()))
            monkeypatch.setattr(sys, "stdin", given)
            code = main(words, daemon)
            out, err = capfd.readouterr()
            if not newer:
                json_documents.check(words, out)
            return Outcome(code, out, err)
        monkeypatch.setattr(sys, "stdin", Tty("".join(f"{line}\n" for line in answers)))
        monkeypatch.setattr(sys, "stderr", shown := Tty())
        code = main(words, daemon)
        return Outcome(code, capfd.readouterr().out, shown.getvalue())

    return run
