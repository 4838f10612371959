"""A person who answers the questions of `paraductl setup` at a real terminal, in order."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from tests.commands.person import AtTerminal
from tests.rig import Installation

Said = tuple[str, str]
"""A part of a question, and what is answered."""

OWNER: list[Said] = [
    ("Your name", "Fred"),
    ("E-mail", "fred@example.org"),
    ("Telephone", ""),
    ("this machine stand", ""),
]

STEWARDS: list[Said] = [
    *(
        said
        for number, name in enumerate(("Alice", "Bob"), 1)
        for said in [
            (f"Steward {number}, name", name),
            ("E-mail", f"{name.lower()}@example.org"),
            ("Telephone", ""),
            ("live?", ""),
            ("agreed to be", ""),
        ]
    ),
    ("Steward 3, name", ""),
]

WHO = [*OWNER, *STEWARDS]


class AtSetup(AtTerminal):
    """Runs the real client against a real daemon; `home` is where answers are kept."""

    def __init__(self, installation: Installation, home: Path, *, term: str = "xterm", columns: int = 100) -> None:
        command = [sys.executable, "-m", "paraductl.main", "--run", str(installation.run), "setup"]
        environment = {"TERM": term, "HOME": str(home), "XDG_STATE_HOME": str(home / "state")}
        super().__init__(command, environment, columns=columns)

    def answers(self, said: Iterable[Said]) -> None:
        """Wait for each question, and answer it."""
        for question, answer in said:
            self.sees(question)
            self.types(f"{answer}\r")

    def before(self, text: str) -> bytes:
        """What is on the screen up to this text, since the last answer."""
        self.sees(text)
        return self.passed

    def ends(self) -> int:
        """Wait until the client has ended."""
        return self.process.wait(60)


def kept(home: Path) -> Path:
    """Where its answers are kept."""
    return home / "state" / "paradux" / "setup-answers.json"
