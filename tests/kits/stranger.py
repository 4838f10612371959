"""Somebody who has kits and a bare computer: no Paradux, none of its packages, nothing in the environment."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Stranger:
    """Works in `desk`; `home` has nothing in it. `tools`: a folder with programs that come before those of the system. `typing`: a program
    that says what somebody types where ssh asks for a password.
    """

    desk: Path
    home: Path
    tools: Path | None = None
    typing: Path | None = None

    def run(self, *command: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            list(map(str, command)), cwd=self.desk, env=self.environment(), input=given, capture_output=True, text=True, check=False
        )  # fmt: skip

    def recover(self, program: Path, *arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a kit's recover.py with the system's Python, cut off from everything installed."""
        return self.run(PYTHON, "-I", "-S", program, *arguments, given=given)

    def environment(self) -> dict[str, str]:
        path = f"{self.tools}:/usr/bin:/bin" if self.tools else "/usr/bin:/bin"
        asked = {"SSH_ASKPASS": str(self.typing), "SSH_ASKPASS_REQUIRE": "force"} if self.typing else {}
        return {"PATH": path, "HOME": str(self.home), "LC_ALL": "C.UTF-8", **asked}


def new_stranger(folder: Path) -> Stranger:
    desk, home = folder / "desk", folder / "home"
    desk.mkdir()
    home.mkdir(mode=0o700)
    return Stranger(desk, home)
