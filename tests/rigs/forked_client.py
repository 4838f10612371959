"""The client, forked from a process that has loaded it: to start takes ten times what most commands do."""

from __future__ import annotations

import functools
import pkgutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

import paraductl
from paraductl import main as client
from tests.rigs import forked_program, forking, program_line


def run(
    words: Sequence[str], environment: Mapping[str, str], text: str | None, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run `paraductl WORDS...` to its end, as `subprocess.run` does; raises `subprocess.TimeoutExpired`."""
    command = ["paraductl", *words]
    try:
        code, out, err = program_line.ask(_folder(tuple(environment.items())), words, (text or "").encode(), seconds)
    except TimeoutError:
        raise subprocess.TimeoutExpired(command, seconds) from None
    return subprocess.CompletedProcess(command, code, out.decode(), err.decode())


@functools.cache
def _folder(environment: tuple[tuple[str, str], ...]) -> Path:
    return forking.start("tests.rigs.forked_client", dict(environment))


def main(folder: Path) -> None:
    """Load the client, and be it for each connection."""
    for module in pkgutil.walk_packages(paraductl.__path__, "paraductl."):
        import_module(module.name)
    forked_program.be(folder, client.program)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
