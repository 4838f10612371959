"""What a user reads is true: commands, links, options, exit codes."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from paraductl import main
from paraductl.command_loader import Commands
from paraduxd.api.errors import ExitCode
from tests.packaging.contrib_module import load

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


MANUALS = load("manuals")
PAGES = {page.title: page for page in [MANUALS.client_page(), *MANUALS.command_pages(), MANUALS.daemon_page()]}


def name_of(document: Path) -> str:
    """What a test's parameter is called."""
    return str(document.relative_to(ROOT))


def help_of(*command: str) -> str:
    argv = [sys.executable, "-m", "paraductl.main", *command, "--help"]
    return subprocess.run(argv, capture_output=True, text=True, check=True, env={"COLUMNS": "200", "PATH": ""}).stdout


def documented_commands() -> dict[str, str]:
    """Command -> the synopsis in the README's table (`\\|` is how a table writes a bar)."""
    rows = re.findall(r"^\| (`.+?) \| .+ \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    synopses = [synopsis for row in rows for synopsis in re.findall(r"`([^`]+)`", row)]
    return {synopsis.split()[0]: synopsis.replace("\\|", "|") for synopsis in synopses}


def test_the_readme_lists_exactly_the_commands_that_exist() -> None:
    modules = {path.stem.replace("_", "-") for path in (ROOT / "paraductl" / "commands").glob("*.py")} - {"--init--"}
    assert set(documented_commands()) == modules


@pytest.mark.parametrize("command", sorted(documented_commands()))
def test_every_documented_option_exists(command: str) -> None:
    text = help_of(command)
    for option in re.findall(r"--[a-z-]+", documented_commands()[command]):
        assert option in text, f"{command} has no {option}"


def test_the_readme_names_the_exit_codes() -> None:
    text = (ROOT / "README.md").read_text()
    for code in (ExitCode.NOT_AUTHORIZED, ExitCode.UNREACHABLE, ExitCode.INVALID_CONFIG, ExitCode.CRITICAL):
        assert re.search(rf"\b{int(code)}\b", text)


def prose(document: Path) -> str:
    """The text of a page without its examples."""
    return re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)


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


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document: Path) -> None:
    for target, anchor in links(document):
        assert target.exists(), f"{document.name} links to {target}"
        assert not anchor or anchor in anchors(target), f"{document.name} links to {target.name}#{anchor}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_files_that_documents_name_exist(document: Path) -> None:
    for name in re.findall(
        r"`((?:paraduxd|paraductl|tests|contrib|schema|benchmarks|docs)/[\w./-]+)`", document.read_text()
    ):
        assert (ROOT / name).exists(), f"{document.name} names {name}"


def test_links_lead_from_the_readme_to_every_page() -> None:
    reached: set[Path] = set()
    following = [ROOT / "README.md"]
    while following:
        page = following.pop()
        if page.suffix == ".md" and page not in reached:
            reached.add(page)
            following += [target for target, _ in links(page)]
    assert set(DOCUMENTS) - reached == {ROOT / "docs" / "formats.md"}, "no link leads there"


def test_the_old_address_of_the_formats_leads_to_the_new_one() -> None:
    """Kits of earlier versions name it."""
    assert links(ROOT / "docs" / "formats.md") == [(ROOT / "docs" / "reference" / "formats.md", "")]


def test_the_pages_of_the_commands_are_those_that_the_parsers_give() -> None:
    written = {path.name: path.read_text() for path in (ROOT / "docs/reference/commands").glob("*.md")}
    assert written == MANUALS.reference(), "run: python contrib/manuals.py --reference"


def parse(line: str) -> None:
    """Raises for a command line that paraductl or paraduxd refuses; for `--help` nothing is looked at."""
    program, *words = shlex.split(line)
    if program == "paraduxd":
        MANUALS.daemon.parser().parse_args(words)
    elif "--help" not in words and "--version" not in words:
        arguments = main.outer_parser().parse_args(words)
        command = Commands(warn=pytest.fail, folder=ROOT / "nonexistent").find(arguments.command)
        assert command, f"there is no command {arguments.command}"
        main.command_parser(arguments.command, command).parse_intermixed_args(arguments.rest, arguments)


@pytest.mark.parametrize("title", sorted(PAGES))
def test_every_command_has_examples_that_its_parser_takes(title: str) -> None:
    assert PAGES[title].examples
    for _, line in PAGES[title].examples:
        parse(line)


def test_the_reference_has_every_exit_code() -> None:
    text = (ROOT / "docs/reference/exit-codes.md").read_text()
    assert re.findall(r"^\| ([0-9]+) \|", text, re.MULTILINE) == [str(int(code)) for code in ExitCode]
    assert set(MANUALS.EXITS) == set(ExitCode)


def status_keys(schema: Any, part: Any, path: str = "") -> Iterator[str]:
    """The paths of all keys of the status document, those of errors left out."""
    name = part.get("$ref", "").rpartition("/")[2]
    if name and name not in ("time", "count", "state", "error"):
        part = schema["$defs"][name]
    if "items" in part:
        yield from status_keys(schema, part["items"], f"{path}[]")
    for key, value in part.get("properties", {}).items():
        yield (inner := f"{path}.{key}".removeprefix("."))
        yield from status_keys(schema, value, inner)
    for other in part.get("oneOf", []):
        yield from status_keys(schema, other, path)


def test_the_reference_has_every_key_of_the_status_document() -> None:
    schema = json.loads((ROOT / "schema/status.schema.json").read_text())
    rows = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs/reference/status.md").read_text(), re.MULTILINE)
    assert rows == list(status_keys(schema, schema))
