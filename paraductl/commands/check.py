"""`paraductl check`"""

from __future__ import annotations

import argparse
import subprocess
import sys

from paraductl.context import Context
from paraductl.editing.key_files import with_keys
from paraductl.editing.review import show_problems
from paraductl.terminal.input_files import read_text, shown_name
from paraduxd.api import bounded_json
from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.config import ConfigProblem

HELP = "check a config file; needs no daemon"

EXAMPLES = (("Check a file before you save it", "paraductl check family.json"),)

TIME_LIMIT = 60
"""Seconds."""


@dataclass(frozen=True)
class Checked:
    """What the checker has found."""

    problems: tuple[ConfigProblem, ...]
    valid: bool


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("file", metavar="FILE", help="a config, or answers for setup; - is standard input")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Let the daemon's code check it, in a process of its own, and list what it found."""
    text = with_keys(read_text(arguments.file))
    with context.terminal.busy("Checking the text"):
        found = _check(text)
    name = shown_name(arguments.file)
    show_problems(context.terminal, found.problems, name)
    context.terminal.document(found)
    if not found.valid:
        return ExitCode.INVALID_CONFIG
    context.terminal.line(f"{name} is valid" + (", but see the warnings." if found.problems else "."))
    return ExitCode.DONE


def _check(text: str) -> Checked:
    command = [sys.executable, "-I", "-m", "paraduxd.keeper.config.check_command"]
    try:
        outcome = subprocess.run(command, input=text.encode(), capture_output=True, timeout=TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        raise ParaduxError(
            "failed",
            f"cannot check: the checker has not ended within {TIME_LIMIT} seconds",
            "try again when the machine is less busy",
        ) from None
    try:
        return from_json_value(
            Checked, bounded_json.parse_object(outcome.stdout, "what the checker found", bounded_json.MEDIUM)
        )
    except ValueError:
        # What the checker wrote is not repeated: it could hold a part of the text. By a signal the code is below zero.
        raise ParaduxError(
            "failed",
            f"cannot check: the checker ended with exit code {outcome.returncode}, without an answer",
            f"see what it says without your text: echo {{}} | {' '.join(command)}",
        ) from None
