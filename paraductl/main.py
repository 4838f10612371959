"""`paraductl`: find the subcommand, run it, and turn whatever goes wrong into one sentence and an exit code."""

from __future__ import annotations

import argparse
import atexit
import contextlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from paraductl.arguments import Parser, add_global_options, usage
from paraductl.command_loader import Command, Commands, examples_of
from paraductl.context import Context, Daemon, SocketDaemon
from paraductl.terminal.ask_passphrase import Passphrases
from paraductl.terminal.terminal import OutputClosedError, Terminal
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.paths import run_directory
from paraduxd.api.suggestions import nearest
from paraduxd.version import VERSION

DESCRIPTION = (
    "Disaster recovery for one person or family: backups in several places, and a key split among people you trust."
)


def main(argv: Sequence[str] | None = None, daemon: Daemon | None = None) -> int:
    """Run one command and return its exit code; `daemon` stands in for the one behind the sockets."""
    _occupy_closed_streams()
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["--complete"]:
        from paraductl.completion.main import main as complete

        return complete(words[1:], daemon)
    # Known before the command line is parsed, so that a mistake on it is told as JSON too.
    terminal = Terminal(as_json="--json" in words[: words.index("--")] if "--" in words else "--json" in words)
    try:
        return int(_run(words, terminal, daemon))
    except OutputClosedError as closed:
        if closed.args:
            terminal.failure(f"cannot write to standard output: {closed.args[0]}", "")
        return ExitCode.FAILED
    except ParaduxError as error:
        problem = error
    except KeyboardInterrupt:
        problem = ParaduxError("interrupted", "interrupted")
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        problem = ParaduxError("failed", f"cannot go on: {name}{error.strerror}")
    return _fail(terminal, problem)


def _occupy_closed_streams() -> None:
    """Nothing that is opened later gets the number of a standard stream that was closed (`>&-`)."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def _fail(terminal: Terminal, problem: ParaduxError) -> int:
    with contextlib.suppress(OutputClosedError):
        terminal.error(problem)
    return problem.exit_code


def _run(words: list[str], terminal: Terminal, daemon: Daemon | None) -> int:
    commands = Commands(warn=lambda sentence: terminal.note(f"paraductl: {sentence}"))
    outer = outer_parser()
    arguments = outer.parse_args(words)
    if arguments.version:
        terminal.raw(f"paraductl {VERSION}\n")
        return ExitCode.DONE
    if arguments.help:
        terminal.raw(_help(outer, commands))
        return ExitCode.DONE
    if arguments.command is None:
        raise usage("a command is missing")
    command = commands.find(arguments.command)
    if command is None:
        raise _unknown(arguments.command, commands)
    try:
        command_parser(arguments.command, command).parse_intermixed_args(arguments.rest, arguments)
    except SystemExit:  # --help was printed
        return ExitCode.DONE
    if list(vars(arguments).values()).count("-") > 1:
        raise usage("standard input can be read for one thing only")
    place = daemon or SocketDaemon(run_directory(arguments.run))
    with Context(terminal, place, Passphrases(terminal, arguments.passphrase_file)) as context:
        return command.run(context, arguments)


def command_parser(name: str, command: Command) -> Parser:
    """The parser of what follows the name of a command."""
    parser = Parser(f"paraductl {name}", description=command.HELP, epilog=_examples(command))
    command.options(parser)
    add_global_options(parser, again=True)
    return parser


def _examples(command: Command) -> str:
    lines = [f"  {sentence}:\n    {line}" for sentence, line in examples_of(command)]
    return "\n".join(["examples:", *lines]) if lines else ""


def outer_parser() -> Parser:
    """The parser of what stands before a command."""
    parser = Parser("paraductl", usage="paraductl [OPTIONS] COMMAND ...", description=DESCRIPTION, add_help=False)
    add_global_options(parser)
    parser.add_argument("--help", "-h", action="store_true", help="this help; after COMMAND: the help of that command")
    parser.add_argument("--version", action="store_true", help="the version of paraductl")
    parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _help(parser: Parser, commands: Commands) -> str:
    everything = commands.all()
    width = max(map(len, everything)) + 2
    lines = [f"  {name:{width}}{command.HELP}" for name, command in everything.items()]
    return parser.format_help().rstrip() + "\n\ncommands:\n" + "\n".join(lines) + "\n"


def _unknown(name: str, commands: Commands) -> ParaduxError:
    meant = nearest(name, commands.all())
    hint = f"did you mean: paraductl {meant}" if meant else "see: paraductl --help"
    return usage("there is no such command", hint)


def program() -> NoReturn:
    """Be the process `paraductl`. To take apart what a short command has loaded takes a fifth of its time: the process ends at once."""
    code = main()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream:  # it was open
            with contextlib.suppress(OSError):  # which was told when it was written
                stream.flush()
    os._exit(code)


if __name__ == "__main__":
    program()
