"""Runs the commands of docs/tutorial/first-hour.md as its reader would, in one shell.

`python -m tests.documents.tutorial` writes what they print into the page; it takes a minute or two, because nothing is weakened.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.checkout import ROOT

PAGE = ROOT / "docs/tutorial/first-hour.md"
HOME = "/home/fred"
_MARK = "----- next -----"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ANSWERED = "until paraductl history > /dev/null 2>&1; do kill -0 $!; sleep 0.1; done"


@dataclass(frozen=True)
class Step:
    """One command, and what it prints."""

    command: str
    output: str


def steps(page: str) -> list[Step]:
    """All commands of a page, in order."""
    return [step for block in _BLOCK.findall(page) for step in _steps(block)]


def _steps(block: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield Step(command, output)


def run(commands: list[str], answers: str, home: Path, extra: Mapping[str, str] | None = None) -> list[Step]:
    """What the commands print, one after the other, in one shell whose home is `home`."""
    work = home / "paradux-tutorial"
    work.mkdir()
    (work / "answers.json").write_text(answers)
    script = [f"export HOME={home}; cd"]
    for command in commands:
        script += [command, _ANSWERED if command.endswith("&") else ":", f"echo '{_MARK}'"]
    path = f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin"
    shell = subprocess.run(
        ["bash"],
        input="\n".join(script),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"PATH": path, "LANG": "C.UTF-8", "COLUMNS": "100", **(extra or {})},
        timeout=600,
        check=False,
    )
    outputs = shell.stdout.replace(str(home), HOME).split(f"{_MARK}\n")
    return [Step(command, output) for command, output in zip(commands, outputs, strict=False)]


def answers(page: str) -> str:
    """The config that the reader saves."""
    text = page.partition("```json\n")[2].partition("```")[0]
    json.loads(text)
    return text


def written(page: str, ran: list[Step]) -> str:
    """The page, with what was printed."""
    left = iter(ran)

    def block(found: re.Match[str]) -> str:
        printed = [next(left) for _ in _steps(found[1])]
        return "```console\n" + "".join(f"$ {step.command}\n{step.output}" for step in printed) + "```"

    return _BLOCK.sub(block, page)


def main() -> None:
    """See the module."""
    page = PAGE.read_text()
    with tempfile.TemporaryDirectory() as home:
        ran = run([step.command for step in steps(page)], answers(page), Path(home))
    PAGE.write_text(written(page, ran))


if __name__ == "__main__":
    os.umask(0o022)
    main()
