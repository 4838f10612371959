"""What was answered so far, so that nothing is lost with a connection. Secrets are not among it: they are asked for again.

The file belongs to whoever answers, and nobody else can read it: names and addresses are private, too.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from paraductl.report.write_file import write_file
from paraduxd.api import bounded_json
from paraduxd.api.errors import ParaduxError

_FORMAT = 1


@dataclass
class KeptAnswers:
    """Answers by question, in the order in which they were given; `secret` are the questions whose answers are not written."""

    file: Path
    answers: dict[str, str] = field(default_factory=dict, repr=False)
    secret: set[str] = field(default_factory=set)

    def put(self, key: str, answer: str, *, secret: bool = False) -> None:
        """Remember one more answer."""
        self.answers.pop(key, None)
        self.answers[key] = answer
        if secret:
            self.secret.add(key)
        self.write()

    def take(self, key: str) -> str:
        """Forget one, and give it."""
        return self.answers.pop(key, "")

    def write(self) -> None:
        """Leave on the disk what may be there. What cannot be written is not: then it is only lost with this process."""
        shown = {key: answer for key, answer in self.answers.items() if key not in self.secret}
        with contextlib.suppress(OSError, ParaduxError):
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(self.file, json.dumps({"format": _FORMAT, "answers": shown}, indent=2) + "\n")

    def remove(self) -> None:
        """Set up: nobody needs them any more."""
        with contextlib.suppress(OSError):
            self.file.unlink()


def usual_place() -> Path:
    """Where the answers of this user are kept (XDG Base Directory Specification)."""
    state = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(state) if state.startswith("/") else Path("~/.local/state").expanduser()
    return folder / "paradux" / "setup-answers.json"


def earlier(file: Path) -> KeptAnswers | None:
    """What was kept by an earlier start; `None`: nothing that can be used."""
    try:
        with file.open("rb") as opened:
            found = bounded_json.parse_object(
                opened.read(bounded_json.CONFIG.size), "kept answers", bounded_json.CONFIG
            )
    except (OSError, ValueError):
        return None
    answers = found.get("answers")
    if found.get("format") != _FORMAT or not isinstance(answers, dict):
        return None
    return KeptAnswers(file, {str(key): str(answer) for key, answer in answers.items()})


def when(file: Path) -> str:
    """The minute in which they were written, local time."""
    with contextlib.suppress(OSError):
        return datetime.fromtimestamp(file.stat().st_mtime).astimezone().strftime("%Y-%m-%d %H:%M")
    return "an earlier start"
