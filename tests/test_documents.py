"""What a user reads is true: commands, links, options, exit codes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from paraduxd.api.errors import ExitCode

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


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
