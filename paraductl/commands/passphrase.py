"""`paraductl passphrase`"""

from __future__ import annotations

import argparse

from paraductl.arguments import usage
from paraductl.context import Context
from paraduxd.api.errors import ExitCode

HELP = "change the operational passphrase"

EXAMPLES = (("Change it, asked for on the terminal", "paraductl passphrase"),)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--new-passphrase-file", metavar="FILE", help="read the new one from FILE; --passphrase-file is the old one"
    )


def run(context: Context, arguments: argparse.Namespace) -> int:
    """The old one is needed even while the vault is unlocked: an unattended terminal must not be enough."""
    if bool(arguments.passphrase_file) != bool(arguments.new_passphrase_file):
        raise usage("--passphrase-file and --new-passphrase-file go together")
    context.authorize()
    new = context.passphrases.new(arguments.new_passphrase_file)
    # Not tried again when the connection breaks: by then the new one may hold.
    serial = context.keeper().passphrase(new=new).serial
    context.terminal.line("The passphrase is changed; the old one opens nothing any more.")
    context.terminal.document({"serial": serial})
    return ExitCode.DONE
