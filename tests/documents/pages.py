"""The pages of the documentation: their examples, commands, config samples, links and anchors."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from paraductl import main
from paraductl.command_loader import Commands
from paraduxd.keeper.config.protocol_plugins import capabilities_of
from paraduxd.protocols import registry
from tests.checkout import ROOT
from tests.packaging.contrib_module import load

MANUALS = load("manuals")
JSON_SCHEMAS = load("json_schemas")
EVERY_PAGE = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PAGES = [page for page in EVERY_PAGE if page.name != "CONTRIBUTING.md"]
"""Its guides add a protocol and a command, and are followed by tests of their own."""

COMMANDS = Commands(warn=pytest.fail, folder=ROOT / "nonexistent")
CAPABILITIES = capabilities_of(registry.load(ROOT / "no-such-folder"))
EXAMPLE = json.loads((ROOT / "schema/examples/minimal.json").read_text())

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_PLACEHOLDER = re.compile(r"paraductl( \[OPTIONS\])? (COMMAND|\.\.\.)")
_END = re.compile(r"\s(?:\||>|2>|&|;|#|\|\|)(?=\s|&|$)|[;)&]|\s+$")


def name_of(page: Path) -> str:
    """What a test's parameter is called."""
    return str(page.relative_to(ROOT))


def blocks(page: Path, *languages: str) -> Iterator[str]:
    for _, language, text in _FENCE.findall(page.read_text()):
        if language in languages:
            yield text


def fenced(page: Path) -> Iterator[str]:
    """The command lines of our programs in the examples, without what the shell takes for itself; drawings are left out."""
    typed = [re.findall(r"^ *\$ (.*)$", text, re.MULTILINE) for text in blocks(page, "console")]
    scripts = [text.splitlines() for text in blocks(page, "", "sh") if "──" not in text]
    for line in [line.strip() for lines in typed + scripts for line in lines]:
        for found in re.finditer(r"(?:^|[\s(])(paradu(?:ctl|xd)(?:\s.*|$))", line):
            if not re.search(r"(apt|systemctl|journalctl|cp|mv) ", line[: found.start(1)]):
                yield _END.split(found[1].split("  #")[0])[0]


def inline(page: Path) -> Iterator[str]:
    """Commands in running text."""
    text = _FENCE.sub("", page.read_text())
    for found in re.findall(r"`((?:paraductl|paraduxd)(?: [^`]+)?)`", text):
        if not _PLACEHOLDER.match(found):
            yield re.sub(r"\s+", " ", found)


def parse(line: str) -> None:
    """Raises for a command line that paraductl or paraduxd refuses; of `--help` nothing is looked at."""
    program, *words = shlex.split(line.partition(" > ")[0])
    if program == "paraduxd":
        MANUALS.daemon.parser().parse_args(words)
    elif "--help" not in words and "--version" not in words:
        arguments = main.outer_parser().parse_args(words)
        command = COMMANDS.find(arguments.command)
        assert command, f"there is no command {arguments.command}"
        main.command_parser(arguments.command, command).parse_intermixed_args(arguments.rest, arguments)


def options_of(line: str) -> set[str]:
    """All options that stand for the command of a line."""
    program, *words = line.split()
    if program == "paraduxd":
        return set(MANUALS.daemon.parser()._option_string_actions)
    general = main.outer_parser()
    named = [word for word in words if not word.startswith("-") and COMMANDS.find(word)]
    if not named:
        assert not words or words[0].startswith("-"), f"there is no such command: {line}"
        return set(general._option_string_actions)
    command = COMMANDS.find(named[0])
    assert command
    parser = main.command_parser(named[0], command)
    return {*general._option_string_actions, *parser._option_string_actions}


def parts(block: dict[str, Any]) -> dict[str, Any]:
    """A whole config for a sample: one that is no whole config replaces parts of the smallest one."""
    return block if "version" in block else EXAMPLE | block


def prose(document: Path) -> str:
    """The text of a page without its examples."""
    return re.sub(r"^ *```.*?^ *```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)


def links(document: Path) -> list[tuple[Path, str]]:
    """The local files that a page links to, each with the anchor in it, or ""."""
    found = re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", prose(document))
    return [
        (Path(os.path.normpath(document.parent / target)) if target else document, anchor)
        for target, anchor in found
        if "://" not in target
    ]


def anchors(document: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
