"""Writes the manual pages of paraductl, its commands and paraduxd, completion of paraduxd, and the pages of docs/reference/commands.

All of it is made from the parsers of the command lines, the EXAMPLES of the commands, and the tables below.

Usage: python contrib/manuals.py DIR           DIR gets man1, man8 and completion, for the wheel
       python contrib/manuals.py --reference   docs/reference/commands is written anew
The date of the pages is SOURCE_DATE_EPOCH, or today.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import shtab

from paraductl.arguments import add_global_options
from paraductl.command_loader import Command, Commands, examples_of
from paraductl.main import DESCRIPTION
from paraduxd.api.errors import ExitCode
from paraduxd.supervisor import main as daemon
from paraduxd.version import VERSION

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "commands"

Pairs = tuple[tuple[str, str], ...]

_SHELLS = ("bash", "zsh", "fish")

EXITS = {
    ExitCode.DONE: "Done. Something that was done already counts as done.",
    ExitCode.FAILED: "Failed. A sentence on standard error says what, why, and what to do.",
    ExitCode.USAGE: "The command line is wrong.",
    ExitCode.NOT_AUTHORIZED: "The passphrase is wrong or missing, or this user may not do it.",
    ExitCode.UNREACHABLE: "The daemon cannot be reached.",
    ExitCode.INVALID_CONFIG: "The config is invalid; every problem is listed with line, column and path.",
    ExitCode.WARNING: "Level warning: something is late, failed, held, unproven or weak.",
    ExitCode.CRITICAL: "Level critical: something could not be recovered today.",
}
_ALWAYS = (ExitCode.DONE, ExitCode.FAILED, ExitCode.USAGE)
_AS_MEMBER = frozenset({"history", "publish", "status", "stewards", "versions"})
"""Commands that never ask for a passphrase."""
_ALONE = frozenset({"check", "completion", "install-service"})
"""Commands that need no daemon."""
_WITH_CONFIG = frozenset({"check", "edit", "setup"})

FILES: Pairs = (
    ("/run/paradux/paraduxd.sock", "the daemon's socket; members of the group paradux may connect"),
    ("/run/paradux/keeper.sock", "the socket for everything that touches a secret"),
    ("/etc/paradux/commands.d/", "further commands; only root may own the files and write to them"),
)
DAEMON_FILES: Pairs = (
    ("/var/lib/paradux/vault.luks", "the vault, which holds the config"),
    ("/var/lib/paradux/vault.luks.previous", "the vault before the last save"),
    ("/var/lib/paradux/plan.json", "what the daemon knows while the vault is locked; no secret"),
    ("/var/lib/paradux/transport/", "the credentials of each stash, readable for root alone"),
    ("/var/lib/paradux/journal.sqlite", "what ran, when, and how it ended"),
    ("/var/lib/paradux/outbox/", "the encrypted config, as it is published"),
    ("/run/paradux/", "the sockets"),
    ("/etc/paradux/protocols.d/", "further protocols; only root may own the files and write to them"),
    ("/etc/paradux/hooks.d/", "programs that run before and after pulls, under the same rule"),
)
ENVIRONMENT: Pairs = (
    ("PARADUX_RUN", "the daemon's run directory, where --run does not name it"),
    ("NO_COLOR", "any value: no colour on a terminal"),
)
EDITOR: Pairs = (("VISUAL, EDITOR", "the editor; it runs as the calling user"),)
DAEMON_ENVIRONMENT: Pairs = (
    ("PARADUX_STATE", "the state directory, where --state does not name it"),
    ("PARADUX_RUN", "the run directory, where --run does not name it"),
)
DAEMON_EXAMPLES: Pairs = (
    ("Run as the service does", "paraduxd"),
    ("Run a private instance that needs no privileges", "paraduxd --state ~/paradux/state --run ~/paradux/run"),
)


@dataclass(frozen=True)
class Page:
    """What the page of one program or command says; terms and texts are plain."""

    title: str
    summary: str
    synopsis: str
    options: Pairs
    exits: Pairs
    files: Pairs
    environment: Pairs
    examples: Pairs
    aliases: tuple[str, ...] = ()


def client() -> argparse.ArgumentParser:
    """The whole command line of paraductl; the program itself reads one command's options only."""
    parser = argparse.ArgumentParser("paraductl", description=DESCRIPTION)
    add_global_options(parser)
    parser.add_argument("--version", action="version", version=f"paraductl {VERSION}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for name, command in _commands().items():
        command.options(commands.add_parser(name, help=command.HELP, description=command.HELP))
    return parser


def _commands() -> dict[str, Command]:
    return Commands(warn=print, folder=Path("/nonexistent")).all()


def command_pages() -> Iterator[Page]:
    """A page for every command, in the order of the names."""
    parsers = next(each for each in client()._actions if isinstance(each, argparse._SubParsersAction)).choices
    for name, command in _commands().items():
        exits = [*_ALWAYS]
        exits += [ExitCode.NOT_AUTHORIZED] if name not in _AS_MEMBER | _ALONE else []
        exits += [ExitCode.UNREACHABLE] if name not in _ALONE else []
        exits += [ExitCode.INVALID_CONFIG] if name in _WITH_CONFIG else []
        exits += [ExitCode.WARNING, ExitCode.CRITICAL] if name == "status" else []
        yield Page(
            title=f"paraductl {name}",
            summary=command.HELP,
            synopsis=_synopsis(parsers[name]),
            options=_arguments(parsers[name]),
            exits=_exits(exits),
            files=FILES if name not in _ALONE else (),
            environment=(EDITOR if name == "edit" else ()) + ENVIRONMENT,
            examples=examples_of(command),
            aliases=tuple(getattr(command, "ALIASES", ())),
        )


def client_page() -> Page:
    """The page of paraductl itself."""
    parser = client()
    examples = (("The help of one command", "paraductl restore --help"),)
    everything = EDITOR + ENVIRONMENT
    return Page(
        "paraductl",
        DESCRIPTION.partition(":")[0],
        "paraductl [OPTIONS] COMMAND ...",
        _arguments(parser),
        _exits(EXITS),
        FILES,
        everything,
        examples,
    )


def daemon_page() -> Page:
    """The page of paraduxd."""
    parser = daemon.parser()
    return Page(
        "paraduxd",
        (parser.description or "").partition(".")[0],
        _synopsis(parser),
        _arguments(parser),
        _exits(_ALWAYS),
        DAEMON_FILES,
        DAEMON_ENVIRONMENT,
        DAEMON_EXAMPLES,
    )


def _exits(codes: Iterable[ExitCode]) -> Pairs:
    return tuple((str(int(code)), EXITS[code]) for code in codes)


def _synopsis(parser: argparse.ArgumentParser) -> str:
    return re.sub(r"\s+", " ", parser.format_usage().removeprefix("usage: ")).strip()


def _arguments(parser: argparse.ArgumentParser) -> Pairs:
    return tuple(
        (_term(action), (action.help or "") % {**vars(action), "prog": parser.prog})
        for action in parser._actions
        if action.help != argparse.SUPPRESS and not isinstance(action, argparse._SubParsersAction)
    )


def _term(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else _metavar(action)
    return f"{', '.join(action.option_strings)} {value}".strip()


def _metavar(action: argparse.Action) -> str:
    choices = "|".join(map(str, action.choices)) if action.choices else action.dest.upper()
    return action.metavar if isinstance(action.metavar, str) else choices


def sections(page: Page) -> Iterator[tuple[str, Pairs]]:
    """The lists of a page, by heading; empty ones are left out."""
    listed = {
        "OPTIONS": page.options,
        "EXIT STATUS": page.exits,
        "FILES": page.files,
        "ENVIRONMENT": page.environment,
    }
    yield from ((heading, pairs) for heading, pairs in listed.items() if pairs)


def markdown(page: Page) -> str:
    """The page of the documentation."""
    lines = [f"# {page.title}", "", f"{page.summary[:1].upper()}{page.summary[1:]}.", ""]
    if page.aliases:
        lines += [f"Also called {', '.join(f'`{each}`' for each in page.aliases)}.", ""]
    lines += ["## SYNOPSIS", "", "```text", page.synopsis, "```", ""]
    for heading, pairs in sections(page):
        lines += [f"## {heading}", "", *(f"* `{term}`: {_escaped(text)}" for term, text in pairs), ""]
        if heading == "OPTIONS" and page.title != "paraductl" and page.title.startswith("paraductl"):
            lines += ["The options of every command are those of [paraductl](paraductl.md).", ""]
    lines += ["## EXAMPLES", ""]
    for sentence, command in page.examples:
        lines += [f"{sentence}:", "", "```console", f"$ {command}", "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def index(pages: list[Page]) -> str:
    """The list of all commands."""
    rows = [f"| [{page.title}]({_file(page)}) | {_escaped(page.summary)} |" for page in pages]
    names = [_file(page).removesuffix(".md") for page in pages]
    lines = ["# Commands", "", "| command | what it does |", "|---|---|", *rows]
    return "\n".join([*lines, "", "```{toctree}", ":hidden:", "", *names, "```", ""])


def reference() -> dict[str, str]:
    """File name -> text of all that docs/reference/commands holds."""
    pages = [client_page(), *command_pages(), daemon_page()]
    return {"index.md": index(pages), **{_file(page): markdown(page) for page in pages}}


def _file(page: Page) -> str:
    return page.title.removeprefix("paraductl ") + ".md"


def _escaped(text: str) -> str:
    return re.sub(r"([\\*_<>|\[\]])", r"\\\1", text) if "`" not in text else text


def roff(page: Page, section: int, see: Iterable[str], commands: Iterable[Page] = ()) -> str:
    """A manual page, in the macros that groff_man(7) describes."""
    lines = [f'.TH {_name(page).upper()} {section} "{_date()}" "paradux {VERSION}" Paradux', ".ad l", ".nh"]
    lines += [".SH NAME", f"{_text(_name(page))} \\- {_text(page.summary)}"]
    lines += [".SH SYNOPSIS", f"\\fB{_text(page.synopsis)}\\fR"]
    lines += [".SH DESCRIPTION", f"{_text(page.summary[:1].upper() + page.summary[1:])}."]
    lines += [".PP", f"Also called {_text(', '.join(page.aliases))}."] if page.aliases else []
    chapters = dict(sections(page))
    lines += [".SH OPTIONS", *_tagged(chapters.pop("OPTIONS"))]
    if page.title.startswith("paraductl "):
        lines += [".PP", "The options of every command are in", ".BR paraductl (1)."]
    described = _tagged(tuple((each.title, each.summary) for each in commands))
    lines += [".SH COMMANDS", *described]
    for heading, pairs in chapters.items():
        lines += [f".SH {heading}", *_tagged(pairs)]
    lines = [*lines, ".SH EXAMPLES", *list(_examples(page))[1:], ".SH SEE ALSO"]
    references = [".BR {} {}".format(*each.split()) for each in see]
    return "\n".join([*lines, *(f"{each} ," for each in references[:-1]), references[-1], ""]).replace(
        ".SH COMMANDS\n.SH", ".SH"
    )


def _name(page: Page) -> str:
    """What `man` finds it by: `man paraductl-restore`, and with most of them `man paraductl restore`."""
    return page.title.replace(" ", "-")


def _date() -> str:
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    return (datetime.fromtimestamp(int(seconds), UTC) if seconds else datetime.now(UTC)).strftime("%Y-%m-%d")


def _examples(page: Page) -> Iterator[str]:
    for sentence, command in page.examples:
        yield from (".PP", f"{_text(sentence)}:", ".PP", ".RS", f"\\fB{_text(command)}\\fR", ".RE")


def _tagged(pairs: Pairs) -> Iterator[str]:
    for term, text in pairs:
        yield from (".TP", re.sub(r"[A-Z]{2,}$", r"\\fI\g<0>\\fR", f"\\fB{_text(term)}\\fR"), _text(text))


def _text(text: str) -> str:
    """Text that no macro and no escape is made from."""
    escaped = text.replace("`", "").replace("\\", "\\e").replace("-", "\\-").replace("\n", " ")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def manual_pages() -> Iterator[tuple[str, str]]:
    """File name and text of every manual page."""
    commands = list(command_pages())
    alone = ("paraductl (1)", "paraduxd (8)")
    everything = [f"{_name(page)} (1)" for page in commands]
    yield "man1/paraductl.1", roff(client_page(), 1, [*everything, alone[1]], commands)
    for page in commands:
        yield f"man1/{_name(page)}.1", roff(page, 1, alone)
    yield "man8/paraduxd.8", roff(daemon_page(), 8, alone[:1])


def main() -> None:
    """See the module."""
    if sys.argv[1] == "--reference":
        for path in REFERENCE.glob("*.md"):
            path.unlink()
        for name, text in reference().items():
            _write(REFERENCE / name, text)
        return
    target = Path(sys.argv[1])
    for name, text in manual_pages():
        _write(target / name, text)
    for shell in _SHELLS:
        _write(target / f"completion/paraduxd.{shell}", shtab.complete(daemon.parser(), shell))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
