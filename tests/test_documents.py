"""What a user reads is true: commands, links, options, exit codes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from paraduxd.api.errors import ExitCode

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_documents_name_exist(document: Path) -> None:
    for name in re.findall(
        r"`((?:paraduxd|paraductl|tests|contrib|schema|benchmarks)/[\w./-]+)`", document.read_text()
    ):
        assert (ROOT / name).exists(), f"{document.name} names {name}"


def test_every_page_of_the_documentation_is_linked_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    assert [page.name for page in (ROOT / "docs").glob("*.md") if f"docs/{page.name}" not in text] == []
