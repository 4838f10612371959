"""`paraductl completion`"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from paraductl.completion import shells
from paraductl.context import Context
from paraduxd.api.errors import ExitCode

HELP = "print what a shell reads to complete command lines of paraductl"

EXAMPLES = (
    ("In every bash", "paraductl completion bash > ~/.local/share/bash-completion/completions/paraductl"),
    ("In every fish", "paraductl completion fish > ~/.config/fish/completions/paraductl.fish"),
    ("In every zsh, where its fpath has this folder", "paraductl completion zsh > ~/.zfunc/_paraductl"),
)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("shell", metavar="SHELL", choices=shells.SHELLS, help="bash, zsh or fish")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Print the script; it asks this very program, wherever that is installed."""
    here = Path(sys.argv[0])
    program = here.absolute() if here.is_file() and here.name == "paraductl" else shutil.which("paraductl")
    script = shells.script(arguments.shell, str(program or "paraductl"))
    context.terminal.raw("" if context.terminal.as_json else script)
    context.terminal.document({"shell": arguments.shell, "script": script})
    return ExitCode.DONE
