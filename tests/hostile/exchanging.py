"""Another user who exchanges what root is just working in, at the very moment when a real tool starts or has ended."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from paraduxd.effects.process import run

MALLORY = 4242
"""The uid of a user who has no account: nothing else is theirs."""

# Everything is renamed, and a link to the victim put in its place; so are links of the names that are to come.
_EXCHANGE = """\
import os, sys
victim, folder, coming = sys.argv[1], sys.argv[2], sys.argv[3:]
os.chdir(folder)
for name in os.listdir("."):
    if not os.path.islink(name):
        os.rename(name, "taken-" + name)
        coming.append(name)
for name in coming:
    if not os.path.lexists(name):
        os.symlink(victim, name)
"""

_TOOL = """\
#!/bin/sh
{before}
{program} "$@"
code=$?
{after}
exit $code
"""


@dataclass(frozen=True)
class House:
    """`commons` is a directory like /tmp, `victim` one of root's that everybody may read, `theirs` one of Mallory's in `commons`."""

    root: Path

    @property
    def commons(self) -> Path:
        return self.root / "commons"

    @property
    def theirs(self) -> Path:
        return self.commons / "theirs"

    @property
    def victim(self) -> Path:
        return self.root / "victim"

    def attack(self, folder: Path, *coming: str) -> list[str]:
        """The command that exchanges everything in a folder of Mallory's."""
        return [
            *("setpriv", f"--reuid={MALLORY}", f"--regid={MALLORY}", "--clear-groups", "/usr/bin/python3", "-I"),
            *("-c", _EXCHANGE, str(self.victim), str(folder), *coming),
        ]

    def unharmed(self) -> bool:
        """Whether the victim is what it was."""
        return _picture(self.victim) == (0o755, 0, {"inner": 0o755, "inner/file": 0o644, "shadow": 0o600})


@contextmanager
def house() -> Iterator[House]:
    """Below /tmp, because pytest's own folders let nobody else in."""
    with tempfile.TemporaryDirectory(prefix="paradux-house-", dir="/tmp") as name:
        made = House(Path(name))
        made.root.chmod(0o755)
        for folder, mode in ((made.commons, 0o1777), (made.theirs, 0o755), (made.victim, 0o755)):
            folder.mkdir()
            folder.chmod(mode)
        os.chown(made.theirs, MALLORY, MALLORY)
        (made.victim / "inner").mkdir(mode=0o755)
        for path, mode in (("shadow", 0o600), ("inner/file", 0o644)):
            (made.victim / path).write_text(path)
            (made.victim / path).chmod(mode)
        yield made


def _picture(folder: Path) -> tuple[int, int, dict[str, int]]:
    status = folder.stat()
    inner = {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*")}
    return stat.S_IMODE(status.st_mode), status.st_uid, inner


def when_it_runs(
    monkeypatch: pytest.MonkeyPatch, tools: Path, program: str, command: list[str], *, given: str, after: bool
) -> Path:
    """Run `command` when the program is started with arguments, or in a directory, that fit the pattern `given`, or `after` it has ended.

    Gives a file that is there once that has happened.
    """
    happened = tools / "happened"
    call = f'case "$* $(pwd -P)" in {given}) {shlex.join(command)} && touch {happened};; esac'
    real = shutil.which(program, path=run.PATH)
    tools.mkdir(exist_ok=True)
    text = _TOOL.format(before="" if after else call, program=real, after=call if after else "")
    (tools / program).write_text(text)
    (tools / program).chmod(0o755)
    monkeypatch.setattr(run, "PATH", f"{tools}:{run.PATH}")
    return happened


def as_mallory(*command: str) -> None:
    """Run a command as the other user."""
    switch = ("setpriv", f"--reuid={MALLORY}", f"--regid={MALLORY}", "--clear-groups")
    subprocess.run([*switch, *command], check=True)
